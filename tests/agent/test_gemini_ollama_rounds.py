"""Conversations over real HTTP with Gemini and Ollama: three rounds, and changes of provider.

What the server receives is valid by the protocol's published shape, and carries back unchanged
what only that provider understands.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from itertools import pairwise, permutations
from typing import Any

import pytest

from chatterm.agent.calls import Answered, CallAnswer, CallEvent, NoTools
from chatterm.agent.loop import TurnRequest, run_turn
from chatterm.events import StepFinished, TurnFinished, TurnStarted
from chatterm.providers.base import Settings, ToolSpec
from chatterm.providers.gemini_request import NO_SIGNATURE
from chatterm.providers.http import HttpProvider
from chatterm.providers.registry import wire_protocol
from chatterm.providers.transport import Transport
from chatterm.providers.wire import Endpoint
from chatterm.steps import Step, ToolCallStep, Turn, TurnStatus, Usage, UserInput
from faultserver import Answer, FaultServer, split
from wire_replies import gemini, gemini_array, gemini_parts, ollama, ollama_messages, turn
from wire_shapes import CHECKS, begins_with

PARAMETERS = {
    "type": "object",
    "properties": {"a": {"type": ["integer", "null"]}},
    "additionalProperties": False,
}


class Tools(NoTools):
    """Answers each call with its name and arguments; `mul` fails."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return (ToolSpec("add", "Add.", PARAMETERS), ToolSpec("mul", "Multiply.", PARAMETERS))

    async def answer(self, calls: Sequence[ToolCallStep]) -> AsyncGenerator[CallEvent, None]:
        for call in calls:
            yield Answered(call, CallAnswer(f"{call.name} {call.arguments}"))


class Conversation:
    """A conversation that each turn may continue with another provider.

    Attributes:
        turns: The turns so far.
        last: How the last one ended.
    """

    def __init__(self, server: FaultServer) -> None:
        self._server = server
        self.turns: list[Turn] = []
        self.last: TurnFinished | None = None

    async def ask(
        self, protocol: str, text: str, replies: Sequence[bytes], model: str = "m"
    ) -> Any:
        """Hold a turn with a provider named by its protocol; the requests' bodies, each valid."""
        before = len(self._server.requests)
        self._server.script(*(Answer(split(reply, 50)) for reply in replies))
        provider = HttpProvider(
            wire_protocol(protocol), Endpoint(protocol, self._server.url), Transport()
        )
        number = len(self.turns)
        request = TurnRequest(
            "c",
            f"t{number}",
            UserInput(text),
            protocol,
            model,
            earlier=tuple(self.turns),
            system="Be exact.",
            settings=Settings(temperature=0.0),
        )
        events = [event async for event in run_turn(provider, request, calls=Tools())]
        await provider.aclose()
        started, self.last = events[0], events[-1]
        assert isinstance(started, TurnStarted)
        assert isinstance(self.last, TurnFinished)
        assert self.last.status is TurnStatus.COMPLETED
        steps: list[Step] = [event.step for event in events if isinstance(event, StepFinished)]
        self.turns.append(Turn(f"t{number}", UserInput(text), f"{protocol}/{model}", tuple(steps)))
        bodies = [received.json for received in self._server.requests[before:]]
        for body in bodies:
            CHECKS[protocol](body)
        for earlier, later in pairwise(bodies):
            assert protocol not in ("gemini", "ollama") or begins_with(later, earlier)
        return bodies


# --- three rounds -----------------------------------------------------------------------------


@pytest.mark.parametrize("form", [gemini, gemini_array])
async def test_gemini_gets_every_part_back_with_the_signature_it_came_with(
    server: FaultServer, form: Any
) -> None:
    conversation = Conversation(server)
    last = [{"text": "Done."}, {"text": "", "thoughtSignature": "bGFzdA=="}]
    replies = [form(*gemini_parts(1)), form(*gemini_parts(2)), form(*last)]
    model = "gemini-3-pro-preview"
    bodies = await conversation.ask("gemini", "add, please", replies, model)
    assert len(bodies) == 3
    user, *rest = bodies[2]["contents"]
    assert user == {"role": "user", "parts": [{"text": "add, please"}]}
    for number, (said, answers) in enumerate((rest[:2], rest[2:]), start=1):
        assert said == {"role": "model", "parts": gemini_parts(number)}
        assert [each["functionResponse"] for each in answers["parts"]] == [
            {"name": name, "response": {"output": f'{name} {{"a": {number}}}'}}
            for name in ("add", "mul")
        ]
    assert bodies[2]["generationConfig"]["thinkingConfig"] == {"includeThoughts": True}
    assert bodies[2]["systemInstruction"] == {"parts": [{"text": "Be exact."}]}
    assert {received.headers["accept"] for received in server.requests} == {"text/event-stream"}
    assert conversation.last is not None
    assert conversation.last.usage == Usage(input=30, output=15, reasoning=9)
    # The next turn begins with the same bytes, and has the last signature too.
    [body] = await conversation.ask("gemini", "thanks", [form({"text": "Welcome."})], model)
    assert begins_with(body, bodies[2])
    assert body["contents"][-2] == {"role": "model", "parts": last}
    assert NO_SIGNATURE not in json.dumps(body)


async def test_ollama_gets_thinking_calls_and_results_back(server: FaultServer) -> None:
    conversation = Conversation(server)
    replies = [ollama(*ollama_messages(n)) for n in (1, 2)]
    bodies = await conversation.ask("ollama", "add", [*replies, ollama({"content": "Done."})])
    assert len(bodies) == 3
    system, user, *rest = bodies[2]["messages"]
    assert system == {"role": "system", "content": "Be exact."}
    assert user == {"role": "user", "content": "add"}
    for number, (said, *answers) in enumerate((rest[:3], rest[3:]), start=1):
        assert (said["content"], said["thinking"]) == (f"Round {number}.", f"thought {number}")
        assert [call["function"] for call in said["tool_calls"]] == [
            {"name": name, "arguments": {"a": number}} for name in ("add", "mul")
        ]
        assert [answer["content"] for answer in answers] == [
            f'{name} {{"a": {number}}}' for name in ("add", "mul")
        ]
    assert conversation.last is not None
    assert conversation.last.usage == Usage(input=30, output=15)
    [body] = await conversation.ask("ollama", "thanks", [ollama({"content": "Welcome."})])
    assert begins_with(body, bodies[2])


# --- from one provider to another, and back ---------------------------------------------------

CHANGES = [
    pair
    for pair in permutations(("gemini", "ollama", "chat", "responses"), 2)
    if set(pair) & {"gemini", "ollama"}
]


@pytest.mark.parametrize(("first", "second"), CHANGES)
async def test_a_conversation_goes_on_with_another_provider_and_comes_back(
    server: FaultServer, first: str, second: str
) -> None:
    conversation = Conversation(server)
    own = await conversation.ask(first, "one", turn(first, 1))
    foreign = await conversation.ask(second, "two", turn(second, 2))
    back = await conversation.ask(first, "three", turn(first, 3))
    assert [len(bodies) for bodies in (own, foreign, back)] == [2, 2, 2]
    # Nothing that only the one understands has gone to the other.
    for secret in ("c2ln1", "gAAAA1", "rs_1", "fc_1"):
        assert secret not in json.dumps(foreign)
    for secret in ("c2ln2", "gAAAA2", "rs_2", "fc_2"):
        assert secret not in json.dumps(back)
    # Yet all was said to it, and its own came back to the first.
    for words in ("one", "Be exact.", "add", "mul", "Done.", "two"):
        assert words in json.dumps(foreign[0])
    if first == "gemini":
        assert back[0]["contents"][1]["parts"] == gemini_parts(1)
    if first == "ollama":
        assert back[0]["messages"][2]["thinking"] == "thought 1"
    if first in ("gemini", "ollama"):
        assert begins_with(back[0], own[1])


async def test_a_gemini_that_checks_signatures_takes_calls_that_another_model_made(
    server: FaultServer,
) -> None:
    conversation = Conversation(server)
    await conversation.ask("chat", "one", turn("chat", 1))
    bodies = await conversation.ask("gemini", "two", turn("gemini", 2), "gemini-3-pro-preview")
    models = [content for content in bodies[1]["contents"] if content["role"] == "model"]
    signatures = [
        [p.get("thoughtSignature") for p in content["parts"] if "functionCall" in p]
        for content in models
    ]
    assert signatures == [[NO_SIGNATURE, None], [], ["c2ln2+/=", None]]
