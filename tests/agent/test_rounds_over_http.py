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
from wire_replies import anthropic


class Tools(NoTools):
    """Answers each call with its arguments."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return (ToolSpec("add", "Add two numbers.", {"type": "object", "properties": {}}),)

    async def answer(self, calls: Sequence[ToolCallStep]) -> AsyncGenerator[CallEvent, None]:
        for call in calls:
            yield Answered(call, CallAnswer(f"result of {call.call_id}"))


async def turn(
    server: FaultServer, protocol: str, streams: list[bytes], model: str = "m"
) -> list[Any]:
    """Run a turn against these answers; the bodies of the requests, in order."""
    server.script(*(Answer(stream) for stream in streams))
    provider = HttpProvider(wire_protocol(protocol), Endpoint("p", server.url), Transport())
    request = TurnRequest("c", "t", UserInput("add, please"), "p", model, system="Be exact.")
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


def anthropic_round(blocks: list[dict[str, Any]], reason: str) -> bytes:
    """A streamed message of these blocks, thinking and arguments in pieces."""
    return anthropic(*blocks, reason=reason)


def anthropic_blocks(number: int) -> list[dict[str, Any]]:
    calls = [
        {
            "type": "tool_use",
            "id": f"toolu_{number}{letter}",
            "name": "add",
            "input": {"a": number},
        }
        for letter in "ab"
    ]
    return [
        {"type": "thinking", "thinking": f"thought {number}", "signature": f"sig{number}="},
        {"type": "redacted_thinking", "data": f"secret{number}"},
        calls[0],
        {"type": "thinking", "thinking": "and", "signature": f"between{number}="},
        calls[1],
    ]


DONE = [{"type": "text", "text": "Done."}]


async def test_anthropic_sends_thinking_back_unchanged_with_the_calls_it_led_to(
    server: FaultServer,
) -> None:
    said = [anthropic_blocks(number) for number in (1, 2)]
    streams = [anthropic_round(blocks, "tool_use") for blocks in said]
    bodies = await turn(server, "anthropic", [*streams, anthropic_round(DONE, "end_turn")])
    assert len(bodies) == 3
    first, *rest = bodies[2]["messages"]
    assert first == {"role": "user", "content": [{"type": "text", "text": "add, please"}]}
    for blocks, (assistant, answers) in zip(said, [rest[:2], rest[2:]], strict=True):
        assert assistant == {"role": "assistant", "content": blocks}
        assert answers["role"] == "user"
        assert answers["content"] == [
            {
                "type": "tool_result",
                "tool_use_id": block["id"],
                "content": f"result of {block['id']}",
            }
            for block in blocks
            if block["type"] == "tool_use"
        ]
    for body in bodies:
        assert [block["text"] for block in body["system"]] == ["Be exact."]
        assert [tool["name"] for tool in body["tools"]] == ["add"]
        assert (body["stream"], body["max_tokens"]) == (True, 8192)
    assert bodies[2]["messages"][: len(bodies[1]["messages"])] == bodies[1]["messages"]
    for request in server.requests:
        assert request.headers["anthropic-version"] == "2023-06-01"


async def test_a_round_that_anthropic_paused_goes_on_with_what_came(server: FaultServer) -> None:
    searching = {
        "type": "server_tool_use",
        "id": "srvtoolu_1",
        "name": "web_search",
        "input": {"query": "x"},
    }
    paused = [anthropic_blocks(1)[0], searching]
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    called = anthropic_blocks(2)[2]
    bodies = await turn(
        server,
        "anthropic",
        [
            anthropic_round(paused, "pause_turn"),
            anthropic_round([found, called], "tool_use"),
            anthropic_round(DONE, "end_turn"),
        ],
    )
    sent = [body["messages"][1:] for body in bodies]
    assert sent[0] == []
    assert sent[1] == [{"role": "assistant", "content": paused}]
    assert sent[2][0] == {"role": "assistant", "content": [*paused, found, called]}
    assert sent[2][1]["content"][0]["tool_use_id"] == called["id"]


async def test_an_overloaded_anthropic_is_asked_again_while_nothing_was_shown(
    server: FaultServer,
) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    begun = {"type": "message_start", "message": {"content": [], "usage": {"input_tokens": 1}}}
    bodies = await turn(
        server, "anthropic", [stream(begun, error), anthropic_round(DONE, "end_turn")]
    )
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
