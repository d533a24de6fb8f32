"""The conversation as input items of the Responses protocol, and where the server holds it itself.

Reasoning items go back as they came, before the call or text they led to (PROVIDERS.md, section 1).

A server that keeps its responses can go on from any of them: what led to it needn't be sent. It may
only where that is the very conversation that would be sent. Where one was compacted, edited or
asked with another kind of model since, it isn't; so each answer is recorded with a digest of the
items before it, and counts only where those are still the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chatterm.providers.base import ModelRequest
from chatterm.providers.call_ids import CallIds
from chatterm.providers.decoding import mapping, text_of
from chatterm.providers.history import (
    Round,
    data_url,
    images_of,
    is_image,
    opaque_of,
    rounds,
    user_content,
)
from chatterm.providers.responses_items import APPROVAL
from chatterm.providers.responses_late import LATE, Late, fetched, marked
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

# OpenAI's models that answer a request for reasoning with an error.
_NOT_REASONING = re.compile(r"(^|/)(gpt-3|gpt-4|chatgpt-|gpt-5[\w.]*-chat|gpt-audio|ft:gpt-[34])")
RECORD = "response"  # where an answer's record lies in the opaque data of one of its steps


@dataclass(frozen=True, slots=True)
class Held:
    """An answer that the server holds, with all that led to it.

    Attributes:
        response: The response's id.
        items: How many items of the input it stands for, its own included.
    """

    response: str
    items: int


@dataclass(slots=True)
class Input:
    """What a request says of the conversation.

    Attributes:
        items: All of it.
        held: The answers among it that the server holds, the newest last.
    """

    items: list[dict[str, Any]] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)

    def digest(self) -> str:
        """What tells this conversation from any other."""
        return str(_digested(self.items).hexdigest())


def reasons(model: str) -> bool:
    """Whether a model takes what is said of reasoning; so does one that nobody knows."""
    return not _NOT_REASONING.search(model)


def input_of(
    request: ModelRequest, provider: str, *, kept: bool = False, late: Late | None = None
) -> Input:
    """The conversation as input items.

    Args:
        request: The request.
        provider: The provider's name: opaque data of its own goes back to it.
        kept: Find what the server holds, too.
        late: Answers that broke off and were fetched, beside those that are recorded.
    """
    found = Input()
    whole = {**(late or {}), **fetched(request.turns, provider)}
    ids = CallIds()
    seen: set[str] = set()
    digest, digested = hashlib.sha256(), 0
    for turn in request.turns:
        found.items.append(
            {"role": "user", "content": user_content(turn.input, "input_text", _file_part)}
        )
        naming = ids.own if turn.provider == provider else ids.valid
        replayed = _replayed_to(turn, request.model, provider)
        for each in rounds(turn):
            named = [naming(call.call_id) for call in each.calls]
            cut_off = marked(each.steps) if whole and replayed else ""
            if cut_off in whole:
                found.items += _once(whole[cut_off], seen)
                continue
            before = len(found.items)
            found.items += _once(_output_items(each, named, turn, replayed), seen)
            record = _record(each, turn, replayed) if kept and replayed else {}
            if record:
                digest = _digested(found.items[digested:before], digest)
                digested = before
                if record.get("after") == digest.hexdigest():
                    found.held.append(Held(text_of(record.get("id")), len(found.items)))
            found.items += _answers(each, named, turn, replayed, found.items[before:])
    return found


def _once(items: Iterable[dict[str, Any]], seen: set[str]) -> Iterator[dict[str, Any]]:
    """The items, none under another's id: a server may repeat one, and refuses to have it back."""
    for item in items:
        item_id = text_of(item.get("id"))
        if "id" not in item or (item_id and item_id not in seen):
            yield item
        elif item.get("type") != "reasoning":  # which is nothing without its id
            yield {key: value for key, value in item.items() if key != "id"}
        seen.add(item_id)


def record_of(response: str, after: str) -> dict[str, Any]:
    """The opaque data by which an answer that the server keeps is found again.

    Args:
        response: The response's id.
        after: The digest of the conversation that it answers.
    """
    return {RECORD: {"id": response, "after": after}}


def _digested(items: list[dict[str, Any]], before: Any = None) -> Any:
    digest = before or hashlib.sha256()
    for item in items:
        digest.update(json.dumps(item, sort_keys=True).encode() + b"\n")
    return digest


def _record(each: Round, turn: Turn, provider: str) -> dict[str, Any]:
    """The record of an answer; none of one that isn't whole: the server may hold more, or less."""
    if turn.provider != provider:
        return {}
    number = each.steps[0].round
    if any(step.status is not Status.DONE for step in turn.steps if step.round == number):
        return {}
    records = (mapping((step.opaque or {}).get(RECORD)) for step in each.steps)
    return next((record for record in records if text_of(record.get("id"))), {})


def _replayed_to(turn: Turn, model: str, provider: str) -> str:
    """The provider that a turn's opaque data may go to.

    A model that doesn't reason answers reasoning items with an error, and so does the server when
    an item comes back, under its id, without the reasoning that it followed.
    """
    return "" if reasons(turn.model) and not reasons(model) else provider


def _file_part(attachment: Attachment) -> dict[str, Any]:
    if is_image(attachment):
        return {"type": "input_image", "image_url": data_url(attachment)}
    return {
        "type": "input_file",
        "filename": attachment.name,
        "file_data": data_url(attachment),
    }


def _output_items(each: Round, ids: list[str], turn: Turn, provider: str) -> list[dict[str, Any]]:
    """What the model and its server made in a round."""
    sent_back: set[str] = set()
    items: list[dict[str, Any]] = []
    naming = iter(ids)
    for step in each.steps:
        opaque = opaque_of(step, turn, provider)
        if isinstance(step, ToolCallStep) and not step.hosted:
            items.append(_call_item(step, next(naming), opaque))
        else:
            items.extend(_step_items(step, opaque, sent_back))
    while items and items[-1].get("type") == "reasoning":
        items.pop()  # what it led to was cut off: alone it would be refused
    return items


def _answers(
    each: Round, ids: list[str], turn: Turn, provider: str, items: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """What answers the calls of a round: the user's word, and what chatterm's own tools gave."""
    answered: set[str] = set()
    for step in each.steps:
        opaque = opaque_of(step, turn, provider)
        if isinstance(step, ToolResultStep) and "approve" in opaque:
            answered.add(step.call_id)
            yield _approval(step.call_id, opaque)
    for call, call_id, result in zip(each.calls, ids, each.results, strict=True):
        yield _result_item(call, call_id, result)
    for item in items:
        if item.get("type") == APPROVAL and item.get("id") not in answered:
            yield _approval(str(item.get("id")), {"approve": False})


def _step_items(
    step: Step, opaque: dict[str, Any], sent_back: set[str]
) -> Iterator[dict[str, Any]]:
    match step:
        case ThinkingStep():
            if "item" in opaque:
                yield opaque["item"]
        case TextStep() if LATE not in opaque:
            content = {"type": "output_text", "text": step.text, "annotations": []}
            yield from _message(content, opaque, sent_back)
        case RefusalStep():
            yield from _message({"type": "refusal", "refusal": step.text}, opaque, sent_back)
        case ToolCallStep(hosted=True) | ToolResultStep():
            if "item" in opaque:
                yield opaque["item"]


def _approval(call_id: str, opaque: dict[str, Any]) -> dict[str, Any]:
    item = {
        "type": "mcp_approval_response",
        "approval_request_id": call_id,
        "approve": opaque["approve"],
    }
    return item | ({"reason": opaque["reason"]} if opaque.get("reason") else {})


def _message(
    content: dict[str, Any], opaque: dict[str, Any], sent_back: set[str]
) -> Iterator[dict[str, Any]]:
    """An assistant message. Its own id goes back once: two parts of it are two messages here."""
    own = opaque.get("message") or {}
    item = {"type": "message", "role": "assistant", "content": [content]}
    if phase := own.get("phase"):
        item["phase"] = phase
    item_id = text_of(own.get("id"))
    if item_id and item_id not in sent_back:
        sent_back.add(item_id)
        item |= {"id": item_id, "status": "completed"}
    yield item


def _call_item(step: ToolCallStep, call_id: str, opaque: dict[str, Any]) -> dict[str, Any]:
    item = dict(opaque.get("item") or {})
    item["call_id"] = call_id
    item["name"] = step.name
    if step.opaque and step.opaque.get("custom"):
        item |= {"type": "custom_tool_call", "input": step.arguments}
    else:
        item |= {"type": "function_call", "arguments": step.arguments or "{}"}
    return item


def _result_item(call: ToolCallStep, call_id: str, result: ToolResultStep) -> dict[str, Any]:
    custom = bool(call.opaque and call.opaque.get("custom"))
    output: str | list[dict[str, Any]] = result.content
    if pictures := [_file_part(image) for image in images_of(result)]:
        output = [{"type": "input_text", "text": result.content}, *pictures]
    return {
        "type": "custom_tool_call_output" if custom else "function_call_output",
        "call_id": call_id,
        "output": output,
    }
