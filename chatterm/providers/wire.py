"""What a wire protocol must say of itself so that `HttpProvider` can speak it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from chatterm.assembly import StepWriter
from chatterm.errors import Failure
from chatterm.providers.base import ModelInfo, ModelRequest
from chatterm.providers.decoding import Decoder


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider is, and what every request to it carries.

    Attributes:
        name: The user's name for the provider.
        base_url: The address that the protocol's paths are appended to, without a final slash.
        key: The API key, when there is one.
        headers: Extra request headers from the configuration; they win over ours.
        body: Extra request fields from the configuration; they win over ours.
        auth: The header that carries the key, `bearer` or a header's own name; None is the
            protocol's own way.
    """

    name: str
    base_url: str
    key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict)
    auth: str | None = None


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """An HTTP request, ready to be sent.

    Attributes:
        method: GET or POST.
        url: The whole address.
        headers: Header names to values.
        body: What is sent as JSON, or None for no body.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = None


class WireProtocol(Protocol):
    """One wire protocol: how to ask and how to read the answer. Pure; does no I/O."""

    def encode(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest:
        """The request that asks the model once, streamed."""
        ...

    def decoder(self, request: ModelRequest, endpoint: Endpoint, writer: StepWriter) -> Decoder:
        """A fresh decoder for the answer to that request."""
        ...

    def models_request(self, endpoint: Endpoint) -> HttpRequest:
        """The request that lists the provider's models."""
        ...

    def read_models(self, data: Any) -> list[ModelInfo]:
        """The models in the answer to that request; what can't be read is passed over."""
        ...


@runtime_checkable
class OpensFirst(Protocol):
    """A wire protocol whose servers want something before the question: a conversation."""

    def opening(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest | None:
        """What must be asked before `encode` can answer for this request; None: nothing."""
        ...

    def opened(self, request: ModelRequest, endpoint: Endpoint, data: Any) -> None:
        """Take the answer to that.

        Raises:
            ProviderError: It isn't what it should be.
        """
        ...


@runtime_checkable
class Interrupts(Protocol):
    """A wire protocol whose servers go on working when nobody listens, unless they are told."""

    def interruption(self, decoder: Decoder, endpoint: Endpoint) -> HttpRequest | None:
        """The request that stops the answer which this decoder reads; None: it can't be."""
        ...


@runtime_checkable
class Recovers(Protocol):
    """A wire protocol that can do without something that a server refused."""

    def recover(self, request: ModelRequest, endpoint: Endpoint, failure: Failure) -> str:
        """Give up what was refused, so that the request can be sent once more.

        Returns:
            What was done, for people; empty when nothing can be.
        """
        ...


def request_headers(endpoint: Endpoint, auth: str = "bearer") -> dict[str, str]:
    """The headers of a JSON request with the key, the configuration's own on top.

    Args:
        endpoint: Where the request goes.
        auth: How the protocol carries the key, unless the endpoint says otherwise.
    """
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    way = endpoint.auth or auth
    if endpoint.key and way == "bearer":
        headers["Authorization"] = f"Bearer {endpoint.key}"
    elif endpoint.key and way != "none":
        headers[way] = endpoint.key
    return overlay(headers, endpoint.headers)


def overlay(headers: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """`headers` with `extra` on top; header names are compared without regard to case."""
    replaced = {name.lower() for name in extra}
    kept = {name: value for name, value in headers.items() if name.lower() not in replaced}
    return kept | dict(extra)


def read_openai_models(data: Any) -> list[ModelInfo]:
    """The models in an OpenAI-style list: `{"data": [{"id": …}]}`, or a bare array."""
    rows = data.get("data") if isinstance(data, dict) else data
    models = []
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            continue
        name = row.get("name") or row.get("display_name")
        window = row.get("context_length") or row.get("context_window") or row.get("max_model_len")
        models.append(
            ModelInfo(
                row["id"],
                name if isinstance(name, str) else "",
                window if isinstance(window, int) and not isinstance(window, bool) else None,
            )
        )
    return models
