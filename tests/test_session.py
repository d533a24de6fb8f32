"""A session: every event is in the log before it is shown, and a conversation can always go on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatterm.agent.queue import When
from chatterm.errors import StoreError
from chatterm.events import Event, StepFinished, TurnFinished, TurnStarted
from chatterm.providers.demo import DemoProvider
from chatterm.providers.script import parse
from chatterm.session import Prompt, Session
from chatterm.steps import (
    Attachment,
    NoticeStep,
    Outcome,
    Status,
    TextStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
    UserInput,
)
from chatterm.store import RecordedTurn, Store

TOUR = "think: hm\ntext: one two three\ncall look: {}\nusage input=3 output=4\nround\ntext: done"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as opened:
        yield opened


def prompt(text: str = "hello", script: str = TOUR, **values) -> Prompt:
    provider = DemoProvider("demo", parse(script), pace=0)
    return Prompt(UserInput(text), provider, "m", **values)


def session(store: Store | None, **values) -> Session:
    return Session(store, origin="ask", directory="/work", **values)


async def run(running: Session, asked: Prompt) -> list[Event]:
    return [event async for event in running.run(asked)]


async def test_a_turn_is_recorded_as_it_was_shown(store: Store) -> None:
    talk = session(store)
    shown = await run(talk, prompt())
    (recorded,) = store.turns([talk.head or ""])
    finished = [event for event in shown if isinstance(event, StepFinished)]
    assert [event for event in recorded.events if isinstance(event, StepFinished)] == finished
    assert (recorded.events[0], recorded.events[-1]) == (shown[0], shown[-1])


async def test_a_conversation_goes_on_where_it_was(store: Store) -> None:
    talk = session(store)
    await run(talk, prompt("first"))
    again = Session.resume(store, store.find(talk.id))
    assert [turn.input.text for turn in again.turns] == ["first"]
    events = await run(again, prompt("second"))
    assert isinstance(events[0], TurnStarted)
    assert events[0].parent == talk.head
    assert store.path(talk.id) == [talk.head, again.head]
    assert store.find(talk.id).title == "first"


async def test_without_a_store_nothing_is_kept(tmp_path: Path) -> None:
    talk = session(None)
    await run(talk, prompt("first"))
    await run(talk, prompt("second"))
    assert [turn.input.text for turn in talk.turns] == ["first", "second"]
    assert not any(os.scandir(tmp_path))


async def test_attachments_are_there_again_when_the_conversation_goes_on(store: Store) -> None:
    digest = store.put_blob(b"picture")
    attachment = Attachment("a.png", "image/png", 7, digest, b"picture")
    asked = prompt()
    talk = session(store)
    await run(talk, Prompt(UserInput("look", (attachment,)), asked.provider, "m"))
    again = Session.resume(store, store.find(talk.id))
    assert again.turns[0].input.attachments[0].data is None
    request = again._request(prompt("more"), "turn")
    assert request.earlier[0].input.attachments[0].data == b"picture"


async def test_a_known_turn_is_not_asked_again(store: Store) -> None:
    talk = session(store)
    first = await run(talk, prompt(turn="f00d"))

    class Unwilling(DemoProvider):
        def stream(self, request, writer):
            raise AssertionError("it was asked again")

    again = Session.resume(store, store.find(talk.id))
    asked = Prompt(UserInput("hello"), Unwilling("demo"), "m", turn="f00d")
    second = await run(again, asked)
    assert second[-1] == first[-1]
    assert store.path(talk.id) == ["f00d"]


async def test_a_turn_that_was_abandoned_is_given_its_ends(store: Store) -> None:
    talk = session(store)
    events = talk.run(prompt())
    async for event in events:
        if isinstance(event, StepFinished) and isinstance(event.step, ToolCallStep):
            break
    await events.aclose()  # as if the process had died here: nothing more is recorded
    again = Session.resume(store, store.find(talk.id))
    (turn,) = store.turns([again.head or ""])
    results = [step for step in turn.steps if isinstance(step, ToolResultStep)]
    assert [result.outcome for result in results] == [Outcome.UNKNOWN]
    end = turn.events[-1]
    assert isinstance(end, TurnFinished)
    assert end.status is TurnStatus.INTERRUPTED
    after = await run(again, prompt("go on", "text: on"))
    assert after[-1].status is TurnStatus.COMPLETED


async def test_an_interrupt_keeps_what_came(store: Store) -> None:
    talk = session(store)
    shown = []
    async for event in talk.run(prompt(script="text: so far\nwait 60\nmore: never")):
        shown.append(event)
        if len(shown) == 3:
            asyncio.get_running_loop().call_soon(talk.interrupt)
    (turn,) = store.turns([talk.head or ""])
    (text,) = [step for step in turn.steps if isinstance(step, TextStep)]
    assert text.status is Status.INTERRUPTED
    assert turn.events[-1] == shown[-1]
    assert not talk.running


async def test_two_processes_in_one_conversation_are_never_interleaved(store: Store) -> None:
    talk = session(store)
    await run(talk, prompt("first"))
    one, two = (Session.resume(store, store.find(talk.id)) for _ in range(2))
    await run(one, prompt("mine"))
    await run(two, prompt("yours"))
    assert (one.branched, two.branched) == (False, True)
    assert store.path(talk.id) == [talk.head, one.head]
    assert {turn for turn, _ in store.tree(talk.id)} == {talk.head, one.head, two.head}


async def test_when_the_store_fails_the_turn_is_brought_to_its_end_and_the_error_raised(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(Store, "begin", full)
    shown: list[Event] = []

    async def consume() -> None:
        async for event in session(store).run(prompt()):
            shown.append(event)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(StoreError, match="full"):
        await consume()
    assert isinstance(shown[-1], TurnFinished)
    assert not any(
        isinstance(e, StepFinished) and not isinstance(e.step, NoticeStep) for e in shown
    )


# --- messages that are given while a turn runs ------------------------------------------------

ROUNDS = "call look: {}\nround\ncall look: {}\nround\ntext: done"


class Asked(DemoProvider):
    """Plays a script and keeps what each request ends with."""

    def __init__(self, script: str) -> None:
        super().__init__("demo", parse(script), pace=0)
        self.turns: list[list[tuple[str, int]]] = []

    def stream(self, request, writer):
        self.turns.append([(turn.input.text, len(turn.steps)) for turn in request.turns])
        return super().stream(request, writer)


async def drained(talk: Session, asked: Prompt, *messages: tuple[str, When]) -> list[Event]:
    """Run all, and queue these messages when the model makes its first call."""
    events = []
    waiting = list(messages)
    async for event in talk.run_all(asked):
        if isinstance(event, StepFinished) and isinstance(event.step, ToolCallStep):
            while waiting:
                talk.enqueue(*waiting.pop(0))
        events.append(event)
    return events


def ends(events: list[Event]) -> list[TurnStatus]:
    return [event.status for event in events if isinstance(event, TurnFinished)]


async def test_a_message_for_the_rounds_end_is_seen_after_the_rounds_so_far(store: Store) -> None:
    talk, provider = session(store), Asked(ROUNDS)
    events = await drained(talk, Prompt(UserInput("go"), provider, "m"), ("stop", When.ROUND))
    assert ends(events) == [TurnStatus.INTERRUPTED, TurnStatus.COMPLETED]
    # The first request, then the message after the call, its result and the notice.
    assert provider.turns[:2] == [[("go", 0)], [("go", 3), ("stop", 0)]]
    started = [event for event in events if isinstance(event, TurnStarted)]
    assert started[1].parent == started[0].turn
    assert store.path(talk.id) == [event.turn for event in started]
    assert not talk.queue


async def test_a_message_for_the_turns_end_waits_for_it(store: Store) -> None:
    talk, provider = session(store), Asked(ROUNDS)
    events = await drained(talk, Prompt(UserInput("go"), provider, "m"), ("more", When.TURN))
    assert ends(events) == [TurnStatus.COMPLETED] * 2
    assert [turns[-1][0] for turns in provider.turns] == ["go"] * 3 + ["more"] * 3


async def test_without_another_round_a_message_for_its_end_is_the_next_turn() -> None:
    talk = session(None)
    script = "call look: {}\nround\ntext: done"
    events = []
    async for event in talk.run_all(prompt("go", script)):
        is_text = isinstance(event, StepFinished) and isinstance(event.step, TextStep)
        if is_text and not talk.turns:
            talk.enqueue("late", When.ROUND)
        events.append(event)
    assert ends(events) == [TurnStatus.COMPLETED] * 2
    assert talk.turns[-1].input.text == "late"


async def test_an_interrupt_keeps_the_queue_and_sends_nothing() -> None:
    talk = session(None)
    events = []
    async for event in talk.run_all(prompt("go", "text: so far\nwait 60\nmore: never")):
        events.append(event)
        if len(events) == 3:
            talk.enqueue("later")
            asyncio.get_running_loop().call_soon(talk.interrupt)
    assert ends(events) == [TurnStatus.INTERRUPTED]
    assert [message.input.text for message in talk.queue] == ["later"]
    after = [event async for event in talk.run_all(prompt("again", "text: ok"))]
    assert ends(after) == [TurnStatus.COMPLETED] * 2
    assert [turn.input.text for turn in talk.turns] == ["go", "again", "later"]


async def test_a_turn_that_fails_keeps_the_queue() -> None:
    talk = session(None)
    talk.enqueue("later")
    events = [event async for event in talk.run_all(prompt("go", "fail server: broken"))]
    assert ends(events) == [TurnStatus.FAILED]
    assert len(talk.queue) == 1


async def test_a_single_turn_leaves_the_queue_alone() -> None:
    talk = session(None)
    talk.enqueue("later", When.ROUND)
    events = [event async for event in talk.run(prompt("go", ROUNDS))]
    assert ends(events) == [TurnStatus.COMPLETED]
    assert len(talk.queue) == 1


async def test_the_end_of_a_conversation_is_read_without_the_rest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = session(store)
    for number in range(6):
        await run(talk, prompt(str(number)))
    path = store.path(talk.id)
    again = Session.resume(store, store.find(talk.id))
    read: list[str] = []
    whole = Store.turns

    def turns(self: Store, ids: list[str]) -> list[RecordedTurn]:
        read.extend(ids)
        return whole(self, ids)

    monkeypatch.setattr(Store, "turns", turns)
    last = again.recorded(2)
    assert [turn.id for turn in last] == path[-2:]
    assert [turn.id for turn in again.recorded(3, before=last[0].id)] == path[1:4]
    assert [turn.id for turn in again.recorded(3, before=path[1])] == path[:1]
    assert again.recorded(3, before="of another branch") == []
    assert read == [*path[-2:], *path[1:4], path[0]]
    # A request needs all of them.
    assert [turn.id for turn in again.turns] == path


async def test_turns_of_this_session_are_among_the_recorded(store: Store) -> None:
    talk = session(store)
    await run(talk, prompt("one"))
    await run(talk, prompt("two"))
    assert [turn.turn().input.text for turn in talk.recorded(9)] == ["one", "two"]
    assert [turn.id for turn in talk.recorded(9, before=talk.head)] == store.path(talk.id)[:1]
    assert session(None).recorded(9) == []
