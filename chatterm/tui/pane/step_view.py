"""The widget of one item: it paints the item's rows, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from chatterm.render.lines import Line, Style, cells, crop, line_cells, line_text
from chatterm.tui.pane.contained import line_of
from chatterm.tui.pane.items import Item
from chatterm.tui.pane.palette import Palette
from chatterm.tui.pane.selecting import marked


@dataclass(slots=True)
class Marks:
    """How items are shown, beside what they show; kept by the pane.

    Attributes:
        width: The cells of a row that the pane measures items for; 0: all that the widget has.
        cursor: The key of the item that the cursor is at.
        words: What is found, in lower case.
        cells_of: From which cell to which a row of an item is selected.
    """

    width: int = 0
    cursor: str | None = None
    words: str = ""
    cells_of: Callable[[Item, int], tuple[int, int] | None] = lambda _item, _row: None


GUTTER = 3
"""Cells at the left: a blank, the mark, a blank."""
_BLANK = " " * GUTTER
_CURSOR = "▌"
# Rows of code and of diffs lie on grounds of their own.
_BANDS = {
    "code.row": ("code_band",),
    "code.label": ("code_band",),
    "diff_added": ("diff_added_band",),
    "diff_removed": ("diff_removed_band",),
}


class StepView(Widget):
    """Shows an item, without children, on the line API.

    Args:
        item: The item.
        palette: What roles look like.
        marks: How the items are shown.
    """

    DEFAULT_CSS = """
    StepView { width: 100%; height: 1; }
    """
    ALLOW_SELECT = False

    def __init__(self, item: Item, palette: Palette, marks: Marks | None = None) -> None:
        super().__init__()
        self.item = item
        self.palette = palette
        self.marks = marks or Marks()
        # How many of its rows are above the first one that this widget shows.
        self.skipped = 0
        self._strips: dict[int, Strip] = {}
        self._painted_width = 0
        # What every row needs of the style, which asks all that the widget is in.
        self._base: RichStyle | None = None
        self._ground = Color(0, 0, 0)
        self._filters: Sequence[LineFilter] | None = None

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
        self._forget_style()
        self.refresh()

    def notify_style_update(self) -> None:
        """Colours may be others now."""
        self._forget_style()
        super().notify_style_update()

    def _forget_style(self) -> None:
        self._strips.clear()
        self._base = self._filters = None

    def render_line(self, y: int) -> Strip:
        """A row, its gutter included, as it is before the app's line filters."""
        return self._strip(self.row_at(y), self.outer_size.width)

    def _shown(self, y: int) -> Strip:
        """A row as it is on the screen."""
        width = self.outer_size.width  # `size` would ask the screen where it is
        if width != self._painted_width:
            self._painted_width = width
            self._strips.clear()
        row = self.row_at(y)
        strip = self._strips.get(row)
        if strip is None:
            strip = self._strips[row] = self._filtered(self._strip(row, width))
        return strip

    def _filtered(self, strip: Strip) -> Strip:
        """A strip past the app's line filters, once: they and the colours change with the style."""
        if self._filters is None:
            self._filters = self.get_line_filters()
            self._ground = self.background_colors[1]
        for each in self._filters:
            strip = strip.apply_filter(each, self._ground)
        return strip

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of a part of it, past the cache of styles: it has no borders and no padding."""
        strips = [self._shown(y) for y in range(crop.y, crop.bottom)]
        if crop.x == 0 and crop.width == self.outer_size.width:
            return strips
        return [strip.crop(crop.x, crop.right) for strip in strips]

    def row_at(self, y: int) -> int:
        """The row of the item at a row of the widget; negative in the gap."""
        return y + self.skipped - self.item.gap

    def mark_changed(self) -> None:
        """The mark in the gutter looks different."""
        self._strips.pop(0, None)
        top = self.item.gap - self.skipped
        if top >= 0:
            self.refresh(Region(0, top, self.size.width, 1))

    def _strip(self, row: int, width: int) -> Strip:
        if self._base is None:
            self._base = self.rich_style
        base = self._base
        if row < 0:
            return Strip.blank(width, base)
        if self.item.band:
            base += self.palette.style(self.item.band)
        # Not at the widget's own width: after a resize it has another one before the pane has
        # measured, and to ask an item at two widths in turn is to have it wrapped for each row.
        line = line_of(self.item, row, self.marks.width or max(1, width - GUTTER))
        segments = self._gutter(row, base)
        if band := _band(line):
            base += self.palette.style(band)
        line = self._marked(line, row)
        used = GUTTER + line_cells(line)
        if used > width:
            line = crop(line, width - GUTTER)
            used = GUTTER + line_cells(line)
        segments += self._painted(line, base)
        if used < width:
            segments.append(Segment(" " * (width - used), base))
        return Strip(segments, width)

    def _marked(self, line: Line, row: int) -> Line:
        """The row with what is found and what is selected in it."""
        words = self.marks.words
        if words and line:
            text = line_text(line).lower()
            at = text.find(words)
            while at >= 0:
                start = cells(text[:at])
                line = marked(line, start, start + cells(words), "match")
                at = text.find(words, at + len(words))
        selected = self.marks.cells_of(self.item, row)
        return marked(line, *selected, "selection") if selected else line

    def _gutter(self, row: int, base: RichStyle) -> list[Segment]:
        mark = self.item.mark if row == 0 else None
        text = _BLANK if mark is None else f" {mark.text} "[:GUTTER].ljust(GUTTER)
        style = base if mark is None else base + self.palette.style(mark.style)
        if self.item.key == self.marks.cursor:
            bar = Segment(_CURSOR, base + self.palette.style(("accent",)))
            return [bar, Segment(text[1:], style)]
        return [Segment(text, style)]

    def _painted(self, line: Line, base: RichStyle) -> list[Segment]:
        on = self.palette.on
        return [Segment(span.text, on(base, span.style) if span.style else base) for span in line]


def _band(line: Line) -> Style:
    """The ground of a row, as its first spans tell."""
    for span in line[:4]:
        for role in span.style:
            if role in _BANDS:
                return _BANDS[role]
    return ()
