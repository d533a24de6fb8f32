"""While a turn waits for the first sign of an answer, the conversation says so."""

from __future__ import annotations

import time
from collections.abc import Callable

from chatterm.tui.waiting import WaitingItem
from tui.app_driver import Driver, Place, place

__all__ = ["place"]

SLOW = "wait 600\ntext: There it is.\n"
SOON = "wait 0.5\ntext: There it is.\n"


def later(app: Driver, seconds: float) -> None:
    """Have the app's clock go on."""
    now: Callable[[], float] = app.chat.setting.looks.now
    app.chat.setting.looks.now = lambda: now() + seconds


def waits(app: Driver) -> bool:
    return any(isinstance(item, WaitingItem) for item in app.chat.pane.items)


async def begin(app: Driver) -> None:
    await app.send("hello")
    await app.until(lambda: app.chat.talk.session.running and app.says("hello"))
    later(app, 12)


async def test_it_says_who_is_waited_for_and_how_long_until_the_turn_ends(place: Place) -> None:
    place.configure(SLOW)
    async with place.app() as app:
        await begin(app)
        await app.until(lambda: app.says("◌ waiting for s/x · 12 s"))
        later(app, 100)
        await app.until(lambda: app.says("waiting for s/x · 1 m"))
        await app.press("escape")
        await app.idle()
        assert not waits(app)
        assert app.says("interrupted")
        assert not app.says("waiting for s/x")


async def test_it_is_gone_when_something_comes(place: Place) -> None:
    place.configure(SOON)
    async with place.app() as app:
        await begin(app)
        await app.until(lambda: app.says("There it is."))
        await app.idle()
        assert not waits(app)
        assert not app.says("waiting for")
        assert app.chat.transcript.turns == (app.chat.talk.session.head,)


async def test_what_was_told_meanwhile_stays(place: Place) -> None:
    place.configure(SLOW)
    async with place.app() as app:
        await begin(app)
        await app.until(lambda: app.says("waiting for s/x"))
        await app.send("!echo mine")
        await app.until(lambda: app.says("! echo mine"))
        app.chat.talk.interrupt()
        await app.until(lambda: not waits(app))
        assert app.says("! echo mine")


async def test_a_model_that_is_loaded_first_is_said_to_be(place: Place) -> None:
    place.configure(SLOW)
    async with place.app() as app:
        chosen = app.chat.talk.chosen
        assert chosen is not None
        chosen.provider.loading = True  # type: ignore[attr-defined] # as the local one has it
        await begin(app)
        await app.until(lambda: app.says("loading the model · 12 s"))
        chosen.provider.loading = False  # type: ignore[attr-defined]
        chosen.provider.reads = True  # type: ignore[attr-defined]
        await app.until(lambda: app.says("s/x reads the prompt · 12 s"))
        chosen.provider.reads = False  # type: ignore[attr-defined]
        await app.until(lambda: app.says("waiting for s/x · 12 s"))


async def test_the_mark_turns_unless_nothing_is_to_move(place: Place) -> None:
    place.configure(SLOW)
    async with place.app() as app:
        app.chat.setting.looks.still = False
        now = time.time()
        app.chat.setting.looks.now = lambda: now
        await begin(app)
        signs = app.chat.setting.looks.signs.running
        for sign in signs[:3]:
            await app.until(lambda sign=sign: app.says(f"{sign} waiting for s/x"))  # type: ignore[misc]
