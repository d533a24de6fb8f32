"""The tools by their names; each is loaded only when it is offered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from chatterm.errors import ConfigError
from chatterm.permissions.places import Places
from chatterm.permissions.sandbox.covered import Covered
from chatterm.permissions.sandbox.levels import Level
from chatterm.tools.base import Tool

# Of each tool that is made with places alone: its module here, and its class.
_OF_FILES = {
    "read_file": "ReadFile",
    "list_files": "ListFiles",
    "search": "Search",
    "write_file": "WriteFile",
    "edit_file": "EditFile",
}
NAMES = ("shell", *_OF_FILES, "fetch_url")
"""The names of all tools."""


def open_tools(
    names: Iterable[str],
    *,
    level: Level,
    places: Places,
    covered: Callable[[Path | None], Covered] | None = None,
) -> list[Tool]:
    """Make tools.

    Args:
        names: Their names; one that is named twice is made once.
        level: How the shell's commands are caged.
        places: What the file tools may touch.
        covered: What is protected and hidden from the shell in a workspace; None is the usual.

    Raises:
        ConfigError: There is no tool of that name.
    """
    return [_open(name, level, places, covered) for name in dict.fromkeys(names)]


def _open(
    name: str, level: Level, places: Places, covered: Callable[[Path | None], Covered] | None
) -> Tool:
    if name == "shell":
        from chatterm.tools.shell import Shell

        return Shell(level, covered)
    if name == "fetch_url":
        return _made(name, "FetchUrl")
    if name in _OF_FILES:
        return _made(name, _OF_FILES[name], places)
    raise ConfigError(f"there is no tool {name!r}", hint=f"the tools are {', '.join(NAMES)}")


def _made(module: str, cls: str, *arguments: Any) -> Tool:
    """A tool out of the module of its name."""
    return cast("Tool", getattr(import_module(f"chatterm.tools.{module}"), cls)(*arguments))
