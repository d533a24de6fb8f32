"""What is selected with the mouse, across items, and the clean text of it.

What is copied has no gutter and no breaks that the screen's width made. The rows on the screen and
the text without breaks have the same characters but for blanks, so a place among the rows is found
again by counting those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chatterm.render.lines import Line, Span, cells, line_text, split_cells
from chatterm.tui.pane.items import Item


class Place(NamedTuple):
    """A cell of an item: its place among the items, its row there, the cell from the text's left.

    In the gap above an item the row is negative.
    """

    number: int
    row: int
    column: int

    def moved(self, items: int) -> Place:
        """The same cell once so many items came before all."""
        return self._replace(number=self.number + items)


class Selection(NamedTuple):
    """From one place up to another, which isn't part of it; in the order of reading."""

    start: Place
    end: Place

    @staticmethod
    def between(one: Place, other: Place) -> Selection:
        """The selection between two places, given in any order."""
        return Selection(min(one, other), max(one, other))

    def moved(self, items: int) -> Selection:
        """The same selection once so many items came before all."""
        return Selection(self.start.moved(items), self.end.moved(items))

    def cells_of(self, index: int, row: int) -> tuple[int, int] | None:
        """From which cell to which a row is selected; None where it isn't."""
        start, end = self
        at = (index, row)
        if not start[:2] <= at <= end[:2]:
            return None
        first = start.column if at == start[:2] else 0
        last = end.column if at == end[:2] else 1_000_000
        return (first, last) if last > first else None


def selected_text(items: Sequence[Item], selection: Selection, width: int) -> str:
    """The text of a selection, clean.

    Args:
        items: All items.
        selection: What is selected.
        width: The width at which places were told.
    """
    start, end = selection
    texts = []
    for index in range(start.number, end.number + 1):
        item = items[index]
        first = (max(0, start.row), max(0, start.column)) if index == start.number else (0, 0)
        if index == start.number and start.row < 0:
            first = (0, 0)
        last = (end.row, end.column) if index == end.number else (item.rows(width), 0)
        text = _text_between(item, first, last, width)
        if text.strip():
            texts.append(text.strip("\n"))
    return "\n\n".join(texts)


def _text_between(item: Item, start: tuple[int, int], end: tuple[int, int], width: int) -> str:
    rows = [line_text(item.text_line(row, width)) for row in range(item.rows(width))]
    before = "".join(rows[: start[0]]) + _head(rows, start)
    inside = "".join(rows[: end[0]]) + _head(rows, end)
    plain = item.plain(width)
    first, last = _count(before), _count(inside)
    if _count("".join(rows)) != _count(plain):
        return _of_rows(rows, start, end)
    return _part(plain, first, last)


def _head(rows: Sequence[str], place: tuple[int, int]) -> str:
    row, column = place
    return split_cells(rows[row], max(0, column))[0] if 0 <= row < len(rows) else ""


def _count(text: str) -> int:
    """How many characters there are that aren't blanks."""
    return len("".join(text.split()))


def _part(text: str, first: int, last: int) -> str:
    """The part of a text from one character to another, counted without blanks."""
    if last <= first:
        return ""
    seen, start = 0, 0
    for place, character in enumerate(text):
        if character.isspace():
            continue
        if seen == first:
            start = place
            break
        seen += 1
    line_start = text.rfind("\n", 0, start) + 1
    if not text[line_start:start].strip():
        start = line_start  # code keeps its indent
    for place in range(start, len(text)):
        if text[place].isspace():
            continue
        seen += 1
        if seen == last:
            return text[start : place + 1]
    return text[start:]


def _of_rows(rows: Sequence[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    found = []
    for row in range(start[0], min(end[0] + 1, len(rows))):
        text = rows[row]
        if row == end[0]:
            text = split_cells(text, max(0, end[1]))[0]
        if row == start[0]:
            text = split_cells(text, max(0, start[1]))[1]
        found.append(text.rstrip())
    return "\n".join(found)


def marked(line: Line, start: int, end: int, role: str) -> Line:
    """A line with a role added from one cell to another."""
    found: list[Span] = []
    at = 0
    for span in line:
        text, style = span
        for bound, inside in ((start, False), (end, True), (1_000_000, False)):
            head, text = split_cells(text, max(0, bound - at))
            if head:
                found.append(Span(head, (*style, role) if inside else style))
                at += cells(head)
            if not text:
                break
    return tuple(found)
