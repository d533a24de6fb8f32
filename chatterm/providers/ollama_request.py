"""Request encoder for Ollama's own protocol (/api/chat).

How long the server keeps a model loaded, and how large it makes its context, is the server's own
setting; `keep_alive` and `options.num_ctx` in a provider's `body` say otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from chatterm.assembly import StepWriter
from chatterm.providers.base import ModelInfo, ModelRequest
from chatterm.providers.decoding import integer, mapping, sequence, text_of
from chatterm.providers.history import (
    Round,
    base64_of,
    binary_files,
    images_of,
    is_image,
    opaque_of,
    rounds,
    text_with_files,
)
from chatterm.providers.ollama import OllamaDecoder
from chatterm.providers.wire import (
    Endpoint,
    HttpRequest,
    overlay,
    request_headers,
    with_extra_fields,
)
from chatterm.steps import ToolCallStep, Turn, UserInput

_PICTURES = "[the pictures of the tool results above]"
_NOT_SENT = "[the file {name} was attached here; this server takes only text and pictures]"
# The models that take a level of thinking; all others take only yes or no.
_LEVELLED = re.compile(r"gpt-?oss")
_LEVELS = {"minimal": "low", "xhigh": "high", "max": "high"}
_NUM_CTX = re.compile(r"^num_ctx\s+(\d+)\s*$", re.MULTILINE)


class OllamaProtocol:
    """The `ollama` wire protocol."""

    def encode(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest:
        """The request that asks the model once, streamed."""
        body: dict[str, Any] = {"model": request.model, "stream": True}
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
        body |= _settings(request)
        # Last, so that a request begins with the bytes of the one before it.
        body["messages"] = _messages(request, endpoint.name)
        body = with_extra_fields(body, endpoint.body, deep=("options",))
        return HttpRequest("POST", f"{_base(endpoint)}/chat", _headers(endpoint), body)

    def decoder(
        self, request: ModelRequest, endpoint: Endpoint, writer: StepWriter
    ) -> OllamaDecoder:
        """A fresh decoder for the answer to that request."""
        return OllamaDecoder(writer, endpoint.name)

    def models_request(self, endpoint: Endpoint) -> HttpRequest:
        """The request that lists the models on the server."""
        return HttpRequest("GET", f"{_base(endpoint)}/tags", _headers(endpoint))

    def read_models(self, data: Any) -> list[ModelInfo]:
        """The models in the answer to that request."""
        rows = map(mapping, sequence(mapping(data).get("models")))
        names = (text_of(row.get("model")) or text_of(row.get("name")) for row in rows)
        return [ModelInfo(name) for name in names if name]

    def model_request(self, model: ModelInfo, endpoint: Endpoint) -> HttpRequest:
        """The request that asks for one model: the list tells of no windows."""
        return HttpRequest(
            "POST", f"{_base(endpoint)}/show", _headers(endpoint), {"model": model.id}
        )

    def read_model(self, model: ModelInfo, data: Any, endpoint: Endpoint) -> ModelInfo | None:
        """The model with its window; None for one that only makes embeddings.

        What the configuration or the model's own parameters set for `num_ctx` comes before what
        the model was made for: the server cuts off whatever is longer.
        """
        shown = mapping(data)
        capabilities = shown.get("capabilities")
        if isinstance(capabilities, list) and capabilities and "completion" not in capabilities:
            return None
        made_for = next(
            (
                integer(value)
                for key, value in mapping(shown.get("model_info")).items()
                if key.endswith(".context_length")
            ),
            None,
        )
        own = _NUM_CTX.search(text_of(shown.get("parameters")))
        asked = integer(mapping(endpoint.body.get("options")).get("num_ctx"))
        served = asked or (int(own[1]) if own else None)
        windows = [window for window in (served, made_for) if window]
        inputs = model.inputs
        if isinstance(capabilities, list) and capabilities:
            inputs = ("text", "image") if "vision" in capabilities else ("text",)
        return replace(model, context_window=min(windows, default=None), inputs=inputs)


def _base(endpoint: Endpoint) -> str:
    base = endpoint.base_url.rstrip("/")
    return base if base.endswith("/api") else f"{base}/api"


def _headers(endpoint: Endpoint) -> dict[str, str]:
    accepted = {"Accept": "application/x-ndjson, application/json"}
    return overlay(overlay(request_headers(endpoint), accepted), endpoint.headers)


def _settings(request: ModelRequest) -> dict[str, Any]:
    settings = request.settings
    options: dict[str, Any] = {}
    if settings.temperature is not None:
        options["temperature"] = settings.temperature
    if settings.max_output_tokens is not None:
        options["num_predict"] = settings.max_output_tokens
    body: dict[str, Any] = {"options": options} if options else {}
    # A form is forced on every token, so that with it no tool could be called.
    if settings.schema is not None and not request.tools:
        body["format"] = dict(settings.schema)
    think = _think(request.model, settings.effort, thinking=settings.thinking)
    return body if think is None else body | {"think": think}


def _think(model: str, effort: str | None, *, thinking: bool | None) -> bool | str | None:
    """The `think` of a request; None leaves it to the server, for many models take none."""
    if effort is None or thinking is False:
        return thinking
    if _LEVELLED.search(model) and effort != "none":
        return _LEVELS.get(effort, effort)
    return effort != "none"


# --- the conversation -------------------------------------------------------------------------


def _messages(request: ModelRequest, provider: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if request.system:
        messages.append({"role": "system", "content": request.system})
    for turn in request.turns:
        messages.append(_user_message(turn.input))
        for each in rounds(turn):
            messages.extend(_round_messages(each, turn, provider))
    return messages


def _user_message(user_input: UserInput) -> dict[str, Any]:
    files = list(binary_files(user_input))
    others = [_NOT_SENT.format(name=file.name) for file in files if not is_image(file)]
    text = text_with_files(user_input)
    message: dict[str, Any] = {
        "role": "user",
        "content": "\n\n".join([*others, text] if text else others),
    }
    if images := [base64_of(file) for file in files if is_image(file)]:
        message["images"] = images
    return message


def _round_messages(each: Round, turn: Turn, provider: str) -> Iterator[dict[str, Any]]:
    message: dict[str, Any] = {"role": "assistant", "content": each.text}
    own = (s.text for s in each.thinking if opaque_of(s, turn, provider).get("field"))
    if thinking := "".join(own):
        message["thinking"] = thinking
    if each.calls:
        ids = [_own_id(call, turn, provider) for call in each.calls]
        pairs = zip(each.calls, ids, strict=True)
        message["tool_calls"] = [{**given, "function": _function(call)} for call, given in pairs]
    if not (each.text or each.calls):
        return  # what its thinking led to was cut off
    yield message
    for call, result in zip(each.calls, each.results, strict=True):
        given = _own_id(call, turn, provider)
        answer = {"role": "tool", "content": result.content, "tool_name": call.name}
        yield answer | ({"tool_call_id": given["id"]} if given else {})
    if pictures := [base64_of(image) for result in each.results for image in images_of(result)]:
        yield {"role": "user", "content": _PICTURES, "images": pictures}


def _function(call: ToolCallStep) -> dict[str, Any]:
    arguments: Mapping[str, Any] | None = call.input
    if arguments is None:
        arguments = {"raw": call.arguments} if call.arguments.strip() else {}
    # Through JSON, so that what is sent doesn't change with the object it came from.
    return {"name": call.name, "arguments": json.loads(json.dumps(arguments))}


def _own_id(call: ToolCallStep, turn: Turn, provider: str) -> dict[str, Any]:
    """The id that this server gave a call; older ones give none, and go by the results' order."""
    given = opaque_of(call, turn, provider).get("id")
    return {"id": given} if isinstance(given, str) else {}
