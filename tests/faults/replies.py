"""What a good server of each protocol answers, event by event, with what each event brings.

The faults are made of these: a reply is cut, doubled or damaged at the event that the fault is
about, and what had come before it is known. A reply thinks, says `SAID` in four pieces (with a
character of two bytes, one of four and a U+2028, so that each can be cut), calls the tool that
counts how often it ran, and ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

PIECES = ("The caf", "é 🙂 is", " open", ".\u2028Really.")
SAID = "".join(PIECES)
COMMAND = {"command": "./tick"}
ARGUMENTS = json.dumps(COMMAND)
CALL_ID = "call_1:tick"
_REPLIES = count(1_000_000)  # as many digits for each, so that replies are of one length
HOSTED = ("lightspeed", "luxx", "enclava")
PROTOCOLS = ("chat", "responses", "anthropic", "gemini", "ollama", *HOSTED)


@dataclass(frozen=True, slots=True)
class Sent:
    """One event of a reply.

    Attributes:
        data: Its value, before it is framed.
        name: The name in an `event:` line, where the protocol has one.
        text: What it adds to the reply's text.
        role: What it is for: `start`, `think`, `text`, `call`, `close` or `last` (the event that
            makes the reply whole), `after` (what may follow that).
    """

    data: Any
    role: str
    name: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of a protocol, as events.

    Attributes:
        protocol: The protocol.
        events: The events, in order.
    """

    protocol: str
    events: tuple[Sent, ...]

    @property
    def body(self) -> bytes:
        """All of it, framed."""
        return b"".join(self.frames())

    def frames(self) -> Iterator[bytes]:
        """Each event, framed."""
        return (framed(self.protocol, event.data, event.name) for event in self.events)

    def place(self, role: str, *, last: bool = False) -> int:
        """Where the first, or last, event of a role stands."""
        found = [number for number, event in enumerate(self.events) if event.role == role]
        return found[-1 if last else 0]

    def until(self, number: int) -> Reply:
        """The reply before the event of this number."""
        return replace(self, events=self.events[:number])

    def since(self, number: int) -> Reply:
        """The reply from the event of this number on."""
        return replace(self, events=self.events[number:])

    def without(self, *roles: str) -> Reply:
        """The reply without the events of some roles."""
        return replace(self, events=tuple(e for e in self.events if e.role not in roles))

    def only(self, *roles: str) -> Reply:
        """The events of some roles."""
        return replace(self, events=tuple(e for e in self.events if e.role in roles))

    def with_data(self, number: int, data: Any) -> Reply:
        """The reply with other data in the event of this number."""
        events = list(self.events)
        events[number] = replace(events[number], data=data)
        return replace(self, events=tuple(events))

    def __add__(self, other: Reply) -> Reply:
        return replace(self, events=self.events + other.events)

    @property
    def text(self) -> str:
        """The text that it brings."""
        return "".join(event.text for event in self.events)

    def text_before(self, offset: int) -> str:
        """The text of the events that end at or before a byte of the body."""
        text, end = "", 0
        for event, frame in zip(self.events, self.frames(), strict=True):
            end += len(frame)
            if end > offset:
                break
            text += event.text
        return text

    def offset(self, number: int) -> int:
        """The byte at which the event of this number begins."""
        return sum(len(frame) for frame in list(self.frames())[:number])


def framed(protocol: str, data: Any, name: str | None = None) -> bytes:
    """One event as the protocol sends it; data that are a text go as they are."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    raw = text.encode("utf-8", "surrogatepass")
    return framed_bytes(protocol, raw, name)


def framed_bytes(protocol: str, raw: bytes, name: str | None = None) -> bytes:
    """Some bytes in the place of an event's data."""
    if protocol == "ollama":
        return raw + b"\n"
    end = b"\r\n" if protocol == "gemini" else b"\n"
    lines = [b"event: " + name.encode()] if name else []
    return end.join([*lines, b"data: " + raw, b"", b""])


def reply(protocol: str, pieces: Iterable[str] = PIECES, *, call: bool = True) -> Reply:
    """A good reply: thinking, a text in pieces, and the call, or none."""
    made = _MADE[protocol](list(pieces), call)
    return Reply(protocol, tuple(made))


def short(protocol: str, text: str) -> Reply:
    """A good reply that only says something."""
    return reply(protocol, [text], call=False).without("think")


def said(protocol: str, text: str, so_far: str = "") -> Sent:
    """One event that adds a text, with what the protocol's cumulative texts hold so far."""
    events = reply(protocol, [so_far, text] if so_far else [text], call=False).only("text").events
    return events[-1]


def _split(text: str) -> list[str]:
    return [text[:6], text[6:13], text[13:]]


def _chat(pieces: list[str], call: bool) -> list[Sent]:
    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}

    def fragment(function: dict[str, str], **more: str) -> dict[str, Any]:
        return chunk({"tool_calls": [{"index": 0, "function": function, **more}]})

    events = [
        Sent(chunk({"role": "assistant", "content": ""}), "start"),
        Sent(chunk({"reasoning_content": "hm"}), "think"),
        *(Sent(chunk({"content": piece}), "text", text=piece) for piece in pieces),
    ]
    if call:
        first, call_id = {"name": "shell", "arguments": ""}, f"call_{next(_REPLIES)}:tick"
        events.append(Sent(fragment(first, id=call_id, type="function"), "call"))
        events += [Sent(fragment({"arguments": each}), "call") for each in _split(ARGUMENTS)]
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    return [
        *events,
        Sent(chunk({}, "tool_calls" if call else "stop"), "last"),
        Sent({"id": "c1", "choices": [], "usage": usage}, "after"),
        Sent("[DONE]", "after"),
    ]


def _responses(pieces: list[str], call: bool) -> list[Sent]:
    number = next(_REPLIES)
    reasoning = {"type": "reasoning", "id": f"rs_{number}", "encrypted_content": "gAAAA1="}
    summary = [{"type": "summary_text", "text": "hm"}]
    message = {"type": "message", "id": f"msg_{number}", "role": "assistant"}
    whole = [{"type": "output_text", "text": "".join(pieces), "annotations": []}]
    asked = {
        "type": "function_call",
        "id": f"fc_{number}",
        "call_id": f"call_{number}:tick",
        "name": "shell",
    }
    in_message = {"item_id": message["id"], "output_index": 1, "content_index": 0}
    in_call = {"item_id": asked["id"], "output_index": 2}
    events: list[tuple[str, str, dict[str, Any], str]] = [
        ("start", "created", {"response": {"id": f"resp_{number}", "status": "in_progress"}}, ""),
        (
            "think",
            "output_item.added",
            {"output_index": 0, "item": {**reasoning, "summary": []}},
            "",
        ),
        (
            "think",
            "reasoning_summary_text.delta",
            {"output_index": 0, "summary_index": 0, "delta": "hm"},
            "",
        ),
        (
            "think",
            "output_item.done",
            {"output_index": 0, "item": {**reasoning, "summary": summary}},
            "",
        ),
        ("open", "output_item.added", {"output_index": 1, "item": {**message, "content": []}}, ""),
        *(("text", "output_text.delta", {**in_message, "delta": each}, each) for each in pieces),
        ("close", "output_text.done", {**in_message, "text": "".join(pieces)}, ""),
        (
            "close",
            "output_item.done",
            {"output_index": 1, "item": {**message, "content": whole}},
            "",
        ),
    ]
    if call:
        done = {**asked, "arguments": ARGUMENTS, "status": "completed"}
        events += [
            (
                "call",
                "output_item.added",
                {"output_index": 2, "item": {**asked, "arguments": ""}},
                "",
            ),
            *(
                ("call", "function_call_arguments.delta", {**in_call, "delta": each}, "")
                for each in _split(ARGUMENTS)
            ),
            ("call", "function_call_arguments.done", {**in_call, "arguments": ARGUMENTS}, ""),
            ("call", "output_item.done", {"output_index": 2, "item": done}, ""),
        ]
    usage = {"input_tokens": 10, "output_tokens": 5}
    ended = {"response": {"id": f"resp_{number}", "status": "completed", "usage": usage}}
    events.append(("last", "completed", ended, ""))
    return [
        Sent(
            {"type": f"response.{kind}", "sequence_number": number, **data},
            role,
            f"response.{kind}",
            text,
        )
        for number, (role, kind, data, text) in enumerate(events)
    ]


def _anthropic(pieces: list[str], call: bool) -> list[Sent]:
    def start(index: int, **block: Any) -> dict[str, Any]:
        return {"type": "content_block_start", "index": index, "content_block": block}

    def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
        return {
            "type": "content_block_delta",
            "index": index,
            "delta": {"type": f"{kind}_delta", **fields},
        }

    def stop(index: int) -> dict[str, Any]:
        return {"type": "content_block_stop", "index": index}

    counts = {"input_tokens": 10, "output_tokens": 1}
    begun = {"id": "msg_1", "model": "m", "content": [], "usage": counts}
    events = [
        Sent({"type": "message_start", "message": begun}, "start"),
        Sent(start(0, type="thinking", thinking="", signature=""), "think"),
        Sent(delta(0, "thinking", thinking="hm"), "think"),
        Sent(delta(0, "signature", signature="sig1="), "think"),
        Sent(stop(0), "think"),
        Sent(start(1, type="text", text=""), "open"),
        *(Sent(delta(1, "text", text=piece), "text", text=piece) for piece in pieces),
        Sent(stop(1), "close"),
    ]
    if call:
        events += [
            Sent(
                start(2, type="tool_use", id=f"toolu_{next(_REPLIES)}", name="shell", input={}),
                "call",
            ),
            *(
                Sent(delta(2, "input_json", partial_json=each), "call")
                for each in _split(ARGUMENTS)
            ),
            Sent(stop(2), "call"),
        ]
    reason = "tool_use" if call else "end_turn"
    ended = {
        "type": "message_delta",
        "delta": {"stop_reason": reason},
        "usage": {"output_tokens": 5},
    }
    events += [Sent(ended, "close"), Sent({"type": "message_stop"}, "last")]
    return [replace(event, name=event.data["type"]) for event in events]


def _gemini(pieces: list[str], call: bool) -> list[Sent]:
    def chunk(*parts: dict[str, Any], **more: str) -> dict[str, Any]:
        counts = {"promptTokenCount": 10, "candidatesTokenCount": 2, "thoughtsTokenCount": 3}
        candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **more}
        return {"candidates": [candidate], "usageMetadata": counts}

    events = [
        Sent(chunk({"text": "hm", "thought": True}), "think"),
        *(Sent(chunk({"text": piece}), "text", text=piece) for piece in pieces),
    ]
    if call:
        asked = {"functionCall": {"name": "shell", "args": COMMAND}, "thoughtSignature": "c2ln+/="}
        events.append(Sent(chunk(asked), "call"))
    return [*events, Sent(chunk({"text": ""}, finishReason="STOP"), "last")]


def _ollama(pieces: list[str], call: bool) -> list[Sent]:
    def line(**message: Any) -> dict[str, Any]:
        return {
            "model": "m",
            "message": {"role": "assistant", "content": "", **message},
            "done": False,
        }

    events = [
        Sent(line(thinking="hm"), "think"),
        *(Sent(line(content=piece), "text", text=piece) for piece in pieces),
    ]
    if call:
        function = {"name": "shell", "arguments": COMMAND}
        events.append(Sent(line(tool_calls=[{"function": function}]), "call"))
    counts = {"prompt_eval_count": 10, "eval_count": 5}
    return [*events, Sent({**line(), "done": True, "done_reason": "stop", **counts}, "last")]


def _lightspeed(pieces: list[str], call: bool) -> list[Sent]:
    def frame(event: str, **data: Any) -> dict[str, Any]:
        return {"event": event, "data": data}

    events = [
        Sent(frame("start", conversation_id="ls-1", request_id="r1"), "start"),
        *(Sent(frame("token", id=n, token=p), "text", text=p) for n, p in enumerate(pieces)),
    ]
    if call:
        events += [
            Sent(frame("tool_call", id=CALL_ID, name="tick", args=COMMAND), "call"),
            Sent(frame("tool_result", id=CALL_ID, status="success", content="ticked"), "call"),
        ]
    return [
        *events,
        Sent(frame("turn_complete", id=99, token="".join(pieces)), "close"),
        Sent(frame("end", input_tokens=10, output_tokens=5), "last"),
    ]


def _luxx(pieces: list[str], call: bool) -> list[Sent]:
    def step(number: int, **fields: Any) -> dict[str, Any]:
        return {"step": {"id": f"s{number}", "index": number, **fields}}

    def text(number: int) -> dict[str, Any]:
        return step(1, type="text", content="".join(pieces[: number + 1]))

    events = [
        Sent(step(0, type="thinking", content="hm"), "think"),
        *(Sent(text(number), "text", text=piece) for number, piece in enumerate(pieces)),
    ]
    if call:
        asked = step(2, type="tool_call", id_ref=CALL_ID, name="tick", arguments=ARGUMENTS)
        result = step(3, type="tool_result", id_ref=CALL_ID, name="tick", content="ticked")
        events += [Sent(asked, "call"), Sent(result, "call")]
    events = [replace(event, name="process_step") for event in events]
    return [*events, Sent({"message_id": "m1", "token_count": 5}, "last", "done")]


def _enclava(pieces: list[str], call: bool) -> list[Sent]:
    item = "response.output_item.added"
    delta = "response.output_text.delta"
    events = [
        Sent({"delta": "hm", "item_id": "r"}, "think", "response.reasoning_text.delta"),
        *(Sent({"item_id": "m", "delta": piece}, "text", delta, piece) for piece in pieces),
    ]
    if call:
        asked = {"type": "function_call", "id": CALL_ID, "call_id": CALL_ID, "name": "tick"}
        output = {"type": "function_call_output", "call_id": CALL_ID, "output": "ticked"}
        arguments = {"call_id": CALL_ID, "delta": ARGUMENTS}
        events += [
            Sent(arguments, "call", "response.function_call_arguments.delta"),
            Sent({"item": {**asked, "arguments": ARGUMENTS}}, "call", item),
            Sent({"item": output}, "call", item),
        ]
    ended = {"object": "response", "status": "completed"}
    return [*events, Sent(ended, "last", "response.completed")]


_MADE = {
    "chat": _chat,
    "responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "ollama": _ollama,
    "lightspeed": _lightspeed,
    "luxx": _luxx,
    "enclava": _enclava,
}
