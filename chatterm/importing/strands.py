"""From a tree of messages to a tree of turns.

Others keep a conversation as messages that name their parents. A turn of ours is one message of
the user's with all that answers it, so each way down from a message of the user's to the next one,
or to an end, is a turn. An answer that was generated again gives two turns with the same question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chatterm.importing.base import derived_id


@dataclass(frozen=True, slots=True)
class Message:
    """A message of another program.

    Attributes:
        id: Its id there.
        parent: The message it follows; None, or an unknown id, for a first one.
        from_user: Whether the user wrote it.
        at: When, as the log writes it; empty when unknown.
        body: What the importer reads its steps from.
    """

    id: str
    parent: str | None
    from_user: bool
    at: str
    body: Any


@dataclass(frozen=True, slots=True)
class Strand:
    """A turn to be.

    Attributes:
        id: The turn's id: made from the ids of its messages, so that a turn which has grown since
            an earlier export is another one, and nothing is lost.
        parent: The turn it follows.
        messages: The user's message, unless the conversation begins with an answer; its answers.
    """

    id: str
    parent: str | None
    messages: tuple[Message, ...]


def strands(messages: Iterable[Message], source: str) -> list[Strand]:
    """The turns of a tree of messages, parents before their children.

    Args:
        messages: The messages; children of one parent in their order.
        source: What makes ids unique: the importer and the conversation.
    """
    known = {message.id: message for message in messages}
    children: dict[str | None, list[Message]] = {}
    for message in known.values():
        parent = message.parent if message.parent in known else None
        children.setdefault(parent, []).append(message)
    found: list[Strand] = []
    # What is still to be followed: the messages of the turn so far, and the turn it follows.
    open_ends: list[tuple[list[Message], str | None]] = [
        ([message], None) for message in reversed(children.get(None, []))
    ]
    while open_ends:
        line, parent = open_ends.pop()
        following = children.get(line[-1].id, [])
        while len(following) == 1 and not following[0].from_user:
            line.append(following[0])
            following = children.get(line[-1].id, [])
        questions = [message for message in following if message.from_user]
        answers = [message for message in following if not message.from_user]
        turn = derived_id(source, *(message.id for message in line))
        if questions or not answers:
            found.append(Strand(turn, parent, tuple(line)))
        open_ends += [([*line, message], parent) for message in reversed(answers)]
        open_ends += [([message], turn) for message in reversed(questions)]
    return found


def head_of(found: list[Strand], current: str | None, parents: Mapping[str, str | None]) -> str:
    """The turn in which a message stands, or the nearest message above it that stands in one.

    Args:
        found: The turns; at least one.
        current: The message at which the conversation stands, as far as the source says.
        parents: The parent of each message, those left out of the turns included.
    """
    ends = {strand.messages[-1].id: strand.id for strand in found}
    inside = {message.id: strand.id for strand in found for message in strand.messages}
    seen = set()
    while current is not None and current not in seen:
        seen.add(current)
        if current in inside:
            return ends.get(current, inside[current])
        current = parents.get(current)
    newest = max(found, key=lambda strand: max(message.at for message in strand.messages))
    return newest.id
