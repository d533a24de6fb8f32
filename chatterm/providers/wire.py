"""What a wire protocol must say of itself so that `HttpProvider` can speak it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from chatterm.assembly import StepWriter
from chatterm.errors import Failure
from chatterm.providers.base import ModelInfo, ModelRequest
from chatterm.providers.decoding import Decoder

if TYPE_CHECKING:
    from chatterm.providers.kept import KeptConversation, KeptTurn


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
        server_state: The server keeps what was said; a request sends what is new.
        background: The server works on without us; an answer that breaks off is picked up.
    """

    name: str
    base_url: str
    key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict)
    auth: str | None = None
    server_state: bool = False
    background: bool = False


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """An HTTP request, ready to be sent.

    Attributes:
        method: GET or POST; PUT or DELETE for what a server keeps.
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
class PagedModels(Protocol):
    """A wire protocol that lists its models by the page."""

    def more_models(self, data: Any, endpoint: Endpoint) -> HttpRequest | None:
        """The request for the page after this one; None where this is the last."""
        ...


@runtime_checkable
class DescribedModels(Protocol):
    """A wire protocol whose list of models leaves out what each has to be asked for."""

    def model_request(self, model: ModelInfo, endpoint: Endpoint) -> HttpRequest:
        """The request that asks for one model of the list."""
        ...

    def read_model(self, model: ModelInfo, data: Any, endpoint: Endpoint) -> ModelInfo | None:
        """The model with what the answer to that request adds; None: it holds no conversation."""
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
class Resumes(Protocol):
    """A wire protocol whose servers go on with an answer when the connection breaks."""

    def resumption(self, decoder: Decoder, endpoint: Endpoint) -> HttpRequest | None:
        """The request for the rest of the answer which this decoder reads; None: it can't be had.

        From then on the decoder takes the rest, and passes over what it has read before.
        """
        ...

    def polling(self, decoder: Decoder, endpoint: Endpoint) -> HttpRequest | None:
        """The request for that answer as it is by now, whole; None: it can't be had."""
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


@runtime_checkable
class KeepsConversations(Protocol):
    """A wire protocol whose servers keep conversations that can be listed, and gone on with."""

    def conversations_request(self, endpoint: Endpoint) -> HttpRequest:
        """The request that lists the conversations, or the first page of them."""
        ...

    def next_conversations(self, page: Any, asked: HttpRequest) -> HttpRequest | None:
        """The request for the page after one; None where that was the last."""
        ...

    def read_conversations(self, pages: Sequence[Any]) -> list[KeptConversation]:
        """The conversations in the answers, newest first; what can't be read is passed over."""
        ...

    def turns_request(self, conversation: str, endpoint: Endpoint) -> HttpRequest:
        """The request for what was said in a conversation, or the first page of it."""
        ...

    def next_turns(self, page: Any, asked: HttpRequest) -> HttpRequest | None:
        """The request for the page after one; None where that was the last."""
        ...

    def read_turns(self, pages: Sequence[Any]) -> list[KeptTurn]:
        """The turns in the answers, oldest first; what can't be read is passed over."""
        ...

    def renaming_request(self, conversation: str, title: str, endpoint: Endpoint) -> HttpRequest:
        """The request that calls a conversation something else."""
        ...

    def deleting_request(self, conversation: str, endpoint: Endpoint) -> HttpRequest:
        """The request that deletes a conversation."""
        ...

    def undone(self, answer: Any) -> str:
        """Why what was asked wasn't done, where an answer with a good status says so; or empty."""
        ...

    def kept_record(self, conversation: str) -> dict[str, Any]:
        """The opaque data of a turn after which a conversation goes on."""
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


def with_extra_fields(
    body: Mapping[str, Any], extra: Mapping[str, Any], deep: Sequence[str] = ()
) -> dict[str, Any]:
    """A request's body with the configuration's own fields on top, before its last field.

    Args:
        body: The body; the conversation stands last in it, since it is what grows.
        extra: The configuration's fields.
        deep: Fields that are objects of settings: theirs are laid on top one by one.
    """
    joined = dict(body)
    growing = joined.popitem()
    for name, theirs in extra.items():
        ours, value = joined.get(name), theirs
        if name in deep and isinstance(ours, dict) and isinstance(value, Mapping):
            value = ours | dict(value)
        joined[name] = value
    return joined if growing[0] in joined else joined | dict([growing])


def overlay(headers: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """`headers` with `extra` on top; header names are compared without regard to case."""
    replaced = {name.lower() for name in extra}
    kept = {name: value for name, value in headers.items() if name.lower() not in replaced}
    return kept | dict(extra)


# The fields in which servers tell how much a model takes.
_WINDOWS = ("context_length", "context_window", "max_model_len", "max_input_tokens")


def read_openai_models(data: Any) -> list[ModelInfo]:
    """The models in an OpenAI-style list: `{"data": [{"id": …}]}`, or a bare array."""
    rows = data.get("data") if isinstance(data, dict) else data
    models = []
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            continue
        name = row.get("name") or row.get("display_name")
        window = next((row[name] for name in _WINDOWS if row.get(name)), None)
        models.append(
            ModelInfo(
                row["id"],
                name if isinstance(name, str) else "",
                window if isinstance(window, int) and not isinstance(window, bool) else None,
                _inputs(row),
            )
        )
    return models


# What a model takes is told by OpenRouter as a list, by Mistral as one flag, by Anthropic as flags.
_MODALITIES = {"file": "pdf"}
_ABLE = (("image", ("vision", "image_input")), ("pdf", ("pdf_input",)))


def _inputs(row: dict[str, Any]) -> tuple[str, ...]:
    """What a model takes, in our words; empty where its row doesn't tell."""
    architecture = row.get("architecture")
    told = architecture.get("input_modalities") if isinstance(architecture, dict) else None
    if isinstance(told, list):
        words = [_MODALITIES.get(word, word) for word in told if isinstance(word, str)]
        return tuple(dict.fromkeys(words))
    able = row.get("capabilities")
    if not isinstance(able, dict) or not any(name in able for _, names in _ABLE for name in names):
        return ()
    return ("text", *(word for word, names in _ABLE if any(_can(able.get(n)) for n in names)))


def _can(told: Any) -> bool:
    return told is True or (isinstance(told, dict) and told.get("supported") is True)
