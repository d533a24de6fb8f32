"""Request encoder for Luxx: messages to a conversation that is made first.

A conversation is bound to what it was made with (model, system prompt, settings): with others, a
new one is made and told what was said.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from chatterm.assembly import StepWriter
from chatterm.errors import ErrorKind, Failure, ProviderError
from chatterm.providers.base import ModelInfo, ModelRequest
from chatterm.providers.decoding import mapping, sequence, text_of
from chatterm.providers.luxx import LuxxDecoder
from chatterm.providers.luxx_conversations import LuxxConversations
from chatterm.providers.server_threads import (
    Thread,
    Threads,
    left_out,
    left_out_words,
    nothing_else,
)
from chatterm.providers.wire import Endpoint, HttpRequest, request_headers

_SERVERS_CHOICE = "default"  # the name that stands for the model the server is set to


class LuxxProtocol(LuxxConversations):
    """The `luxx` wire protocol."""

    def __init__(self) -> None:
        self._threads = Threads("luxx")
        self._made: dict[str, str] = {}  # turn: the conversation that was made for it

    def opening(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest | None:
        """The request that makes a conversation, where none goes on."""
        if self._thread(request, endpoint).conversation is not None:
            return None
        url = f"{endpoint.base_url}/conversations"
        headers = request_headers(endpoint) | {"Accept": "application/json"}
        return HttpRequest("POST", url, headers, _settings(request))

    def opened(self, request: ModelRequest, endpoint: Endpoint, data: Any) -> None:
        """Note the new conversation's id.

        Raises:
            ProviderError: It was given none.
        """
        made = mapping(data)
        value = (mapping(made.get("data")) or made).get("id")
        if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
            text = f"{endpoint.name} gave the new conversation no id"
            raise ProviderError(
                Failure(ErrorKind.STREAM_INVALID, text, hint="check base_url: it may lack /api")
            )
        self._made[request.turns[-1].id] = str(value)

    def encode(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest:
        """The request that asks the server once, streamed."""
        thread = self._thread(request, endpoint)
        conversation = thread.conversation or self._made.get(thread.turn.id, "")
        text = thread.question(nothing_else)
        # Its name for the text has changed with time.
        body: dict[str, Any] = {"text": text, "content": text, "stream": True}
        if request.settings.thinking is not None:
            body["thinking_enabled"] = request.settings.thinking
        body |= endpoint.body
        url = f"{endpoint.base_url}/conversations/{quote(conversation, safe='')}/messages"
        return HttpRequest("POST", url, request_headers(endpoint), body)

    def decoder(self, request: ModelRequest, endpoint: Endpoint, writer: StepWriter) -> LuxxDecoder:
        """A fresh decoder for the answer to that request."""
        if not request.turns:
            return LuxxDecoder(writer, endpoint.name)
        thread = self._thread(request, endpoint)
        conversation = thread.conversation or self._made.get(thread.turn.id, "")
        made = _digest(request)
        return LuxxDecoder(
            writer,
            endpoint.name,
            keep=(lambda: self._threads.record(conversation, thread.turn, made))
            if conversation
            else None,
            notice=left_out_words(left_out(thread.turn.input, nothing_else)),
        )

    def recover(self, request: ModelRequest, endpoint: Endpoint, failure: Failure) -> str:
        """What is done without a conversation that the server has lost."""
        conversation = self._thread(request, endpoint).conversation
        if failure.status != 404 or conversation is None:
            return ""
        self._threads.forget(conversation)
        return "the server no longer has this conversation: a new one is told what was said"

    def models_request(self, endpoint: Endpoint) -> HttpRequest:
        """The request that lists the server's models."""
        return HttpRequest("GET", f"{endpoint.base_url}/models", request_headers(endpoint))

    def read_models(self, data: Any) -> list[ModelInfo]:
        """The models in the answer to that request."""
        listed = mapping(data).get("data", data)
        rows = mapping(listed).get("models", mapping(listed).get("items")) or listed
        models = []
        for row in sequence(rows):
            name = text_of(row) or text_of(mapping(row).get("id"))
            if name:
                models.append(ModelInfo(name, text_of(mapping(row).get("name"))))
        return models

    def _thread(self, request: ModelRequest, endpoint: Endpoint) -> Thread:
        return self._threads.thread(request.turns, endpoint.name, _digest(request))


def _settings(request: ModelRequest) -> dict[str, Any]:
    """What a conversation is made with; what isn't set is left to the server."""
    settings = request.settings
    pairs = {
        "model": None if request.model == _SERVERS_CHOICE else request.model,
        "system_prompt": request.system,
        "temperature": settings.temperature,
        "max_tokens": settings.max_output_tokens,
        "thinking_enabled": settings.thinking,
    }
    return {"title": ""} | {name: value for name, value in pairs.items() if value is not None}


def _digest(request: ModelRequest) -> str:
    text = json.dumps(_settings(request), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
