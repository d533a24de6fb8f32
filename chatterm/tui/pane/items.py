"""What stands at the places of the pane: styled lines at a width, without widgets.

An item that streams takes what comes with `feed`, which is cheap, and makes lines of it in `flush`,
which the pane's frame clock calls. What would take long (wrapping a long text at a new width) is
done in slices, by `work`; until it is done the item goes on showing what it had.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from chatterm.render.coloured import ColouredText
from chatterm.render.lines import UNBROKEN, Line, Span, Style, line_cells, line_text, wrap
from chatterm.render.sanitize import Sanitizer
from chatterm.tui.pane.rendered import Rendered, is_label

# A text up to this long is wrapped at once when it is first seen or the width changes.
AT_ONCE = 6000
_PIECE, _LONGEST_PIECE = 500, 2000
"""What is rendered at once of a long text: little at first, then more, as each piece costs what the
block takes that it stands in."""
_COPY = "copy"
_MOST_DEFINING = 60_000
"""In a longer text a link is looked up only among the definitions before it."""


class Item(ABC):
    """What stands at one place.

    Attributes:
        key: Names it in its pane.
        gap: Empty rows above it.
        mark: What stands in the gutter beside its first row: the mark and its role.
        band: The roles of the ground that its rows lie on, from edge to edge.
        changed: Called when flushing isn't due to a width alone: with the first row that looks
            different. The pane sets it.
        wanting: Called when `flush` or `work` has something to do. The pane sets it.
    """

    __slots__ = ("band", "changed", "gap", "key", "mark", "wanting")

    def __init__(self, key: str, *, gap: int = 1) -> None:
        self.key = key
        self.gap = gap
        self.mark: Span | None = None
        self.band: Style = ()
        self.changed: Callable[[Item, int], None] | None = None
        self.wanting: Callable[[Item], None] | None = None

    @abstractmethod
    def estimate(self, width: int) -> int:
        """About how many rows it takes at a width; costs nothing."""

    @abstractmethod
    def rows(self, width: int) -> int:
        """How many rows it takes at a width, as far as it is known; costs little."""

    @abstractmethod
    def line(self, row: int, width: int) -> Line:
        """One of those rows."""

    def text_line(self, row: int, width: int) -> Line:
        """A row without what stands beside its text and is no part of it."""
        return self.line(row, width)

    def flush(self) -> int:
        """Make lines of what has come since the last flush; how many characters that was."""
        return 0

    def work(self, until: float) -> bool:
        """Go on with what takes long until a time of `perf_counter`; whether there is more."""
        return False

    def forget(self) -> None:  # noqa: B027 - most have nothing of the kind
        """Keep nothing that can be made again: it isn't near what is seen any more."""

    def plain(self, width: int) -> str:
        """Its text without styles, for copying and finding: no row of prose is broken.

        But for blanks it has the characters of the rows at that width, in their order.
        """
        lines = (line_text(self.line(row, width)).rstrip() for row in range(self.rows(width)))
        return "\n".join(lines)

    def holds(self, words: str) -> bool:
        """Whether it has these words, given in lower case."""
        return words in self.plain(80).lower()

    def action(self, row: int, column: int, width: int) -> str:
        """What a click at a cell of a row is for, as the app knows it by name; or nothing."""
        return ""

    def want(self) -> None:
        """Say that there is something to flush."""
        if self.wanting is not None:
            self.wanting(self)

    def tell(self, row: int) -> None:
        """Say that it looks different from a row on."""
        if self.changed is not None:
            self.changed(self, row)


class LinesItem(Item):
    """Lines that are given, each wrapped where it is too wide.

    Args:
        lines: The lines; they may be replaced with `show`.
    """

    __slots__ = ("_lines", "_wrapped")

    def __init__(self, key: str, lines: Sequence[Line] = (), *, gap: int = 1) -> None:
        super().__init__(key, gap=gap)
        self._lines = tuple(lines)
        self._wrapped: tuple[int, list[Line]] | None = None

    def show(self, lines: Sequence[Line]) -> None:
        """Show other lines from now on."""
        before, self._lines = self._lines, tuple(lines)
        self._wrapped = None
        same = 0
        for old, new in zip(before, self._lines, strict=False):
            if old != new:
                break
            same += 1
        self.tell(same)

    def forget(self) -> None:
        """Wrap the lines anew when they are seen again."""
        self._wrapped = None

    def estimate(self, width: int) -> int:
        """One row a line."""
        return len(self._lines)

    def rows(self, width: int) -> int:
        """As many as wrapping gives."""
        return len(self._at(width))

    def line(self, row: int, width: int) -> Line:
        """A row."""
        return self._at(width)[row]

    def plain(self, width: int) -> str:
        """The lines."""
        return "\n".join(map(line_text, self._lines))

    def holds(self, words: str) -> bool:
        """Whether a line does."""
        return any(words in line_text(line).lower() for line in self._lines)

    def wrapped(self, line: Line, width: int) -> list[Line]:
        """The rows of a line, at least one."""
        return wrap(line, width) or [()]

    def _at(self, width: int) -> list[Line]:
        if self._wrapped is None or self._wrapped[0] != width:
            found: list[Line] = []
            for line in self._lines:
                found += self.wrapped(line, width)
            self._wrapped = (width, found)
        return self._wrapped[1]


def estimated_rows(length: int, width: int) -> int:
    """About how many rows a text in Markdown takes at a width."""
    return 1 + length // max(1, width * 2 // 3)


class MarkdownItem(Item):
    """A text in Markdown, which may still be streaming.

    Args:
        text: What there is of it already, as it came.
        done: Whether that is all.
    """

    __slots__ = (
        "_done",
        "_fresh",
        "_length",
        "_making",
        "_parts",
        "_references",
        "_sanitizer",
        "_shown",
    )

    def __init__(self, key: str, text: str = "", *, done: bool = False, gap: int = 1) -> None:
        super().__init__(key, gap=gap)
        # Until it is seen it is nothing but its text: there may be very many.
        self._parts: list[str] = []
        self._fresh: list[str] = [text] if text else []
        self._sanitizer: Sanitizer | None = None
        self._length = len(text)
        self._done = done
        self._shown: Rendered | None = None
        self._making: tuple[Rendered, Iterator[None]] | None = None
        self._references: Mapping[str, Any] | None = None

    @property
    def source(self) -> str:
        """The text so far, sanitised."""
        self._take()
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    def feed(self, text: str) -> None:
        """Add what has come."""
        self._fresh.append(text)
        self._length += len(text)
        self.want()

    def finish(self) -> None:
        """Nothing more will come."""
        if not self._done:
            self._done = True
            self.want()

    def forget(self) -> None:
        """Render a whole text anew when it is seen again: its rows take twenty times the text."""
        if self._done and not self._fresh:
            self._shown = self._making = None

    def estimate(self, width: int) -> int:
        """By its length."""
        return estimated_rows(self._length, width)

    def rows(self, width: int) -> int:
        """What is rendered; a long text is rendered on by `work`."""
        self._turn_to(width)
        return len(self._shown) if self._shown is not None else 0

    def line(self, row: int, width: int) -> Line:
        """A row, as it was rendered last; on a code's label is what copies it."""
        line = self._row(row)
        if not is_label(line):
            return line
        blank = width - line_cells(line) - len(_COPY) - 1
        return (*line, Span(" " * blank), Span(_COPY, ("muted",))) if blank > 0 else line

    def text_line(self, row: int, width: int) -> Line:
        """A row, without what copies the code."""
        return self._row(row)

    def _row(self, row: int) -> Line:
        return self._shown.line(row) if self._shown is not None else ()

    def plain(self, width: int) -> str:
        """The text rendered without breaking prose."""
        from chatterm.render.markdown import render

        lines = render(self.source, UNBROKEN, references=self._found_references())
        return "\n".join(line_text(line).rstrip() for line in lines)

    def holds(self, words: str) -> bool:
        """Whether the source does."""
        return words in self.source.lower()

    def restate(self, text: str) -> None:
        """Be another text from now on, which is whole."""
        sanitizer = Sanitizer()
        clean = sanitizer.feed(text) + sanitizer.finish()
        if self._done and clean == self.source:
            return
        self._parts, self._fresh, self._sanitizer = [clean], [], None
        self._length, self._done, self._references = len(clean), True, None
        if self._shown is None:
            self.tell(0)
        else:
            self._make(self._shown.width)

    def action(self, row: int, column: int, width: int) -> str:
        """Copy the block of code whose label that row is."""
        if column < width - len(_COPY) - 1 or not is_label(self._row(row)):
            return ""
        labels = sum(1 for each in range(row) if is_label(self._row(each)))
        return f"copy_code:{labels}"

    def flush(self) -> int:
        """Render what has come."""
        if self._shown is None:  # it isn't near what is seen
            self.tell(0)
            return 0
        text = self._take()
        if self._making is None:  # what is being rendered anew takes it up itself
            self._tell(self._shown.add(text, done=self._done))
            if self._done and self._references is None and self._found_references():
                self._make(self._shown.width)  # links had shown as text till now
        return len(text)

    def work(self, until: float) -> bool:
        """Render on at the new width."""
        if self._making is None:
            return False
        made, steps = self._making
        for _ in steps:
            if time.perf_counter() > until:
                return True
        turned = made is not self._shown
        self._shown, self._making = made, None
        self.tell(0 if turned else max(0, len(made) - 1))
        return False

    def _take(self) -> str:
        """What has come since it was taken last, sanitised."""
        if not self._fresh and not (self._done and self._sanitizer is not None):
            return ""
        if self._sanitizer is None:
            self._sanitizer = Sanitizer()
        text = "".join(map(self._sanitizer.feed, self._fresh))
        self._fresh.clear()
        if self._done:
            text += self._sanitizer.finish()
            self._sanitizer = None
        if text:
            self._parts.append(text)
        return text

    def _turn_to(self, width: int) -> None:
        """See to it that the text is rendered, or being rendered, at a width."""
        at = self._making[0] if self._making is not None else self._shown
        if at is None or at.width != width:
            self._make(width)

    def _make(self, width: int) -> None:
        made = Rendered(width, self._found_references() if self._done else None)
        if self._length <= AT_ONCE:
            made.add(self.source, done=self._done)
            changed, self._shown, self._making = self._shown is not None, made, None
            if changed:
                self.tell(0)
            return
        self._making = (made, self._rendering(made))
        if self._shown is None:  # nothing to show yet: what fills a screen comes at once
            self._shown = made
            next(self._making[1], None)
        self.want()

    def _found_references(self) -> Mapping[str, Any]:
        """The definitions of links in a whole text, wherever they stand."""
        if self._references is None:
            self._references = {}
            source = self.source
            if "]:" in source and len(source) <= _MOST_DEFINING:
                from chatterm.render.markdown import references

                self._references = references(source)
        return self._references

    def _rendering(self, made: Rendered) -> Iterator[None]:
        at, piece = 0, _PIECE
        while at < len(source := self.source):
            row = made.add(source[at : at + piece], done=False)
            at += piece
            piece = min(2 * piece, _LONGEST_PIECE)
            if made is self._shown:
                self._tell(row)
            yield
        if self._done:
            made.add("", done=True)

    def _tell(self, row: int | None) -> None:
        if row is not None:
            self.tell(row)


class ColouredItem(Item):
    """The output of a program, in its colours.

    Args:
        text: What there is of it already.
    """

    __slots__ = ("_counts", "_cut", "_ends", "_pending", "_text", "_width")

    def __init__(self, key: str, text: str = "", *, gap: int = 0) -> None:
        super().__init__(key, gap=gap)
        self._text = ColouredText()
        self._cut: tuple[int, list[Line]] | None = None  # the rows of the line that was shown last
        self._width = 0
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
        if self._width and (first := self._take()) is not None:
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

    def _take(self) -> int | None:
        """Read what is pending; the first row that looks different, or None where none does."""
        if not self._pending:
            return None
        text, self._pending = "".join(self._pending), []
        number = self._text.feed(text)
        if not self._width:
            return None
        row = self._ends[number - 1] if number and self._ends else 0
        self._count(number)
        return row

    def _count(self, start: int) -> None:
        """Count the rows of each line anew, from one on."""
        self._cut = None
        del self._counts[start:]
        del self._ends[start:]
        counts = self._text.counts(self._width, start)
        self._counts += counts
        base = self._ends[-1] if self._ends else 0
        self._ends += [base + end for end in accumulate(counts)]
