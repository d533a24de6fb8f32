"""`/demo`: in a conversation of its own, and back to the model and the conversation from before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.app_driver import Driver, Place, place

__all__ = ["place"]


@pytest.fixture(autouse=True)
def quick(place: Place) -> Path:
    place.configure("echo\nusage input=1 output=1\n", "[ui]\nreduced_motion = true\n")
    return place.config


async def demo(app: Driver) -> None:
    await app.send("/demo")
    await app.until(lambda: app.chat.demo is not None)
    await app.until(lambda: app.says("That is the tour.") and not app.chat.talk.running)


async def test_what_is_sent_after_it_goes_to_the_model_and_the_conversation_from_before(
    place: Place,
) -> None:
    place.configure(
        "echo\nusage input=1 output=1\n", "[ui]\nreduced_motion = true\n[titles]\nmodel = 'off'\n"
    )
    async with place.app(size=(100, 60)) as app:
        await app.ask("first")
        before = app.chat.talk.session.id
        await demo(app)
        assert app.chat.talk.session.id != before
        await app.until(lambda: app.chat.model_name == "s/x")
        await app.send("second")
        await app.until(lambda: app.chat.talk.session.id == before)
        await app.until(lambda: len(app.chat.talk.session.turns) == 2)
        await app.idle()
        assert [turn.input.text for turn in app.chat.talk.session.turns] == ["first", "second"]
        assert {turn.model for turn in app.chat.talk.session.turns} == {"s/x"}


async def test_from_an_empty_conversation_it_goes_on_in_a_new_one(place: Place) -> None:
    async with place.app(size=(100, 60)) as app:
        await demo(app)
        played = app.chat.talk.session.id
        await app.until(lambda: app.chat.model_name == "s/x")
        await app.send("hello")
        await app.until(lambda: app.chat.talk.session.id != played)
        await app.until(lambda: len(app.chat.talk.session.turns) == 1)
        store = app.chat.talk.store
        assert store is not None
        kept = {each.conversation.origin for each in store.list(limit=5)}
        assert kept == {"demo", "app"}


async def test_a_new_conversation_meanwhile_has_the_model_back(place: Place) -> None:
    place.configure("text: hi\n")  # the demo takes its time
    async with place.app() as app:
        await app.send("/demo")
        await app.until(lambda: app.chat.demo is not None and app.chat.talk.running)
        await app.press("ctrl+n")
        await app.until(lambda: app.chat.model_name == "s/x")
        await app.until(lambda: not app.chat.talk.running)
        await app.ask("hello")
        assert app.says("hi")
