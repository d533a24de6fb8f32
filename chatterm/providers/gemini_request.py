"""Request encoder for Gemini's generateContent.

A model's parts go back in the order in which they came, each with its own thought signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from chatterm.assembly import StepWriter
from chatterm.providers.base import ModelInfo, ModelRequest, ToolSpec
from chatterm.providers.decoding import integer, mapping, sequence, text_of
from chatterm.providers.gemini import GeminiDecoder
from chatterm.providers.gemini_schema import schema_for_gemini
from chatterm.providers.gemini_thinking import checks_signatures, thinking_config
from chatterm.providers.history import (
    Round,
    base64_of,
    binary_files,
    images_of,
    opaque_of,
    rounds,
    text_with_files,
)
from chatterm.providers.wire import Endpoint, HttpRequest, request_headers, with_extra_fields
from chatterm.steps import (
    Attachment,
    RefusalStep,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Turn,
    UserInput,
)

# What Google says to send in place of the signature of a call that another model made.
NO_SIGNATURE = "skip_thought_signature_validator"

_KEY_HEADER = "x-goog-api-key"
_PICTURES = "[the pictures of the tool results above]"
_VERSIONED = re.compile(r"/v\d\w*(/|$)")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.:-]")


class GeminiProtocol:
    """The `gemini` wire protocol."""

    def encode(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest:
        """The request that asks the model once, streamed."""
        body: dict[str, Any] = {}
        if request.system:
            body["systemInstruction"] = {"parts": [{"text": request.system}]}
        if request.tools:
            body["tools"] = [{"functionDeclarations": [_declaration(t) for t in request.tools]}]
        if config := _generation_config(request):
            body["generationConfig"] = config
        # Last, so that a request begins with the bytes of the one before it.
        body["contents"] = _contents(request, endpoint.name)
        body = with_extra_fields(body, endpoint.body, deep=("generationConfig",))
        url = f"{_base(endpoint)}/{_path(request.model)}:streamGenerateContent?alt=sse"
        return HttpRequest("POST", url, request_headers(endpoint, _KEY_HEADER), body)

    def decoder(
        self, request: ModelRequest, endpoint: Endpoint, writer: StepWriter
    ) -> GeminiDecoder:
        """A fresh decoder for the answer to that request."""
        return GeminiDecoder(writer, endpoint.name)

    def models_request(self, endpoint: Endpoint) -> HttpRequest:
        """The request that lists the provider's models."""
        url = f"{_base(endpoint)}/models?pageSize=1000"
        return HttpRequest("GET", url, request_headers(endpoint, _KEY_HEADER))

    def read_models(self, data: Any) -> list[ModelInfo]:
        """The models in the answer to that request that can hold a conversation."""
        answer = mapping(data)
        rows = sequence(answer.get("models") or answer.get("publisherModels"))
        return [
            ModelInfo(
                text_of(row["name"]).rpartition("models/")[2],
                text_of(row.get("displayName")),
                integer(row.get("inputTokenLimit")),
            )
            for row in map(mapping, rows)
            if text_of(row.get("name")) and _converses(row)
        ]


def _converses(row: dict[str, Any]) -> bool:
    methods = row.get("supportedGenerationMethods")
    return not isinstance(methods, list) or "generateContent" in methods


def _base(endpoint: Endpoint) -> str:
    """The address with the version of the interface, unless it is in there already."""
    base = endpoint.base_url.rstrip("/")
    return base if _VERSIONED.search(urlsplit(base).path) else f"{base}/v1beta"


def _path(model: str) -> str:
    # Tuned models and those of other publishers come with a path of their own.
    return quote(model if "/" in model else f"models/{model}", safe="/@.-_:")


def _declaration(tool: ToolSpec) -> dict[str, Any]:
    declared: dict[str, Any] = {"name": tool.name, "description": tool.description}
    parameters = schema_for_gemini(tool.parameters)
    return declared if parameters is None else declared | {"parameters": parameters}


def _generation_config(request: ModelRequest) -> dict[str, Any]:
    settings = request.settings
    config: dict[str, Any] = {}
    if settings.temperature is not None:
        config["temperature"] = settings.temperature
    if settings.max_output_tokens is not None:
        config["maxOutputTokens"] = settings.max_output_tokens
    # With tools most models refuse to be held to a form of reply.
    if settings.schema is not None and not request.tools:
        schema = schema_for_gemini(settings.schema)
        config["responseMimeType"] = "application/json"
        config |= {} if schema is None else {"responseSchema": schema}
    if thinking := thinking_config(request.model, settings.effort, settings.thinking):
        config["thinkingConfig"] = thinking
    return config


# --- the conversation -------------------------------------------------------------------------


def _contents(request: ModelRequest, provider: str) -> list[dict[str, Any]]:
    contents: list[dict[str, Any]] = []
    checked = checks_signatures(request.model)
    for turn in request.turns:
        contents.append({"role": "user", "parts": _user_parts(turn.input)})
        for each in rounds(turn):
            parts = _model_parts(each, turn, provider, checked=checked)
            if parts and contents[-1]["role"] == "model":
                contents[-1]["parts"].extend(parts)  # a call may not follow the model's own words
            elif parts:
                contents.append({"role": "model", "parts": parts})
            if each.calls:
                contents.append({"role": "user", "parts": list(_results(each, turn, provider))})
    return contents


def _user_parts(user_input: UserInput) -> list[dict[str, Any]]:
    files = [_file_part(attachment) for attachment in binary_files(user_input)]
    text = text_with_files(user_input)
    return [*files, {"text": text}] if text or not files else files


def _file_part(attachment: Attachment) -> dict[str, Any]:
    return {"inlineData": {"mimeType": attachment.media_type, "data": base64_of(attachment)}}


def _model_parts(each: Round, turn: Turn, provider: str, *, checked: bool) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for step in each.steps:
        parts.extend(_step_parts(step, opaque_of(step, turn, provider)))
    parts = _answered(parts)
    if all(part.get("thought") for part in parts):
        return []  # what it led to was cut off
    calls = [part for part in parts if "functionCall" in part]
    if checked and calls and not any("thoughtSignature" in part for part in parts):
        calls[0]["thoughtSignature"] = NO_SIGNATURE
    return parts


def _answered(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts without code whose result was cut off."""
    results = sum("codeExecutionResult" in part for part in parts)
    kept = []
    for part in parts:
        if "executableCode" in part:
            results -= 1
            if results < 0:
                continue
        kept.append(part)
    return kept


def _step_parts(step: Step, opaque: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    whole = opaque.get("part")
    if isinstance(whole, dict):
        yield whole
        return
    match step:
        case ThinkingStep():
            if opaque.get("thought"):
                for part in _signed_parts(step.text, opaque):
                    yield part | {"thought": True}
        case TextStep():
            yield from _signed_parts(step.text, opaque)
        case RefusalStep():
            yield {"text": step.text}
        case ToolCallStep(hosted=False):
            yield _call_part(step, opaque)


def _signed_parts(text: str, opaque: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A text cut where its signatures are: each goes back on the very part it came with."""
    done = 0
    for signed in map(mapping, sequence(opaque.get("signed"))):
        start, end = signed["start"], signed["end"]
        if start > done:
            yield {"text": text[done:start]}
        yield {"text": text[start:end], "thoughtSignature": signed["thoughtSignature"]}
        done = end
    if done < len(text):
        yield {"text": text[done:]}


def _call_part(step: ToolCallStep, opaque: Mapping[str, Any]) -> dict[str, Any]:
    arguments = step.input
    if arguments is None:
        arguments = {"raw": step.arguments} if step.arguments.strip() else {}
    call = {"name": _name(step.name), "args": arguments}
    part: dict[str, Any] = {"functionCall": {**_own_id(opaque), **call}}
    if signature := opaque.get("thoughtSignature"):
        part["thoughtSignature"] = signature
    return part


def _results(each: Round, turn: Turn, provider: str) -> Iterator[dict[str, Any]]:
    pictures: list[dict[str, Any]] = []
    for call, result in zip(each.calls, each.results, strict=True):
        own = _own_id(opaque_of(call, turn, provider))
        response = {"name": _name(call.name), "response": _response(result)}
        yield {"functionResponse": {**own, **response}}
        pictures += [_file_part(image) for image in images_of(result)]
    if pictures:
        yield {"text": _PICTURES}
        yield from pictures


def _response(result: ToolResultStep) -> dict[str, Any]:
    return {"output" if result.ok else "error": result.content}


def _own_id(opaque: Mapping[str, Any]) -> dict[str, Any]:
    """The id that this provider gave a call; one made here isn't sent: some refuse it."""
    return {"id": opaque["id"]} if isinstance(opaque.get("id"), str) else {}


def _name(name: str) -> str:
    """A tool's name as it may stand here; another provider's may have other characters."""
    return _NOT_IN_NAMES.sub("_", name)[:64] or "unnamed"
