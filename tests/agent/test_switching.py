"""Every protocol after every one, in one recorded conversation: each request is valid.

Each turn has three rounds with thinking and parallel calls (servers that run the tools themselves
tell all of them in one answer). The conversation is read from the store before each turn, as a
process does that has just begun. Two providers of different names take turns, twice each.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest

from chatterm.agent.calls import Answered, CallAnswer, CallEvent, NoTools
from chatterm.events import TurnFinished
from chatterm.providers.base import Settings, ToolSpec
from chatterm.providers.http import HttpProvider, StreamLimits
from chatterm.providers.registry import wire_protocol
from chatterm.providers.transport import Transport
from chatterm.providers.wire import Endpoint
from chatterm.session import Prompt, Session
from chatterm.steps import ToolCallStep, TurnStatus, UserInput
from chatterm.store import Store
from faultserver import Answer, FaultServer, Received
from wire_replies import (
    PROTOCOLS,
    anthropic_blocks,
    chat_details,
    gemini_parts,
    lightspeed,
    responses_items,
    turn,
)
from wire_shapes import CHECKS

HOSTED = ("lightspeed", "luxx", "enclava")
THREADED = ("lightspeed", "luxx")  # they remember what was said
RETELLING = HOSTED  # they are told of earlier calls in words
QUESTIONS = ("The first question.", "The second question.", "A third one.", "And a fourth.")
NUMBERS = ((11, 12), (21, 22), (31, 32), (41, 42))  # of the rounds with calls, by turn

# What only the provider itself understands of a round.
SECRETS = {
    "chat": ("opaque{}=",),
    "responses": ("rs_{}", "fc_{}", "gAAAA{}="),
    "anthropic": ("sig{}=", "redacted{}="),
    "gemini": ("c2ln{}+/=",),
    "lightspeed": ("lightspeed-{}",),
    "luxx": ("luxx-{}",),
}
# The field that grows with the conversation.
GROWING = {
    "chat": "messages",
    "responses": "input",
    "anthropic": "messages",
    "gemini": "contents",
    "ollama": "messages",
    "enclava": "input",
}


class Tools(NoTools):
    """Answers each call with its name and number."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        parameters = {"type": "object", "properties": {"a": {"type": "integer"}}}
        return (ToolSpec("add", "Add.", parameters), ToolSpec("mul", "Multiply.", parameters))

    async def answer(self, calls: Sequence[ToolCallStep]) -> AsyncGenerator[CallEvent, None]:
        for call in calls:
            assert call.input is not None
            yield Answered(call, CallAnswer(f"{call.name} gave {call.input['a']}."))


class Conversation:
    """A recorded conversation that each turn continues with another provider.

    Attributes:
        asked: For each turn so far, the provider's name and its protocol.
    """

    def __init__(self, server: FaultServer, store: Store) -> None:
        self._server = server
        self._store = store
        self._id = ""
        self.asked: list[tuple[str, str]] = []

    async def ask(self, name: str, protocol: str) -> list[Received]:
        """Hold the next turn with the provider of this name; the requests it took, each valid."""
        number = len(self.asked)
        before = len(self._server.requests)
        self._server.script(_answers(protocol, NUMBERS[number]))
        provider = HttpProvider(
            wire_protocol(protocol),
            Endpoint(name, self._server.url),
            Transport(),
            stream=StreamLimits(idle_timeout_s=5.0, retries=0),
        )
        prompt = Prompt(
            UserInput(QUESTIONS[number]),
            provider,
            "m",
            system="Be exact.",
            settings=Settings(temperature=0.0),
        )
        session = self.session()
        events = [event async for event in session.run(prompt, calls=Tools())]
        await provider.aclose()
        self._id = session.id
        assert isinstance(events[-1], TurnFinished)
        assert events[-1].status is TurnStatus.COMPLETED
        received = self._server.requests[before:]
        self.asked.append((name, protocol))
        bodies = [CHECKS[protocol](request.json) for request in received]
        if protocol in GROWING:
            for earlier, later in pairwise(bodies):
                assert _goes_on(protocol, earlier, later)
        self._check_contents(name, protocol, bodies[-1])
        return received

    def session(self) -> Session:
        """The conversation as a new process finds it."""
        if self._id:
            return Session.resume(self._store, self._store.find(self._id))
        return Session(self._store, origin="ask")

    def _check_contents(self, name: str, protocol: str, body: Any) -> None:
        """All that was said is there in its order, and nothing that isn't the provider's own."""
        text = json.dumps(body)
        place, known = 0, -1
        if protocol in THREADED:
            earlier = enumerate(self.asked[:-1])
            known = max((number for number, (asked, _) in earlier if asked == name), default=-1)
        for number, (asked, other) in enumerate(self.asked):
            if number <= known:
                assert QUESTIONS[number] not in text
                continue
            for words in self._said(protocol, number):
                place = text.find(words, place) + len(words)
                assert place >= len(words), words
            if asked != name:
                for secret in _secrets(other, number):
                    assert secret not in text

    def _said(self, protocol: str, number: int) -> Iterator[str]:
        yield QUESTIONS[number]
        asked = self.asked[number][1]
        under_way = number == len(self.asked) - 1
        if under_way and asked in HOSTED:
            return
        for each in NUMBERS[number]:
            if asked not in HOSTED:
                yield from (f"add gave {each}.", f"mul gave {each}.")
            elif protocol in RETELLING:
                yield from (f"found {each}",) * 2
        if not under_way:
            yield "Done."


def _answers(protocol: str, numbers: tuple[int, ...]) -> Any:
    replies = turn(protocol, *numbers)

    def answer(request: Received) -> Answer:
        if request.path == "/conversations":
            made = {"code": 0, "data": {"id": f"luxx-{numbers[0]}"}}
            return Answer(json.dumps(made).encode(), headers={"Content-Type": "application/json"})
        if protocol == "lightspeed":
            known = request.json.get("conversation_id", "")
            return Answer(lightspeed(*numbers, conversation=known))
        return Answer(replies.pop(0))

    return answer


def _secrets(protocol: str, number: int) -> list[str]:
    return [secret.format(each) for each in NUMBERS[number] for secret in SECRETS.get(protocol, ())]


def _goes_on(protocol: str, earlier: Any, later: Any) -> bool:
    """Whether a request's conversation begins with an earlier one's; where it is cached, moves."""
    first, second = (_plain(body[GROWING[protocol]]) for body in (earlier, later))
    return bool(second[: len(first)] == first)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if k != "cache_control"}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _check_own(protocol: str, numbers: tuple[int, ...], request: Received) -> None:
    """What a provider's model said two turns ago comes back to it as it came."""
    body = request.json
    for number in numbers:
        match protocol:
            case "chat":
                details = [each.get("reasoning_details") for each in body["messages"]]
                assert chat_details(number) in details
            case "responses":
                items = responses_items(number)
                start = body["input"].index(items[0])
                assert body["input"][start : start + len(items)] == items
            case "anthropic":
                said = [_plain(each["content"]) for each in body["messages"]]
                assert anthropic_blocks(number) in said
            case "gemini":
                assert gemini_parts(number) in [each["parts"] for each in body["contents"]]
            case "ollama":
                assert f"thought {number}" in [each.get("thinking") for each in body["messages"]]
            case "lightspeed":
                assert body["conversation_id"] == f"lightspeed-{numbers[0]}"
            case "luxx":
                assert request.path == f"/conversations/luxx-{numbers[0]}/messages"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as opened:
        yield opened


@pytest.mark.parametrize(("first", "second"), list(product(PROTOCOLS, repeat=2)))
async def test_a_conversation_goes_back_and_forth(
    server: FaultServer, store: Store, first: str, second: str
) -> None:
    talk = Conversation(server, store)
    order = (("one", first), ("two", second)) * 2
    turns = [await talk.ask(name, protocol) for name, protocol in order]
    for number, protocol in enumerate((first, second)):
        before, after = turns[number], turns[number + 2]
        if protocol in GROWING:
            assert _goes_on(protocol, before[-1].json, after[0].json)
        _check_own(protocol, NUMBERS[number], after[0])
