"""What a pager shows: the lines of a long text, how they wrap, and what is found in them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate

from chatterm.render.coloured import ColouredText
from chatterm.render.lines import Line, Span, cells, cut, line_cells, line_text, split_cells

_PIECE = 8000
_SEQUENCE = 32
"""Characters in which a colour sequence begins and ends."""
MOST_FOUND = 99_999


class PagerText:
    """A long text by lines, looked at only when they are asked for.

    A line longer than anybody reads is taken in pieces, so that what is on the screen never costs
    more than that.

    Args:
        content: What a program printed, or lines.
        prose: Rows end between words; else they are as full as can be, as code and output are.
    """

    def __init__(self, content: str | Sequence[Line], *, prose: bool = False) -> None:
        self._prose = prose
        # The lines of the text that its pieces are of; only where they aren't the same.
        self._numbers: list[int] | None = None
        self._coloured: ColouredText | None = None
        self._sources: list[str] = []
        self._lines: Sequence[Line] = ()
        if isinstance(content, str):
            self._take(content)
        else:
            self._lines = content

    def __len__(self) -> int:
        return len(self._lines if self._coloured is None else self._sources)

    def line(self, number: int) -> Line:
        """How a line looks."""
        return self._lines[number] if self._coloured is None else self._coloured.line(number)

    def source_number(self, number: int) -> int:
        """Which line of the text a line is, or is a piece of, from 0."""
        return number if self._numbers is None else self._numbers[number]

    def counts(self, width: int) -> list[int]:
        """How many rows each line takes at a width."""
        if self._coloured is not None and not self._prose:
            return self._coloured.counts(width)
        lines = (self.line(number) for number in range(len(self)))
        return [1 if line_cells(line) <= width else len(self.rows(line, width)) for line in lines]

    def rows(self, line: Line, width: int) -> list[Line]:
        """A line in rows that hold all of it; blanks at their ends may be beyond the width."""
        return fold(line, width) if self._prose else cut(line, width)

    def plain_line(self, number: int) -> str:
        """A line without its styles."""
        if self._coloured is not None:
            return self._coloured.plain(number)
        return line_text(self._lines[number])

    @cached_property
    def plain(self) -> str:
        """All lines without their styles, each on a line; pieces are lines, too."""
        return "\n".join(self.plain_line(number) for number in range(len(self)))

    @cached_property
    def offsets(self) -> list[int]:
        """Where each line begins in the plain text."""
        lengths = (len(line) + 1 for line in self.plain.split("\n"))
        return list(accumulate(lengths, initial=0))[:-1]

    def whole(self) -> str:
        """All of it without its styles, pieces joined again, ending in a newline."""
        if self._numbers is None:
            return self.plain + "\n" if len(self) else ""
        parts: list[str] = []
        for number in range(len(self)):
            if number and self._numbers[number] != self._numbers[number - 1]:
                parts.append("\n")
            parts.append(self.plain_line(number))
        return "".join(parts) + "\n"

    def _take(self, text: str) -> None:
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if not lines[-1]:
            lines.pop()
        self._sources = lines
        if any(len(line) > _PIECE for line in lines):
            numbered = [(n, piece) for n, line in enumerate(lines) for piece in _pieces(line)]
            self._sources = [piece for _, piece in numbered]
            self._numbers = [number for number, _ in numbered]
        self._coloured = ColouredText("".join(f"{line}\n" for line in self._sources))


def _pieces(line: str) -> Iterator[str]:
    """A line in pieces that don't cut a colour sequence through."""
    start = 0
    while len(line) - start > _PIECE:
        end = start + _PIECE
        escape = line.rfind("\x1b", end - _SEQUENCE, end)
        end = escape if escape > start else end
        yield line[start:end]
        start = end
    yield line[start:]


class Wrapping:
    """Which row of which line stands where.

    Args:
        text: The text.
        width: Cells a row; None where each line is one row.
    """

    def __init__(self, text: PagerText, width: int | None) -> None:
        self._starts: list[int] | None = None
        self._count = len(text)
        if width is not None:
            counts = text.counts(width)
            if sum(counts) > len(counts):
                self._starts = list(accumulate(counts, initial=0))
                self._count = self._starts.pop()

    def __len__(self) -> int:
        return self._count

    def at(self, row: int) -> tuple[int, int]:
        """The line that a row is of, and which of its rows that is."""
        if self._starts is None:
            return row, 0
        line = bisect_right(self._starts, row) - 1
        return line, row - self._starts[line]

    def row(self, line: int) -> int:
        """The first row of a line."""
        return line if self._starts is None else self._starts[line]


class Found:
    """Where something stands in a text.

    Case matters where what is looked for has a capital letter. At most `MOST_FOUND` are found.

    Args:
        text: The text.
        query: What is looked for.
    """

    def __init__(self, text: PagerText, query: str) -> None:
        self._text = text
        self.length = len(query)
        self._starts: list[int] = []
        self.current = -1
        if query:
            flags = re.NOFLAG if query != query.lower() else re.IGNORECASE
            for found in re.finditer(re.escape(query), text.plain, flags):
                self._starts.append(found.start())
                if len(self._starts) == MOST_FOUND:
                    break

    def __len__(self) -> int:
        return len(self._starts)

    def seek(self, line: int) -> None:
        """Make the first one in or after a line the current one."""
        if self._starts:
            offset = self._text.offsets[line] if line < len(self._text) else 0
            self.current = bisect_left(self._starts, offset) % len(self._starts)

    def step(self, count: int) -> None:
        """Go on by so many; after the last comes the first."""
        if self._starts:
            self.current = (self.current + count) % len(self._starts)

    @property
    def place(self) -> tuple[int, int] | None:
        """The line and the column of the current one."""
        if self.current < 0:
            return None
        start = self._starts[self.current]
        line = bisect_right(self._text.offsets, start) - 1
        return line, start - self._text.offsets[line]

    def columns(self, line: int) -> Iterator[tuple[int, int, bool]]:
        """Those in a line: from where to where, and whether it is the current one."""
        if not self._starts:
            return
        offset = self._text.offsets[line]
        end = offset + len(self._text.plain_line(line))
        number = bisect_left(self._starts, offset)
        while number < len(self._starts) and self._starts[number] < end:
            column = self._starts[number] - offset
            yield column, column + self.length, number == self.current
            number += 1


def fold(line: Line, width: int) -> list[Line]:
    """Break a line between words, and inside of one only where it alone is too long.

    Args:
        line: The line.
        width: Cells a row, at least 2; blanks at a row's end may be beyond them.

    Returns:
        At least one row; together they are the line.
    """
    rows: list[Line] = []
    row: list[Span] = []
    spans = iter(line)
    text, style = next(spans, Span(""))
    for size in _sizes(line_text(line), max(width, 2)):
        room = size
        while room > len(text):
            row.append(Span(text, style))
            room -= len(text)
            text, style = next(spans)
        row.append(Span(text[:room], style))
        text = text[room:]
        rows.append(tuple(span for span in row if span.text))
        row = []
    return rows or [()]


def _sizes(text: str, width: int) -> Iterator[int]:
    """How many characters each row of a text has."""
    while text:
        head, rest = split_cells(text, width)
        if not head:
            head, rest = text[:1], text[1:]
        size = len(head)
        blanks = len(rest) - len(rest.lstrip(" "))
        if blanks:
            size += blanks
        elif rest and cells(head[-1]) < 2 and cells(rest[0]) < 2:  # ideographs end rows anywhere
            word = head.rfind(" ") + 1
            size = word if head[:word].strip() else size
        yield size
        text = text[size:]


def row_of_column(rows: Sequence[Line], column: int) -> int:
    """Which row of a line a column of the line stands in."""
    for number, row in enumerate(rows):
        column -= len(line_text(row))
        if column < 0:
            return number
    return len(rows) - 1


def cell_of_column(line: Line, column: int) -> int:
    """The cell that a column begins at."""
    return cells(line_text(line)[:column])
