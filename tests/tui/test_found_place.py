"""What a search over all conversations found is gone to, wherever it stands, once it is there."""

from __future__ import annotations

import threading

import pytest

from chatterm.session import Session
from chatterm.store import Hit
from chatterm.tui.found_place import go_to_hit
from chatterm.tui.steps.call import CallItem
from chatterm.tui.steps.thinking import ThinkingItem
from tui.app_driver import Driver, Place, place

__all__ = ["place"]

READING = """call read_file: {"path": "recipe.txt"}
text: I have read it.
"""
RECIPE = "".join(f"line {number}\n" for number in range(40)) + "a pinch of cardamom\n"


def found(app: Driver, words: str) -> Hit:
    """The only place where words stand."""
    store = app.chat.talk.store
    assert store is not None
    (hit,) = store.search(words)
    return hit


async def test_words_in_a_result_are_shown_at_the_call(place: Place) -> None:
    (place.work / "recipe.txt").write_text(RECIPE)
    place.configure(READING)
    async with place.app() as app:
        await app.ask("read it")
        hit = found(app, "cardamom")
        assert hit.kind == "tool_result"
        go_to_hit(app.chat, hit, "cardamom")
        await app.until(lambda: app.says("a pinch of cardamom"))
        cursor = app.chat.pane.cursor
        assert isinstance(cursor, CallItem)
        assert cursor.unfolded
        assert app.chat.pane.marks.words == "cardamom"
        assert app.says("1 of 1")


async def test_words_in_arguments_are_shown_at_the_call(place: Place) -> None:
    place.configure('call shell: {"command": "ls >/dev/null # saffron"}\ntext: Done.\n')
    async with place.app(mode="auto") as app:
        await app.ask("look")
        hit = found(app, "saffron")
        assert hit.kind == "tool_call"
        go_to_hit(app.chat, hit, "saffron")
        cursor = app.chat.pane.cursor
        assert isinstance(cursor, CallItem)
        assert cursor.unfolded


async def test_folded_thoughts_are_opened(place: Place) -> None:
    place.configure("think: I weigh the nutmeg.\ntext: Done.\n")
    async with place.app() as app:
        await app.ask("think")
        go_to_hit(app.chat, found(app, "nutmeg"), "nutmeg")
        await app.until(lambda: app.says("I weigh the nutmeg."))
        assert isinstance(app.chat.pane.cursor, ThinkingItem)


async def test_words_that_are_not_shown_of_a_step_leave_the_cursor_at_it(place: Place) -> None:
    place.configure('call write_file: {"path": "clove.txt", "content": "x"}\ntext: Done.\n')
    async with place.app() as app:
        await app.send("write")
        await app.asked()
        await app.press("y")
        await app.until(lambda: app.says("Done."))
        await app.idle()
        store = app.chat.talk.store
        assert store is not None
        (hit,) = (each for each in store.search("clove") if each.kind == "tool_result")
        go_to_hit(app.chat, hit, hit.snippet)
        assert isinstance(app.chat.pane.cursor, CallItem)


async def long_conversation(place: Place) -> str:
    """Hold a conversation of which only the end is shown at once; its id."""
    async with place.app() as app:
        session = app.chat.talk.session
        await app.ask("the first one has turmeric")
        for number in range(8):
            await app.ask(f"message {number}")
        return session.id


@pytest.fixture
def earlier(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """What was before the end of a conversation comes when this is set."""
    monkeypatch.setattr("chatterm.talking.moving._FIRST_TURNS", 3)
    wanted, recorded = threading.Event(), Session.recorded

    def held_back(self: Session, most: int, *, before: str | None = None) -> object:
        assert before is None or wanted.wait(60)
        return recorded(self, most, before=before)

    monkeypatch.setattr(Session, "recorded", held_back)
    return wanted


async def test_it_is_gone_to_when_it_comes(place: Place, earlier: threading.Event) -> None:
    id_ = await long_conversation(place)
    async with place.app(resume=id_) as app:
        await app.until(lambda: app.says("message 7"))
        go_to_hit(app.chat, found(app, "turmeric"), "turmeric")
        assert app.chat.pane.cursor is None
        earlier.set()
        await app.until(lambda: app.says("the first one has turmeric"))
        assert getattr(app.chat.pane.cursor, "kind", "") == "user"


async def test_who_has_moved_the_cursor_meanwhile_stays_there(
    place: Place, earlier: threading.Event
) -> None:
    id_ = await long_conversation(place)
    async with place.app(resume=id_) as app:
        await app.until(lambda: app.says("message 7"))
        go_to_hit(app.chat, found(app, "turmeric"), "turmeric")
        await app.press("ctrl+up")
        moved_to = app.chat.pane.cursor
        earlier.set()
        await app.until(lambda: app.chat.all_shown)
        await app.idle()
        assert app.chat.pane.cursor is moved_to
        assert not app.says("turmeric")


async def test_a_hit_in_another_branch_is_said_to_be_there(place: Place) -> None:
    async with place.app() as app:
        await app.ask("with ginger")
        hit = found(app, "ginger")
        app.chat.do("edit")
        await app.until(lambda: app.chat.editing)
        app.chat.prompt.write("without it")
        await app.press("enter")
        await app.until(lambda: not app.says("with ginger"))
        await app.idle()
        go_to_hit(app.chat, hit, "ginger")
        await app.until(lambda: app.says("in another branch"))
