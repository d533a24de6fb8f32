"""The conversations that a Luxx server keeps: `/conversations`, in its envelope or without it.

A message of the assistant's holds its steps, as its stream tells them; older servers have only
fields for the text, the thinking and the calls. Each turn is read as the stream that would tell it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from chatterm.providers.decoding import integer, mapping, sequence, text_of
from chatterm.providers.kept import (
    Event,
    KeptConversation,
    KeptTurn,
    first_of,
    id_of,
    moment_of,
    newest_first,
    rows_of,
    words_of,
)
from chatterm.providers.kept_requests import ConversationRequests
from chatterm.providers.wire import Endpoint, HttpRequest

_LISTS = ("data", "conversations", "messages", "items", "list", "records", "rows")
_PAGE = ("page", "page_num", "current")
_SIZE = ("page_size", "per_page", "size", "limit")


class LuxxConversations(ConversationRequests):
    """What `KeepsConversations` asks of a protocol, for Luxx."""

    title_field = "title"

    def headers(self, endpoint: Endpoint) -> dict[str, str]:
        """What goes with each request: the answer isn't a stream."""
        return super().headers(endpoint) | {"Accept": "application/json"}

    def turns_request(self, conversation: str, endpoint: Endpoint) -> HttpRequest:
        """The request for what was said in a conversation."""
        request = super().turns_request(conversation, endpoint)
        return replace(request, url=f"{request.url}/messages")

    def next_conversations(self, page: Any, asked: HttpRequest) -> HttpRequest | None:
        """The request for the page after this one; None where this is the last."""
        return _next_page(page, asked)

    def read_conversations(self, pages: Sequence[Any]) -> list[KeptConversation]:
        """The conversations of the list, newest first."""
        rows = [row for page in pages for row in rows_of(page, *_LISTS)]
        return newest_first([each for row in rows if (each := _conversation(row)).id])

    def next_turns(self, page: Any, asked: HttpRequest) -> HttpRequest | None:
        """The request for the page after this one; None where this is the last."""
        return _next_page(page, asked)

    def read_turns(self, pages: Sequence[Any]) -> list[KeptTurn]:
        """The turns of a conversation, oldest first; what can't be read is passed over."""
        messages = [row for page in pages for row in rows_of(page, *_LISTS)]
        times = [moment_of(row.get("created_at")) for row in messages]
        if times and "" not in times and times[0] > times[-1]:
            messages.reverse()  # the newest came first
        return [_turn(rows) for rows in _by_question(messages)]

    def undone(self, answer: Any) -> str:
        """Why what was asked wasn't done, where an answer with a good status says so."""
        told = mapping(answer)
        refused = told.get("success") is False or told.get("code", 0) not in (0, 200, "0")
        return (words_of(told.get("message")) or "it doesn't say why") if refused else ""

    def kept_record(self, conversation: str) -> dict[str, Any]:
        """The opaque data of a turn after which the conversation goes on.

        What it was made with isn't known: it goes on as it is, while the model stays the same.
        """
        return {"luxx": {"conversation": conversation, "fetched": True}}


def _next_page(page: Any, asked: HttpRequest) -> HttpRequest | None:
    """The request for the next page, where this one says that it isn't the last."""
    told = mapping(page)
    told = mapping(told.get("data")) or told
    rows, total = rows_of(told, *_LISTS), integer(told.get("total"))
    number = integer(first_of(told, *_PAGE))
    size = integer(first_of(told, *_SIZE)) or len(rows)
    if not rows or number is None or total is None or number * size >= total:
        return None
    parts = urlsplit(asked.url)
    name = next(name for name in _PAGE if told.get(name) is not None)
    query = dict(parse_qsl(parts.query)) | {name: str(number + 1)}
    return HttpRequest("GET", urlunsplit(parts._replace(query=urlencode(query))), asked.headers)


def _conversation(row: dict[str, Any]) -> KeptConversation:
    created = moment_of(first_of(row, "created_at", "create_time"))
    updated = moment_of(first_of(row, "last_message_at", "updated_at", "update_time"))
    return KeptConversation(
        id=id_of(first_of(row, "id", "conversation_id")),
        title=text_of(first_of(row, "title", "name")),
        created_at=created,
        updated_at=updated or created,
        messages=integer(first_of(row, "message_count", "messages_count")),
        model=text_of(first_of(row, "model", "model_name")),
    )


# --- messages ---------------------------------------------------------------------------------


def _by_question(messages: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The messages of each turn: the user's, and what followed it."""
    found: list[list[dict[str, Any]]] = []
    for message in messages:
        role = text_of(message.get("role"))
        if role == "user" or (role in {"assistant", "tool"} and not found):
            found.append([message])
        elif role in {"assistant", "tool"}:
            found[-1].append(message)
    return found


def _turn(messages: Sequence[dict[str, Any]]) -> KeptTurn:
    first, last = messages[0], messages[-1]
    asked = _said(first)[0] if first.get("role") == "user" else ""
    answers = [each for each in messages if each.get("role") != "user"]
    events = [event for number, each in enumerate(answers) for event in _events(number, each)]
    models = (text_of(first_of(each, "model", "model_name")) for each in reversed(answers))
    return KeptTurn(
        asked=asked,
        at=moment_of(first.get("created_at")),
        ended_at=moment_of(last.get("created_at")),
        model=next(filter(None, models), ""),
        events=(*events, ("done", _spent(last))) if events else (),
    )


def _said(message: dict[str, Any]) -> tuple[str, list[Any]]:
    """A message's text and its steps; some servers keep both as JSON in its content."""
    content = first_of(message, "content", "text")
    steps = _list(first_of(message, "process_steps", "steps"))
    packed = _parsed(content) if text_of(content).startswith("{") else {}
    if isinstance(packed, dict) and ("text" in packed or "steps" in packed):
        return words_of(packed.get("text")), steps or _list(packed.get("steps"))
    return words_of(content), steps


def _list(value: Any) -> list[Any]:
    return sequence(_parsed(value) if isinstance(value, str) else value)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _events(number: int, message: dict[str, Any]) -> Iterator[Event]:
    """What the stream would have told of a message."""
    text, steps = _said(message)
    if message.get("role") == "tool":
        call = id_of(first_of(message, "tool_call_id", "id_ref"))
        yield "tool_result", {"id_ref": call, "name": message.get("name"), "content": text}
        return
    kinds = set()
    for index, step in enumerate(map(mapping, steps)):
        kinds.add(text_of(step.get("type")))
        # Each message counts its steps from the beginning.
        place = {"id": f"{number}.{index}", "index": index, "id_ref": _call_of(step)}
        yield "process_step", {"step": {**step, **place}}
    if number and not steps:
        yield "thinking_start", {}
    if "thinking" not in kinds:
        thought = words_of(first_of(message, "thinking", "reasoning_content"))
        yield from [("thinking", {"content": thought})] if thought else []
    if "text" not in kinds and text:
        yield "message", {"content": text}
    calls = _list(message.get("tool_calls"))
    if calls and "tool_call" not in kinds:
        yield "tool_calls", {"calls": calls}


def _call_of(step: dict[str, Any]) -> str:
    return id_of(first_of(step, "id_ref", "tool_call_id", "id"))


def _spent(message: dict[str, Any]) -> dict[str, Any]:
    return {name: message[name] for name in ("usage", "token_count") if name in message}
