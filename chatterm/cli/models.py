"""`chatterm models`: what the providers offer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from chatterm.cli import completing
from chatterm.cli.saying import say
from chatterm.cli.styles import SETTINGS
from chatterm.errors import UsageError

if TYPE_CHECKING:
    from chatterm.config import Config, ProviderConfig

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
        typer.Argument(
            metavar="[PROVIDER | install NAME]",
            help="Only this one, not all ready.",
            autocompletion=completing.providers,
        ),
    ] = None,
    which: Annotated[str | None, typer.Argument(hidden=True)] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, for programs.")
    ] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask anew, whatever was listed before.")
    ] = False,
) -> int:
    """List the models that providers offer: a table, or one `provider/model` a line in a pipe.

    What a provider listed is kept for a day. Prices are in US dollars for a million tokens, from a
    list that may be older than they are; what isn't known says so.

    `chatterm models install smollm2` fetches a tiny model that runs on this machine.
    """
    if provider == "install":
        return _install(which)
    if which is not None:
        from difflib import get_close_matches

        meant = bool(get_close_matches(provider or "", ["install"]))
        raise UsageError(
            "one provider at a time",
            hint=f"did you mean `chatterm models install {which[:60]}`?"
            if meant and which.isprintable()
            else "`chatterm models PROVIDER` lists its models; without one those of all",
        )
    from chatterm.cli.models_listing import print_models
    from chatterm.config import config_path, load_config

    where = config_path()
    config = load_config(where.path, required=where.explicit)
    return print_models(_chosen(provider, config), config, as_json=as_json, refresh=refresh)


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
