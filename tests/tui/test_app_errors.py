"""Errors that nobody expected: told once, and everything goes on working."""

from __future__ import annotations

from typing import Any

import pytest

from chatterm.render.lines import Line
from chatterm.tui.chat import Chat
from chatterm.tui.pane.items import LinesItem
from tui.app_driver import Place, place

__all__ = ["place"]


def fails(*_: Any) -> Any:
    """Do what no part of the app should."""
    raise ZeroDivisionError("on purpose")


async def test_a_screen_whose_handler_fails_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.app(errors=True) as app:
        with monkeypatch.context() as broken:
            broken.setattr(Chat, "on_prompt_typed", fails)
            await app.type("abc")
            assert app.says("an error inside chatterm: ZeroDivisionError: on purpose")
            assert app.says("please report it")
        assert app.text().count("ZeroDivisionError") == 1
        app.chat.prompt.write("")
        await app.ask("hello")
        assert app.says("Hello.")


async def test_a_prompt_whose_key_fails_takes_the_next(place: Place) -> None:
    async with place.app(errors=True) as app:
        app.chat.prompt.taking = fails
        await app.press("a")
        app.chat.prompt.taking = lambda _key: False
        await app.press("b")
        assert app.chat.prompt.text == "b"


async def test_a_timer_and_a_worker_that_fail_are_told(place: Place) -> None:
    async with place.app(errors=True) as app:

        async def work() -> None:
            fails()

        app.chat.set_timer(0.01, fails)
        await app.until(lambda: app.says("ZeroDivisionError"))
        app.chat.run_worker(work())
        await app.ask("hello")
        assert app.says("Hello.")


class Broken(LinesItem):
    """An item that can't be shown."""

    __slots__ = ()

    def rows(self, width: int) -> int:
        return int(fails())

    def line(self, row: int, width: int) -> Line:
        return fails()  # type: ignore[no-any-return]

    def flush(self) -> int:
        return int(fails())


async def test_an_item_that_cannot_be_shown_leaves_the_others(place: Place) -> None:
    async with place.app() as app:
        await app.ask("before")
        item = Broken("broken")
        app.chat.pane.append(item)
        item.want()
        await app.ask("after")
        assert app.says("› before")
        assert app.says("this can't be shown; the log file says why")
        assert app.says("› after")


async def test_a_deed_that_fails_leaves_the_prompt(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.app(errors=True) as app:
        monkeypatch.setattr(type(app.chat.talk), "turns", fails)
        app.chat.do("retry")
        await app.until(lambda: app.says("an error inside chatterm"))
        await app.type("x")
        assert app.chat.prompt.text == "x"
