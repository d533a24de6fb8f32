"""The scroll bar of the pane: Textual's own, painted by rows that are kept.

Textual renders a bar through rich's console and its cache of styles, row by row, which costs as
much as the rest of a frame; but a bar consists of at most five kinds of row.
"""

from __future__ import annotations

from typing import ClassVar

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip

_Looks = tuple[object, ...]


class WholeCells(ScrollBarRender):
    """Paints a bar whose ends fall on whole cells, for terminals without blocks to draw parts."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * len(ScrollBarRender.VERTICAL_BARS)
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * len(ScrollBarRender.HORIZONTAL_BARS)


def paint_bars(*, whole_cells: bool) -> None:
    """Have all scroll bars of the process end on whole cells, or where they really end."""
    ScrollBar.renderer = WholeCells if whole_cells else ScrollBarRender


class PaneScrollBar(ScrollBar):
    """A vertical scroll bar that costs little to paint."""

    _looks: _Looks = ()
    _strips: tuple[Strip, ...] = ()

    def render_line(self, y: int) -> Strip:
        """A row."""
        strips = self._rows()
        return strips[y] if y < len(strips) else Strip.blank(self.outer_size.width)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of a part of it."""
        strips = list(self._rows()[crop.y : crop.bottom])
        if filters := self.get_line_filters():
            _, background = self.background_colors
            for each in filters:
                strips = [strip.apply_filter(each, background) for strip in strips]
        if crop.x == 0 and crop.width == self.outer_size.width:
            return strips
        return [strip.crop(crop.x, crop.right) for strip in strips]

    def _rows(self) -> tuple[Strip, ...]:
        bar = self.render()
        if not isinstance(bar, ScrollBarRender):
            return ()
        width, height = self.outer_size
        style = bar.style if isinstance(bar.style, Style) else Style.parse(bar.style)
        looks = (width, height, bar.virtual_size, bar.window_size, bar.position, style)
        if looks != self._looks:
            self._looks = looks
            self._strips = _painted(bar, style, width, height)
        return self._strips


def _painted(bar: ScrollBarRender, style: Style, width: int, height: int) -> tuple[Strip, ...]:
    """The rows of a bar; rows that look alike are the same strip, so that its caches serve all."""
    rendered = bar.render_bar(
        size=height,
        virtual_size=bar.virtual_size,
        window_size=bar.window_size,
        position=bar.position,
        thickness=width,
        back_color=style.bgcolor or Color.default(),
        bar_color=style.color or Color.default(),
    )
    kinds: dict[Segment, Strip] = {}
    return tuple(
        kinds.get(segment) or kinds.setdefault(segment, Strip([segment], width))
        for segment in rendered.segments
    )
