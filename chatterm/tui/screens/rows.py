"""A widget of many rows on the line API: it scrolls, and makes only the rows that are seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from chatterm.render.lines import PLAIN, Line, Style, wrap
from chatterm.tui.pane.palette import Palette
from chatterm.tui.screens.painting import fit, paint


class Rows(ScrollView):
    """Shows any number of rows; what they say is up to those who inherit from it.

    Args:
        palette: What roles look like.
    """

    DEFAULT_CSS = """
    Rows {
        background: transparent;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
    }
    """
    can_focus = False
    ALLOW_SELECT = False
    BESIDE_BAR: ClassVar[int] = 1
    """How many columns stay free between the rows and a scroll bar."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self.palette = palette

    @property
    def text_width(self) -> int:
        """How wide rows may be."""
        has_bar = self.show_vertical_scrollbar or self.styles.scrollbar_gutter == "stable"
        return self.scrollable_content_region.width - has_bar * self.BESIDE_BAR

    def line(self, row: int, width: int) -> Line:
        """What a row says."""
        raise NotImplementedError

    def row_style(self, row: int) -> Style:
        """Roles of a whole row."""
        return PLAIN

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return self.virtual_size.height

    @property
    def screenful(self) -> int:
        """How many rows are seen at once."""
        return max(1, self.scrollable_content_region.height)

    @property
    def top(self) -> int:
        """The first row that is seen."""
        return self.scroll_offset.y

    def show_count(self, count: int) -> None:
        """There are so many rows from now on, and all may look different."""
        self.virtual_size = Size(0, count)
        self.refresh()

    def go_to(self, row: int) -> None:
        """Make a row the first one that is seen, as far as there are enough below it."""
        last = max(0, self.row_count - self.screenful)
        self.scroll_to(y=max(0, min(row, last)), animate=False, force=True)

    def bring_in(self, row: int) -> None:
        """Scroll as little as it takes to see a row."""
        if row < self.top:
            self.go_to(row)
        elif row >= self.top + self.screenful:
            self.go_to(row - self.screenful + 1)

    def render_line(self, y: int) -> Strip:
        """A row of the screen."""
        row, width = y + self.top, self.scrollable_content_region.width
        if not 0 <= row < self.row_count:
            return Strip.blank(width, self.rich_style)
        room = self.text_width
        line = fit(self.line(row, room), room)
        return paint(line, width, self.rich_style, self.palette, self.row_style(row))


class LineRows(Rows):
    """Shows lines as they are.

    Args:
        palette: What roles look like.
    """

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(palette, id=id)
        self._lines: list[Line] = []

    def show(self, lines: list[Line]) -> None:
        """Show other lines, from their beginning."""
        self._lines = lines
        self.go_to(0)
        self.show_count(len(lines))

    def line(self, row: int, width: int) -> Line:
        """What a row says."""
        return self._lines[row]


class Words(Widget):
    """A few words, broken between words, as high as that makes them.

    Args:
        palette: What roles look like.
        lines: The words.
    """

    DEFAULT_CSS = """
    Words { height: auto; width: 1fr; background: transparent; }
    """
    ALLOW_SELECT = False

    def __init__(self, palette: Palette, lines: Sequence[Line] = ()) -> None:
        super().__init__()
        self.palette = palette
        self._lines = lines

    def show(self, lines: Sequence[Line]) -> None:
        """Say something else."""
        self._lines = lines
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """How many rows the words take."""
        return len(self._wrapped(width))

    def render_line(self, y: int) -> Strip:
        """A row."""
        rows = self._wrapped(self.size.width)
        line = rows[y] if y < len(rows) else ()
        return paint(line, self.size.width, self.rich_style, self.palette)

    def _wrapped(self, width: int) -> list[Line]:
        return [row for line in self._lines for row in wrap(line, width) or [()]]
