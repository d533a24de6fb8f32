"""Compaction over real HTTP: what a server receives before it, after it, and when it is undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from chatterm.config import Context
from chatterm.events import StepDelta, StepFinished, TurnFinished, UsageReported
from chatterm.providers.http import HttpProvider, StreamLimits
from chatterm.providers.registry import wire_protocol
from chatterm.providers.transport import Transport
from chatterm.providers.wire import Endpoint
from chatterm.session import Prompt, Session
from chatterm.steps import NoticeStep, TurnStatus, Usage, UserInput
from chatterm.store import Store
from faultserver import Answer, FaultServer, Received, Stall, sse

WINDOW = 10_000
SUMMARY = "It was about numbers."


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as opened:
        yield opened


@pytest.fixture(params=["chat", "responses", "anthropic"])
def protocol(request: pytest.FixtureRequest) -> str:
    return request.param


def stream(protocol: str, text: str, tokens: int) -> bytes:
    """An answer whose provider counted so many tokens of input, and ten of output."""
    if protocol == "chat":
        events: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"prompt_tokens": tokens, "completion_tokens": 10}},
        ]
        return sse(*map(json.dumps, events), "[DONE]")
    usage = {"input_tokens": tokens, "output_tokens": 10}
    if protocol == "anthropic":
        block = {"type": "text", "text": text}
        end = {"stop_reason": "end_turn"}
        events = [
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "message_delta", "delta": end, "usage": usage},
            {"type": "message_stop"},
        ]
        return sse(*map(json.dumps, events))
    events = [
        {"type": "response.output_text.delta", "output_index": 0, "delta": text},
        {"type": "response.completed", "response": {"status": "completed", "usage": usage}},
    ]
    return sse(*map(json.dumps, events))


class Talk:
    """A conversation with a server that knows how much its model takes.

    Each answer is counted as 2,000 tokens a turn, so that the fourth fills 0.8 of the window.
    """

    def __init__(self, server: FaultServer, protocol: str, store: Store) -> None:
        self.server, self.protocol, self.store = server, protocol, store
        self.session = Session(store, origin="app")
        self.summary: Answer | None = None
        self.context = Context()
        server.script(self.answer)

    def answer(self, request: Received) -> Answer:
        if request.method == "GET":
            models = {"data": [{"id": "m", "context_length": WINDOW}]}
            kind = {"Content-Type": "application/json"}
            return Answer(json.dumps(models).encode(), headers=kind)
        if b"<conversation>" in request.body:
            return self.summary or Answer(stream(self.protocol, SUMMARY, 50))
        tokens = 2000 * request.body.count(b'"user"')
        return Answer(stream(self.protocol, f"answer to {tokens}", tokens))

    def provider(self) -> HttpProvider:
        endpoint = Endpoint("p", self.server.url)
        limits = StreamLimits(retries=0)
        return HttpProvider(wire_protocol(self.protocol), endpoint, Transport(), stream=limits)

    async def say(self, *texts: str) -> list[Any]:
        provider = self.provider()
        events = []
        for text in texts:
            prompt = Prompt(UserInput(text), provider, "m", system="Be exact.")
            events = [e async for e in self.session.run_all(prompt, context=self.context)]
        await provider.aclose()
        return events

    @property
    def posts(self) -> list[list[dict[str, Any]]]:
        """The messages of each request, without the system's."""
        bodies = [request.json for request in self.server.requests if request.method == "POST"]
        messages = [body["messages"] if "messages" in body else body["input"] for body in bodies]
        return [[each for each in some if each["role"] != "system"] for some in messages]

    @property
    def said(self) -> list[str]:
        """What the user says in the last request."""
        said = [each["content"] for each in self.posts[-1] if each["role"] == "user"]
        return [each if isinstance(each, str) else each[0]["text"] for each in said]


@pytest.fixture
def talk(server: FaultServer, protocol: str, store: Store) -> Talk:
    return Talk(server, protocol, store)


def notices(events: list[Any]) -> list[NoticeStep]:
    steps = [event.step for event in events if isinstance(event, StepFinished)]
    return [step for step in steps if isinstance(step, NoticeStep)]


FOUR = ("one", "two", "three", "four")


async def test_near_its_window_a_conversation_is_compacted_and_the_server_sees_it(
    talk: Talk,
) -> None:
    await talk.say(*FOUR)
    assert talk.said == list(FOUR)
    events = await talk.say("five")
    (notice,) = notices(events)
    assert notice.summary == SUMMARY
    asked = json.dumps(talk.posts[-2])
    assert all(word in asked for word in ("one", "answer to 2000", "two"))
    assert SUMMARY in talk.said[0]
    assert talk.said[-1].endswith("five")
    assert "one" not in [*talk.said, *talk.said[0].split()]
    # The log holds all of it.
    turns = talk.store.turns(talk.store.path(talk.session.id))
    assert [turn.turn().input.text for turn in turns] == [*FOUR, "", "five"]


async def test_between_compactions_a_request_begins_with_the_bytes_of_the_one_before(
    talk: Talk,
) -> None:
    await talk.say(*FOUR, "five", "six", "seven")
    requests = [posts for posts in talk.posts if "<conversation>" not in json.dumps(posts)]
    assert len(requests) == 7
    changed = 0
    for before, after in pairwise(requests):
        same = json.dumps(after[: len(before)]) == json.dumps(before)
        changed += not same
    assert changed == 1  # by the compaction


async def test_undone_everything_is_sent_again(talk: Talk) -> None:
    await talk.say(*FOUR, "five")
    assert [event async for event in talk.session.expand()]
    await talk.say("six")
    assert talk.said == [*FOUR, "five", "six"]


async def test_a_resumed_conversation_is_sent_as_it_was_live(talk: Talk) -> None:
    await talk.say(*FOUR, "five")
    await talk.say("live")
    live = talk.posts[-1]
    at = talk.session.turns[-2].id  # before that turn
    fork = talk.store.fork(talk.session.id, at=at)
    talk.session = Session.resume(talk.store, fork)
    await talk.say("live")
    assert json.dumps(talk.posts[-1]) == json.dumps(live)


async def test_a_summary_that_the_server_refuses_to_make_fails_no_turn(talk: Talk) -> None:
    await talk.say(*FOUR)
    talk.summary = Answer(b'{"error": {"message": "no capacity"}}', status=503)
    events = await talk.say("five")
    (notice,) = notices(events)
    assert "no capacity" in notice.text
    ends = [event.status for event in events if isinstance(event, TurnFinished)]
    assert ends == [TurnStatus.FAILED, TurnStatus.COMPLETED]
    assert talk.said == [*FOUR, "five"]


async def test_the_window_is_asked_for_once_and_only_when_it_might_be_full(talk: Talk) -> None:
    def lists() -> int:
        return [request.method for request in talk.server.requests].count("GET")

    await talk.say("one")
    assert lists() == 0
    await talk.say("two", "three", "four")
    assert lists() == 1


async def test_a_window_in_the_configuration_is_asked_of_nobody(talk: Talk) -> None:
    talk.context = Context(windows={"p/m": WINDOW})
    events = await talk.say(*FOUR, "five")
    assert notices(events)
    assert all(request.method == "POST" for request in talk.server.requests)


async def test_an_interrupt_keeps_the_usage_that_had_been_told(
    server: FaultServer, store: Store
) -> None:
    usage = {"prompt_tokens": 30, "completion_tokens": 1}
    told = {"choices": [{"index": 0, "delta": {"content": "so far"}}], "usage": usage}
    talk = Talk(server, "chat", store)
    server.script(Answer([sse(json.dumps(told)), Stall()]))
    provider = talk.provider()
    events = []
    async for event in talk.session.run(Prompt(UserInput("hi"), provider, "m")):
        events.append(event)
        if isinstance(event, StepDelta):
            talk.session.interrupt()
    await provider.aclose()
    assert [event.usage for event in events if isinstance(event, UsageReported)] == [Usage(30, 1)]
    assert isinstance(events[-1], TurnFinished)
    assert (events[-1].status, events[-1].usage) == (TurnStatus.INTERRUPTED, Usage(30, 1))
