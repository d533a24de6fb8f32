"""Three rounds over real HTTP: what the server receives is valid and carries opaque data back."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from chatterm.agent.calls import Answered, CallAnswer, CallEvent, NoTools
from chatterm.agent.loop import TurnRequest, run_turn
from chatterm.events import StepFinished, TurnFinished
from chatterm.providers.base import ToolSpec
from chatterm.providers.http import HttpProvider
from chatterm.providers.registry import wire_protocol
from chatterm.providers.transport import Transport
from chatterm.providers.wire import Endpoint
from chatterm.steps import ToolCallStep, TurnStatus, UserInput
from faultserver import Answer, FaultServer, sse


class Tools(NoTools):
    """Answers each call with its arguments."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return (ToolSpec("add", "Add two numbers.", {"type": "object", "properties": {}}),)

    async def answer(self, calls: Sequence[ToolCallStep]) -> AsyncGenerator[CallEvent, None]:
        for call in calls:
            yield Answered(call, CallAnswer(f"result of {call.call_id}"))


async def turn(server: FaultServer, protocol: str, streams: list[bytes]) -> list[Any]:
    """Run a turn against these answers; the bodies of the requests, in order."""
    server.script(*(Answer(stream) for stream in streams))
    provider = HttpProvider(wire_protocol(protocol), Endpoint("p", server.url), Transport())
    request = TurnRequest("c", "t", UserInput("add, please"), "p", "m", system="Be exact.")
    events = [event async for event in run_turn(provider, request, calls=Tools())]
    await provider.aclose()
    assert isinstance(events[-1], TurnFinished)
    assert events[-1].status is TurnStatus.COMPLETED
    opened = [event.step.id for event in events if isinstance(event, StepFinished)]
    assert len(set(opened)) == len(opened)
    return [request.json for request in server.requests]


def stream(*events: dict[str, Any]) -> bytes:
    return sse(*(json.dumps(event) for event in events))


def responses_round(number: int) -> tuple[list[dict[str, Any]], bytes]:
    """The output items of a round with reasoning and two parallel calls, and its stream."""
    reasoning = {
        "type": "reasoning",
        "id": f"rs_{number}",
        "summary": [{"type": "summary_text", "text": f"thought {number}"}],
        "encrypted_content": f"gAAAA{number}=",
    }
    calls = [
        {
            "type": "function_call",
            "id": f"fc_{number}{letter}",
            "call_id": f"call_{number}:{letter}",
            "name": "add",
            "arguments": f'{{"a": {number}}}',
            "status": "completed",
        }
        for letter in "ab"
    ]
    items = [reasoning, *calls]
    events = [
        {"type": f"response.output_item.{kind}", "output_index": index, "item": item}
        for index, item in enumerate(items)
        for kind in ("added", "done")
    ]
    return items, stream(*events, completed())


def completed(**fields: Any) -> dict[str, Any]:
    return {"type": "response.completed", "response": {"status": "completed", **fields}}


def responses_text() -> bytes:
    return stream(
        {"type": "response.output_text.delta", "output_index": 0, "delta": "Done."}, completed()
    )


async def test_responses_sends_reasoning_items_back_unchanged_before_their_calls(
    server: FaultServer,
) -> None:
    rounds = [responses_round(number) for number in (1, 2)]
    bodies = await turn(server, "responses", [*(data for _, data in rounds), responses_text()])
    assert len(bodies) == 3
    last = bodies[2]["input"]
    assert last[0] == {"role": "user", "content": "add, please"}
    expected = []
    for items, _ in rounds:
        expected += items
        expected += [
            {
                "type": "function_call_output",
                "call_id": item["call_id"],
                "output": f"result of {item['call_id']}",
            }
            for item in items[1:]
        ]
    assert last[1:] == expected
    for body in bodies:
        assert (body["store"], body["stream"]) == (False, True)
        assert body["include"] == ["reasoning.encrypted_content"]
        assert body["instructions"] == "Be exact."
    # What was sent before is sent again byte for byte: only the end grows.
    assert bodies[2]["input"][: len(bodies[1]["input"])] == bodies[1]["input"]


def chat_round(number: int) -> bytes:
    details = [
        {"reasoning": f"thought {number}", "reasoning_details": [_text(f"thought {number}")]},
        {
            "reasoning_details": [
                {"type": "reasoning.text", "signature": f"sig{number}", "index": 0}
            ]
        },
        {"reasoning_details": [_encrypted(number)]},
    ]
    calls = [
        {
            "tool_calls": [
                {
                    "index": index,
                    "id": f"functions.add:{number}{index}",
                    "type": "function",
                    "function": {"name": "add", "arguments": f'{{"a": {number}}}'},
                }
            ]
        }
        for index in (0, 1)
    ]
    return stream(*(_chunk(delta) for delta in [*details, *calls]), _chunk({}, "tool_calls"))


def _text(text: str) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": text, "index": 0, "format": "anthropic-claude-v1"}


def _encrypted(number: int) -> dict[str, Any]:
    return {"type": "reasoning.encrypted", "data": f"opaque{number}", "index": 1}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


async def test_chat_sends_reasoning_details_back_with_the_calls_they_led_to(
    server: FaultServer,
) -> None:
    text = stream(_chunk({"content": "Done."}), _chunk({}, "stop"))
    bodies = await turn(server, "chat", [chat_round(1), chat_round(2), text])
    assert len(bodies) == 3
    system, user, *rest = bodies[2]["messages"]
    assert (system["role"], user) == ("system", {"role": "user", "content": "add, please"})
    for number, block in enumerate([rest[:3], rest[3:]], start=1):
        assistant, *answers = block
        assert [call["id"] for call in assistant["tool_calls"]] == [
            f"functions.add:{number}0",
            f"functions.add:{number}1",
        ]
        assert assistant["reasoning_details"] == [
            _text(f"thought {number}") | {"signature": f"sig{number}"},
            _encrypted(number),
        ]
        assert [answer["tool_call_id"] for answer in answers] == [
            call["id"] for call in assistant["tool_calls"]
        ]
        assert all(answer["role"] == "tool" for answer in answers)
    assert bodies[2]["messages"][: len(bodies[1]["messages"])] == bodies[1]["messages"]
