"""`chatterm providers`: who can be asked, and what is missing where nobody can."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatterm.cli.saying import say
from chatterm.cli.styles import SETTINGS

if TYPE_CHECKING:
    from chatterm.config import ProviderConfig

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings=SETTINGS,
)

_READY, _IF_RUNNING, _MISSING = "ready", "if running", "not ready"


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
    rows = [row_of(name, settings) for name, settings in all_providers(config).items()]
    if as_json:
        import json

        for row in rows:
            say(json.dumps(row))
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        say(f"{row['name']:<{width}}  {row['state']:<10}  {row['protocol']:<10}  {row['why']}")


def row_of(name: str, settings: ProviderConfig) -> dict[str, Any]:
    """What is known of a provider without asking it."""
    from chatterm.providers.registry import IMPLEMENTED

    if settings.protocol not in IMPLEMENTED:
        state, why = _MISSING, "this version doesn't have its protocol"
    else:
        state, why = _state(name, settings)
    return {
        "name": name,
        "protocol": settings.protocol,
        "base_url": settings.base_url,
        "state": state,
        "why": why,
    }


def _state(name: str, settings: ProviderConfig) -> tuple[str, str]:
    """Whether a provider can be asked, as far as that shows without asking, and why."""
    from chatterm.config import Need, has_stored_key, is_loopback, need_of

    if settings.protocol == "local":
        from chatterm.providers.local.models import missing

        lacking = missing()
        return (_READY, "needs no key") if lacking is None else (_MISSING, lacking)
    need = need_of(settings)
    variable = settings.api_key_env
    if settings.api_key_command:
        return _READY, f"key from the command {settings.api_key_command[0]}"
    if variable and os.environ.get(variable, "").strip():
        return _READY, f"key from {variable}"
    if need is Need.NEVER and settings.base_url is None:
        return _READY, "needs no key"
    if need is not Need.REQUIRED:
        here = is_loopback(settings.base_url)
        return (_IF_RUNNING, "on this machine") if here else (_READY, "needs no key")
    if has_stored_key(name):
        return _READY, "key from the keyring"
    return _MISSING, f"no key: set {variable}" if variable else f"no key: chatterm key set {name}"
