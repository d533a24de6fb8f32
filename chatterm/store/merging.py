"""Taking in a conversation from elsewhere: what is known stays, what isn't is added."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from chatterm.errors import StoreError
from chatterm.events import Event, StepFinished, TurnFinished, TurnStarted
from chatterm.steps import UserInput
from chatterm.store.database import pack
from chatterm.store.model import Conversation, ImportResult, RecordedTurn, ended, fold
from chatterm.store.reading import COLUMNS, conversation_from
from chatterm.store.rows import (
    check_id,
    finish_turn,
    insert_conversation,
    insert_event,
    insert_turn,
    put_blob,
    recount,
)

# A title that was chosen stays, whatever a machine thinks of later.
_RANK = {"first_message": 0, "model": 1, "user": 2}


class Import(NamedTuple):
    """What is taken in; the fields are those of `Store.merge`."""

    conversation: Conversation
    turns: tuple[RecordedTurn, ...]
    blobs: Mapping[str, bytes]


def merge(db: sqlite3.Connection, imported: Import) -> ImportResult:
    """Add what isn't known yet.

    Raises:
        StoreError: The turns follow each other in a circle, or an id can't be one.
    """
    id_ = imported.conversation.id
    check_id(id_)
    known = _known(db, id_)
    new = [turn for turn in imported.turns if not _is_known(db, turn.id)]
    if new:
        _put_blobs(db, imported.blobs)
    added = 0
    for turn in _parents_first(new):
        _add_turn(db, turn, id_)
        added += 1
    result = ImportResult(turns_added=added, turns_known=len(imported.turns) - len(new))
    if known is None:
        insert_conversation(db, imported.conversation)
        return replace(result, conversations_added=1)
    if _move_on(db, known, imported.conversation):
        return replace(result, conversations_updated=1)
    return result


def _known(db: sqlite3.Connection, id_: str) -> Conversation | None:
    query = f"SELECT {COLUMNS} FROM conversation AS c WHERE c.id = ?"  # noqa: S608
    row = db.execute(query, (id_,)).fetchone()
    return None if row is None else conversation_from(row)


def _is_known(db: sqlite3.Connection, turn: str) -> bool:
    return db.execute("SELECT 1 FROM turn WHERE id = ?", (pack(turn),)).fetchone() is not None


def _put_blobs(db: sqlite3.Connection, blobs: Mapping[str, bytes]) -> None:
    for digest, data in blobs.items():
        if put_blob(db, data) != digest:
            raise StoreError(f"the content of {digest!a} isn't what its digest says")


def _parents_first(turns: Iterable[RecordedTurn]) -> Iterator[RecordedTurn]:
    waiting = {turn.id: turn for turn in turns}
    while waiting:
        chain = [next(iter(waiting.values()))]
        while (above := waiting.get(chain[-1].parent or "")) is not None:
            if len(chain) > len(waiting):
                raise StoreError(f"turn {chain[-1].id!a} follows itself")
            chain.append(above)
        for turn in reversed(chain):
            del waiting[turn.id]
            yield turn


def _add_turn(db: sqlite3.Connection, turn: RecordedTurn, importing: str) -> None:
    _refuse_circle(db, turn)
    events = ended(fold(turn.events))
    started, rest = _split(turn, events)
    home = _home(db, turn, importing)
    key = insert_turn(db, replace(started, turn=turn.id, parent=turn.parent), home)
    for seq, event in enumerate(rest, start=1):
        step = event.step.id if isinstance(event, StepFinished) else None
        insert_event(db, key, seq, event, step)
        if isinstance(event, TurnFinished):
            finish_turn(db, key, event)
    recount(db, key)


def _split(turn: RecordedTurn, events: tuple[Event, ...]) -> tuple[TurnStarted, tuple[Event, ...]]:
    if events and isinstance(events[0], TurnStarted):
        return events[0], events[1:]
    empty = TurnStarted(turn.conversation, turn.id, turn.parent, UserInput(""), None, "", {}, "")
    return empty, events


def _home(db: sqlite3.Connection, turn: RecordedTurn, importing: str) -> str:
    """The conversation that the turn was begun in, where that is known, else the imported one."""
    if turn.conversation != importing and _known(db, turn.conversation) is not None:
        return turn.conversation
    return importing


def _refuse_circle(db: sqlite3.Connection, turn: RecordedTurn) -> None:
    """A turn may follow one that follows it only in a file that somebody made up."""
    if turn.parent is None or not _has_children(db, turn.id):
        return
    circle = db.execute(_ABOVE, (turn.parent, turn.id)).fetchone()
    if circle is not None or turn.parent == turn.id:
        raise StoreError(f"turn {turn.id!a} follows itself")


_ABOVE = """
WITH RECURSIVE above (id) AS (
    SELECT ?1 UNION SELECT turn.parent FROM above JOIN turn ON turn.id = above.id
) SELECT 1 FROM above WHERE id = ?2
"""


def _has_children(db: sqlite3.Connection, turn: str) -> bool:
    query = "SELECT 1 FROM turn WHERE parent = ? LIMIT 1"
    return db.execute(query, (turn,)).fetchone() is not None


def _move_on(db: sqlite3.Connection, known: Conversation, imported: Conversation) -> bool:
    """Let a known conversation take the imported one's state, where that is what became of it."""
    if imported.updated_at <= known.updated_at or not _descends(db, imported.head, known.head):
        return False
    title, title_from = known.title, known.title_from
    if _RANK.get(imported.title_from, 0) >= _RANK.get(title_from, 0):
        title, title_from = imported.title, imported.title_from
    values = (pack(title), title_from, imported.head, imported.updated_at, known.id)
    db.execute(
        "UPDATE conversation SET title = ?, title_from = ?, head = ?, updated_at = ? WHERE id = ?",
        values,
    )
    return True


def _descends(db: sqlite3.Connection, head: str | None, from_: str | None) -> bool:
    if from_ is None or head == from_:
        return True
    return head is not None and db.execute(_ABOVE, (head, from_)).fetchone() is not None
