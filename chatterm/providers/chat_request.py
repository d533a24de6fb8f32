"""Request encoder for Chat Completions and its dialects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from chatterm.assembly import StepWriter
from chatterm.providers.base import ModelInfo, ModelRequest
from chatterm.providers.call_ids import CallIds
from chatterm.providers.chat import ChatDecoder
from chatterm.providers.chat_dialects import Dialect, dialect_of
from chatterm.providers.history import (
    Round,
    data_url,
    images_of,
    is_image,
    opaque_of,
    rounds,
    user_content,
)
from chatterm.providers.wire import Endpoint, HttpRequest, read_openai_models, request_headers
from chatterm.steps import Attachment, ThinkingStep, ToolCallStep, Turn

# Fields of opaque data that are sent back in the assistant's message under the same name.
_MESSAGE_FIELDS = ("reasoning_details", "thinking_blocks")
_LONGEST_ID = 40  # of a call, as OpenAI takes it
_CACHED = {"type": "ephemeral"}


class ChatProtocol:
    """The `chat` wire protocol."""

    def encode(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest:
        """The request that asks the model once, streamed."""
        dialect = dialect_of(endpoint.base_url, endpoint.name)
        body: dict[str, Any] = {
            "model": request.model,
            "stream": True,
            "messages": _messages(request, endpoint.name, dialect),
        }
        if dialect.ask_usage:
            body["stream_options"] = {"include_usage": True}
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": dict(tool.parameters),
                    },
                }
                for tool in request.tools
            ]
        body |= _settings(request, dialect)
        body |= endpoint.body
        url = f"{endpoint.base_url}/chat/completions"
        return HttpRequest("POST", url, request_headers(endpoint), body)

    def decoder(self, request: ModelRequest, endpoint: Endpoint, writer: StepWriter) -> ChatDecoder:
        """A fresh decoder for the answer to that request."""
        return ChatDecoder(writer, endpoint.name)

    def models_request(self, endpoint: Endpoint) -> HttpRequest:
        """The request that lists the provider's models."""
        return HttpRequest("GET", f"{endpoint.base_url}/models", request_headers(endpoint))

    def read_models(self, data: Any) -> list[ModelInfo]:
        """The models in the answer to that request."""
        return read_openai_models(data)


_PICTURES = "[the pictures of the tool results above]"


def _settings(request: ModelRequest, dialect: Dialect) -> dict[str, Any]:
    settings = request.settings
    body: dict[str, Any] = {}
    if settings.temperature is not None:
        body["temperature"] = settings.temperature
    if settings.max_output_tokens is not None:
        body[dialect.limit_field] = settings.max_output_tokens
    if settings.schema is not None and dialect.reply_schema:
        schema = {"name": "reply", "schema": dict(settings.schema), "strict": False}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body | dialect.effort(settings.effort, settings.thinking)


def _messages(request: ModelRequest, provider: str, dialect: Dialect) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if request.system:
        messages.append({"role": dialect.system_role, "content": request.system})
    ids = CallIds(_LONGEST_ID, dialect.id_length)
    for turn in request.turns:
        messages.append({"role": "user", "content": user_content(turn.input, "text", _file_part)})
        naming = ids.own if turn.provider == provider else ids.valid
        for each in rounds(turn):
            named = [naming(call.call_id) for call in each.calls]
            messages.extend(_round_messages(each, named, turn, provider, dialect))
    if dialect.marks_cache and "claude" in request.model:
        _mark_cached(messages)
    return messages


def _mark_cached(messages: list[dict[str, Any]]) -> None:
    """Mark the system text and the last question: what leads up to them is read from the cache."""
    for role in ("system", "user"):
        message = next((each for each in reversed(messages) if each["role"] == role), None)
        if message is None:
            continue
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        text = next((part for part in reversed(parts) if part.get("text", "").strip()), None)
        if text is not None:  # blank ones are refused
            text["cache_control"] = _CACHED
            message["content"] = parts


def _file_part(attachment: Attachment) -> dict[str, Any]:
    if is_image(attachment):
        return {"type": "image_url", "image_url": {"url": data_url(attachment)}}
    file = {"filename": attachment.name, "file_data": data_url(attachment)}
    return {"type": "file", "file": file}


def _round_messages(
    each: Round, ids: list[str], turn: Turn, provider: str, dialect: Dialect
) -> Iterator[dict[str, Any]]:
    message: dict[str, Any] = {"role": "assistant", "content": each.text or None}
    if each.calls:
        message["tool_calls"] = [
            _call(call, call_id, opaque_of(call, turn, provider))
            for call, call_id in zip(each.calls, ids, strict=True)
        ]
    message |= _reasoning(each, turn, provider, dialect)
    if message["content"] is None and not each.calls:
        if set(message) == {"role", "content"}:
            return  # only thinking that can't be sent: an empty message would be refused
        message["content"] = ""
    yield message
    for call_id, result in zip(ids, each.results, strict=True):
        yield {"role": "tool", "tool_call_id": call_id, "content": result.content}
    if pictures := [_file_part(image) for result in each.results for image in images_of(result)]:
        # The protocol's tool messages hold text alone, and nothing may stand between them.
        yield {"role": "user", "content": [{"type": "text", "text": _PICTURES}, *pictures]}


def _call(call: ToolCallStep, call_id: str, opaque: dict[str, Any]) -> dict[str, Any]:
    if call.opaque and call.opaque.get("custom"):
        custom = {"name": call.name, "input": call.arguments}
        return {"id": call_id, "type": "custom", "custom": custom}
    extra = {key: value for key, value in opaque.items() if key not in ("custom", "item")}
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": call.name, "arguments": _arguments(call)},
        **extra,
    }


def _arguments(call: ToolCallStep) -> str:
    """The arguments as they came, where they are a JSON object.

    Some servers refuse a request whose history holds anything else, so a call that didn't parse
    goes back as a quoted string.
    """
    if not call.arguments.strip():
        return "{}"
    return call.arguments if call.input is not None else json.dumps({"raw": call.arguments})


def _reasoning(each: Round, turn: Turn, provider: str, dialect: Dialect) -> dict[str, Any]:
    """What of the thinking goes back: opaque fields always, plain text where a call needs it."""
    fields: dict[str, Any] = {}
    plain = ""
    content_field = None
    for step in each.thinking:
        opaque = opaque_of(step, turn, provider)
        for name in _MESSAGE_FIELDS:
            if opaque.get(name):
                fields[name] = [*fields.get(name, []), *opaque[name]]
        content_field = opaque.get("field") or content_field
        plain += step.text if opaque.get("field") else ""
    if not each.calls:
        return fields
    if content_field == "content":
        fields["content"] = _thinking_parts(each.thinking, each.text)
    elif content_field == "reasoning_content" or dialect.resend_reasoning:
        fields["reasoning_content"] = plain
    return fields


def _thinking_parts(thinking: tuple[ThinkingStep, ...], text: str) -> list[dict[str, Any]]:
    """Mistral's content list: thinking parts, then text."""
    parts: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": [{"type": "text", "text": step.text}]}
        for step in thinking
        if step.text
    ]
    return [*parts, {"type": "text", "text": text}] if text else parts
