"""`chatterm models`: what the providers offer."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Annotated

import typer

from chatterm.cli.saying import say
from chatterm.cli.styles import SETTINGS
from chatterm.errors import UsageError

if TYPE_CHECKING:
    from chatterm.config import Config, ProviderConfig
    from chatterm.providers.base import ModelInfo

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings=SETTINGS,
)


@app.command()
def models(
    provider: Annotated[
        str | None,
        typer.Argument(metavar="[PROVIDER | install NAME]", help="Only this one, not all ready."),
    ] = None,
    which: Annotated[str | None, typer.Argument(hidden=True)] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, for programs.")
    ] = False,
) -> int:
    """List the models that providers offer, one `provider/model` a line.

    `chatterm models install smollm2` fetches a tiny model that runs on this machine.
    """
    if provider == "install":
        return _install(which)
    if which is not None:
        raise UsageError("one provider at a time")
    from chatterm.config import config_path, load_config
    from chatterm.errors import ExitStatus, ProviderError
    from chatterm.providers.listing import listed, merged
    from chatterm.render.console import print_error

    where = config_path()
    config = load_config(where.path, required=where.explicit)
    status = ExitStatus.COMPLETED
    for name, settings in _chosen(provider, config).items():
        found: list[ModelInfo] = []
        try:
            found = asyncio.run(listed(name, settings, config.stream))
        except ProviderError as error:
            print_error(error.message, error.hint)
            status = error.exit_status
        _print(name, merged(settings.models, found), as_json=as_json)
    return status


def _install(name: str | None) -> int:
    from chatterm.errors import ExitStatus
    from chatterm.providers.local.models import CATALOGUE, engine_is_here, install

    if name is None:
        raise UsageError("which model is to be installed?", hint=f"there is {', '.join(CATALOGUE)}")
    install(name, say)
    if not engine_is_here():
        say("what runs it isn't installed yet: pip install 'chatterm[local]'")
    else:
        say(f"try it: chatterm ask -m local/{name} hello")
    return ExitStatus.COMPLETED


def _chosen(name: str | None, config: Config) -> dict[str, ProviderConfig]:
    from chatterm.config import all_providers, check_name
    from chatterm.errors import ConfigError
    from chatterm.providers.listing import ready

    providers = all_providers(config)
    if name is not None:
        if name not in providers:
            raise check_name(f"{name}/", config) or ConfigError(f"no provider is named {name!a}")
        return {name: providers[name]}
    chosen = ready(config, os.environ)
    if not chosen:
        raise ConfigError(
            "no provider is ready",
            hint="set a key such as OPENAI_API_KEY, or name one: `chatterm models demo`",
        )
    return chosen


def _print(name: str, found: list[ModelInfo], *, as_json: bool) -> None:
    import json

    from chatterm.render.sanitize import sanitize_line

    for model in found:
        if as_json:
            say(
                json.dumps(
                    {
                        "model": f"{name}/{model.id}",
                        "name": model.name,
                        "context_window": model.context_window,
                    }
                )
            )
        else:
            say(sanitize_line(f"{name}/{model.id}"))
