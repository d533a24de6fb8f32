"""Tables: columns as wide as they need, narrower with wrapping where the screen isn't.

The columns' widths are settled by the first rows, so that a long table can be shown while it
arrives. A table with more columns than the screen has room for is shown row by row, each cell
under its column's name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chatterm.render.lines import Line, Span, line_cells, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

SETTLING_ROWS = 16
SETTLING_CHARACTERS = 3000
"""How many rows, or how much text, settle the widths of a table's columns."""

_GAP = 2
_NARROWEST = 6

Cell = list[Span]
Row = list[Cell]


@dataclass(slots=True)
class TableLayout:
    """The columns of one table.

    Attributes:
        aligns: "", "left", "right" or "center" for each column.
        natural: The widest cell and the widest word of each column.
        header: The header's cells.
        begun: A row has been shown.
    """

    aligns: list[str]
    header: Row
    natural: list[tuple[int, int]] = field(default_factory=list)
    begun: bool = False

    def settle(self, rows: Sequence[Row]) -> None:
        """Measure the columns by the header and these rows."""
        self.natural = [
            _measure([row[column] for row in [self.header, *rows]])
            for column in range(len(self.aligns))
        ]

    def head(self, width: int, rule: str, *, alone: bool) -> list[Line]:
        """The header and the line under it; without columns, only if there is nothing else."""
        widths = self._widths(width)
        if widths is None and not alone:
            return []
        if widths is None:
            names = [span for cell in self.header for span in (*cell, Span("  "))]
            return wrap([Span(text, (*own, "strong")) for text, own in names], width)
        lines = self._row(self.header, widths, ("strong",))
        gap = Span(" " * _GAP)
        ruled: list[Span] = []
        for size in widths:
            ruled += [gap] * bool(ruled) + [Span(rule * size, ("muted",))]
        return [*lines, tuple(ruled)]

    def row(self, cells: Row, width: int) -> list[Line]:
        """The lines of one row."""
        widths = self._widths(width)
        if widths is None:
            return self._record(cells, width)
        return self._row(cells, widths, ())

    def _widths(self, width: int) -> list[int] | None:
        """The columns' widths, or None where there is no room for columns."""
        room = width - _GAP * (len(self.natural) - 1)
        natural = [max(cell, 2) for cell, _ in self.natural]
        if sum(natural) <= room:
            return natural
        least = [min(size, _NARROWEST) for size in natural]
        if sum(least) > room:
            return None
        words = [min(cell, word) for cell, word in self.natural]
        floor = [max(a, b) for a, b in zip(words, least, strict=True)]
        if sum(floor) > room:
            floor = least
        return _share(natural, floor, room)

    def _row(self, cells: Row, widths: list[int], style: tuple[str, ...]) -> list[Line]:
        columns = [
            wrap([Span(text, own + style) for text, own in cell], size)
            for cell, size in zip(cells, widths, strict=True)
        ]
        lines: list[Line] = []
        for number in range(max(1, *map(len, columns))):
            line: list[Span] = []
            for column, size, align in zip(columns, widths, self.aligns, strict=True):
                if line:
                    line.append(Span(" " * _GAP))
                part = column[number] if number < len(column) else ()
                line += _aligned(part, size, align)
            lines.append(_without_trailing_space(line))
        return lines

    def _record(self, cells: Row, width: int) -> list[Line]:
        lines: list[Line] = [()] if self.begun else []
        self.begun = True
        for name, cell in zip(self.header, cells, strict=True):
            label = [Span(text, (*own, "strong")) for text, own in name]
            lines += wrap([*label, Span(": "), *cell], width)
        return lines


def settling_rows(rows: Sequence[Sequence[str]]) -> int | None:
    """How many of a table's first rows settle its widths; None if it takes more than these."""
    text = 0
    for number, row in enumerate(rows, 1):
        text += sum(map(len, row))
        if number == SETTLING_ROWS or text >= SETTLING_CHARACTERS:
            return number
    return None


def _measure(cells: Sequence[Cell]) -> tuple[int, int]:
    widest = word = 0
    for cell in cells:
        widest = max(widest, line_cells(cell))
        word = max(word, *(line_cells([Span(part)]) for part in _words(cell)), 0)
    return widest, word


def _words(cell: Cell) -> list[str]:
    return "".join(span.text for span in cell).split(" ")


def _share(natural: list[int], floor: list[int], room: int) -> list[int]:
    """Give each column its floor, and what is left by need, the narrow ones first."""
    widths = list(floor)
    left = room - sum(floor)
    waiting = sorted(range(len(natural)), key=lambda column: natural[column] - floor[column])
    for position, column in enumerate(waiting):
        fair = left // (len(waiting) - position)
        more = min(natural[column] - floor[column], fair)
        widths[column] += more
        left -= more
    return widths


def _aligned(part: Line, size: int, align: str) -> list[Span]:
    blank = size - line_cells(part)
    before = {"right": blank, "center": blank // 2}.get(align, 0)
    return [Span(" " * before), *part, Span(" " * (blank - before))]


def _without_trailing_space(line: list[Span]) -> Line:
    while line and not line[-1].text.strip(" "):
        line.pop()
    return tuple(span for span in line if span.text)
