"""What an edit changed, as the pane shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chatterm.render.diffs import diff_lines
from chatterm.render.lines import Line, Span, cut
from chatterm.render.sanitize import sanitize
from chatterm.tui.pane.items import Item, LinesItem

_MOST_FOLDED = 14
EDITS = frozenset({"edit_file", "write_file"})


def is_edit(name: str) -> bool:
    """Whether a tool of that name edits files."""
    return name in EDITS


class CodeItem(LinesItem):
    """Lines in which every blank counts: they are cut where they are too wide."""

    __slots__ = ()

    def __init__(self, key: str, lines: Sequence[Line]) -> None:
        super().__init__(key, lines, gap=0)

    def wrapped(self, line: Line, width: int) -> list[Line]:
        """The rows of a line, at least one."""
        return cut(line, width)


class EditBody:
    """The lines that an edit removed and added.

    Args:
        key: Names the item.
        name: The tool.
        values: The call's arguments.
        diff: The unified diff that the user was shown, where one was.
    """

    def __init__(self, key: str, name: str, values: Mapping[str, Any], diff: str) -> None:
        self._key = key
        self._lines = diff_lines(diff) if diff else _of_arguments(name, values)

    def changes(self, minus: str) -> str:
        """How many lines came and went."""
        added = sum(1 for line in self._lines if _has(line, "diff_added"))
        removed = sum(1 for line in self._lines if _has(line, "diff_removed"))
        return f"+{added:,} {minus}{removed:,}"

    def item(self, *, unfolded: bool) -> Item | None:
        """The lines, or the first of them."""
        lines = self._lines
        if not lines:
            return None
        if not unfolded and len(lines) > _MOST_FOLDED:
            left = len(lines) - _MOST_FOLDED + 1
            more: Line = (Span(f"… {left:,} more lines", ("muted",)),)
            lines = [*lines[: _MOST_FOLDED - 1], more]
        return CodeItem(self._key, lines)


def _has(line: Line, role: str) -> bool:
    return any(role in span.style for span in line)


def _of_arguments(name: str, values: Mapping[str, Any]) -> list[Line]:
    if name == "write_file":
        return _each(values.get("content"), "+ ", "diff_added")
    removed = _each(values.get("old"), "- ", "diff_removed")
    return [*removed, *_each(values.get("new"), "+ ", "diff_added")]


def _each(text: object, sign: str, role: str) -> list[Line]:
    if not isinstance(text, str) or not text:
        return []
    lines: Sequence[str] = sanitize(text).removesuffix("\n").split("\n")
    return [(Span(f"{sign}{line}", (role,)),) for line in lines]
