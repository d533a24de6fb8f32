"""Keys that come at once: each counts for what the ones before it have made of the prompt."""

from __future__ import annotations

from textual.events import Key

from tui.app_driver import Driver, Place, place

__all__ = ["place"]

_NAMES = {"\x15": "ctrl+u", "\x01": "ctrl+a", "\r": "enter", "/": "slash"}


async def type_at_once(app: Driver, text: str) -> None:
    """Have keys come without the app getting anything done between them."""
    for each in text:
        app.app.post_message(Key(_NAMES.get(each, each), each))
    await app.pilot.pause()


async def test_what_deletes_leaves_what_is_typed_behind_it(place: Place) -> None:
    async with place.app() as app:
        app.chat.prompt.write("old")
        await type_at_once(app, "\x15new")
        await app.until(lambda: app.chat.prompt.text)
        assert app.chat.prompt.text == "new"
        await type_at_once(app, "\x01a ")
        await app.until(lambda: app.chat.prompt.text != "new")
        assert app.chat.prompt.text == "a new"


async def test_enter_sends_what_was_typed_before_it(place: Place) -> None:
    async with place.app() as app:
        app.chat.prompt.write("/mo")
        await app.until(lambda: app.chat.suggestions.shown)
        await type_at_once(app, "\x15/rename A name\r")
        await app.until(lambda: app.chat.prompt.empty)
        app.chat.prompt.write("/mo")
        await app.until(lambda: app.chat.suggestions.shown)
        await type_at_once(app, "\x15hello\r")
        await app.until(lambda: app.chat.talk.session.turns)
        await app.idle()
        assert app.chat.talk.session.turns[0].input.text == "hello"
