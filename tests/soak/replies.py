"""What a model answers in one round, as servers of three protocols stream it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

PROTOCOLS = ("chat", "responses", "anthropic")
_PIECE = 24  # characters of text in an event
_numbers: Iterator[int] = count(1)  # no two items of a server have the same id


@dataclass(frozen=True)
class Reply:
    """One round.

    Attributes:
        text: What it says.
        thinking: What it thinks before that.
        calls: The tools that it calls after that: an id, a name, the arguments.
        tokens: How many the request was, as the server counts them.
    """

    text: str = ""
    thinking: str = ""
    calls: tuple[tuple[str, str, dict[str, Any]], ...] = ()
    tokens: int = 100


def streamed(protocol: str, reply: Reply) -> list[bytes]:
    """The events of a reply, in their order."""
    return {"chat": _chat, "responses": _responses, "anthropic": _anthropic}[protocol](reply)


def _pieces(text: str) -> list[str]:
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]


def _event(value: dict[str, Any] | str) -> bytes:
    return f"data: {value if isinstance(value, str) else json.dumps(value)}\n\n".encode()


def _new_id() -> str:
    return f"item_{next(_numbers)}"


def _spent(reply: Reply) -> int:
    return 1 + (len(reply.text) + len(reply.thinking)) // 4


def _chat(reply: Reply) -> list[bytes]:
    deltas: list[dict[str, Any]] = [{"role": "assistant"}]
    deltas += [{"reasoning_content": piece} for piece in _pieces(reply.thinking)]
    deltas += [{"content": piece} for piece in _pieces(reply.text)]
    for index, (id_, name, arguments) in enumerate(reply.calls):
        called = {"name": name, "arguments": json.dumps(arguments)}
        call = {"index": index, "id": id_, "type": "function", "function": called}
        deltas.append({"tool_calls": [call]})
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta} for delta in deltas]
    reason = "tool_calls" if reply.calls else "stop"
    choices.append({"index": 0, "delta": {}, "finish_reason": reason})
    usage = {"prompt_tokens": reply.tokens, "completion_tokens": _spent(reply)}
    return [
        *(_event({"choices": [choice]}) for choice in choices),
        _event({"choices": [], "usage": usage}),
        _event("[DONE]"),
    ]


def _responses(reply: Reply) -> list[bytes]:
    events: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    if reply.thinking:
        summary = {"type": "summary_text", "text": reply.thinking}
        item = {
            "type": "reasoning",
            "id": f"rs_{next(_numbers)}",
            "summary": [],
            "encrypted_content": "gAAAA=",
        }
        at = {"output_index": 0, "summary_index": 0}
        events.append({"type": "response.output_item.added", "output_index": 0, "item": item})
        events += [
            {"type": "response.reasoning_summary_text.delta", **at, "delta": piece}
            for piece in _pieces(reply.thinking)
        ]
        items.append(item | {"summary": [summary]})
        events.append(_done(items))
    if reply.text:
        message: dict[str, Any] = {
            "type": "message",
            "id": f"msg_{next(_numbers)}",
            "role": "assistant",
        }
        index = len(items)
        added = {"output_index": index, "item": message | {"content": []}}
        events.append({"type": "response.output_item.added", **added})
        at = {"output_index": index, "content_index": 0}
        events += [
            {"type": "response.output_text.delta", **at, "delta": piece}
            for piece in _pieces(reply.text)
        ]
        said = {"type": "output_text", "text": reply.text, "annotations": []}
        items.append(message | {"content": [said]})
        events.append(_done(items))
    for id_, name, arguments in reply.calls:
        call = {"type": "function_call", "id": _new_id(), "call_id": id_, "name": name}
        call |= {"arguments": json.dumps(arguments), "status": "completed"}
        added = {"output_index": len(items), "item": call}
        events.append({"type": "response.output_item.added", **added})
        items.append(call)
        events.append(_done(items))
    usage = {"input_tokens": reply.tokens, "output_tokens": _spent(reply)}
    response = {
        "id": f"resp_{next(_numbers)}",
        "status": "completed",
        "output": items,
        "usage": usage,
    }
    events.append({"type": "response.completed", "response": response})
    return [_event(event) for event in events]


def _done(items: list[dict[str, Any]]) -> dict[str, Any]:
    index = len(items) - 1
    return {"type": "response.output_item.done", "output_index": index, "item": items[index]}


def _anthropic(reply: Reply) -> list[bytes]:
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if reply.thinking:
        deltas = [{"type": "thinking_delta", "thinking": each} for each in _pieces(reply.thinking)]
        deltas.append({"type": "signature_delta", "signature": "c2ln"})
        blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, deltas))
    if reply.text:
        deltas = [{"type": "text_delta", "text": each} for each in _pieces(reply.text)]
        blocks.append(({"type": "text", "text": ""}, deltas))
    for id_, name, arguments in reply.calls:
        begun = {"type": "tool_use", "id": id_, "name": name, "input": {}}
        pieces = _pieces(json.dumps(arguments))
        blocks.append(
            (begun, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces])
        )
    usage = {"input_tokens": reply.tokens, "output_tokens": 1}
    message = {"id": "msg_1", "role": "assistant", "content": [], "usage": usage}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    for index, (begun, deltas) in enumerate(blocks):
        start = {"type": "content_block_start", "content_block": begun}
        events.append(start | {"index": index})
        events += [{"type": "content_block_delta", "index": index, "delta": d} for d in deltas]
        events.append({"type": "content_block_stop", "index": index})
    end = {"stop_reason": "tool_use" if reply.calls else "end_turn"}
    spent = {"output_tokens": _spent(reply)}
    events.append({"type": "message_delta", "delta": end, "usage": spent})
    events.append({"type": "message_stop"})
    return [_event(event) for event in events]
