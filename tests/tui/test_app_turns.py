"""Turns in the app: sent while it opens, stopped before they begin, moved away from."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chatterm.agent.attaching import attachment_of
from chatterm.errors import StoreError
from chatterm.events import Event
from chatterm.store import Store
from chatterm.talking import talk, under_way
from chatterm.tui.transcript import Transcript
from tui.app_driver import PATIENCE_S, Driver, Place, place

__all__ = ["place"]

SLOW = """
pace 1 40
text: One two three four five six seven eight nine ten eleven twelve.
"""


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> Iterator[threading.Event]:
    """A function that waits until it may go on."""
    go_on = threading.Event()
    plain = getattr(module, name)

    def waits(*given: Any) -> Any:
        assert go_on.wait(PATIENCE_S)
        return plain(*given)

    monkeypatch.setattr(module, name, waits)
    yield go_on
    go_on.set()


def sent(app: Driver) -> list[str]:
    """What was sent in the conversation."""
    return [turn.input.text for turn in app.chat.talk.session.turns]


def add_model(place: Place, name: str, script: str) -> None:
    """Configure another provider."""
    path = place.config.parent / f"{name}.demo"
    path.write_text(script, "utf-8")
    with place.config.open("a", encoding="utf-8") as file:
        file.write(f'[providers.{name}]\nprotocol = "demo"\nscript = "{path}"\nmodels = ["y"]\n')


# --- while it opens ---


async def test_a_message_sent_before_the_store_is_open_is_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held(monkeypatch, talk, "open_store") as go_on:
        async with place.app(opened=False) as app:
            await app.send("early")
            go_on.set()
            await app.until(lambda: app.says("Hello."))
            await app.idle()
            id_ = app.chat.talk.session.id
    with Store.open(place.data) as store:
        assert [turn.turn().input.text for turn in store.turns(store.path(id_))] == ["early"]


async def test_escape_before_a_turn_begins_gives_the_message_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held(monkeypatch, talk, "open_tools") as go_on:
        async with place.app(opened=False) as app:
            await app.until(app.chat.talk.begun.is_set)
            await app.send("early")
            assert app.chat.talk.running
            await app.press("escape")
            await app.until(lambda: not app.chat.talk.running)
            assert app.chat.prompt.text == "early"
            go_on.set()
            await app.until(lambda: app.chat.talk.opened)
            assert sent(app) == []
            await app.press("enter")
            await app.until(lambda: sent(app) == ["early"])


async def test_a_mode_chosen_while_it_opens_holds(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held(monkeypatch, talk, "open_tools") as go_on:
        async with place.app(opened=False) as app:
            await app.until(app.chat.talk.begun.is_set)
            app.chat.do("mode:plan")
            go_on.set()
            await app.until(lambda: app.chat.talk.opened)
            assert app.chat.talk.mode == "plan"
            tooling = app.chat.talk.tooling
            assert tooling is not None
            assert tooling.gate.posture.mode == "plan"


async def test_a_caged_mode_without_a_cage_is_told(place: Place) -> None:
    script = "text: Hello."
    place.configure(script, '[permissions]\nmode = "caged"\n[tools.shell]\nsandbox = "none"\n')
    async with place.app() as app:
        assert app.chat.talk.mode == "confirm"
        assert app.says("the mode caged needs a sandbox")


async def test_what_cannot_be_opened_is_told_and_the_message_answered(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise OSError("no tools today")

    monkeypatch.setattr(talk, "open_tools", fails)
    async with place.app() as app:
        assert app.says("no tools today")
        await app.ask("hi")
        assert app.says("Hello.")


async def test_a_message_nobody_can_answer_is_given_back(place: Place) -> None:
    place.config.write_text('model = "openai/x"\n')
    async with place.app() as app:
        await app.send("please")
        await app.until(lambda: not app.chat.talk.running)
        assert app.chat.prompt.text == "please"
        assert app.says("OPENAI_API_KEY")


# --- another conversation meanwhile ---


async def test_going_to_another_conversation_stops_the_turn_and_shows_none_of_it(
    place: Place,
) -> None:
    async with place.app() as app:
        await app.ask("first")
        first = app.chat.talk.session.id
        app.chat.do("new")
        await app.until(lambda: app.chat.welcome is not None)
        place.configure(SLOW)
        await app.chat.talk.choose("s/x")
        await app.send("second")
        await app.until(lambda: app.says("One"))
        second = app.chat.talk.session
        app.chat.do(f"resume:{first}")
        await app.until(lambda: app.chat.talk.session.id == first and app.says("› first"))
        assert not second.running
        assert not app.says("One")
        assert second.turns[-1].input.text == "second"


async def test_a_message_sent_while_moving_goes_where_one_moves_to(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.app() as app:
        await app.ask("first")
        first = app.chat.talk.session.id
        app.chat.do("new")
        await app.until(lambda: app.chat.welcome is not None)
        store = app.chat.talk.store
        assert store is not None
        with held(monkeypatch, store, "find") as go_on:
            app.chat.do(f"resume:{first}")
            await app.until(app.chat.talk.moving.locked)
            await app.send("more")
            go_on.set()
            await app.until(lambda: len(sent(app)) == 2)
        await app.idle()
        assert app.chat.talk.session.id == first
        assert sent(app) == ["first", "more"]


async def test_what_waits_is_given_back_when_one_goes_away(place: Place) -> None:
    place.configure(SLOW)
    async with place.app() as app:
        await app.send("count")
        await app.until(lambda: app.says("One"))
        await app.send("and then")
        assert app.says("next: and then")
        app.chat.do("new")
        await app.until(lambda: app.chat.prompt.text == "and then")
        await app.idle()
        assert app.chat.talk.waiting == ()


# --- who is asked ---


async def test_what_waits_is_sent_to_the_model_chosen_meanwhile(place: Place) -> None:
    place.configure(SLOW)
    add_model(place, "other", "text: It is me.")
    async with place.app() as app:
        await app.send("count")
        await app.until(lambda: app.says("One"))
        before = app.chat.talk.chosen
        assert before is not None
        app.chat.prompt.write("later")
        await app.press("alt+enter")
        app.chat.do("model:other/y")
        await app.until(lambda: app.chat.model_name == "other/y")
        assert before.users
        await app.until(lambda: app.says("It is me."))
        await app.idle()
        models = [turn.model for turn in app.chat.talk.session.turns]
        assert models == ["s/x", "other/y"]
        await app.until(lambda: not before.users)


async def test_the_model_of_a_resumed_conversation_may_be_gone(place: Place) -> None:
    add_model(place, "other", "text: Who am I?")
    async with place.app(model="other/y") as app:
        await app.ask("hi")
        id_ = app.chat.talk.session.id
    place.configure("text: Still here.")
    async with place.app(resume=id_) as app:
        await app.until(lambda: app.says("other/y answered here before"))
        assert app.says("s/x is asked from now on")
        await app.ask("and now")
        assert app.says("Still here.")
    async with place.app() as app:
        app.chat.do(f"resume:{id_}")
        await app.until(lambda: app.says("Still here."))
        assert app.chat.model_name == "s/x"


# --- where commands run ---


async def test_another_conversation_begins_where_the_app_was_started(place: Place) -> None:
    (place.work / "below").mkdir()
    place.configure('call shell: {"command": "cd below"}\ntext: I am there.')
    async with place.app() as app:
        await app.ask("go there")
        assert app.chat.directory == place.work / "below"
        await app.chat.begin_anew()
        assert app.chat.directory == place.work


# --- what is written meanwhile ---


async def test_what_is_written_while_older_turns_are_summarised_is_sent_then(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.app() as app:
        done = asyncio.Event()

        async def compact(_: Any) -> AsyncGenerator[Event, None]:
            await done.wait()
            for nothing in ():
                yield nothing

        monkeypatch.setattr(app.chat.talk.session, "compact", compact)
        app.chat.do("compact")
        await app.until(lambda: app.chat.talk.running)
        await app.send("hi")
        assert app.says("next: hi")
        done.set()
        await app.until(lambda: sent(app) == ["hi"])


async def test_a_turn_goes_on_when_it_cannot_be_shown(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.app(errors=True) as app:

        def fails(*_: Any) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as broken:
            broken.setattr(Transcript, "event", fails)
            await app.ask("hi")
        assert app.says("an error inside chatterm")
        (turn,) = app.chat.talk.session.turns
        assert turn.steps
        await app.ask("again")
        assert app.says("› again")


# --- editing ---


async def test_a_draft_is_there_again_when_editing_is_given_up(place: Place) -> None:
    async with place.app() as app:
        await app.ask("first")
        app.chat.prompt.write("half a thought")
        await app.press("escape", "escape")
        await app.until(lambda: app.chat.prompt.text == "first")
        app.chat.do("edit_last")  # once more: the draft is what was typed before all that
        await app.press("escape")
        await app.until(lambda: app.chat.prompt.text == "half a thought")
        assert not app.says("editing what was sent")


async def test_what_was_attached_goes_along_when_a_message_is_edited(place: Place) -> None:
    place.configure("echo")
    data = attachment_of("stdin", "text/plain", b"line one\n")
    async with place.app(prompt="explain", attachments=(data,)) as app:
        await app.until(lambda: sent(app) == ["explain"])
        await app.idle()
        app.chat.do("edit_last")
        await app.pilot.pause()
        app.chat.prompt.write("explain better")
        await app.press("enter")
        await app.until(lambda: sent(app) == ["explain better"])
        (attached,) = app.chat.talk.session.turns[-1].input.attachments
        assert attached.data == b"line one\n"
        id_ = app.chat.talk.session.id
    async with place.app(resume=id_) as app:
        await app.until(lambda: app.says("explain better"))
        app.chat.do("retry")
        await app.until(lambda: app.says("branch 3/3"))
        await app.idle()
        (attached,) = app.chat.talk.session.turns[-1].input.attachments
        assert attached.data == b"line one\n"


async def test_an_edit_that_is_given_up_can_be_had_again(place: Place) -> None:
    async with place.app() as app:
        await app.ask("first")
        app.chat.do("edit_last")
        await app.pilot.pause()
        app.chat.prompt.write("first, long and careful")
        await app.press("escape")
        assert app.chat.prompt.text == ""
        await app.press("up")
        assert app.chat.prompt.text == "first, long and careful"


# --- a store that fails ---


async def test_a_turn_that_cannot_be_recorded_is_given_back_and_no_later_one_is_lost(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.app() as app:
        await app.ask("one")
        store = app.chat.talk.store
        assert store is not None

        async def fails(*_: Any, **__: Any) -> Any:
            raise StoreError("the disk is full")

        with monkeypatch.context() as full:
            full.setattr(store, "begin", fails)
            await app.send("two")
            await app.until(lambda: app.says("the disk is full"))
            await app.idle()
        assert app.chat.prompt.text == "two"
        assert sent(app) == ["one"]
        await app.press("enter")
        await app.until(lambda: len(sent(app)) == 2)
        await app.idle()
        id_ = app.chat.talk.session.id
        kept = [turn.turn().input.text for turn in store.turns(store.path(id_))]
        assert kept == ["one", "two"]


async def test_without_a_store_one_can_talk_all_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("no store today")

    monkeypatch.setattr(Store, "open", fails)
    async with place.app() as app:
        assert app.says("no store today")
        await app.ask("hi")
        assert app.says("Hello.")
        app.chat.do("edit_last")
        await app.pilot.pause()
        app.chat.prompt.write("better")
        await app.press("enter")
        await app.until(lambda: sent(app) == ["better"])
        app.chat.do("new")
        await app.until(lambda: app.chat.welcome is not None)


async def test_a_conversation_that_cannot_be_opened_ends_the_app_with_its_reason(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(talk.Talk, "_begin", fails)
    async with place.app() as app:
        assert "on purpose" in str(app.app.return_value)


# --- branching amid a turn ---


async def test_the_message_of_a_running_turn_is_edited(place: Place) -> None:
    place.configure(SLOW)
    async with place.app() as app:
        await app.ask("first")
        await app.send("second")
        await app.until(lambda: app.chat.talk.session.running and app.text().count("One") == 2)
        app.chat.do("edit_last")
        await app.pilot.pause()
        assert app.chat.prompt.text == "second"
        app.chat.prompt.write("second, better")
        await app.press("enter")
        await app.until(lambda: app.says("branch 2/2"))
        await app.idle()
        assert sent(app) == ["first", "second, better"]


async def test_an_interrupted_turn_is_asked_again(place: Place) -> None:
    place.configure(SLOW)
    async with place.app() as app:
        await app.send("count")
        await app.until(lambda: app.says("One"))
        await app.press("escape")
        await app.idle()
        app.chat.do("retry")
        await app.until(lambda: app.says("branch 2/2"))
        await app.idle()
        assert app.says("twelve.")
        assert sent(app) == ["count"]
        assert not app.says("■ interrupted")


async def test_branches_of_the_first_message_are_switched(place: Place) -> None:
    async with place.app() as app:
        await app.ask("first")
        app.chat.do("retry")
        await app.until(lambda: app.says("branch 2/2"))
        await app.idle()
        await app.ask("more")
        app.chat.pane.set_cursor(app.chat.pane.items[0].key)
        app.chat.do("branch_before")
        await app.until(lambda: app.says("branch 1/2"))
        assert sent(app) == ["first"]
        app.chat.do("branch_after")
        await app.until(lambda: app.says("branch 2/2"))
        assert sent(app) == ["first", "more"]


async def test_a_turn_that_does_not_stop_is_given_up(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_way, "_STOP_S", 0.05)
    async with place.app() as app:
        session = app.chat.talk.session

        async def compact(_: Any) -> AsyncGenerator[Event, None]:
            await asyncio.Event().wait()
            for nothing in ():
                yield nothing

        monkeypatch.setattr(session, "compact", compact)
        app.chat.do("compact")
        await app.until(lambda: app.chat.talk.running)
        app.chat.do("new")
        await app.until(lambda: not app.chat.talk.running)


async def test_a_stop_between_the_last_check_and_a_turns_beginning_is_heard(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.configure(SLOW)
    async with place.app() as app:
        session = app.chat.talk.session
        reached, go_on = asyncio.Event(), asyncio.Event()

        async def make_room(*_: Any) -> AsyncGenerator[Event, None]:
            reached.set()
            await go_on.wait()
            for nothing in ():
                yield nothing

        monkeypatch.setattr(session, "make_room", make_room)
        await app.send("hello")
        await app.until(reached.is_set)
        app.chat.do("escape")
        go_on.set()
        await app.idle()
        (turn,) = session.turns
        assert not any("twelve" in getattr(step, "text", "") for step in turn.steps)
