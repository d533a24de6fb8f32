"""Request encoder for OpenAI Responses: stateless, or continuing what the server keeps.

By itself everything is sent and nothing is stored there. Where the user wants the server to keep
the conversation, a request names the newest answer that it holds, and sends only what came since;
should it not have that one, everything is sent once more.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from chatterm.assembly import StepWriter
from chatterm.errors import ErrorKind, Failure
from chatterm.providers.base import ModelInfo, ModelRequest
from chatterm.providers.decoding import Decoder, mapping, text_of
from chatterm.providers.error_words import says
from chatterm.providers.responses import ResponsesDecoder
from chatterm.providers.responses_input import Held, Input, input_of, reasons, record_of
from chatterm.providers.responses_late import items_of, mark_of, tell, unfinished
from chatterm.providers.wire import Endpoint, HttpRequest, read_openai_models, request_headers

# The server says that it can't go on from an answer, …
_GONE = (
    r"previous[_ ]response|\bresp(onse)?[_ ]?id\b|no tool output found|response .{0,80}not found"
)
# … or that it never does.
_NEVER = (
    r"not support|unsupported|n't support|(unknown|unrecogni[sz]ed) (\w+ )?(param|field|argument)"
    r"|not (permitted|allowed)|extra inputs|can(not|'t) be used|zero data|not implemented"
)


class ResponsesProtocol:
    """The `responses` wire protocol."""

    def __init__(self) -> None:
        self._gone: set[str] = set()
        self._forgetful = False
        self._late: dict[str, list[dict[str, Any]]] = {}
        self._passed: dict[str, str] = {}  # answers that aren't to be had, and why

    def opening(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest | None:
        """What asks what became of an answer that broke off before; None: none did."""
        response = self._unfinished(request, endpoint)
        known = response in self._late or response in self._passed
        return None if not response or known else _about(response, endpoint)

    def opened(self, request: ModelRequest, endpoint: Endpoint, data: Any) -> None:
        """Take what became of it."""
        response, said = self._unfinished(request, endpoint), mapping(data)
        status = text_of(said.get("status"))
        if status in ("completed", "incomplete") and (items := items_of(said)):
            self._late[response] = items
        elif status in ("queued", "in_progress"):
            self._passed[response] = "the server still works on the answer that broke off"
        else:
            self._passed[response] = ""

    def encode(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest:
        """The request that asks the model once, streamed."""
        said = input_of(request, endpoint.name, kept=endpoint.server_state, late=self._late)
        held = self._held(said)
        body: dict[str, Any] = {
            "model": request.model,
            "stream": True,
            "store": endpoint.server_state or endpoint.background,
        }
        if endpoint.background:
            body["background"] = True
        if held is not None:
            body["previous_response_id"] = held.response
        body["input"] = said.items[held.items if held is not None else 0 :]
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
        body |= _configured(body, endpoint)
        return HttpRequest("POST", _url(endpoint), request_headers(endpoint), body)

    def decoder(
        self, request: ModelRequest, endpoint: Endpoint, writer: StepWriter
    ) -> ResponsesDecoder:
        """A fresh decoder for the answer to that request."""

        def record(response: str) -> dict[str, Any]:
            return record_of(response, input_of(request, endpoint.name, late=self._late).digest())

        broken = self._unfinished(request, endpoint)

        def preface() -> None:
            if broken in self._late:
                tell(writer, broken, self._late[broken])
            elif words := self._passed.get(broken):
                self._passed.pop(broken)  # the next request asks again
                writer.notice("resumed", words)

        keeps = endpoint.server_state and not self._forgetful
        return ResponsesDecoder(
            writer,
            endpoint.name,
            request.settings.max_output_tokens,
            record=record if keeps else None,
            mark=mark_of if endpoint.background else None,
            preface=preface if broken else None,
        )

    def resumption(self, decoder: Decoder, endpoint: Endpoint) -> HttpRequest | None:
        """The request for the rest of a background response, streamed from where it broke off."""
        response = _running(decoder, endpoint)
        if response is None or response.sequence_number is None:
            return None
        response.resumed()
        query = f"?stream=true&starting_after={response.sequence_number}"
        return _about(response.response_id, endpoint, query)

    def polling(self, decoder: Decoder, endpoint: Endpoint) -> HttpRequest | None:
        """The request for a background response as it is by now."""
        response = _running(decoder, endpoint)
        return None if response is None else _about(response.response_id, endpoint)

    def interruption(self, decoder: Decoder, endpoint: Endpoint) -> HttpRequest | None:
        """The request that stops a background response, which else goes on."""
        response = _running(decoder, endpoint)
        if response is None:
            return None
        return _about(response.response_id, endpoint, "/cancel", "POST")

    def recover(self, request: ModelRequest, endpoint: Endpoint, failure: Failure) -> str:
        """What is done without an answer that the server doesn't have, or never goes on from."""
        if self.opening(request, endpoint) is not None:
            self._passed[self._unfinished(request, endpoint)] = ""
            return "what became of the answer that broke off can't be had: going on without it"
        if not endpoint.server_state:
            return ""
        held = self._held(input_of(request, endpoint.name, kept=True, late=self._late))
        named = held is not None and (held.response in failure.message)
        words = failure.message.partition(": ")[2]
        lost = failure.kind is ErrorKind.NOT_FOUND and not says(r"\bmodel\b", words)
        gone = named or lost or says(_GONE, words)
        if held is None or not gone or failure.kind not in _REFUSALS:
            return ""
        self._gone.add(held.response)
        if says(_NEVER, words):
            self._forgetful = True
            return "the server doesn't go on from its own answers: everything is sent"
        return "the server no longer has the answer that this follows: everything is sent"

    def models_request(self, endpoint: Endpoint) -> HttpRequest:
        """The request that lists the provider's models."""
        return HttpRequest("GET", f"{endpoint.base_url}/models", request_headers(endpoint))

    def read_models(self, data: Any) -> list[ModelInfo]:
        """The models in the answer to that request."""
        return read_openai_models(data)

    def _unfinished(self, request: ModelRequest, endpoint: Endpoint) -> str:
        """The answer that broke off and that the server has gone on with; empty for none."""
        return unfinished(request.turns, endpoint.name) if endpoint.background else ""

    def _held(self, said: Input) -> Held | None:
        """The newest answer that the server holds: the one that the request goes on from."""
        newest = said.held[-1] if said.held and not self._forgetful else None
        return None if newest is None or newest.response in self._gone else newest


_REFUSALS = frozenset({ErrorKind.NOT_FOUND, ErrorKind.BAD_REQUEST, ErrorKind.SERVER})


def _url(endpoint: Endpoint) -> str:
    return f"{endpoint.base_url}/responses"


def _running(decoder: Decoder, endpoint: Endpoint) -> ResponsesDecoder | None:
    """The decoder of an answer that the server goes on with by itself."""
    known = endpoint.background and isinstance(decoder, ResponsesDecoder) and decoder.response_id
    return decoder if known and not decoder.answered else None  # type: ignore[return-value]


def _about(response: str, endpoint: Endpoint, more: str = "", method: str = "GET") -> HttpRequest:
    url = f"{_url(endpoint)}/{quote(response, safe='')}{more}"
    return HttpRequest(method, url, request_headers(endpoint))


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
    if reasons(request.model):
        body["include"] = ["reasoning.encrypted_content"]
        reasoning: dict[str, Any] = {}
        if settings.thinking is not False:
            reasoning["summary"] = "auto"
        if settings.effort is not None:
            reasoning["effort"] = settings.effort
        if reasoning:
            body["reasoning"] = reasoning
    return body


def _configured(body: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    """The configuration's own fields. Its tools (MCP servers, web search) stand beside ours."""
    theirs = dict(endpoint.body)
    tools = theirs.get("tools")
    if isinstance(tools, list):
        names = {text_of(mapping(tool).get("name")) for tool in tools}
        ours = [tool for tool in body.get("tools", []) if tool["name"] not in names]
        theirs["tools"] = [*ours, *tools]
    return theirs
