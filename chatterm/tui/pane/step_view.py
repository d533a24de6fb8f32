"""The widget of one item: it paints the item's rows, and nothing else."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from chatterm.render.lines import Line, crop, line_cells
from chatterm.tui.pane.items import Item
from chatterm.tui.pane.palette import Palette

GUTTER = 3
"""Cells at the left: a blank, the mark, a blank."""
_BLANK = " " * GUTTER


class StepView(Widget):
    """Shows an item, without children, on the line API.

    Args:
        item: The item.
        palette: What roles look like.
    """

    DEFAULT_CSS = """
    StepView { width: 100%; height: 1; }
    """
    ALLOW_SELECT = False

    class Clicked(Message):
        """A row of an item was clicked.

        Attributes:
            item: The item.
            row: The row of the item; negative in the gap above it.
            column: The cell of its text; negative in the gutter.
        """

        def __init__(self, item: Item, row: int, column: int) -> None:
            super().__init__()
            self.item = item
            self.row = row
            self.column = column

    def __init__(self, item: Item, palette: Palette) -> None:
        super().__init__()
        self.item = item
        self.palette = palette
        # How many of its rows are above the first one that this widget shows.
        self.skipped = 0
        self._strips: dict[int, Strip] = {}
        self._painted_width = 0

    def rows_changed(self, first: int) -> None:
        """The item looks different from a row on: paint it anew as far as it is seen."""
        for row in [row for row in self._strips if row >= first]:
            del self._strips[row]
        top = max(0, first + self.item.gap - self.skipped)
        self.refresh(Region(0, top, self.size.width, max(1, self.size.height - top)))

    def moved_up(self, rows: int, first: int) -> None:
        """It shows rows further down, and looks different from a row on."""
        self.skipped += rows
        shown = self.skipped - self.item.gap
        for row in [row for row in self._strips if row >= first or row < shown]:
            del self._strips[row]
        self.refresh()

    def repaint(self) -> None:
        """Paint everything anew."""
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """Colours may be others now."""
        self._strips.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """A row, its gutter included."""
        width = self.outer_size.width  # `size` would ask the screen where it is
        if width != self._painted_width:
            self._painted_width = width
            self._strips.clear()
        row = y + self.skipped - self.item.gap
        strip = self._strips.get(row)
        if strip is None:
            strip = self._strips[row] = self._strip(row, width)
        return strip

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of a part of it, past the cache of styles: it has no borders and no padding."""
        strips = [self.render_line(y) for y in range(crop.y, crop.bottom)]
        if filters := self.get_line_filters():
            _, background = self.background_colors
            for each in filters:
                strips = [strip.apply_filter(each, background) for strip in strips]
        if crop.x == 0 and crop.width == self.outer_size.width:
            return strips
        return [strip.crop(crop.x, crop.right) for strip in strips]

    def on_click(self, event: events.Click) -> None:
        """Tell the pane where it was clicked."""
        self.post_message(
            self.Clicked(self.item, event.y + self.skipped - self.item.gap, event.x - GUTTER)
        )

    def _strip(self, row: int, width: int) -> Strip:
        base = self.rich_style
        if row < 0:
            return Strip.blank(width, base)
        line = self.item.line(row, max(1, width - GUTTER))
        segments = [self._gutter(row, base)]
        used = GUTTER + line_cells(line)
        if used > width:
            line = crop(line, width - GUTTER)
            used = GUTTER + line_cells(line)
        segments += self._painted(line, base)
        if used < width:
            segments.append(Segment(" " * (width - used), base))
        return Strip(segments, width)

    def _gutter(self, row: int, base: RichStyle) -> Segment:
        mark = self.item.mark if row == 0 else None
        if mark is None:
            return Segment(_BLANK, base)
        return Segment(
            f" {mark.text} "[:GUTTER].ljust(GUTTER), base + self.palette.style(mark.style)
        )

    def _painted(self, line: Line, base: RichStyle) -> list[Segment]:
        style = self.palette.style
        return [
            Segment(span.text, base + style(span.style) if span.style else base) for span in line
        ]
