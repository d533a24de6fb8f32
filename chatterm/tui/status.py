"""The one status row: what matters least is left out first as the screen narrows."""

from __future__ import annotations

from dataclasses import dataclass

from textual.strip import Strip
from textual.widget import Widget

from chatterm.render.lines import Line, Span, line_cells
from chatterm.tui.pane.palette import DARK, Palette
from chatterm.tui.pane.stacked import shortened
from chatterm.tui.screens.painting import paint


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the row.

    Attributes:
        text: What it says.
        weight: How much it matters; the lightest goes first.
        right: It stands at the right.
        role: What it looks like.
        act: What a click on it does.
    """

    text: str
    weight: int
    right: bool = False
    role: str = "muted"
    act: str = ""


Spot = tuple[int, int, str]
"""The cells from one up to another, and what a click on them does."""


def laid_out(parts: list[Part], width: int, dot: str = "·") -> tuple[Line, list[Spot]]:
    """The row at a width, and which cells of it do something.

    Args:
        parts: All there is to say, in order; empty texts are left out.
        width: The cells there are.
        dot: What stands between parts.
    """
    kept = [part for part in parts if part.text]
    while True:
        left = [part for part in kept if not part.right]
        right = [part for part in kept if part.right]
        used = _cells(left) + _cells(right) + 2 + (2 if left and right else 0)
        if used <= width or len(kept) <= 1:
            break
        kept.remove(min(kept, key=lambda part: part.weight))
    spots: list[Spot] = []
    line: list[Span] = [Span(" ")]
    at = _put(left, 1, line, spots, dot)
    blank = max(0, width - at - _cells(right) - 1)
    if right:
        line.append(Span(" " * blank))
        _put(right, at + blank, line, spots, dot)
    return shortened(tuple(line), width), spots


def _cells(parts: list[Part]) -> int:
    texts = sum(line_cells((Span(part.text),)) for part in parts)
    return texts + 3 * max(0, len(parts) - 1)


def _put(parts: list[Part], at: int, line: list[Span], spots: list[Spot], dot: str) -> int:
    for number, part in enumerate(parts):
        if number:
            line.append(Span(f" {dot} ", ("muted",)))
            at += 3
        span = Span(part.text, (part.role,))
        size = line_cells((span,))
        if part.act:
            spots.append((at, at + size, part.act))
        line.append(span)
        at += size
    return at


class StatusRow(Widget):
    """Shows the status; a click on a part of it does what the part is about."""

    DEFAULT_CSS = """
    StatusRow { height: 1; width: 100%; }
    """

    def __init__(self, palette: Palette = DARK) -> None:
        super().__init__(id="status")
        self.palette = palette
        self._parts: list[Part] = []
        self._spots: list[Spot] = []
        self.dot = "·"

    def show(self, parts: list[Part]) -> None:
        """Say this from now on."""
        if parts != self._parts:
            self._parts = parts
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The row."""
        width = self.size.width
        line, self._spots = laid_out(self._parts, width, self.dot)
        return paint(line, width, self.rich_style, self.palette)

    def act_at(self, column: int) -> str:
        """What a click at a cell does."""
        for start, end, act in self._spots:
            if start <= column < end:
                return act
        return ""
