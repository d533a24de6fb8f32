"""The conversations that a Lightspeed server keeps: `/v1/conversations`, of all its versions.

A turn is told whole, so it is read as the stream that would have told it: calls and results first,
in the server's rounds, then the answer, then the documents it refers to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

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

_ASKED = "user"
_ANSWERED = frozenset(("assistant", "agent", "model"))


class LightspeedConversations(ConversationRequests):
    """What `KeepsConversations` asks of a protocol, for Lightspeed."""

    title_field = "topic_summary"

    def address(self, endpoint: Endpoint) -> str:
        """Where all conversations are: there is one version of their address."""
        return f"{endpoint.base_url.removesuffix('/v1')}/v1/conversations"

    def next_conversations(self, page: Any, asked: HttpRequest) -> HttpRequest | None:
        """None: they are listed all at once."""
        return None

    def read_conversations(self, pages: Sequence[Any]) -> list[KeptConversation]:
        """The conversations of the list, newest first."""
        rows = [row for page in pages for row in rows_of(page, "conversations", "data")]
        return newest_first([each for row in rows if (each := _conversation(row)).id])

    def next_turns(self, page: Any, asked: HttpRequest) -> HttpRequest | None:
        """None: they come all at once."""
        return None

    def read_turns(self, pages: Sequence[Any]) -> list[KeptTurn]:
        """The turns of a conversation, oldest first; what can't be read is passed over."""
        rows = [row for page in pages for row in rows_of(page, "chat_history", "turns", "data")]
        return [turn for row in rows if (turn := _turn(row)).asked or turn.events]

    def undone(self, answer: Any) -> str:
        """Why what was asked wasn't done, where an answer with a good status says so."""
        told = mapping(answer)
        words = text_of(first_of(told, "response", "message"))
        refused = told.get("success") is False or " cannot be " in words or " can not be " in words
        return (words or "it doesn't say why") if refused else ""

    def kept_record(self, conversation: str) -> dict[str, Any]:
        """The opaque data of a turn after which the conversation goes on."""
        return {"lightspeed": {"conversation": conversation}}


def _conversation(row: dict[str, Any]) -> KeptConversation:
    provider = text_of(row.get("last_used_provider"))
    created = moment_of(first_of(row, "created_at", "started_at"))
    updated = first_of(row, "last_message_at", "last_message_timestamp", "updated_at")
    return KeptConversation(
        id=id_of(first_of(row, "conversation_id", "id")),
        title=text_of(first_of(row, "topic_summary", "title")),
        created_at=created,
        updated_at=moment_of(updated) or created,
        messages=integer(row.get("message_count")),
        model=_model(provider, text_of(row.get("last_used_model"))),
    )


def _model(provider: str, model: str) -> str:
    """Provider and model in one name, as requests give them."""
    both = provider and model and not model.startswith(f"{provider}/")
    return f"{provider}/{model}" if both else model


def _turn(row: dict[str, Any]) -> KeptTurn:
    messages = rows_of(row, "messages")
    asked = [words_of(each.get("content")) for each in messages if _kind(each) == _ASKED]
    answers = [each for each in messages if _kind(each) in _ANSWERED]
    at = moment_of(first_of(row, "started_at", "created_at"))
    return KeptTurn(
        asked="\n\n".join(filter(None, asked)),
        at=at,
        ended_at=moment_of(row.get("completed_at")) or at,
        model=_model(text_of(row.get("provider")), text_of(row.get("model"))),
        events=tuple(_events(row, answers)),
    )


def _kind(message: dict[str, Any]) -> str:
    return text_of(first_of(message, "type", "role"))


def _events(row: dict[str, Any], answers: Iterable[dict[str, Any]]) -> Iterator[Event]:
    """The frames of the stream; none where there is no answer."""
    told = list(_tool_events(row))
    texts = [words_of(each.get("content")) for each in answers]
    if text := "\n\n".join(filter(None, texts)):
        told.append(("turn_complete", {"token": text}))
    if not told:
        return
    documents = [doc for each in answers for doc in sequence(each.get("referenced_documents"))]
    documents = documents or sequence(row.get("referenced_documents"))
    told.append(("end", {"referenced_documents": documents}))
    for name, data in told:
        yield None, {"event": name, "data": data}


def _tool_events(row: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Calls and results, those of one of the server's rounds after those of the round before."""
    calls = [mapping(call) for call in sequence(row.get("tool_calls"))]
    results = [mapping(result) for result in sequence(row.get("tool_results"))]
    rounds = {id_of(result.get("id")): integer(result.get("round")) or 0 for result in results}
    number, placed = 0, []
    for call in calls:
        number = rounds.get(id_of(call.get("id")), number)
        placed.append((number, 0, "tool_call", call))
    placed += [(integer(each.get("round")) or 0, 1, "tool_result", each) for each in results]
    for _, _, name, data in sorted(placed, key=lambda each: each[:2]):
        yield name, data
