"""Request encoder for OpenAI Responses, stateless: everything is sent, nothing is stored there.

Reasoning items go back as they came, before the call or text they led to (PROVIDERS.md, section 1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chatterm.assembly import StepWriter
from chatterm.providers.base import ModelInfo, ModelRequest
from chatterm.providers.call_ids import CallIds
from chatterm.providers.decoding import text_of
from chatterm.providers.history import (
    Round,
    data_url,
    images_of,
    is_image,
    opaque_of,
    rounds,
    user_content,
)
from chatterm.providers.responses import ResponsesDecoder
from chatterm.providers.responses_items import APPROVAL
from chatterm.providers.wire import Endpoint, HttpRequest, read_openai_models, request_headers
from chatterm.steps import (
    Attachment,
    RefusalStep,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Turn,
)

# OpenAI's models that answer a request for reasoning with an error.
_NOT_REASONING = re.compile(r"(^|/)(gpt-3|gpt-4|chatgpt-|gpt-5[\w.]*-chat|gpt-audio|ft:gpt-[34])")


class ResponsesProtocol:
    """The `responses` wire protocol."""

    def encode(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest:
        """The request that asks the model once, streamed."""
        body: dict[str, Any] = {
            "model": request.model,
            "stream": True,
            "store": False,
            "input": _input(request, endpoint.name),
        }
        if request.system:
            body["instructions"] = request.system
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                    "strict": False,
                }
                for tool in request.tools
            ]
        body |= _settings(request)
        body |= endpoint.body
        return HttpRequest(
            "POST", f"{endpoint.base_url}/responses", request_headers(endpoint), body
        )

    def decoder(
        self, request: ModelRequest, endpoint: Endpoint, writer: StepWriter
    ) -> ResponsesDecoder:
        """A fresh decoder for the answer to that request."""
        return ResponsesDecoder(writer, endpoint.name, request.settings.max_output_tokens)

    def models_request(self, endpoint: Endpoint) -> HttpRequest:
        """The request that lists the provider's models."""
        return HttpRequest("GET", f"{endpoint.base_url}/models", request_headers(endpoint))

    def read_models(self, data: Any) -> list[ModelInfo]:
        """The models in the answer to that request."""
        return read_openai_models(data)


def _settings(request: ModelRequest) -> dict[str, Any]:
    settings = request.settings
    body: dict[str, Any] = {}
    if settings.temperature is not None:
        body["temperature"] = settings.temperature
    if settings.max_output_tokens is not None:
        body["max_output_tokens"] = settings.max_output_tokens
    if settings.schema is not None:
        schema = dict(settings.schema)
        body["text"] = {
            "format": {"type": "json_schema", "name": "reply", "schema": schema, "strict": False}
        }
    if not _NOT_REASONING.search(request.model):
        body["include"] = ["reasoning.encrypted_content"]
        reasoning: dict[str, Any] = {}
        if settings.thinking is not False:
            reasoning["summary"] = "auto"
        if settings.effort is not None:
            reasoning["effort"] = settings.effort
        if reasoning:
            body["reasoning"] = reasoning
    return body


def _input(request: ModelRequest, provider: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    ids = CallIds()
    for turn in request.turns:
        items.append(
            {"role": "user", "content": user_content(turn.input, "input_text", _file_part)}
        )
        naming = ids.own if turn.provider == provider else ids.valid
        replayed = _replayed_to(turn, request.model, provider)
        for each in rounds(turn):
            named = [naming(call.call_id) for call in each.calls]
            items.extend(_round_items(each, named, turn, replayed))
    return list(_once(items))


def _once(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The items, none under another's id: a server may repeat one, and refuses to have it back."""
    seen: set[str] = set()
    for item in items:
        item_id = text_of(item.get("id"))
        if "id" not in item or (item_id and item_id not in seen):
            yield item
        elif item.get("type") != "reasoning":  # which is nothing without its id
            yield {key: value for key, value in item.items() if key != "id"}
        seen.add(item_id)


def _replayed_to(turn: Turn, model: str, provider: str) -> str:
    """The provider that a turn's opaque data may go to.

    A model that doesn't reason answers reasoning items with an error, and so does the server when
    an item comes back, under its id, without the reasoning that it followed.
    """
    reasoned = not _NOT_REASONING.search(turn.model)
    return "" if reasoned and _NOT_REASONING.search(model) else provider


def _file_part(attachment: Attachment) -> dict[str, Any]:
    if is_image(attachment):
        return {"type": "input_image", "image_url": data_url(attachment)}
    return {
        "type": "input_file",
        "filename": attachment.name,
        "file_data": data_url(attachment),
    }


def _round_items(
    each: Round, ids: list[str], turn: Turn, provider: str
) -> Iterator[dict[str, Any]]:
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
    yield from items
    for call, call_id, result in zip(each.calls, ids, each.results, strict=True):
        yield _result_item(call, call_id, result)
    yield from _unanswered_approvals(items)


def _step_items(
    step: Step, opaque: dict[str, Any], sent_back: set[str]
) -> Iterator[dict[str, Any]]:
    match step:
        case ThinkingStep():
            if "item" in opaque:
                yield opaque["item"]
        case TextStep():
            content = {"type": "output_text", "text": step.text, "annotations": []}
            yield from _message(content, opaque, sent_back)
        case RefusalStep():
            yield from _message({"type": "refusal", "refusal": step.text}, opaque, sent_back)
        case ToolCallStep(hosted=True):
            if "item" in opaque:
                yield opaque["item"]
        case ToolResultStep():
            yield from _hosted_result(step, opaque)


def _unanswered_approvals(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    answered = {item.get("approval_request_id") for item in items}
    for item in items:
        if item.get("type") == APPROVAL and item.get("id") not in answered:
            yield _approval(str(item.get("id")), approve=False)


def _hosted_result(step: ToolResultStep, opaque: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "item" in opaque:
        yield opaque["item"]
    elif "approve" in opaque:
        yield _approval(step.call_id, approve=opaque["approve"])


def _approval(call_id: str, *, approve: bool) -> dict[str, Any]:
    return {"type": "mcp_approval_response", "approval_request_id": call_id, "approve": approve}


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
