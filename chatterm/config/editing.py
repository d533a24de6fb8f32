"""Changing a setting in the user's configuration file; comments and layout stay as they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.config.example import example_toml
from chatterm.config.load import parse_config
from chatterm.config.paths import ConfigFileError, Problem, read_config
from chatterm.config.schema import Config, ProviderConfig
from chatterm.config.writing import changing, replace_file

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


def edit_config(
    path: Path, change: Callable[[TOMLDocument, Config], None], key: str, what: str
) -> None:
    """Change a configuration file, which is made where it is missing.

    Args:
        path: The file.
        change: Changes the document; it is given what the file says now.
        key: The setting that is changed, for messages.
        what: What can't be done where the file is written in a way that can't be changed.

    Raises:
        ConfigError: The file is wrong, or can't be written; it is as it was.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    with changing(path) as target:
        try:
            text = read_config(path).decode("utf-8", "surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            text = ""
        config = parse_config(text, path)
        try:
            mark = text[: text.startswith("\ufeff")]  # an editor's; no part of TOML
            document = tomlkit.parse(text.removeprefix(mark))
            change(document, config)
            changed = mark + tomlkit.dumps(document)
        except (TOMLKitError, TypeError, AttributeError) as error:
            problem = f"{what}: {error}; write it by hand"
            raise ConfigFileError(path, [Problem(key, problem)]) from error
        if changed == text:
            return
        parse_config(changed, path)  # what is written can be read
        replace_file(target, changed)


def save_theme(path: Path, name: str) -> None:
    """Have a theme used from now on.

    Raises:
        ConfigError: The file is wrong, or can't be written; it is as it was.
    """

    def choose(document: TOMLDocument, config: Config) -> None:
        if config.theme != name:
            _set(document, "theme", name)

    edit_config(path, choose, "theme", "the theme can't be changed in it")


def save_choices(
    path: Path,
    *,
    model: str | None = None,
    theme: str | None = None,
    providers: Mapping[str, ProviderConfig] | None = None,
) -> None:
    """Have a model, a theme and further providers used from now on; None and what is so stay.

    A file that is missing is made with every key and its comment; of one that exists nothing but
    these keys changes.

    Args:
        path: The file.
        model: `provider/model`.
        theme: The theme's name.
        providers: Providers that the file doesn't have.

    Raises:
        ConfigError: The file is wrong, or can't be written; it is as it was.
    """
    if not os.path.lexists(path):
        chosen = Config(model=model, theme=theme or Config().theme, providers=providers or {})
        with changing(path) as target:
            replace_file(target, example_toml(chosen))
        return

    def choose(document: TOMLDocument, config: Config) -> None:
        # Tables first: tomlkit finds none any more behind a key that was put before them.
        for name, provider in (providers or {}).items():
            if name not in config.providers:
                _add_provider(document, name, provider)
        for key, value in (("model", model), ("theme", theme)):
            if value is not None and getattr(config, key) != value:
                _set(document, key, value)

    edit_config(path, choose, "model", "the choices can't be written into it")


def _add_provider(document: TOMLDocument, name: str, provider: ProviderConfig) -> None:
    """Add a provider's table: after the others, or at the end of the file."""
    import tomlkit

    table = tomlkit.table()
    table.add("protocol", provider.protocol)
    if provider.base_url is not None:
        table.add("base_url", provider.base_url)
    if "providers" in document:
        document["providers"][name] = table
        return
    above = tomlkit.table(is_super_table=True)
    above.add(name, table)
    document.add("providers", above)


def _set(document: TOMLDocument, key: str, value: str) -> None:
    """Set a key of the file itself; a new one stands after the last of its kind.

    tomlkit would put it right before the first table, between that and the comment about it.
    """
    import tomlkit
    from tomlkit.items import AoT, Comment, Table, Whitespace

    body = document.body
    tables = (n for n, (_, item) in enumerate(body) if isinstance(item, AoT | Table))
    place = next(tables, None)
    if key in document or place is None:
        document[key] = value
        return
    keys = [n + 1 for n in range(place) if body[n][0] is not None]
    if keys:
        place = keys[-1]
    else:
        while place and isinstance(body[place - 1][1], Comment):
            place -= 1
    item = tomlkit.item(value)
    if not isinstance(body[place][1], Whitespace) and not keys:
        item.trivia.trail = "\n\n"
    body.insert(place, (tomlkit.key(key), item))
