"""The templates there are, and which of them a name means.

The user's are in `prompts/` beside the configuration, a project's own in `.chatterm/prompts/`. A
file `NAME.md` is the template NAME; of two the user's counts.

`user:NAME` and `project:NAME` say which one is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from chatterm.config.load import nearest
from chatterm.config.paths import ConfigFileError, Problem
from chatterm.errors import ChattermError, UsageError
from chatterm.permissions.places import Places
from chatterm.prompts.template import Template, parse
from chatterm.prompts.texts import Spot, exists, names_in, opened, visible
from chatterm.render.sanitize import escape_controls
from chatterm.tools.base import ToolError
from chatterm.tools.decoding import decode, is_binary

MOST_BYTES = 65_536
DIRECTORY = "prompts"
USER, PROJECT = "user", "project"
_MOST_FILES = 500
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A template of the list.

    Attributes:
        name: What it is called by: with `project:` before it where the user has another one.
        project: It came with the project.
        path: Its file.
        template: What it says; None where that can't be had.
        problem: Why it can't be used as it is.
    """

    name: str
    project: bool
    path: Path
    template: Template | None
    problem: str = ""


class Library:
    """Finds templates.

    Args:
        configuration: The directory of the user's configuration; None where there is none.
        places: What is where, the workspace among it.
    """

    def __init__(self, configuration: Path | None, places: Places) -> None:
        self._places = places
        self._directories: dict[str, Path] = {}
        if configuration is not None:
            self._directories[USER] = configuration / DIRECTORY
        if places.workspace is not None:
            self._directories[PROJECT] = places.workspace / ".chatterm" / DIRECTORY

    def find(self, name: str) -> Template:
        """The template of a name.

        Raises:
            UsageError: There is none.
            ConfigFileError: It can't be read, or something in it is wrong.
        """
        origin, colon, plain = name.rpartition(":")
        if _NAME.fullmatch(plain) and (not colon or origin in (USER, PROJECT)):
            for each, directory in self._directories.items():
                path = directory / f"{plain}.md"
                if (not colon or origin == each) and exists(path):
                    return self._read(plain, path, project=each == PROJECT)
        known = [entry.name for entry in self.entries()]
        near = nearest(name, known).removeprefix("; ")
        where = " and ".join(escape_controls(str(each)) for each in self._directories.values())
        there_are = f"there are {', '.join(known)}" if known else f"none is in {where}"
        raise UsageError(f"there is no template {name[:64]!a}", hint=near or there_are)

    def entries(self) -> list[Entry]:
        """All templates, by name; blocks."""
        found = [entry for origin in self._directories for entry in self._entries(origin)]
        mine = {entry.name for entry in found if not entry.project}
        named = [
            replace(each, name=f"{PROJECT}:{each.name}")
            if each.project and each.name in mine
            else each
            for each in found
        ]
        return sorted(named, key=lambda each: each.name.rpartition(":")[::-1])

    def _entries(self, origin: str) -> Iterator[Entry]:
        directory, project = self._directories[origin], origin == PROJECT
        try:
            names = list(names_in(directory, mine=not project, places=self._places))
        except ToolError as error:
            yield Entry(directory.name, project, directory, None, escape_controls(error.message))
            return
        for file in [each for each in names if each.endswith(".md")][:_MOST_FILES]:
            name, path = file.removesuffix(".md"), directory / file
            if not _NAME.fullmatch(name):
                problem = "its name isn't of letters, digits, - and _, so that nobody can type it"
                yield Entry(escape_controls(name)[:64], project, path, None, problem)
                continue
            try:
                yield Entry(name, project, path, self._read(name, path, project=project))
            except ChattermError as error:
                yield Entry(name, project, path, None, error.message)

    def _read(self, name: str, path: Path, *, project: bool) -> Template:
        shown = escape_controls(str(path))
        try:
            with opened(Spot(path, shown, mine=not project), self._places) as file:
                data = file.read(MOST_BYTES + 1)
        except ToolError as error:
            raise ConfigFileError(path, [Problem("", error.message)]) from None
        if len(data) > MOST_BYTES:
            what = f"is larger than {MOST_BYTES >> 10} KiB"
            raise ConfigFileError(path, [Problem("", what)])
        decoded = decode(data)
        if is_binary(data) or not decoded.exact:
            raise ConfigFileError(path, [Problem("", "isn't UTF-8 text")])
        text = visible(decoded.text) if project else decoded.text
        return parse(text, name, path, project=project)
