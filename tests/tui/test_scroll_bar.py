"""The pane's scroll bar looks and behaves as Textual's own, whatever it saves."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from textual.geometry import Region
from textual.scrollbar import ScrollBar
from textual.strip import Strip

from chatterm.tui.pane.markdown_item import MarkdownItem
from chatterm.tui.pane.scroll_bar import PaneScrollBar
from tui.pane_app import PaneApp, conversation

SIZE = (60, 23)


def cells(strips: list[Strip]) -> list[tuple[str, object]]:
    """Each row's text and style, what a click on it does included."""
    (found,) = zip(*strips, strict=True)  # one segment a row
    return [_looks(segment) for segment in found]


def _looks(segment: Segment) -> tuple[str, object]:
    style = segment.style
    assert style is not None
    return segment.text, (style.color, style.bgcolor, style.reverse, style.meta)


@pytest.mark.parametrize("item", [0, 3, 30, 59])
async def test_it_is_painted_as_textual_paints_it(item: int) -> None:
    app = PaneApp(conversation(60))
    async with app.run_test(size=SIZE) as pilot:
        app.pane.show_item(f"i{item}")
        await pilot.pause()
        bar = app.pane.vertical_scrollbar
        assert isinstance(bar, PaneScrollBar)
        region = Region(0, 0, *bar.outer_size)
        bar.refresh()
        assert cells(bar.render_lines(region)) == cells(ScrollBar.render_lines(bar, region))


async def test_rows_that_look_alike_are_one_strip() -> None:
    app = PaneApp(conversation(60))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        bar = app.pane.vertical_scrollbar
        assert len({id(bar.render_line(y)) for y in range(bar.outer_size.height)}) <= 5


async def test_it_moves_as_text_streams() -> None:
    app = PaneApp(conversation(12))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        bar = app.pane.vertical_scrollbar
        live = MarkdownItem("live")
        app.pane.append(live)
        for number in range(60):  # at the end it fills the screen
            live.feed(f"line {number}\n\n")
            live.flush()
            await pilot.pause()
            assert bar.window_virtual_size == app.pane.virtual_size.height
            assert bar.position == app.pane.scroll_y


async def test_a_click_below_the_thumb_scrolls_down() -> None:
    app = PaneApp(conversation(60))
    async with app.run_test(size=SIZE) as pilot:
        app.pane.show_item("i0")
        await pilot.pause()
        bar = app.pane.vertical_scrollbar
        await pilot.mouse_down(bar, offset=(0, bar.outer_size.height - 1))
        for _ in range(100):  # it may take a few frames
            await pilot.pause(0.02)
            if app.pane.scroll_y > 0:
                break
        assert app.pane.scroll_y > 0
