"""`chatterm key`: the system keyring's entries for API keys."""

from __future__ import annotations

from typing import Annotated

import typer

from chatterm.cli import completing
from chatterm.cli.styles import SETTINGS
from chatterm.render.console import print_line

app = typer.Typer(
    help="API keys in the system keyring.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    context_settings=SETTINGS,
)

_Provider = Annotated[
    str,
    typer.Argument(
        metavar="PROVIDER", help="The provider's name.", autocompletion=completing.providers
    ),
]

# More than any key; what is longer is a file that was piped in by mistake.
_MAX_CHARS = 16_384


@app.command(name="set")
def set_key(provider: _Provider) -> None:
    """Store a provider's key: typed without echo, or piped in. Never given as an argument."""
    from chatterm.config import store_key

    local = _check_provider(provider)
    store_key(provider, _read_key(provider))
    print_line(f"the key for {provider} is in the system keyring")
    if local:
        print_line(
            f"it is used once providers.{provider}.auth is set: a server on this machine is "
            "otherwise asked without a key"
        )


@app.command()
def delete(provider: _Provider) -> None:
    """Remove a provider's key from the system keyring."""
    from chatterm.config import delete_key
    from chatterm.errors import ConfigError

    # Any name will do: the provider may have left the configuration before its key.
    if not delete_key(provider):
        raise ConfigError(f"the system keyring has no key for {provider!a}")
    print_line(f"the key for {provider} is deleted")


def _check_provider(name: str) -> bool:
    """Refuse a name that no provider has, and a provider that takes no key.

    Returns:
        Whether the provider is on this machine, so that the keyring isn't asked for its key.
    """
    from chatterm.config import Need, all_providers, config_path, is_loopback, load_config, need_of
    from chatterm.errors import ConfigError, UsageError

    where = config_path()
    providers = all_providers(load_config(where.path, required=where.explicit))
    if name not in providers:
        from difflib import get_close_matches

        near = get_close_matches(name, providers, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(providers)}"
        raise ConfigError(f"no provider is named {name!a}", hint=hint)
    need = need_of(providers[name])
    if need is Need.NEVER:
        raise UsageError(f"the provider {name} takes no key")
    return need is Need.OPTIONAL and is_loopback(providers[name].base_url)


def _read_key(provider: str) -> str:
    import sys

    from chatterm.errors import UsageError

    if sys.stdin.isatty():
        return _ask(provider)
    try:
        text = sys.stdin.read(_MAX_CHARS + 1)
    except UnicodeDecodeError:
        raise UsageError("standard input isn't text") from None
    if len(text) > _MAX_CHARS:
        raise UsageError("standard input is too long for a key")
    if not text.strip():
        raise UsageError(
            "no key on standard input", hint=f"run `chatterm key set {provider}` in a terminal"
        )
    return text


def _ask(provider: str) -> str:
    """Read a key from the terminal; where its echo can't be turned off, don't read it at all."""
    import getpass
    import warnings

    from chatterm.errors import UsageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            text = getpass.getpass(f"key for {provider} (not shown): ")
    except getpass.GetPassWarning:
        raise UsageError("this terminal would show the key", hint="pipe it in instead") from None
    except EOFError:
        text = ""
    if not text.strip():
        raise UsageError("no key was given")
    return text
