"""Changing what a conversation is called and where it stands; beginning one at another's turn."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import replace

from chatterm.assembly import Clock
from chatterm.errors import StoreError
from chatterm.store.database import pack
from chatterm.store.model import Conversation
from chatterm.store.reading import conversation, tree
from chatterm.store.rows import insert_conversation


def set_title(
    db: sqlite3.Connection, id_: str, title: str, title_from: str, instead_of: str | None = None
) -> bool:
    """Call a conversation something else; that isn't going on with it.

    Returns whether it was done: not when the title isn't from where `instead_of` says.
    """
    now_from = conversation(db, id_).title_from
    if instead_of is not None and now_from != instead_of:
        return False
    values = (pack(title), title_from, id_)
    db.execute("UPDATE conversation SET title = ?, title_from = ? WHERE id = ?", values)
    return True


def set_head(db: sqlite3.Connection, id_: str, turn: str | None) -> None:
    """Have a conversation go on after another turn, or from the beginning.

    Raises:
        StoreError: There is no such turn.
    """
    conversation(db, id_)
    if turn is not None and not _is_turn(db, turn):
        raise _no_place(turn)
    values = (turn, Clock().timestamp(), id_)
    db.execute("UPDATE conversation SET head = ?, updated_at = ? WHERE id = ?", values)


def fork(db: sqlite3.Connection, id_: str, at: str | None) -> Conversation:
    """Begin a conversation that shares another's turns up to one of them.

    Raises:
        StoreError: There is no such turn or step in the conversation.
    """
    original = conversation(db, id_)
    now = Clock().timestamp()
    forked = replace(
        original,
        id=os.urandom(8).hex(),
        head=original.head if at is None else _turn_at(db, id_, at),
        created_at=now,
        updated_at=now,
    )
    insert_conversation(db, forked)
    return forked


def _turn_at(db: sqlite3.Connection, id_: str, at: str) -> str:
    """The turn of a conversation that has this id, or a step with it."""
    turns = [turn for turn, _ in tree(db, id_)]
    if at in turns:
        return at
    for turn in turns:
        if db.execute(_STEP, (turn, pack(at))).fetchone() is not None:
            return turn
    raise _no_place(at)


_STEP = """
SELECT 1 FROM turn JOIN event ON event.turn = turn.key WHERE turn.id = ? AND event.step = ? LIMIT 1
"""


def _is_turn(db: sqlite3.Connection, turn: str) -> bool:
    return db.execute("SELECT 1 FROM turn WHERE id = ?", (pack(turn),)).fetchone() is not None


def _no_place(id_: str) -> StoreError:
    return StoreError(f"no turn or step {id_!a} in this conversation")
