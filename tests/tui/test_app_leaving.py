"""Leaving the app, and coming back: nothing that was typed is lost, nothing goes astray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatterm.talking.talk import Talk
from tui.app_driver import Driver, Place, place

__all__ = ["place"]

SLOW = """
pace 1 40
text: One two three four five six seven eight nine ten eleven twelve.
"""


async def leave(app: Driver) -> str:
    """Leave; what is left on the terminal."""
    app.chat.leave()
    await app.until(lambda: app.app._exit)
    return str(app.app.return_value)


async def wait_with(app: Driver, text: str) -> str:
    """Have a message wait while a turn is under way; the conversation's id."""
    await app.send("count")
    await app.until(lambda: app.says("One"))
    app.chat.prompt.write(text)
    await app.press("alt+enter")
    return app.chat.talk.session.id


async def test_what_waits_goes_on_waiting_in_its_conversation(place: Place) -> None:
    place.configure(SLOW)
    (place.work / "notes.txt").write_text("milk\n")
    async with place.app() as app:
        id_ = await wait_with(app, "see @notes.txt")
    async with place.app(resume=id_) as app:
        await app.until(lambda: app.says("not sent: see @notes.txt"))
        await app.until(lambda: app.says("they go after the next turn"))
        (waiting,) = app.chat.talk.waiting
        (attached,) = waiting.input.attachments
        assert attached.data == b"milk\n"
        kept = place.data / "drafts"  # where it would be found after a crash
        await app.until(lambda: "see @notes.txt" in "".join(map(Path.read_text, kept.iterdir())))


async def test_what_waits_is_not_sent_in_another_conversation(place: Place) -> None:
    place.configure(SLOW)
    async with place.app() as app:
        await wait_with(app, "only there")
    place.configure("text: Hello.")
    async with place.app() as app:
        await app.until(lambda: app.says("weren't sent"))
        await app.ask("something else")
        assert len(app.chat.talk.session.turns) == 1
        await app.press("up", "up")
        assert app.chat.prompt.text == "only there"


async def test_a_title_with_control_sequences_is_left_without_them(place: Place) -> None:
    async with place.app() as app:
        await app.ask("hi")
        await app.chat.talk.rename("ok\x1b]0;owned\x07\x9b31m\u202e")
        line = await leave(app)
        assert line.startswith("ok")
        assert line.isprintable()


async def test_leaving_twice_is_leaving_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Any] = []
    plain = Talk.close

    async def close(talk: Talk) -> None:
        closed.append(talk)
        await plain(talk)

    monkeypatch.setattr(Talk, "close", close)
    async with place.app() as app:
        app.chat.leave()
        await leave(app)
    assert len(closed) == 1


async def test_what_cannot_be_closed_keeps_nobody_in(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def close(_: Talk) -> None:
        raise ZeroDivisionError

    async with place.app(errors=True) as app:
        with monkeypatch.context() as broken:
            broken.setattr(Talk, "close", close)
            await leave(app)


async def test_a_sensitive_file_is_not_sent_while_the_tools_are_opened(place: Place) -> None:
    (place.work / ".env").write_text("KEY=secret\n")
    async with place.app(opened=False) as app:
        await app.send("look at @.env")
        await app.until(lambda: len(app.chat.talk.session.turns) == 1)
        assert app.chat.talk.session.turns[0].input.attachments == ()


async def test_a_sensitive_file_is_not_sent_without_tools(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise OSError("no tools today")

    monkeypatch.setattr("chatterm.talking.talk.open_tools", fails)
    (place.work / ".env").write_text("KEY=secret\n")
    async with place.app() as app:
        await app.send("look at @.env")
        await app.until(lambda: len(app.chat.talk.session.turns) == 1)
        assert app.chat.talk.session.turns[0].input.attachments == ()


async def test_nothing_is_told_of_a_conversation_that_isnt_kept(place: Place) -> None:
    async with place.app() as app:
        await app.send("/setup")
        await app.until(lambda: app.says("setup 1/5"))
        await app.press("escape")
        await app.until(lambda: app.says("nothing was changed"))
        assert await leave(app) == ""
    async with place.app() as app:
        await app.ask("hi")
        store, session = app.chat.talk.store, app.chat.talk.session
        assert store is not None
        store.delete(session.id)
        assert await leave(app) == ""
