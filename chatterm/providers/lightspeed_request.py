"""Request encoder for Lightspeed: one question at a time, to a conversation that the server keeps.

The server knows no settings but the system prompt, and takes unknown fields for errors.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from chatterm.assembly import StepWriter
from chatterm.errors import ErrorKind, Failure
from chatterm.providers.base import ModelInfo, ModelRequest
from chatterm.providers.decoding import Decoder, mapping, sequence, text_of
from chatterm.providers.history import content_of, is_text
from chatterm.providers.lightspeed import LightspeedDecoder
from chatterm.providers.lightspeed_conversations import LightspeedConversations
from chatterm.providers.server_threads import Thread, Threads, left_out, left_out_words
from chatterm.providers.wire import Endpoint, HttpRequest, request_headers
from chatterm.steps import Attachment

# The kinds of text that the server takes as attachments; other text goes with the question, where
# its file's name can stand beside it.
_CONFIGURATION = {
    "application/json": "application/json",
    "application/yaml": "application/yaml",
    "application/x-yaml": "application/yaml",
    "text/yaml": "application/yaml",
    "application/xml": "application/xml",
    "text/xml": "application/xml",
}
_IMAGES = frozenset(("image/png", "image/jpeg"))
_PLAIN = "text/plain"
_SERVERS_CHOICE = "default"  # the name that stands for the model the server is set to


class LightspeedProtocol(LightspeedConversations):
    """The `lightspeed` wire protocol."""

    def __init__(self) -> None:
        self._threads = Threads("lightspeed")

    def encode(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest:
        """The request that asks the server once, streamed."""
        thread = self._thread(request, endpoint)
        body: dict[str, Any] = {"query": thread.question(_is_image)}
        if thread.conversation is not None:
            body["conversation_id"] = thread.conversation
        body |= _model(request.model, endpoint)
        if request.system:
            body["system_prompt"] = request.system
        if attachments := [
            _attachment(a) for a in request.turns[-1].input.attachments if _is_own(a)
        ]:
            body["attachments"] = attachments
        body |= endpoint.body
        headers = request_headers(endpoint)
        if body.get("media_type") == _PLAIN:
            headers["Accept"] = _PLAIN
        return HttpRequest("POST", f"{_base(endpoint)}/v1/streaming_query", headers, body)

    def decoder(
        self, request: ModelRequest, endpoint: Endpoint, writer: StepWriter
    ) -> LightspeedDecoder:
        """A fresh decoder for the answer to that request."""
        turn = request.turns[-1] if request.turns else None
        notices = [_model_words(request.model, endpoint)]
        if turn is not None:
            notices.append(left_out_words(left_out(turn.input, _is_image)))
        return LightspeedDecoder(
            writer,
            endpoint.name,
            keep=None if turn is None else lambda kept: self._threads.record(kept, turn),
            notice="; ".join(filter(None, notices)),
            plain=endpoint.body.get("media_type") == _PLAIN,
        )

    def interruption(self, decoder: Decoder, endpoint: Endpoint) -> HttpRequest | None:
        """The request that stops the answer which this decoder reads."""
        if not isinstance(decoder, LightspeedDecoder) or not decoder.request_id or decoder.answered:
            return None
        url = f"{_base(endpoint)}/v1/streaming_query/interrupt"
        return HttpRequest(
            "POST", url, request_headers(endpoint), {"request_id": decoder.request_id}
        )

    def recover(self, request: ModelRequest, endpoint: Endpoint, failure: Failure) -> str:
        """What is done without a conversation that the server has lost."""
        thread = self._thread(request, endpoint)
        if failure.kind is not ErrorKind.NOT_FOUND or thread.conversation is None:
            return ""
        self._threads.forget(thread.conversation)
        return "the server no longer has this conversation: it is told what was said"

    def models_request(self, endpoint: Endpoint) -> HttpRequest:
        """The request that lists the server's models."""
        return HttpRequest("GET", f"{_base(endpoint)}/v1/models", request_headers(endpoint))

    def read_models(self, data: Any) -> list[ModelInfo]:
        """The models in the answer to that request, named with the providers they are from."""
        rows = [mapping(row) for row in sequence(mapping(data).get("models"))]
        return [ModelInfo(name) for row in rows if (name := _name_of(row))]

    def _thread(self, request: ModelRequest, endpoint: Endpoint) -> Thread:
        thread = self._threads.thread(request.turns, endpoint.name)
        asked = thread.turn.input
        kept = tuple(a for a in asked.attachments if not is_text(a) or not _is_own(a))
        return replace(thread, turn=replace(thread.turn, input=replace(asked, attachments=kept)))


def _base(endpoint: Endpoint) -> str:
    return endpoint.base_url.removesuffix("/v1")


def _model(name: str, endpoint: Endpoint) -> dict[str, Any]:
    """Provider and model; the server takes both or neither."""
    if "provider" in endpoint.body:
        return {"model": name}
    provider, slash, model = name.partition("/")
    return {"provider": provider, "model": model} if slash and provider and model else {}


def _model_words(name: str, endpoint: Endpoint) -> str:
    if name == _SERVERS_CHOICE or _model(name, endpoint):
        return ""
    return f"the server chooses the model: it wants one named as PROVIDER/MODEL, not {name!a}"


def _name_of(row: dict[str, Any]) -> str:
    """A model's name as `provider/model`; empty for what can't be talked to."""
    about = mapping(row.get("custom_metadata")) or row
    kind = text_of(about.get("model_type")) or text_of(about.get("api_model_type"))
    if kind not in ("", "llm"):
        return ""
    name = text_of(row.get("identifier")) or text_of(row.get("id"))
    provider = text_of(about.get("provider_id"))
    return (
        f"{provider}/{name}" if name and provider and not name.startswith(f"{provider}/") else name
    )


# --- attachments ------------------------------------------------------------------------------


def _is_image(attachment: Attachment) -> bool:
    return attachment.media_type in _IMAGES


def _is_own(attachment: Attachment) -> bool:
    """Whether a file goes as an attachment of its own."""
    return _is_image(attachment) or attachment.media_type in _CONFIGURATION


def _attachment(attachment: Attachment) -> dict[str, Any]:
    content = content_of(attachment)
    if _is_image(attachment):
        return {
            "attachment_type": "image",
            "content_type": attachment.media_type,
            "content": base64.b64encode(content).decode("ascii"),
        }
    return {
        "attachment_type": "configuration",
        "content_type": _CONFIGURATION[attachment.media_type],
        "content": content.decode("utf-8", "replace"),
    }
