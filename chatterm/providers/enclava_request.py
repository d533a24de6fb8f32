"""Request encoder for Enclava: the conversation as messages; the server has tools of its own.

It takes messages of plain text and nothing else that we have: no calls, no files. What earlier
turns' tools gave is retold in the answer they led to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chatterm.assembly import StepWriter
from chatterm.providers.base import ModelInfo, ModelRequest
from chatterm.providers.enclava import EnclavaDecoder
from chatterm.providers.server_threads import (
    asked_text,
    left_out,
    left_out_words,
    nothing_else,
    retold_answer,
)
from chatterm.providers.wire import Endpoint, HttpRequest, read_openai_models, request_headers
from chatterm.steps import Turn


class EnclavaProtocol:
    """The `enclava` wire protocol."""

    def encode(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest:
        """The request that asks the server once; that it streams is asked in the address."""
        body: dict[str, Any] = {
            "model": request.model,
            "input": _messages(request.turns),
            "store": False,
        }
        if request.system:
            body["instructions"] = request.system
        settings = request.settings
        if settings.temperature is not None:
            body["temperature"] = settings.temperature
        if settings.max_output_tokens is not None:
            body["max_tokens"] = settings.max_output_tokens
        body |= endpoint.body
        url = f"{_base(endpoint)}/responses?stream=true"
        return HttpRequest("POST", url, request_headers(endpoint), body)

    def decoder(
        self, request: ModelRequest, endpoint: Endpoint, writer: StepWriter
    ) -> EnclavaDecoder:
        """A fresh decoder for the answer to that request."""
        asked = request.turns[-1].input if request.turns else None
        notice = left_out_words(left_out(asked, nothing_else)) if asked else ""
        return EnclavaDecoder(writer, endpoint.name, notice=notice)

    def models_request(self, endpoint: Endpoint) -> HttpRequest:
        """The request that lists the server's models."""
        return HttpRequest("GET", f"{_base(endpoint)}/models", request_headers(endpoint))

    def read_models(self, data: Any) -> list[ModelInfo]:
        """The models in the answer to that request."""
        return read_openai_models(data)


def _base(endpoint: Endpoint) -> str:
    base = endpoint.base_url
    for ending in ("/v1", "/api"):
        base = base.removesuffix(ending)
    return f"{base}/api/v1"


def _messages(turns: Iterable[Turn]) -> list[dict[str, Any]]:
    """The conversation, the sides taking turns: what had no answer is asked with what follows."""
    messages: list[dict[str, Any]] = []
    for turn in turns:
        for role, text in (("user", asked_text(turn.input)), ("assistant", retold_answer(turn))):
            if text and messages and messages[-1]["role"] == role:
                messages[-1]["content"] += f"\n\n{text}"
            elif text:
                messages.append({"type": "message", "role": role, "content": text})
    return messages
