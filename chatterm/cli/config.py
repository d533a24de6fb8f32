"""`chatterm config`: where the configuration is, what it says, and whether it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from chatterm.cli.saying import say
from chatterm.cli.styles import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from chatterm.config import Config, ConfigPath

app = typer.Typer(
    help="The configuration: where it is, what it says, whether it is right.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    context_settings=SETTINGS,
)


@app.command()
def path() -> None:
    """Print the path of the configuration file, whether or not it exists."""
    from chatterm.config import config_path

    say(str(config_path().path))


@app.command()
def show() -> None:
    """Print the configuration in effect as TOML, without secrets."""
    from chatterm.config import config_path

    where = config_path()
    say("\n".join(_shown(_load(where), where)))


@app.command()
def check() -> None:
    """Report everything that is wrong in the configuration file; ends with 3 when something is."""
    from chatterm.config import config_path
    from chatterm.tui.checking import check_file

    where = config_path()
    try:
        check_file(where.path)
    except (FileNotFoundError, NotADirectoryError):
        _load(where)
        say(f"{where.path}: ok (there is no file; defaults count)")
    else:
        say(f"{where.path}: ok")


@app.command()
def init(
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing; write every key with its default.")
    ] = False,
) -> int:
    """Choose a model and the colours, and write them into the configuration file.

    On a terminal the setup of the first run is shown again; a file that exists keeps all but what
    is chosen. Elsewhere, with --defaults or with --force, a file that shows every key with its
    default is written.
    """
    if not (force or defaults) and _on_terminal():
        import os

        from chatterm.config import config_path, load_config
        from chatterm.linear.wanted import reason
        from chatterm.talking.options import AppOptions
        from chatterm.tui.start import start

        config = load_config(config_path().path)
        if reason(None, config.ui.plain, os.environ) is None:  # a terminal that can show it
            return start(AppOptions(set_up=True), config)
    _init(force=force)
    return 0


def _on_terminal() -> bool:
    import sys

    streams = sys.stdin, sys.stdout
    return all(stream is not None and stream.isatty() for stream in streams)


def _init(*, force: bool) -> None:
    from chatterm.config import config_path
    from chatterm.config.example import example_toml
    from chatterm.errors import ConfigError

    target = config_path().path
    try:
        _write(target, example_toml(), force=force)
    except FileExistsError:
        raise ConfigError(
            f"{target} exists", hint="`chatterm config init --force` replaces it"
        ) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"{target} can't be written: {reason}") from None
    say(str(target))


def _load(where: ConfigPath) -> Config:
    from chatterm.config import load_config

    return load_config(where.path, required=where.explicit)


def _write(target: Path, text: str, *, force: bool) -> None:
    """Write a file that only its owner can read; a file that is replaced is replaced whole."""
    import os

    if not target.parent.exists():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not force:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        return
    from chatterm.config.writing import replace_file

    replace_file(
        target.resolve(), text, private=True
    )  # a link into a dotfiles directory stays a link


def _shown(config: Config, where: ConfigPath) -> Iterator[str]:
    """The configuration as TOML; what is only a default says so."""
    import os

    from chatterm.config import ready_providers

    missing = "" if where.path.exists() else ", which doesn't exist"
    yield f"# {where.path} ({where.source}{missing})"
    for known in ready_providers(os.environ):
        if known.name not in config.providers:
            yield f"# the provider {known.name} is ready: {known.key_env} is set"
    yield from _table((), config, type(config)())


def _table(name: tuple[str, ...], table: object, default: object) -> Iterator[str]:
    """A table's keys, then the tables in it; `default` is what it would be unconfigured."""
    from dataclasses import is_dataclass

    from chatterm.config.example import toml_key, toml_value

    items, usual = _items(table), _items(default)
    tables = {
        key: value
        for key, value in items.items()
        if is_dataclass(value) or key in {"aliases", "providers", "keys"}
    }
    if name and len(tables) < len(items):
        yield f"\n[{'.'.join(map(toml_key, name))}]"
    for key, value in items.items():
        if key not in tables and value is not None:
            note = "  # default" if key in usual and usual[key] == value else ""
            yield f"{toml_key(key)} = {toml_value(_hidden(key, value))}{note}"
    for key, value in tables.items():
        yield from _table((*name, key), value, usual.get(key))


def _items(table: object) -> Mapping[str, object]:
    from dataclasses import fields, is_dataclass

    from chatterm.config import ProviderConfig

    if isinstance(table, ProviderConfig):
        # Only what it sets: most of the rest is for other protocols.
        usual = ProviderConfig(protocol=table.protocol)
        items = {spec.name: getattr(table, spec.name) for spec in fields(table)}
        return {
            key: value
            for key, value in items.items()
            if key == "protocol" or value != getattr(usual, key)
        }
    if is_dataclass(table):
        return {spec.name: getattr(table, spec.name) for spec in fields(table)}
    return dict(table) if isinstance(table, dict) else {}


def _hidden(key: str, value: object, *, free: bool = False) -> object:
    """A value without its secrets. In headers and body (`free`) a name can tell one, too."""
    from chatterm.config import redact
    from chatterm.redaction import REDACTED, is_secret_name, without_user

    if isinstance(value, dict):
        return {name: _hidden(name, one, free=True) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(key, one, free=free) for one in value]
    if not isinstance(value, str):
        return value
    if free and is_secret_name(key):
        return REDACTED
    return redact(without_user(value))
