"""The tools there are, opened by their names."""

from __future__ import annotations

from collections.abc import Iterable

from chatterm.errors import UsageError
from chatterm.permissions.places import Places
from chatterm.permissions.sandbox.levels import Level
from chatterm.tools.base import Tool


def open_tools(names: Iterable[str], *, level: Level, places: Places) -> list[Tool]:
    """The tools of these names.

    Raises:
        UsageError: There is no tool of a name.
    """
    return [_open(name, level, places) for name in names]


def _open(name: str, level: Level, places: Places) -> Tool:
    match name:
        case "shell":
            from chatterm.tools.shell import Shell

            return Shell(level)
        case "read_file":
            from chatterm.tools.read_file import ReadFile

            return ReadFile(places)
        case "write_file":
            from chatterm.tools.write_file import WriteFile

            return WriteFile(places)
        case "edit_file":
            from chatterm.tools.edit_file import EditFile

            return EditFile(places)
        case _:
            raise UsageError(f"there is no tool {name!a}")
