"""`chatterm providers`: who can be asked, and what is missing where nobody can."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatterm.cli.saying import say
from chatterm.cli.styles import SETTINGS

if TYPE_CHECKING:
    from chatterm.config import ProviderConfig

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, context_settings=SETTINGS)


@app.command()
def providers(
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, for programs.")
    ] = False,
) -> None:
    """List the providers, whether each is ready, and where its key comes from."""
    from chatterm.config import all_providers, config_path, load_config

    where = config_path()
    config = load_config(where.path, required=where.explicit)
    rows = [_row(name, settings) for name, settings in all_providers(config).items()]
    if as_json:
        import json

        for row in rows:
            say(json.dumps(row))
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        mark = "ready" if row["ready"] else "-"
        say(f"{row['name']:<{width}}  {mark:<5}  {row['protocol']:<10}  {row['why']}")


def _row(name: str, settings: ProviderConfig) -> dict[str, Any]:
    from chatterm.providers.registry import IMPLEMENTED

    if settings.protocol not in IMPLEMENTED:
        ready, why = False, "this version doesn't have its protocol"
    else:
        ready, why = _key_state(name, settings)
    return {
        "name": name,
        "protocol": settings.protocol,
        "base_url": settings.base_url,
        "ready": ready,
        "why": why,
    }


def _key_state(name: str, settings: ProviderConfig) -> tuple[bool, str]:
    """Whether a provider has the key it needs. Commands aren't run for this."""
    from chatterm.config import Need, has_stored_key, need_of

    need = need_of(settings)
    variable = settings.api_key_env
    if need is Need.NEVER:
        return True, "needs no key"
    if variable and os.environ.get(variable, "").strip():
        return True, f"key from {variable}"
    if settings.api_key_command:
        return True, f"key from the command {settings.api_key_command[0]}"
    if need is Need.OPTIONAL:
        return True, "needs no key"
    if has_stored_key(name):
        return True, "key from the keyring"
    return False, f"no key: set {variable}" if variable else f"no key: chatterm key set {name}"
