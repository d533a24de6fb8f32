"""A model that calls tools as a script says: rounds of a stream, for each protocol."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from faultserver import Answer, Received, sse


@dataclass(frozen=True)
class Call:
    """A call the model makes: the tool's name and its arguments."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


def call(name: str, **arguments: Any) -> Call:
    """A call of a tool."""
    return Call(name, arguments)


def rounds(protocol: str, *script: tuple[Call, ...] | str) -> list[Answer]:
    """The answers to a turn's requests: a round of calls each, or a text that ends the turn."""
    return [Answer(_round(protocol, number, each)) for number, each in enumerate(script)]


def results(protocol: str, request: Received) -> dict[str, str]:
    """The answers to calls that a request holds, by call id; fails where a call has none."""
    body = request.json
    called, found = [], {}
    if protocol == "chat":
        for message in body["messages"]:
            called += [each["id"] for each in message.get("tool_calls", [])]
            if message["role"] == "tool":
                found[message["tool_call_id"]] = message["content"]
    elif protocol == "anthropic":
        for block in (block for message in body["messages"] for block in message["content"]):
            if block["type"] == "tool_use":
                called.append(block["id"])
            elif block["type"] == "tool_result":
                found[block["tool_use_id"]] = block.get("content", "")
    else:
        for item in body["input"]:
            if item.get("type") == "function_call":
                called.append(item["call_id"])
            elif item.get("type") == "function_call_output":
                found[item["call_id"]] = item["output"]
    assert list(found) == called, "each call has its answer, in order"
    return found


def offered(protocol: str, request: Received) -> list[str]:
    """The names of the tools that a request offers."""
    tools = request.json.get("tools", [])
    return [(tool["function"] if protocol == "chat" else tool)["name"] for tool in tools]


def _round(protocol: str, number: int, what: tuple[Call, ...] | str) -> bytes:
    if protocol == "chat":
        return sse(*map(json.dumps, _chat(number, what)), "[DONE]")
    if protocol == "anthropic":
        return sse(*map(json.dumps, _anthropic(number, what)))
    return sse(*map(json.dumps, _responses(number, what)))


def _chat(number: int, what: tuple[Call, ...] | str) -> list[dict[str, Any]]:
    if isinstance(what, str):
        return [{"choices": [{"index": 0, "delta": {"content": what}, "finish_reason": "stop"}]}]
    calls = [
        {
            "index": index,
            "id": f"call_{number}_{index}",
            "type": "function",
            "function": {"name": each.name, "arguments": json.dumps(each.arguments)},
        }
        for index, each in enumerate(what)
    ]
    events = [
        {"choices": [{"index": 0, "delta": {"tool_calls": [each]}, "finish_reason": None}]}
        for each in calls
    ]
    return [*events, {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}]


def _anthropic(number: int, what: tuple[Call, ...] | str) -> list[dict[str, Any]]:
    if isinstance(what, str):
        blocks: list[dict[str, Any]] = [{"type": "text", "text": what}]
    else:
        blocks = [
            {
                "type": "tool_use",
                "id": f"call_{number}_{index}",
                "name": each.name,
                "input": each.arguments,
            }
            for index, each in enumerate(what)
        ]
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {"content": []}}]
    for index, block in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events.append({"type": "content_block_stop", "index": index})
    reason = "end_turn" if isinstance(what, str) else "tool_use"
    events.append({"type": "message_delta", "delta": {"stop_reason": reason}})
    return [*events, {"type": "message_stop"}]


def _responses(number: int, what: tuple[Call, ...] | str) -> list[dict[str, Any]]:
    end = {"type": "response.completed", "response": {"status": "completed"}}
    if isinstance(what, str):
        delta = {"type": "response.output_text.delta", "output_index": 0, "delta": what}
        return [delta, end]
    events: list[dict[str, Any]] = []
    for index, each in enumerate(what):
        item = {
            "type": "function_call",
            "id": f"fc_{number}_{index}",
            "call_id": f"call_{number}_{index}",
            "name": each.name,
            "arguments": json.dumps(each.arguments),
            "status": "completed",
        }
        events += [
            {"type": f"response.output_item.{kind}", "output_index": index, "item": item}
            for kind in ("added", "done")
        ]
    return [*events, end]
