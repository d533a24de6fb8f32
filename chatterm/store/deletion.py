"""Deleting a conversation, so that it is gone from the disk too."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chatterm.errors import StoreError
from chatterm.store.database import Access
from chatterm.store.indexing import is_index_error, rebuild, unindex
from chatterm.store.locks import forget, is_alive
from chatterm.store.reading import conversation, tree

_MOST_EXPIRED = 20  # are removed at once


def delete(db: sqlite3.Connection, access: Access, directory: Path, id_: str) -> None:
    """Remove a conversation and the turns that no other one reaches.

    What other conversations share stays, in theirs. The bytes are overwritten, and the space is
    given back to the disk.

    Raises:
        StoreError: A turn of it is running.
    """
    conversation(db, id_)
    db.execute("PRAGMA secure_delete=ON").fetchone()
    try:
        try:
            removed = _remove(db, access, directory, id_)
        except (sqlite3.DatabaseError, MemoryError) as error:
            if not is_index_error(error):
                raise
            rebuild(db, access)
            removed = _remove(db, access, directory, id_)
        for turn in removed:
            forget(directory, turn)
        if removed:  # else only a name is gone
            free_space(db, access)
    finally:
        db.execute("PRAGMA secure_delete=FAST").fetchone()


def expired(db: sqlite3.Connection, days: int) -> list[str]:
    """A few conversations that haven't gone on for so many days, the oldest first."""
    before = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
    query = "SELECT id FROM conversation WHERE updated_at < ? ORDER BY updated_at LIMIT ?"
    rows = db.execute(query, (before.replace("+00:00", "Z"), _MOST_EXPIRED))
    return [id_ for (id_,) in rows]


def _remove(db: sqlite3.Connection, access: Access, directory: Path, id_: str) -> list[str]:
    """Remove the rows; the turns that are gone."""
    with access.transaction(db, durable=True):
        reached = [turn for turn, _ in tree(db, id_)]
        _refuse_running(db, directory, id_, reached)
        db.execute("DELETE FROM conversation WHERE id = ?", (id_,))
        freed: set[str] = set()
        # Children come before their parents: where one stays, so does what it follows.
        removed = [turn for turn in reversed(reached) if _remove_turn(db, id_, turn, freed)]
        rows = [(digest,) for digest in freed]
        db.executemany(_REMOVE_UNUSED, rows)
    return removed


def _refuse_running(db: sqlite3.Connection, directory: Path, id_: str, turns: list[str]) -> None:
    unfinished = {turn for (turn,) in db.execute("SELECT id FROM turn WHERE finished = 0")}
    if any(is_alive(directory, turn) for turn in unfinished.intersection(turns)):
        message = f"conversation {id_!a} has a turn that is running"
        raise StoreError(message, hint="interrupt it first")


def _remove_turn(db: sqlite3.Connection, id_: str, turn: str, freed: set[str]) -> bool:
    """Remove a turn, or give it to a conversation that still reaches it; whether it is gone."""
    key, home = db.execute("SELECT key, home FROM turn WHERE id = ?", (turn,)).fetchone()
    if home != id_:
        return False
    other = db.execute(_OTHER_HOME, (turn, turn)).fetchone()
    if other is not None:
        db.execute("UPDATE turn SET home = ? WHERE key = ?", (other[0], key))
        return False
    unindex(db, key)
    uses = db.execute("SELECT sha256 FROM blob_use WHERE turn = ?", (key,))
    freed.update(digest for (digest,) in uses)
    for statement in (
        "DELETE FROM blob_use WHERE turn = ?",
        "DELETE FROM event WHERE turn = ?",
        "DELETE FROM turn WHERE key = ?",
    ):
        db.execute(statement, (key,))
    return True


_OTHER_HOME = """
SELECT id FROM conversation WHERE head = ? UNION ALL SELECT home FROM turn WHERE parent = ? LIMIT 1
"""
_REMOVE_UNUSED = """
DELETE FROM blob WHERE sha256 = ?
AND NOT EXISTS (SELECT 1 FROM blob_use WHERE blob_use.sha256 = blob.sha256)
"""


def free_space(db: sqlite3.Connection, access: Access) -> None:
    """Give unused space back to the disk, and leave no removed words behind."""
    with access.transaction(db, durable=False):
        # Until its parts are merged, the index keeps what was removed and a note that it was.
        db.execute("INSERT INTO words (words) VALUES ('optimize')")
    # It frees a page a step, and has no column: `execute` would take the first step only.
    db.executescript("PRAGMA incremental_vacuum")
    truncate_log(db)


def truncate_log(db: sqlite3.Connection) -> None:
    """Copy the write-ahead log into the file and empty it, as far as nobody reads from it."""
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
