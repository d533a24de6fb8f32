"""Conversations as a server keeps them: what its list says of one, and the turns it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chatterm.moments import timestamp_of
from chatterm.providers.decoding import mapping, sequence, text_of

Event = tuple[str | None, Any]
_MILLISECONDS = 100_000_000_000  # a number of seconds beyond this would be in the year 5138


@dataclass(frozen=True, slots=True)
class KeptConversation:
    """A conversation as the server's list tells of it.

    Attributes:
        id: By what the server knows it.
        title: What the server calls it; may be empty.
        created_at: When it began: UTC, ISO 8601, with a final Z; empty where nobody says.
        updated_at: When it last went on, in the same form.
        messages: How many messages the server counts, as it counts them.
        model: Who answered last, as a request would name it; may be empty.
    """

    id: str
    title: str = ""
    created_at: str = ""
    updated_at: str = ""
    messages: int | None = None
    model: str = ""


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """What was asked, and what came of it.

    Attributes:
        asked: The question as the server was told it.
        at: When: UTC, ISO 8601, with a final Z; empty where nobody says.
        ended_at: When the answer was whole, in the same form.
        model: Who answered, as a request would name it; may be empty.
        events: The answer, as the events of a stream that would tell it; none where there is none.
    """

    asked: str
    at: str = ""
    ended_at: str = ""
    model: str = ""
    events: tuple[Event, ...] = ()


def newest_first(found: list[KeptConversation]) -> list[KeptConversation]:
    """The conversations, each once, those that went on last before the others."""
    once = {each.id: each for each in found}
    return sorted(once.values(), key=lambda each: each.updated_at or each.created_at, reverse=True)


def first_of(row: Mapping[str, Any], *names: str) -> Any:
    """The first of these fields that says something; servers' versions differ in their names."""
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def id_of(value: Any) -> str:
    """An id, which may be a number; empty where it is none."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def moment_of(value: Any) -> str:
    """A time in whatever form, as the log writes it; empty where it is none."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return timestamp_of(value / 1000 if number and value > _MILLISECONDS else value, "")


def words_of(content: Any) -> str:
    """The text of a message, which may come in parts."""
    if isinstance(content, dict):
        return words_of(first_of(content, "text", "content"))
    parts = [words_of(part) for part in sequence(content)]
    return "\n\n".join(filter(None, parts)) if parts else text_of(content)


def rows_of(data: Any, *names: str) -> list[dict[str, Any]]:
    """The objects of a list, which stands alone or in one of these fields of an object."""
    for name in names if isinstance(data, dict) else ():
        if isinstance(data.get(name), list | dict):
            return rows_of(data[name], *names)
    return [mapping(row) for row in sequence(data) if isinstance(row, dict)]
