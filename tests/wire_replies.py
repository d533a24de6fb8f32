"""What models of each protocol answer: rounds with thinking and two parallel calls, and texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from faultserver import sse
from serverstreams import named


def gemini_parts(number: int) -> list[dict[str, Any]]:
    """The parts of a round with thinking and two parallel calls."""
    return [
        {"text": f"thought {number}", "thought": True},
        {"text": f"Round {number}."},
        {
            "functionCall": {"name": "add", "args": {"a": number}},
            "thoughtSignature": f"c2ln{number}+/=",
        },
        {"functionCall": {"name": "mul", "args": {"a": number}}},
    ]


def gemini(*parts: dict[str, Any]) -> bytes:
    candidates = [{"content": {"role": "model", "parts": [part]}, "index": 0} for part in parts]
    candidates.append({"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"})
    counts = {"promptTokenCount": 10, "candidatesTokenCount": 2, "thoughtsTokenCount": 3}
    chunks = [{"candidates": [each], "usageMetadata": counts} for each in candidates]
    return sse(*map(json.dumps, chunks)).replace(b"\n", b"\r\n")


def gemini_array(*parts: dict[str, Any]) -> bytes:
    """The same, as a server answers that doesn't know of event streams."""
    texts = [line[5:] for line in gemini(*parts).split(b"\r\n") if line.startswith(b"data:")]
    return b"[" + b",\r\n".join(texts) + b"\r\n]"


def ollama(*messages: dict[str, Any]) -> bytes:
    last = {"done": True, "done_reason": "stop", "prompt_eval_count": 10, "eval_count": 5}
    lines = [{"message": {"role": "assistant", **message}, "done": False} for message in messages]
    lines.append({"message": {"role": "assistant", "content": ""}, **last})
    return "".join(json.dumps({"model": "m", **line}) + "\n" for line in lines).encode()


def ollama_messages(number: int) -> list[dict[str, Any]]:
    return [
        {"content": "", "thinking": f"thought {number}"},
        {"content": f"Round {number}."},
        *(
            {
                "content": "",
                "tool_calls": [{"function": {"name": name, "arguments": {"a": number}}}],
            }
            for name in ("add", "mul")
        ),
    ]


def chat_details(number: int) -> list[dict[str, Any]]:
    """What a gateway sends of encrypted thinking."""
    return [{"type": "reasoning.encrypted", "data": f"opaque{number}=", "index": 0}]


def chat(number: int) -> bytes:
    calls = [
        {
            "index": index,
            "id": f"call_{number}:{index}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps({"a": number})},
        }
        for index, name in enumerate(("add", "mul"))
    ]
    deltas: list[dict[str, Any]] = [
        {"reasoning_content": "hm"},
        {"reasoning_details": chat_details(number)},
        {"content": f"Round {number}."},
        *({"tool_calls": [call]} for call in calls),
    ]
    return chat_stream(deltas)


def chat_stream(deltas: list[dict[str, Any]]) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    return sse(*(json.dumps({"choices": [choice]}) for choice in choices), "[DONE]")


def responses_items(number: int) -> list[dict[str, Any]]:
    """The items of a round with reasoning and two parallel calls."""
    reasoning = {
        "type": "reasoning",
        "id": f"rs_{number}",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": f"gAAAA{number}=",
    }
    calls = [
        {
            "type": "function_call",
            "id": f"fc_{number}{name}",
            "call_id": f"call_{number}:{name}",
            "name": name,
            "arguments": json.dumps({"a": number}),
            "status": "completed",
        }
        for name in ("add", "mul")
    ]
    return [reasoning, *calls]


def responses(number: int) -> bytes:
    return responses_stream(responses_items(number))


def responses_stream(items: list[dict[str, Any]]) -> bytes:
    events = [
        {"type": f"response.output_item.{kind}", "output_index": index, "item": item}
        for index, item in enumerate(items)
        for kind in ("added", "done")
    ]
    completed = {"type": "response.completed", "response": {"status": "completed"}}
    return sse(*map(json.dumps, [*events, completed]))


def responses_text(text: str) -> dict[str, Any]:
    return {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }


def anthropic(*blocks: dict[str, Any], reason: str = "tool_use") -> bytes:
    """A streamed message of these blocks, thinking and arguments in pieces."""
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {"content": []}}]
    for index, block in enumerate(blocks):
        empty = {"thinking": "", "signature": "", "input": {}, "text": ""}
        begun = {key: empty.get(key, value) for key, value in block.items()}
        deltas: list[dict[str, Any]] = []
        if block["type"] == "thinking":
            deltas = [{"type": "thinking_delta", "thinking": each} for each in block["thinking"]]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        elif "input" in block:
            pieces = ["", *json.dumps(block["input"])]
            deltas = [{"type": "input_json_delta", "partial_json": each} for each in pieces]
        elif block["type"] == "text":
            deltas = [{"type": "text_delta", "text": each} for each in block["text"]]
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        events += [{"type": "content_block_delta", "index": index, "delta": d} for d in deltas]
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": {"stop_reason": reason}})
    return sse(*map(json.dumps, [*events, {"type": "message_stop"}]))


def anthropic_blocks(number: int) -> list[dict[str, Any]]:
    """The blocks of a round with thinking, some of it redacted, and two parallel calls."""
    calls = [
        {"type": "tool_use", "id": f"toolu_{number}{name}", "name": name, "input": {"a": number}}
        for name in ("add", "mul")
    ]
    return [
        {"type": "thinking", "thinking": f"thought {number}", "signature": f"sig{number}="},
        {"type": "redacted_thinking", "data": f"redacted{number}="},
        {"type": "text", "text": f"Round {number}."},
        *calls,
    ]


# --- servers that run the tools themselves: a whole turn in one answer -------------------------


def lightspeed(*numbers: int, conversation: str = "") -> bytes:
    """A turn with a round of calls for each number, in a new conversation or that one."""
    conversation = conversation or f"lightspeed-{numbers[0]}"
    events: list[tuple[str, dict[str, Any]]] = [
        ("start", {"conversation_id": conversation, "request_id": "r1"})
    ]
    for number in numbers:
        ids = [f"call_{number}:{name}" for name in ("add", "mul")]
        events += [("tool_call", {"id": i, "name": i[-3:], "args": {"a": number}}) for i in ids]
        events += [
            ("tool_result", {"id": i, "status": "success", "content": f"found {number}"})
            for i in ids
        ]
    events += [
        ("token", {"id": 0, "token": "Done."}),
        ("turn_complete", {"id": 1, "token": "Done."}),
        ("end", {"input_tokens": 3, "output_tokens": 4}),
    ]
    return sse(*(json.dumps({"event": name, "data": data}) for name, data in events))


def luxx(*numbers: int) -> bytes:
    """A turn with thinking and a round of calls for each number."""
    steps: list[dict[str, Any]] = []
    for number in numbers:
        ids = [f"call_{number}:{name}" for name in ("add", "mul")]
        steps.append({"type": "thinking", "content": f"thought {number}"})
        steps += [
            {"type": "tool_call", "id_ref": i, "name": i[-3:], "arguments": f'{{"a": {number}}}'}
            for i in ids
        ]
        steps += [
            {"type": "tool_result", "id_ref": i, "name": i[-3:], "content": f"found {number}"}
            for i in ids
        ]
    steps.append({"type": "text", "content": "Done."})
    events = [
        ("process_step", {"step": {"id": f"step-{index}", "index": index, **step}})
        for index, step in enumerate(steps)
    ]
    return named(*events, ("done", {"message_id": "m", "token_count": 4}))


def enclava(*numbers: int) -> bytes:
    """A turn with a round of calls for each number."""
    events: list[tuple[str, dict[str, Any]]] = []
    for number in numbers:
        ids = [f"call_{number}:{name}" for name in ("add", "mul")]
        for i in ids:
            call = {"type": "function_call", "id": i, "call_id": i, "name": i[-3:]}
            arguments = json.dumps({"a": number})
            events += [
                ("response.function_call_arguments.delta", {"call_id": i, "delta": arguments}),
                ("response.output_item.added", {"item": call | {"arguments": arguments}}),
            ]
        for i in ids:
            output = {"type": "function_call_output", "call_id": i, "output": f"found {number}"}
            events.append(("response.output_item.added", {"item": output}))
    events += [
        ("response.output_text.delta", {"item_id": "m", "delta": "Done."}),
        ("response.completed", {"object": "response", "status": "completed"}),
    ]
    return named(*events)


# --- whole turns ------------------------------------------------------------------------------

_ROUNDS: dict[str, Callable[[int], bytes]] = {
    "chat": chat,
    "responses": responses,
    "anthropic": lambda number: anthropic(*anthropic_blocks(number)),
    "gemini": lambda number: gemini(*gemini_parts(number)),
    "ollama": lambda number: ollama(*ollama_messages(number)),
}
_LAST = {
    "chat": chat_stream([{"content": "Done."}]),
    "responses": responses_stream([responses_text("Done.")]),
    "anthropic": anthropic({"type": "text", "text": "Done."}, reason="end_turn"),
    "gemini": gemini({"text": "Done."}),
    "ollama": ollama({"content": "Done."}),
}
_HOSTED: dict[str, Callable[..., bytes]] = {
    "lightspeed": lightspeed,
    "luxx": luxx,
    "enclava": enclava,
}
PROTOCOLS = (*_ROUNDS, *_HOSTED)


def turn(protocol: str, *numbers: int) -> list[bytes]:
    """The replies to a turn: a round with thinking and calls for each number, then `Done.`"""
    if protocol in _HOSTED:
        return [_HOSTED[protocol](*numbers)]
    return [*map(_ROUNDS[protocol], numbers), _LAST[protocol]]
