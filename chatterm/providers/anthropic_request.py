"""Request encoder for the Anthropic Messages protocol.

The messages are a list that only grows: what was sent in one turn is sent again in the next, byte
for byte, so that the provider's cache is read. The marker of what is to be cached therefore stands
beside the messages, not in them; the provider moves it along by itself.
"""

from __future__ import annotations

from typing import Any

from chatterm.assembly import StepWriter
from chatterm.providers.anthropic import AnthropicDecoder
from chatterm.providers.anthropic_messages import messages
from chatterm.providers.anthropic_settings import betas, settings_fields
from chatterm.providers.base import ModelInfo, ModelRequest, ToolSpec
from chatterm.providers.decoding import mapping
from chatterm.providers.wire import (
    Endpoint,
    HttpRequest,
    overlay,
    read_openai_models,
    request_headers,
)
from chatterm.steps import ToolCallStep

VERSION = "2023-06-01"
_CACHED = {"type": "ephemeral"}
_PAGE = 1000  # models a page, the most there may be


class AnthropicProtocol:
    """The `anthropic` wire protocol."""

    def encode(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest:
        """The request that asks the model once, streamed."""
        said = messages(request, endpoint.name)
        settings = settings_fields(request)
        body: dict[str, Any] = {"model": request.model, "stream": True, **settings}
        if request.system and request.system.strip():
            system = {"type": "text", "text": request.system, "cache_control": _CACHED}
            body["system"] = [system]
        tools = [_tool(tool) for tool in request.tools]
        if tools and "system" not in body:
            tools[-1]["cache_control"] = _CACHED
        body |= {"tools": tools} if tools else _tools_of_the_past(said)
        body["messages"] = said
        body["cache_control"] = _CACHED
        if container := _container(request):
            body["container"] = container
        _configure(body, endpoint)
        headers = _headers(endpoint, betas(request, settings))
        return HttpRequest("POST", f"{endpoint.base_url}/messages", headers, body)

    def decoder(
        self, request: ModelRequest, endpoint: Endpoint, writer: StepWriter
    ) -> AnthropicDecoder:
        """A fresh decoder for the answer to that request."""
        return AnthropicDecoder(writer, endpoint.name)

    def models_request(self, endpoint: Endpoint) -> HttpRequest:
        """The request that lists the provider's models, from the first page on."""
        url = f"{endpoint.base_url}/models?limit={_PAGE}"
        return HttpRequest("GET", url, _headers(endpoint))

    def more_models(self, data: Any, endpoint: Endpoint) -> HttpRequest | None:
        """The request for the page after this one; None where this is the last."""
        page = mapping(data)
        last = page.get("last_id")
        if page.get("has_more") is not True or not isinstance(last, str) or not last:
            return None
        from urllib.parse import quote

        url = f"{endpoint.base_url}/models?limit={_PAGE}&after_id={quote(last, safe='')}"
        return HttpRequest("GET", url, _headers(endpoint))

    def read_models(self, data: Any) -> list[ModelInfo]:
        """The models in the answer to that request."""
        return read_openai_models(data)


def _headers(endpoint: Endpoint, features: tuple[str, ...] = ()) -> dict[str, str]:
    ours = {"anthropic-version": VERSION}
    if features:
        ours["anthropic-beta"] = ",".join(features)
    return overlay(ours, request_headers(endpoint, "x-api-key"))


def _tool(tool: ToolSpec) -> dict[str, Any]:
    schema = {"type": "object", **tool.parameters}
    return {"name": tool.name, "description": tool.description, "input_schema": schema}


def _tools_of_the_past(said: list[dict[str, Any]]) -> dict[str, Any]:
    """Calls in the past want their tools described; where none is on offer, none may be called."""
    names = dict.fromkeys(
        block["name"]
        for message in said
        for block in message["content"]
        if block["type"] == "tool_use"
    )
    if not names:
        return {}
    gone = "Not on offer any more."
    tools = [{"name": n, "description": gone, "input_schema": {"type": "object"}} for n in names]
    return {"tools": tools, "tool_choice": {"type": "none"}}


def _container(request: ModelRequest) -> str | None:
    """The container whose code waits for the answers of calls it made in this turn."""
    for step in reversed(request.turns[-1].steps if request.turns else ()):
        if isinstance(step, ToolCallStep) and not step.hosted and step.opaque:
            container = step.opaque.get("container")
            return container if isinstance(container, str) else None
    return None


def _configure(body: dict[str, Any], endpoint: Endpoint) -> None:
    """Add the configuration's own fields.

    Its tools (the provider's own, such as web search) stand beside ours; `cache_control = false`
    is for servers that refuse that field.
    """
    theirs = dict(endpoint.body)
    tools = theirs.get("tools")
    if isinstance(tools, list):
        names = {mapping(tool).get("name") for tool in tools}
        ours = [tool for tool in body.get("tools", []) if tool["name"] not in names]
        theirs["tools"] = [*ours, *tools]
        body.pop("tool_choice", None)
    body |= theirs
    if body["cache_control"] is False:
        del body["cache_control"]
