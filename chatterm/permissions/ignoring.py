"""What a repository's .gitignore files leave out, as the searching programs read them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_MOST_BYTES = 1_000_000
# Rules of ripgrep's own; rare enough not to be read.
_OTHER_RULES = (".ignore", ".rgignore")


class Ignored:
    """Tells which files of a workspace are ignored; reads each .gitignore once.

    Args:
        workspace: The real path of the workspace; where it is no repository, nothing is ignored.
    """

    def __init__(self, workspace: Path | None) -> None:
        self._top = workspace if workspace is not None and (workspace / ".git").exists() else None
        self._specs: dict[Path, GitIgnoreSpec | None] = {}

    def skips(self, path: Path, *, directory: bool) -> bool:
        """Whether a file or directory is ignored by a rule about itself.

        What is in an ignored directory is ignored as well; a caller that walks from the top leaves
        it out there.
        """
        if self._top is None or not path.is_relative_to(self._top) or path == self._top:
            return False
        at = path.parent
        while True:
            if (spec := self._spec(at)) is not None:
                name = path.relative_to(at).as_posix() + ("/" if directory else "")
                said = spec.check_file(name).include
                if said is not None:
                    return said
            if at == self._top or _is_repository(at):
                return False
            at = at.parent

    def shows(self, path: Path) -> bool:
        """Whether a rule may take a file in again that would be left out otherwise, as hidden."""
        if self._top is None or not path.is_relative_to(self._top) or path == self._top:
            return False
        at = path.parent
        while True:
            if any((at / name).exists() for name in _OTHER_RULES):
                return True
            spec = self._spec(at)
            name = path.relative_to(at).as_posix()
            if spec is not None and spec.check_file(name).include is False:
                return True
            if at == self._top:
                return False
            at = at.parent

    def _spec(self, directory: Path) -> GitIgnoreSpec | None:
        if directory not in self._specs:
            self._specs[directory] = _read(directory / ".gitignore")
        return self._specs[directory]


def _read(path: Path) -> GitIgnoreSpec | None:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8", "surrogateescape")
    except OSError:
        return None
    from pathspec import GitIgnoreSpec  # only where a tree is walked

    try:
        # At line feeds only: at every other end of line Python knows, git sees a longer pattern.
        return GitIgnoreSpec.from_lines(line.removesuffix("\r") for line in text.split("\n"))
    except ValueError:
        return None


def _is_repository(directory: Path) -> bool:
    return os.path.lexists(directory / ".git")
