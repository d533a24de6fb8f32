"""Steps far from the screen are as light as ones out of the log, and look the same afterwards."""

from __future__ import annotations

import gc

from textual._styles_cache import StylesCache
from textual.strip import Strip

from chatterm.render.lines import line_text
from chatterm.tui.pane.items import Item
from chatterm.tui.steps.step_item import StepItem
from chatterm.tui.steps.text import TextItem
from tui.app_driver import Driver, Place, place

__all__ = ["place"]

_WORK = r"""
think: First I look, and then I say what I have seen there.
call list_files: {"path": "."}
call read_file: {"path": "nothing.txt"}
call edit_file: {"path": "calc.py", "old": "a - b", "new": "a + b"}
round
text: ## A sum\n\nIt *was* a difference, see `calc.py`.
usage input=10 output=3
"""


def shown(app: Driver, item: Item) -> list[str]:
    """An item's rows."""
    width = app.chat.pane.text_width
    return [line_text(item.line(row, width)) for row in range(item.rows(width))]


async def test_what_was_forgotten_looks_as_before(place: Place) -> None:
    place.configure(_WORK)
    (place.work / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    async with place.app(mode="accept-edits") as app:
        await app.ask("go on")
        items = list(app.chat.pane.items)
        assert len(items) >= 6
        for unfolded in (False, True):
            for item in items:
                if isinstance(item, StepItem):
                    item.fold(unfolded=unfolded)
            before = [shown(app, item) for item in items]
            for item in items:
                item.forget()
            assert not any(item._built for item in items if isinstance(item, StepItem))
            assert not any(item._parts for item in items if isinstance(item, TextItem))
            assert [shown(app, item) for item in items] == before


async def test_a_long_conversation_keeps_what_is_near(place: Place) -> None:
    place.configure(_WORK.replace("call edit_file", "call read_file"))
    async with place.app(size=(80, 20)) as app:
        for number in range(12):
            await app.ask(f"message {number}")
        steps = [item for item in app.chat.pane.items if isinstance(item, StepItem)]
        far, near = steps[: len(steps) // 2], steps[-4:]
        assert not any(item._built for item in far)
        assert all(item._built for item in near)
        app.chat.do("find:difference")
        await app.until(lambda: app.says("of 12"))
        app.chat.back_to_prompt()
        await app.idle()
        built = [item for item in steps if item._built]
        assert len(built) < len(steps) // 2  # those around the first place, where one reads now
        app.chat.do("first")
        await app.until(lambda: app.says("message 0"))
        await app.until(lambda: app.says("It was a difference"))


async def test_nothing_is_left_of_a_screen_that_was_closed(place: Place) -> None:
    async with place.app() as app:
        left: list[tuple[int, int]] = []
        for _ in range(4):
            for deed in ("help", "palette", "model"):
                app.chat.do(deed)
                await app.until(lambda: app.app.screen is not app.chat)
                await app.press("escape")
                await app.until(lambda: app.app.screen is app.chat)
            await app.idle()
            gc.collect()
            kinds = [type(each) for each in gc.get_objects()]
            left.append((kinds.count(StylesCache), kinds.count(Strip)))
        assert left[-1][0] == left[0][0]
        assert left[-1][1] < 2 * left[0][1]
