"""What stands at the places of the pane: styled lines at a width, without widgets.

An item that streams takes what comes with `feed`, which is cheap, and makes lines of it in `flush`,
which the pane's frame clock calls. What would take long (wrapping a long text at a new width) is
done in slices, by `work`; until it is done the item goes on showing what it had.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from chatterm.render.lines import Line, Span, Style, line_text, wrap


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
