"""The beginning of a turn."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from chatterm.errors import StoreError
from chatterm.events import TurnStarted
from chatterm.steps import Attachment
from chatterm.store.creating import cannot_use
from chatterm.store.database import Access
from chatterm.store.locks import TurnLock
from chatterm.store.log import Place
from chatterm.store.model import Conversation, TurnKnown
from chatterm.store.repair import end_turn
from chatterm.store.rows import (
    check_id,
    insert_conversation,
    insert_turn,
    put_attachments,
)


class Beginning(NamedTuple):
    """What a turn begins with; the fields are those of `Store.begin`."""

    started: TurnStarted
    directory: str | None
    origin: str
    title: str
    attachments: tuple[Attachment, ...]


def begin_turn(
    db: sqlite3.Connection,
    access: Access,
    directory: Path,
    beginning: Beginning,
    held: list[TurnLock],
) -> Place:
    """Write the beginning of a turn.

    Args:
        db: The writer's connection.
        access: How the store's file can be used.
        directory: The store's.
        beginning: What to write.
        held: Gets the turn's lock, which is taken before anybody can see the turn.

    Raises:
        TurnKnown: The turn has its end.
        StoreError: Another process is at work on it.
    """
    turn = beginning.started.turn
    check_id(turn)
    check_id(beginning.started.conversation)
    lock = _lock(directory, turn)
    try:
        place = _written(db, access, beginning)
    except BaseException:
        lock.release()
        raise
    if place is None:
        lock.release()
        raise TurnKnown(turn)
    held.append(lock)
    return place


def _written(db: sqlite3.Connection, access: Access, beginning: Beginning) -> Place | None:
    """Where the turn is, or None for one that was run before: that one surely has its end then."""
    turn = beginning.started.turn
    with access.transaction(db, durable=True):
        known = db.execute("SELECT key FROM turn WHERE id = ?", (turn,)).fetchone()
        if known is None:
            return _write(db, beginning)
        end_turn(db, known[0], turn)
        return None


def _lock(directory: Path, turn: str) -> TurnLock:
    try:
        return TurnLock(directory, turn)
    except BlockingIOError:
        message = f"turn {turn!a} is already running"
        raise StoreError(message, hint="wait for it, or send the message as a new one") from None
    except OSError as error:
        raise cannot_use(directory, error) from error


def _write(db: sqlite3.Connection, beginning: Beginning) -> Place:
    started = beginning.started
    conversation = started.conversation
    put_attachments(db, beginning.attachments)
    row = db.execute("SELECT head FROM conversation WHERE id = ?", (conversation,)).fetchone()
    branched = False
    if row is None:
        _create(db, beginning)
    elif row[0] == started.parent:
        db.execute(_MOVE_HEAD, (started.turn, started.at, conversation))
    else:
        branched = True
    key = insert_turn(db, started, conversation)
    return Place(started.turn, key, branched)


_MOVE_HEAD = "UPDATE conversation SET head = ?, updated_at = max(updated_at, ?) WHERE id = ?"


def _create(db: sqlite3.Connection, beginning: Beginning) -> None:
    started = beginning.started
    conversation = Conversation(
        id=started.conversation,
        title=beginning.title,
        title_from="first_message",
        directory=beginning.directory,
        origin=beginning.origin,
        head=started.turn,
        created_at=started.at,
        updated_at=started.at,
    )
    insert_conversation(db, conversation)
