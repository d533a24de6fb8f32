"""What would change in a file, as a unified diff."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

_CONTEXT = 3
_MOST_COMPARED = 4_000_000  # pairs of lines; beyond that a difference is told as a whole
_NO_NEWLINE = "\n\\ No newline at end of file\n"
_PLACE = re.compile(r"@@ -(\d+)((?:,\d+)?) \+(\d+)((?:,\d+)?) @@")


def unified(before: str, after: str, name: str, *, created: bool = False) -> str:
    """The unified diff between two texts; empty when they are the same.

    Args:
        before: The text before.
        after: The text after.
        name: The file's name, for the head.
        created: Whether there is no file yet.
    """
    if before == after:
        return ""
    old, new = _lines(before), _lines(after)
    first = _common(old, new)
    last = _common(old[first:][::-1], new[first:][::-1])
    begin = max(0, first - _CONTEXT)
    end = max(0, last - _CONTEXT)
    old, new = old[begin : len(old) - end], new[begin : len(new) - end]
    head = [f"--- {'/dev/null' if created else f'a/{name}'}\n", f"+++ b/{name}\n"]
    return "".join([*head, *_hunks(old, new, begin)])


def _hunks(old: list[str], new: list[str], begin: int) -> Iterator[str]:
    """The hunks between two lists of lines that begin some lines down their files."""
    if len(old) * len(new) > _MOST_COMPARED:
        before = f"-{begin + 1},{len(old)} +{begin + 1},{len(new)}"
        yield f"@@ {before} @@\n"
        yield from (_ended("-" + line) for line in old)
        yield from (_ended("+" + line) for line in new)
        return
    diff = difflib.unified_diff(old, new, n=_CONTEXT)
    for line in list(diff)[2:]:
        if place := _PLACE.match(line):
            moved = [int(place[1]) + begin, int(place[3]) + begin]
            yield f"@@ -{moved[0]}{place[2]} +{moved[1]}{place[4]} @@\n"
        else:
            yield _ended(line)


def _lines(text: str) -> list[str]:
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _ended(line: str) -> str:
    return line if line.endswith("\n") else line + _NO_NEWLINE


def _common(one: list[str], other: list[str]) -> int:
    """How many lines at the beginning are the same."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
