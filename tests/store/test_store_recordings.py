"""Every recorded stream and the demo: the view made from live events equals the one made from disk.

The views are the transcripts, the export, and the messages that a next request would hold.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from chatterm.agent.interrupt import Interrupt
from chatterm.assembly import StepWriter
from chatterm.events import Event
from chatterm.providers.base import ModelInfo, ModelRequest, Provider, RoundEnd
from chatterm.providers.demo import DemoProvider
from chatterm.providers.registry import wire_protocol
from chatterm.providers.sse import SseFramer
from chatterm.providers.wire import Endpoint
from chatterm.session import Prompt, Session
from chatterm.steps import Outcome, TurnStatus, UserInput
from chatterm.store import Conversation, RecordedTurn, Store
from chatterm.store.model import ended, fold
from chatterm.transcripts import to_html, to_jsonl, to_markdown, to_text
from recordings import MISSING, Recording, recordings
from store.making import begin, frozen_clock, unanswered

ALL = recordings("chat", "responses", "anthropic")
ENDPOINT = Endpoint("p", "http://127.0.0.1")
each = pytest.mark.parametrize("recording", ALL, ids=lambda recording: recording.file)
streams = pytest.mark.streams


class Recorded:
    """Plays a recorded body through its decoder, in pieces of random sizes."""

    name = "p"

    def __init__(self, recording: Recording, generator: random.Random) -> None:
        self._recording = recording
        self._generator = generator

    async def stream(
        self, request: ModelRequest, writer: StepWriter
    ) -> AsyncGenerator[Event | RoundEnd, None]:
        decoder = wire_protocol(self._recording.protocol).decoder(request, ENDPOINT, writer)
        framer = SseFramer()
        body, start = self._recording.body, 0
        most = self._generator.choice([40, 700, 9000] if len(body) < 50_000 else [9000, 90_000])
        while start < len(body):
            size = self._generator.randint(1, most)
            frames = framer.feed(body[start : start + size])
            start += size
            if start >= len(body):
                frames += framer.finish()
            for name, data in frames:
                decoder.event(name, data if data == "[DONE]" else json.loads(data))
            for event in writer.take():
                yield event
            await asyncio.sleep(0)
        end = decoder.close()
        for event in writer.take():
            yield event
        yield end

    async def models(self) -> list[ModelInfo]:
        return []

    async def aclose(self) -> None:
        pass


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all: every turn has a conversation of its own."""
    directory = tmp_path_factory.mktemp("store")
    with Store.open(directory, persist_interval_ms=0, persist_min_chars=64) as opened:
        yield opened


async def live(store: Store, provider: Provider, stop_after: int | None) -> tuple[str, list[Event]]:
    """Run a turn, interrupted after so many events; its conversation and what was seen of it."""
    session = Session(store, origin="app", directory="/work", clock=frozen_clock())
    interrupt = Interrupt()
    prompt = Prompt(UserInput("hello"), provider, "m", max_rounds=1)
    seen: list[Event] = []
    async with aclosing(session.run(prompt, interrupt=interrupt)) as events:
        async for event in events:
            seen.append(event)
            if len(seen) == stop_after:
                interrupt.request()
    return session.id, seen


def views(conversation: Conversation, turn: RecordedTurn, protocol: str) -> list[object]:
    """Everything that is made of a turn."""
    request = ModelRequest("m", (turn.turn(), replace(turn.turn(), id="next", steps=())))
    return [
        to_markdown(conversation, [turn]),
        to_html(conversation, [turn]),
        to_text(conversation, [turn]),
        list(to_jsonl(conversation, [turn], {})),
        wire_protocol(protocol).encode(request, ENDPOINT).body,
    ]


def assert_replays(store: Store, conversation_id: str, seen: list[Event], protocol: str) -> None:
    [turn] = store.turns(store.path(conversation_id))
    conversation = store.find(conversation_id)
    shown = RecordedTurn(turn.id, None, conversation_id, fold(seen))
    assert turn.events == shown.events
    assert views(conversation, turn, protocol) == views(conversation, shown, protocol)


@streams
@each
async def test_a_recorded_stream_replays_as_it_was_live(recording: Recording, store: Store) -> None:
    generator = random.Random(recording.file)
    conversation, seen = await live(store, Recorded(recording, generator), None)
    assert_replays(store, conversation, seen, recording.protocol)


@streams
@each
async def test_one_that_was_interrupted_anywhere_replays_too(
    recording: Recording, store: Store
) -> None:
    generator = random.Random(f"{recording.file} interrupted")
    _, whole = await live(store, Recorded(recording, generator), None)
    for _ in range(2):
        stop = generator.randint(1, len(whole))
        conversation, seen = await live(store, Recorded(recording, generator), stop)
        assert seen[-1].status in set(TurnStatus)
        assert_replays(store, conversation, seen, recording.protocol)


@streams
@each
async def test_one_whose_process_died_anywhere_shows_what_was_recorded(
    recording: Recording, store: Store
) -> None:
    generator = random.Random(f"{recording.file} died")
    _, seen = await live(store, Recorded(recording, generator), None)
    first, *rest = seen[: generator.randint(1, len(seen) - 1)]
    first = replace(first, conversation=f"died-{recording.file}", turn=f"died-{recording.file}")
    log = await begin(store, first)
    for event in rest:
        await log.record(event)
    log.close()  # what had been taken is written; the turn has no end
    assert store.repair(first.conversation) == [first.turn]
    [turn] = store.turns([first.turn])
    shown = RecordedTurn(turn.id, None, first.conversation, ended(fold([first, *rest])))
    steps, recorded = turn.turn().steps, shown.turn().steps
    assert steps[: len(recorded)] == recorded
    # What was added answers the calls that had no answer, and nothing else.
    assert {step.outcome for step in steps[len(recorded) :]} <= {Outcome.UNKNOWN}
    assert unanswered(turn) == []


@pytest.mark.skipif(not ALL, reason=MISSING)
@streams
def test_the_recordings_are_there() -> None:
    assert len(ALL) > 100


@pytest.mark.parametrize("stop_after", [None, 1, 2, 7, 40, 150, 400])
async def test_the_demo_replays_as_it_was_live(store: Store, stop_after: int | None) -> None:
    conversation, seen = await live(store, DemoProvider("demo", pace=0), stop_after)
    assert_replays(store, conversation, seen, "chat")
