"""What only the app can tell of the configuration: its themes and keys, checked like all else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatterm.config.paths import (
    ConfigFileError,
    Problem,
    dotted,
    line_of,
    lines_of_keys,
    read_config,
)
from chatterm.tui.keys import key_problems
from chatterm.tui.themes import theme_problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chatterm.config import Config
    from chatterm.config.paths import KeyPath


def app_problems(document: Mapping[str, Any], text: str, path: Path) -> list[Problem]:
    """What is wrong with the theme and the keys of a configuration file.

    Args:
        document: Its TOML. Values of a wrong type are left to those who read the whole of it.
        text: What it was read from, to find the lines; may be empty where it can't be read again.
        path: The file; the user's own themes are beside it.
    """
    found: list[tuple[KeyPath, str]] = []
    theme, ui = document.get("theme"), document.get("ui")
    if isinstance(theme, str) and (wrong := theme_problem(theme, path.parent / "themes")):
        found.append((("theme",), wrong))
    keys = ui.get("keys") if isinstance(ui, dict) else None
    given = keys.items() if isinstance(keys, dict) else ()
    strings = {name: value for name, value in given if isinstance(value, str)}
    found += [(("ui", "keys", name), wrong) for name, wrong in key_problems(strings)]
    lines = lines_of_keys(text) if found else {}
    return [Problem(dotted(key), message, line_of(lines, key)) for key, message in found]


def check_file(path: Path) -> None:
    """Tell everything that is wrong in a configuration file at once.

    Raises:
        FileNotFoundError: There is no such file; NotADirectoryError: nor could there be one.
        ConfigFileError: It can't be read, or something in it is wrong.
    """
    from chatterm.config.load import parse_config
    from chatterm.config.paths import parse_toml

    data = read_config(path)
    text, document = parse_toml(data, path)
    problems = app_problems(document, text, path)
    try:
        parse_config(data, path)
    except ConfigFileError as error:
        problems += error.problems
    if problems:
        raise ConfigFileError(path, sorted(problems, key=lambda one: one.line or 0))


def check_app_settings(config: Config, path: Path) -> None:
    """Tell file and line of what keeps the app from starting.

    Raises:
        ConfigFileError: The configuration's keys are wrong. (With a wrong theme it starts.)
    """
    document = {"ui": {"keys": dict(config.ui.keys)}}
    # A pipe was emptied by the first reading, and a second one could wait for ever.
    text = read_config(path).decode() if path.is_file() else ""
    if problems := app_problems(document, text, path):
        raise ConfigFileError(path, sorted(problems, key=lambda one: one.line or 0))
