"""Conversations that the server keeps, in the app: listed, looked at, fetched, gone on with."""

from __future__ import annotations

import pytest

from chatterm.tui.deeds.every import BY_NAME
from chatterm.tui.screens.entry import Confirm
from chatterm.tui.screens.picker import Picker
from faultserver import Answer, FaultServer, Stall, unused_port
from keptservers import KeptLightspeed, as_json
from tui.app_driver import Driver, Place, place
from tui.screens_app import HARMLESS, HOSTILE

__all__ = ["place"]


@pytest.fixture(autouse=True)
def no_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatterm.tui.screens.entry.GUARD_S", 0.0)


@pytest.fixture
def kept(place: Place, server: FaultServer) -> KeptLightspeed:
    configure(place, server.url)
    found = KeptLightspeed()
    server.script(found)
    return found


def configure(place: Place, url: str, protocol: str = "lightspeed") -> None:
    place.config.write_text(
        'model = "p/openai/gpt-4o-mini"\n[titles]\nmodel = "off"\n'
        f'[providers.p]\nprotocol = "{protocol}"\nbase_url = "{url}"\nauth = "none"\n',
        "utf-8",
    )


def picking(app: Driver) -> bool:
    return isinstance(app.app.screen, Picker)


async def test_one_is_looked_at_fetched_and_gone_on_with(
    place: Place, kept: KeptLightspeed
) -> None:
    kept.hold("c1", "Failing pods", ("Which pods fail?", "One of them."))
    kept.hold("c2", None, ("Which nodes?", "None."))
    async with place.app() as app:
        await app.send("/server")
        await app.until(lambda: app.says("Failing pods"))
        assert app.says("Conversations on p")
        assert app.says("c2")  # it has no title
        await app.until(lambda: app.says("Which nodes?"))
        await app.press("down")
        await app.until(lambda: app.says("Which pods fail?"))
        await app.press("enter")
        await app.until(lambda: not picking(app) and app.says("One of them."))
        await app.idle()
        await app.ask("And why?")
        assert kept.asked[0]["conversation_id"] == "c1"
        assert kept.asked[0]["query"] == "And why?"
        assert app.says("answer 2")


async def test_the_open_one_is_brought_up_to_date(place: Place, kept: KeptLightspeed) -> None:
    async with place.app() as app:
        await app.ask("one")
        here = app.chat.talk.session.id
        kept.hold("made-0", None, ("two, elsewhere", "2"))
        await app.send("/server")
        await app.until(lambda: picking(app) and app.says("made-0"))
        await app.press("enter")
        await app.until(lambda: not picking(app) and app.says("two, elsewhere"))
        assert app.chat.talk.session.id == here
        await app.idle()
        await app.ask("three")
        assert kept.asked[-1]["conversation_id"] == "made-0"
        assert kept.asked[-1]["query"] == "three"


async def test_renamed_and_deleted_there(place: Place, kept: KeptLightspeed) -> None:
    kept.hold("c1", "Old", ("a", "b"))
    async with place.app() as app:
        await app.send("/server")
        await app.until(lambda: app.says("Old"))
        await app.press("ctrl+r")
        await app.until(lambda: app.says("Title"))
        await app.press("ctrl+a", "ctrl+k", *"New", "enter")
        await app.until(lambda: picking(app) and app.says("New"))
        assert kept.titles["c1"] == "New"
        await app.press("ctrl+d")
        await app.until(lambda: isinstance(app.app.screen, Confirm))
        await app.until(lambda: app.says("Delete “New” on p? What was fetched of it stays here."))
        await app.press("y")
        await app.until(lambda: picking(app) and app.says("no such conversation on p"))
        assert not kept.turns
        await app.press("escape")


async def test_the_screen_is_not_held_up(place: Place, server: FaultServer) -> None:
    configure(place, server.url)
    server.script(Answer([Stall()]))
    async with place.app() as app:
        await app.send("/server")
        await app.until(lambda: app.says("0, asking"))
        await app.press("escape")
        await app.until(lambda: not picking(app))
        await app.type("still here")
        assert app.says("still here")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (as_json({"detail": {"response": "no", "cause": "token"}}, 401), "p rejected the key"),
        (Answer(b"<html><title>Sign in</title></html>"), "p didn't list its conversations"),
        (None, "127.0.0.1"),
    ],
)
async def test_a_server_that_fails_is_told_of(
    place: Place, server: FaultServer, answer: Answer | None, words: str
) -> None:
    configure(place, server.url if answer else f"http://127.0.0.1:{unused_port()}")
    server.script(answer or Answer())
    async with place.app() as app:
        await app.send("/server")
        await app.until(lambda: not picking(app) and app.says(words))
        await app.type("still here")
        assert app.says("still here")


async def test_where_the_provider_keeps_none_it_is_not_offered(place: Place) -> None:
    configure(place, "http://127.0.0.1:9", "chat")
    async with place.app() as app:
        assert not BY_NAME["server"].offered(app.chat)
        app.chat.prompt.write("/serv")
        await app.pilot.pause(0.1)
        assert not app.says("that the server keeps")
        await app.send("/server")
        await app.until(lambda: app.says("p keeps no conversations that could be listed"))


async def test_hostile_titles_and_words_are_shown_and_not_obeyed(
    place: Place, kept: KeptLightspeed
) -> None:
    kept.hold("c1", HOSTILE, (HOSTILE, HOSTILE))
    kept.hold("c2", "x" * 10_000, ("a", "b"))
    async with place.app(size=(140, 40)) as app:
        await app.send("/server")
        await app.until(lambda: app.says("xxxx"))
        assert app.says(HARMLESS[:20])
        await app.press("down")
        await app.until(lambda: app.text().count("a red") > 1)
        assert all(line.isprintable() for line in app.lines())
        await app.press("enter")
        await app.until(lambda: not picking(app) and app.says("⟨U+202E⟩evil"))
        await app.idle()
        assert all(line.isprintable() for line in app.lines())


async def test_deleting_here_says_that_the_server_keeps_it(
    place: Place, kept: KeptLightspeed
) -> None:
    async with place.app() as app:
        await app.ask("one")
        await app.chat.begin_anew()
        await app.send("/conversations")
        await app.until(lambda: picking(app) and app.says("1"))
        await app.until(lambda: app.says("answer 1"))
        await app.press("ctrl+d")
        await app.until(lambda: isinstance(app.app.screen, Confirm))
        await app.until(lambda: app.says("p keeps it still."))
        await app.press("escape")
        await app.until(lambda: picking(app))
        await app.press("escape")
        assert "made-0" in kept.turns
