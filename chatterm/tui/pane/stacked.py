"""An item made of others, one above the other: the head of a step and what unfolds under it."""

from __future__ import annotations

from collections.abc import Sequence

from chatterm.render.lines import Line, Span, cells, crop, line_cells, split_cells
from chatterm.tui.pane.items import Item

_ELLIPSIS = "…"
_WIDEST_HEAD = 120


class StackedItem(Item):
    """Items one above the other, each at an indent.

    Args:
        parts: The items; they may be replaced with `stack`.
        indent: Cells before the parts but the first.
    """

    __slots__ = ("_indent", "_parts", "_wanting_parts", "_width")

    def __init__(
        self, key: str, parts: Sequence[Item] = (), *, gap: int = 1, indent: int = 0
    ) -> None:
        super().__init__(key, gap=gap)
        self._indent = indent
        self._width = 0
        self._parts: tuple[Item, ...] = ()
        self._wanting_parts: dict[str, Item] | None = None
        self.stack(parts)

    @property
    def parts(self) -> tuple[Item, ...]:
        """The items it is made of."""
        return self._parts

    def stack(self, parts: Sequence[Item]) -> None:
        """Be made of other items from now on."""
        before, self._parts = self._parts, tuple(parts)
        for part in self._parts:
            part.changed, part.wanting = self._part_changed, self._part_wants
        if self._wanting_parts is not None:
            wanting = self._wanting_parts.items()
            self._wanting_parts = {key: part for key, part in wanting if part in self._parts}
        same = 0
        for old, new in zip(before, self._parts, strict=False):
            if old is not new:
                break
            same += 1
        self.tell(self._top(same) if self._width else 0)

    def estimate(self, width: int) -> int:
        """What the parts estimate."""
        return sum(
            part.gap + part.estimate(self._room(number, width))
            for number, part in enumerate(self.parts)
        )

    def forget(self) -> None:
        """Have the parts that are made keep nothing that can be made again."""
        for part in self._parts:
            part.forget()

    def rows(self, width: int) -> int:
        """What the parts take."""
        self._width = width
        return self._top(len(self.parts))

    def line(self, row: int, width: int) -> Line:
        """A row of a part."""
        number, part, inside = self._at(row, width)
        if part is None or inside < 0:
            return ()
        line = part.line(inside, self._room(number, width))
        indent = self._indent if number else 0
        return (Span(" " * indent), *line) if indent and line else line

    def text_line(self, row: int, width: int) -> Line:
        """A row of a part, without what stands beside its text."""
        number, part, inside = self._at(row, width)
        if part is None or inside < 0:
            return ()
        line = part.text_line(inside, self._room(number, width))
        indent = self._indent if number else 0
        return (Span(" " * indent), *line) if indent and line else line

    def action(self, row: int, column: int, width: int) -> str:
        """What the part there does."""
        number, part, inside = self._at(row, width)
        if part is None or inside < 0:
            return ""
        column -= self._indent if number else 0
        return part.action(inside, column, self._room(number, width))

    def plain(self, width: int) -> str:
        """The text of the parts."""
        return "\n".join(
            part.plain(self._room(number, width)) for number, part in enumerate(self.parts)
        )

    def holds(self, words: str) -> bool:
        """Whether a part does."""
        return any(part.holds(words) for part in self.parts)

    def flush(self) -> int:
        """Flush the parts that want it."""
        wanting, self._wanting_parts = self._wanting_parts, None
        return sum(part.flush() for part in (wanting or {}).values())

    def work(self, until: float) -> bool:
        """Have the parts work on."""
        more = [part.work(until) for part in self.parts]
        return any(more)

    def _room(self, number: int, width: int) -> int:
        return max(1, width - (self._indent if number else 0))

    def _top(self, number: int) -> int:
        """The row at which a part's gap begins."""
        return sum(
            part.gap + part.rows(self._room(place, self._width))
            for place, part in enumerate(self.parts[:number])
        )

    def _at(self, row: int, width: int) -> tuple[int, Item | None, int]:
        for number, part in enumerate(self.parts):
            row -= part.gap
            height = part.rows(self._room(number, width))
            if row < height:
                return number, part, row
            row -= height
        return len(self.parts), None, 0

    def _part_changed(self, part: Item, row: int) -> None:
        if part in self._parts:
            top = self._top(self._parts.index(part)) + part.gap if self._width else 0
            self.tell(top + row)

    def _part_wants(self, part: Item) -> None:
        if self._wanting_parts is None:
            self._wanting_parts = {}
        self._wanting_parts[part.key] = part
        self.want()


class HeadItem(Item):
    """One row: what it is about, and at the right how it stands.

    Attributes:
        act: What a click on it is for.
        right_act: What a click on the words at the right is for, where it is something else.
    """

    __slots__ = ("_left", "_right", "act", "right_act")

    def __init__(self, key: str, *, act: str = "fold") -> None:
        super().__init__(key, gap=0)
        self._left: Line = ()
        self._right: Line = ()
        self.act = act
        self.right_act = ""

    def show(self, left: Line, right: Line = ()) -> None:
        """Show other words from now on."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.tell(0)

    def estimate(self, width: int) -> int:
        """One row."""
        return 1

    def rows(self, width: int) -> int:
        """One row."""
        return 1

    def line(self, row: int, width: int) -> Line:
        """Both sides; where there isn't room for both, the left one is cut."""
        width = self._end(width)
        right_cells = line_cells(self._right)
        room = width - right_cells - 2 if right_cells and right_cells + 12 < width else width
        left = shortened(self._left, room)
        if room == width:
            return left
        blank = Span(" " * (width - line_cells(left) - right_cells))
        return (*left, blank, *self._right)

    def _end(self, width: int) -> int:
        """Where the right side ends: on a very wide screen it stays near what it is about."""
        return min(width, max(_WIDEST_HEAD, line_cells(self._left) + 2 + line_cells(self._right)))

    def action(self, row: int, column: int, width: int) -> str:
        """What the row is for."""
        width = self._end(width)
        last = self._right[-1].text.rsplit(" ", 1)[-1] if self._right else ""
        if self.right_act and width - cells(last) <= column < width:
            return self.right_act
        return self.act


def shortened(line: Line, width: int) -> Line:
    """A line that fits, with an ellipsis where something was cut."""
    if line_cells(line) <= width:
        return line
    kept = crop(line, max(0, width - 1))
    style = kept[-1].style if kept else ()
    return (*kept, Span(_ELLIPSIS, style)) if width > 0 else ()


def shortened_text(text: str, width: int) -> str:
    """A text that fits into so many cells, with an ellipsis where something was cut."""
    if cells(text) <= width:
        return text
    return split_cells(text, max(0, width - 1))[0] + _ELLIPSIS if width > 0 else ""
