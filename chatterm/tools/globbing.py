"""Globs as the searching programs have them: `*.py`, `src/**/*.ts`, `{a,b}`, `!*.md`."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate

from chatterm.tools.base import ToolError

_MOST_CHARS = 1000
_MOST_CHOICES = 200
_Fits = Callable[[str], object]
_ESCAPED = re.compile(r"\\([*?\[])")
_CHOICE = re.compile(r"\{([^{}]*)\}")


class Glob:
    """A glob.

    One without a slash is about a file's name, wherever the file is; one with a slash is about its
    path below the directory that is looked through. `!` at the beginning turns it round.

    Args:
        written: The glob; empty fits everything.

    Raises:
        ToolError: It is too long, or stands for too many.
    """

    def __init__(self, written: str) -> None:
        self._fits: list[_Fits] = []
        self._hidden: list[_Fits] = []
        self._inverse = written.startswith("!")
        if len(written) > _MOST_CHARS:
            raise ToolError(f"glob: it is longer than {_MOST_CHARS:,} characters")
        for plain in _choices(written.removeprefix("!")) if written else ():
            anchored = "/" in plain.rstrip("/")
            path = plain.removeprefix("./").removeprefix("/")
            if path.endswith("/"):
                path += "**"
            parts = re.sub(r"(?:\*\*/)+", "**/", path).split("/")
            if not anchored and "/" not in path:
                parts.insert(0, "**")
            self._fits.append(_matcher(parts))
            named = [part for part in parts if part.startswith(".")]
            self._hidden += [_name_matcher(part) for part in named]

    def fits(self, relative: str) -> bool:
        """Whether a path, relative to where the search begins, is meant."""
        if not self._fits:
            return True
        return any(fits(relative) for fits in self._fits) is not self._inverse

    def opens(self, name: str) -> bool:
        """Whether the glob asks for a hidden name by saying how it begins."""
        return not self._inverse and any(fits(name) for fits in self._hidden)


def _choices(glob: str) -> list[str]:
    """The globs that one with braces stands for."""
    waiting, done = [glob], []
    while waiting:
        each = waiting.pop(0)
        if found := _CHOICE.search(each):
            before, after = each[: found.start()], each[found.end() :]
            waiting += [f"{before}{choice}{after}" for choice in found[1].split(",")]
        else:
            done.append(each)
        if len(waiting) + len(done) > _MOST_CHOICES:
            raise ToolError(f"glob: its braces stand for more than {_MOST_CHOICES} globs")
    return done


def _matcher(parts: list[str]) -> _Fits:
    """What tells whether a path fits, of the parts between a glob's slashes."""
    tests = [None if part == "**" else _name_matcher(part) for part in parts]
    if len(tests) == 2 and tests[0] is None and tests[1] is not None:
        of_name = tests[1]
        return lambda path: of_name(path.rpartition("/")[2])
    return lambda path: _fit(tests, path.split("/"))


def _fit(tests: list[_Fits | None], names: list[str]) -> bool:
    """Whether names fit tests one by one, where None stands for any number of names.

    At the end it stands for at least one. Takes time in proportion to both lengths, no more.
    """
    reached = {0}  # how many tests the names so far may have used up
    for name in names:
        beyond = {at + 1 for at in reached if at < len(tests) and tests[at] is None}
        step = set()
        for at in reached | beyond:
            if at < len(tests):
                test = tests[at]
                if test is None:
                    step.add(at)
                    if at == len(tests) - 1:
                        step.add(at + 1)
                elif test(name):
                    step.add(at + 1)
        reached = step
    return len(tests) in reached


def _name_matcher(part: str) -> _Fits:
    plain = _ESCAPED.sub(lambda found: f"[{found[1]}]", part).replace("[^", "[!")
    return re.compile(translate(plain)).match
