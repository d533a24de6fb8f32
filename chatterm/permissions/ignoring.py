"""What a repository's .gitignore files leave out, as the searching programs read them."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_MOST_BYTES = 1_000_000
# Rules of ripgrep's own; rare enough not to be read.
_OTHER_RULES = (".ignore", ".rgignore")
# How pathspec writes a `*`, a `**/` at the beginning, and one further on.
_STAR, _FIRST, _DEEP = "[^/]*", "(?:.+/)?", "(?:/.+)?"
_MOST_TRIED = 2
"""Of more wildcards in a line not all ends are tried: that would take hours, and nothing else runs
meanwhile."""


class Ignored:
    """Tells which files of a workspace are ignored; reads each .gitignore once.

    Args:
        workspace: The real path of the workspace.
        everywhere: Whether .gitignore counts where the workspace is no repository, too; else
            nothing is ignored there.
    """

    def __init__(self, workspace: Path | None, *, everywhere: bool = False) -> None:
        counts = workspace is not None and (everywhere or (workspace / ".git").exists())
        self._top = workspace if counts else None
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
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):  # a pipe would keep us waiting
            return None
        text = os.read(opened, _MOST_BYTES).decode("utf-8", "surrogateescape")
    except OSError:
        return None
    finally:
        os.close(opened)
    from pathspec import GitIgnoreSpec  # only where a tree is walked

    try:
        # At line feeds only: at every other end of line Python knows, git sees a longer pattern.
        spec = GitIgnoreSpec.from_lines(line.removesuffix("\r") for line in text.split("\n"))
    except ValueError:
        return None
    for line in spec.patterns:
        if isinstance(regex := getattr(line, "regex", None), re.Pattern):
            written = regex.pattern
            if written.count(_STAR) + written.count(_DEEP) > _MOST_TRIED:
                line.regex = re.compile(_settled(written))
    return spec


def _settled(regex: str) -> str:
    """A line's expression that takes what follows a wildcard where it comes first, for good.

    What fits further on fits behind that, too. Where the last `**/` ends is tried all the same, as
    it counts whether a file is meant itself or the directory that it is in.
    """
    *before, last = regex.split(_DEEP)
    found = [_stars(names, "(?=/)") for names in before]
    if found:
        found[0] = f"(?>{found[0].replace(_FIRST, '(?:.+?/)??', 1)})"
        found[1:] = [f"(?>(?:/.+?)??{names})" for names in found[1:]]
        found.append(_DEEP)
    return "".join([*found, _stars(last, "")])


def _stars(names: str, end: str) -> str:
    """The names between two `**/`, with what has to follow them."""
    first, *others = f"{names}{end}".split(_STAR)
    return first + "".join(f"(?>{_STAR}?{fixed})" for fixed in others)


def _is_repository(directory: Path) -> bool:
    return os.path.lexists(directory / ".git")
