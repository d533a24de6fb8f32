"""`chatterm models`: what the providers offer."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Annotated

import typer

from chatterm.cli.saying import say
from chatterm.cli.styles import SETTINGS

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
        str | None, typer.Argument(metavar="PROVIDER", help="Only this one; else all ready ones.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, for programs.")
    ] = False,
) -> int:
    """List the models that providers offer, one `provider/model` a line."""
    from chatterm.config import config_path, load_config
    from chatterm.errors import ExitStatus, ProviderError
    from chatterm.render.console import print_error

    where = config_path()
    config = load_config(where.path, required=where.explicit)
    status = ExitStatus.COMPLETED
    for name, settings in _chosen(provider, config).items():
        found: list[ModelInfo] = []
        try:
            found = _list(name, settings, config)
        except ProviderError as error:
            print_error(error.message, error.hint)
            status = error.exit_status
        _print(name, _merged(settings, found), as_json=as_json)
    return status


def _chosen(name: str | None, config: Config) -> dict[str, ProviderConfig]:
    from chatterm.config import all_providers, check_name, ready_providers
    from chatterm.errors import ConfigError
    from chatterm.providers.registry import IMPLEMENTED

    providers = all_providers(config)
    if name is not None:
        if name not in providers:
            raise check_name(f"{name}/", config) or ConfigError(f"no provider is named {name!a}")
        return {name: providers[name]}
    ready = [known.name for known in ready_providers(os.environ)]
    names = dict.fromkeys([*config.providers, *ready])
    chosen = {n: providers[n] for n in names if providers[n].protocol in IMPLEMENTED}
    if not chosen:
        raise ConfigError(
            "no provider is ready",
            hint="set a key such as OPENAI_API_KEY, or name one: `chatterm models demo`",
        )
    return chosen


def _list(name: str, settings: ProviderConfig, config: Config) -> list[ModelInfo]:
    from chatterm.providers.registry import open_named

    provider = open_named(name, settings, config.stream)

    async def ask() -> list[ModelInfo]:
        try:
            return await provider.models()
        finally:
            await provider.aclose()

    return asyncio.run(ask())


def _merged(settings: ProviderConfig, found: list[ModelInfo]) -> list[ModelInfo]:
    """The configuration's own models first, then what the server lists."""
    from chatterm.providers.base import ModelInfo

    listed = {model.id: model for model in found}
    own = [listed.pop(name, ModelInfo(name)) for name in settings.models]
    return [*own, *sorted(listed.values(), key=lambda model: model.id)]


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
