"""The output of a program at its place in the pane: only the lines that are shown are read."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from chatterm.render.coloured import ColouredText
from chatterm.render.lines import Line
from chatterm.tui.pane.items import Item


class ColouredItem(Item):
    """The output of a program, in its colours.

    Args:
        text: What there is of it already.
    """

    __slots__ = ("_counts", "_cut", "_ends", "_pending", "_text", "_untold", "_width")

    def __init__(self, key: str, text: str = "", *, gap: int = 0) -> None:
        super().__init__(key, gap=gap)
        self._text = ColouredText()
        self._cut: tuple[int, list[Line]] | None = None  # the rows of the line that was shown last
        self._width = 0
        self._untold: int | None = None  # the first row that looks different, and wasn't told yet
        self._counts: list[int] = []
        self._ends: list[int] = []
        self._pending: list[str] = [text] if text else []

    def feed(self, text: str) -> None:
        """Add what has come."""
        self._pending.append(text)
        self.want()

    def estimate(self, width: int) -> int:
        """One row a line, where the lines are known."""
        self._take()
        return len(self._text)

    def rows(self, width: int) -> int:
        """All rows."""
        self._take()
        if width != self._width:
            self._width = width
            self._count(0)
        return self._ends[-1] if self._ends else 0

    def line(self, row: int, width: int) -> Line:
        """A row: only its line is read."""
        number = bisect_right(self._ends, row)
        if number >= len(self._ends):
            return ()
        if self._cut is None or self._cut[0] != number:
            self._cut = (number, self._text.rows(number, self._width))
        rows = self._cut[1]
        inside = row - (self._ends[number - 1] if number else 0)
        return rows[inside] if inside < len(rows) else ()

    def flush(self) -> int:
        """Take what has come."""
        length = sum(map(len, self._pending))
        if self._width:
            self._take()
        first, self._untold = self._untold, None
        if first is not None:
            self.tell(first)
        return length

    def plain(self, width: int) -> str:
        """Lines, not rows."""
        self._take()
        return self._text.text()

    def holds(self, words: str) -> bool:
        """Whether the text does."""
        self._take()
        return words in self._text.text().lower()

    def _take(self) -> None:
        """Read what is pending; who only looks at it leaves it to `flush` to tell of that."""
        if not self._pending:
            return
        text, self._pending = "".join(self._pending), []
        number = self._text.feed(text)
        if not self._width:
            return
        row = self._ends[number - 1] if number and self._ends else 0
        self._untold = row if self._untold is None else min(row, self._untold)
        self._count(number)

    def _count(self, start: int) -> None:
        """Count the rows of each line anew, from one on."""
        self._cut = None
        del self._counts[start:]
        del self._ends[start:]
        counts = self._text.counts(self._width, start)
        self._counts += counts
        base = self._ends[-1] if self._ends else 0
        self._ends += [base + end for end in accumulate(counts)]
