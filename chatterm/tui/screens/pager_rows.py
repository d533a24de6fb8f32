"""The rows of a pager: wrapped or not, numbered or not, with what was found marked."""

from __future__ import annotations

from textual import events
from textual.message import Message

from chatterm.render.lines import Line, Span, crop, line_cells
from chatterm.tui.pane.palette import Palette
from chatterm.tui.screens.pager_text import (
    Found,
    PagerText,
    Wrapping,
    cell_of_column,
    row_of_column,
)
from chatterm.tui.screens.painting import MUTED, overlay, skip
from chatterm.tui.screens.rows import Rows

_SIDEWAYS = 8
_MOST_KEPT = 300


class PagerRows(Rows):
    """Shows a long text.

    Args:
        palette: What roles look like.
        text: The text.
        wrapped: Whether lines that are too long go on in the next row.
    """

    DEFAULT_CSS = """
    PagerRows { height: 1fr; overflow-y: scroll; }
    """

    class Moved(Message):
        """Something else is seen."""

    def __init__(self, palette: Palette, text: PagerText, *, wrapped: bool = True) -> None:
        super().__init__(palette)
        self.text = text
        self.wrapped = wrapped
        self.numbered = False
        self.found = Found(text, "")
        self._left = 0  # cells that are scrolled out at the left
        self._wrapping = Wrapping(text, None)
        self._room = 0
        self._kept: dict[int, list[Line]] = {}  # the rows of lines that were painted

    # --- where things are ---

    @property
    def top_line(self) -> int:
        """The first line that is seen."""
        return self._wrapping.at(min(self.top, len(self._wrapping) - 1))[0] if len(self.text) else 0

    @property
    def seen(self) -> tuple[int, int]:
        """The first and the last line that are seen, as the text counts them, from 1."""
        if not len(self.text):
            return 0, 0
        last_row = min(self.top + self.screenful, len(self._wrapping)) - 1
        last = self._wrapping.at(max(0, last_row))[0]
        return self.text.source_number(self.top_line) + 1, self.text.source_number(last) + 1

    @property
    def _gutter(self) -> int:
        if not self.numbered or not len(self.text):
            return 0
        return len(str(self.text.source_number(len(self.text) - 1) + 1)) + 2

    def row_of_line(self, line: int) -> int:
        """The first row of a line."""
        return self._wrapping.row(line) if line < len(self.text) else 0

    def arrange_rows(self) -> None:
        """Find out what stands where, and stay at the line that is read."""
        line = self.top_line
        self._room = max(2, self.text_width - self._gutter)
        self._wrapping = Wrapping(self.text, self._room if self.wrapped else None)
        self._kept.clear()
        self.show_count(len(self._wrapping))
        self.go_to(self.row_of_line(line))
        self.post_message(self.Moved())

    def on_resize(self, event: events.Resize) -> None:
        """Wrap anew."""
        self.arrange_rows()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell that something else is seen."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Moved())

    # --- what is changed ---

    def wrap_lines(self, *, wrapped: bool) -> None:
        """Wrap lines, or don't."""
        self.wrapped, self._left = wrapped, 0
        self.arrange_rows()

    def number_lines(self, *, numbered: bool) -> None:
        """Show the numbers of lines, or don't."""
        self.numbered = numbered
        self.arrange_rows()

    def go_sideways(self, steps: int) -> None:
        """Scroll to the right or, by less than nothing, to the left, as far as there is text."""
        if self.wrapped:
            return
        last = min(self.top + self.screenful, len(self._wrapping))
        widest = max((line_cells(self.text.line(row)) for row in range(self.top, last)), default=0)
        furthest = max(self._left, widest - self._room)
        self._left = max(0, min(self._left + steps * _SIDEWAYS, furthest))
        self.refresh()

    def mark(self, found: Found) -> None:
        """Mark what was found, and bring the current one in sight."""
        self.found = found
        self._kept.clear()
        place = found.place
        if place is not None:
            line, column = place
            row = self._wrapping.row(line)
            if self.wrapped:
                row += row_of_column(self.text.rows(self.text.line(line), self._room), column)
            else:
                self._bring_in_cell(line, column)
            if not self.top <= row < self.top + self.screenful:
                self.go_to(row - self.screenful // 3)
        self.refresh()
        self.post_message(self.Moved())

    def _bring_in_cell(self, line: int, column: int) -> None:
        start = cell_of_column(self.text.line(line), column)
        end = cell_of_column(self.text.line(line), column + self.found.length)
        if start < self._left or end > self._left + self._room:
            self._left = max(0, start - self._room // 2) if end > self._room else 0

    # --- what is painted ---

    def line(self, row: int, width: int) -> Line:
        """A row: its number and what it says."""
        number, part = self._wrapping.at(row)
        rows = self._rows_of(number)
        content = rows[part] if part < len(rows) else ()
        if not self._gutter:
            return content
        source = self.text.source_number(number)
        begins = part == 0 and (number == 0 or self.text.source_number(number - 1) != source)
        shown = str(source + 1) if begins else ""
        return (Span(f"{shown:>{self._gutter - 2}}  ", MUTED), *content)

    def _rows_of(self, number: int) -> list[Line]:
        if self.wrapped and number in self._kept:
            return self._kept[number]
        line = self.text.line(number)
        for current in (False, True):
            places = [
                place
                for start, end, is_current in self.found.columns(number)
                if is_current is current
                for place in range(start, end)
            ]
            line = overlay(line, places, ("match", "reverse") if current else ("match",))
        if not self.wrapped:
            return [skip(line, self._left)]
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        rows = [crop(row, self._room) for row in self.text.rows(line, self._room)]
        self._kept[number] = rows
        return rows
