"""The conversation as the Anthropic Messages protocol wants it.

User and assistant take turns, so that what comes from one side in a row is one message; the results
of all calls of a round stand together at the beginning of the message that follows it. What came
from the same provider goes back as it came: thinking with its signature, calls and results of the
provider's own tools, texts with their citations.
"""

from __future__ import annotations

import json
import re
from typing import Any

from chatterm.providers.base import ModelRequest
from chatterm.providers.call_ids import CallIds
from chatterm.providers.history import (
    Round,
    data_url,
    images_of,
    is_image,
    opaque_of,
    rounds,
    user_content,
)
from chatterm.steps import (
    Attachment,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Turn,
)

Block = dict[str, Any]

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_THINKING = ("thinking", "redacted_thinking")
_NOTHING_SAID = "(no text)"
_LONGEST_NAME = 128


def messages(request: ModelRequest, provider: str) -> list[dict[str, Any]]:
    """The messages of a request.

    Args:
        request: What is asked.
        provider: The name of the provider that it goes to.
    """
    said = _Messages()
    ids = CallIds()
    for turn in request.turns:
        said.add("user", _question(turn))
        hosted = _Hosted(turn, going_on=turn is request.turns[-1])
        for each in rounds(turn):
            valid = [ids.valid(call.call_id) for call in each.calls]
            naming = iter(valid)
            blocks: list[Block] = []
            for step in filter(hosted.goes_back, _sent(each)):
                own_call = isinstance(step, ToolCallStep) and not step.hosted
                call_id = next(naming) if own_call else ""
                blocks += _blocks(step, opaque_of(step, turn, provider), call_id)
            said.add("assistant", blocks)
            results = zip(valid, each.results, strict=True)
            said.add("user", [_result(call_id, result) for call_id, result in results])
    return said.list


class _Messages:
    """The list of messages as it grows."""

    def __init__(self) -> None:
        self.list: list[dict[str, Any]] = []

    def add(self, role: str, blocks: list[Block]) -> None:
        """Add to what this side said, or let it say something."""
        if not blocks:
            return
        if role == "user":
            self._end_answer()
        if self.list and self.list[-1]["role"] == role:
            self.list[-1]["content"] += blocks
        else:
            self.list.append({"role": role, "content": blocks})

    def _end_answer(self) -> None:
        """An answer can't end with thinking: what that led to was cut off."""
        if not self.list or self.list[-1]["role"] == "user":
            return
        content = self.list[-1]["content"]
        while content and content[-1]["type"] in _THINKING:
            content.pop()
        if not content:
            self.list.pop()


class _Hosted:
    """What the provider's own tools did in a turn: a call goes back with its result, or not at all.

    Only where the provider goes on with the turn may a call wait for its result.
    """

    def __init__(self, turn: Turn, *, going_on: bool) -> None:
        self._going_on = going_on
        steps = [step for step in turn.steps if step.status is Status.DONE]
        self._answered = {s.call_id for s in steps if isinstance(s, ToolResultStep)}
        self._called = {s.call_id for s in steps if isinstance(s, ToolCallStep) and s.hosted}

    def goes_back(self, step: Step) -> bool:
        """Whether a step of the round is sent again."""
        match step:
            case ToolCallStep(hosted=True):
                return self._going_on or step.call_id in self._answered
            case ToolResultStep():
                return step.call_id in self._called
            case _:
                return True


# --- the user's side --------------------------------------------------------------------------


def _question(turn: Turn) -> list[Block]:
    content = user_content(turn.input, "text", _file)
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    blocks = [block for block in blocks if block["type"] != "text" or block["text"].strip()]
    return blocks or [{"type": "text", "text": _NOTHING_SAID}]


def _file(attachment: Attachment) -> Block:
    if is_image(attachment) and attachment.media_type not in _IMAGES:
        kind = attachment.media_type
        return {"type": "text", "text": f"[{attachment.name}: a picture of type {kind}, not sent]"}
    data = data_url(attachment).partition(",")[2]
    source = {"type": "base64", "media_type": attachment.media_type, "data": data}
    if is_image(attachment):
        return {"type": "image", "source": source}
    return {"type": "document", "source": source, "title": attachment.name}


def _result(call_id: str, result: ToolResultStep) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": call_id}
    content = result.content
    if not content.strip():
        content = "" if result.ok else result.outcome.value  # an error has to say something
    if pictures := [_file(image) for image in images_of(result)]:
        text = [{"type": "text", "text": content}] if content else []
        block["content"] = [*text, *pictures]
    elif content:
        block["content"] = content
    if not result.ok:
        block["is_error"] = True
    return block


# --- the assistant's side ---------------------------------------------------------------------


def _sent(each: Round) -> tuple[Step, ...]:
    """The steps of a round that go back; of one that was refused, only what was said about it."""
    refused = any(isinstance(step, RefusalStep) for step in each.steps)
    if refused and not each.calls:
        return tuple(s for s in each.steps if isinstance(s, TextStep | RefusalStep))
    return each.steps


def _blocks(step: Step, opaque: dict[str, Any], call_id: str) -> list[Block]:
    own: Block = opaque.get("block") or {}
    match step:
        case ToolCallStep(hosted=False):
            call = {"type": "tool_use", "id": call_id, "name": _name(step), "input": _input(step)}
            return [call | own]
        case ToolCallStep():
            return [own | {"input": step.input or {}}] if own else []
        case ThinkingStep():
            shown = {"type": "thinking", "thinking": step.text}
            return [shown | own if own.get("type") == "thinking" else own] if own else []
        case TextStep() | RefusalStep():
            texts = opaque.get("blocks") or [{"type": "text", "text": step.text}]
            return [block for block in texts if block["text"].strip()]  # blank ones are refused
        case _:
            return [own] if own else []


def _name(call: ToolCallStep) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "_", call.name)[:_LONGEST_NAME] or "tool"


def _input(call: ToolCallStep) -> dict[str, Any]:
    """The arguments as an object; those that aren't one go back as the text they came as."""
    if call.opaque and call.opaque.get("custom"):
        return {"input": call.arguments}
    if call.input is None or not _is_json(call.input):
        return {"INVALID_JSON": call.arguments}
    return call.input


def _is_json(value: dict[str, Any]) -> bool:
    """Python reads NaN and infinities as numbers; no server does."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True
