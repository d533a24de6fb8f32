"""The health and size of the store: checking it, copying it, making it small."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chatterm.errors import StoreError
from chatterm.store.creating import copy_to
from chatterm.store.database import APPLICATION_ID, Access, shown
from chatterm.store.deletion import free_space, truncate_log

_MOST_PROBLEMS = 100
# A file's header; the program that made it says at 68 which it is.
_HEADER = b"SQLite format 3\0"


def damage(db: sqlite3.Connection) -> list[str]:
    """What is wrong with the file itself, in SQLite's words."""
    try:
        found = db.execute(f"PRAGMA integrity_check({_MOST_PROBLEMS})").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [line for (line,) in found if line != "ok"]


def inconsistencies(db: sqlite3.Connection) -> Iterator[str]:
    """What doesn't go together in a file that is whole."""
    for sentence, query in _RULES.items():
        for (name,) in db.execute(f"{query} LIMIT {_MOST_PROBLEMS}"):
            yield sentence.format(ascii(name))
    for key, digest in db.execute("SELECT key, sha256 FROM blob").fetchall():
        (data,) = db.execute("SELECT data FROM blob WHERE key = ?", (key,)).fetchone()
        if hashlib.sha256(data).hexdigest() != digest:
            yield f"the content {digest} isn't what its digest says"


_RULES = {
    "an event of turn {} can't be read": """
        SELECT turn.id FROM event JOIN turn ON turn.key = event.turn
        WHERE NOT json_valid(event.data)
    """,
    "events belong to a turn that is missing ({})": """
        SELECT DISTINCT turn FROM event WHERE turn NOT IN (SELECT key FROM turn)
    """,
    "turn {} has lost its beginning": """
        SELECT id FROM turn
        WHERE key NOT IN (SELECT turn FROM event WHERE type = 'turn.started')
    """,
    "turn {} has lost its end": """
        SELECT id FROM turn
        WHERE finished AND key NOT IN (SELECT turn FROM event WHERE type = 'turn.finished')
    """,
    "conversation {} has lost its last turn": """
        SELECT id FROM conversation
        WHERE head IS NOT NULL AND head NOT IN (SELECT id FROM turn)
    """,
    "conversation {} is missing, but not its turns": """
        SELECT DISTINCT home FROM turn WHERE home NOT IN (SELECT id FROM conversation)
    """,
    "the content {} is missing": """
        SELECT DISTINCT sha256 FROM blob_use WHERE sha256 NOT IN (SELECT sha256 FROM blob)
    """,
}


def check_index(db: sqlite3.Connection, access: Access) -> list[str]:
    """What is wrong with the index of words."""
    try:
        with access.transaction(db, durable=False):
            db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    except (sqlite3.DatabaseError, MemoryError) as error:
        said = str(error) or "it asks for more memory than there is"
        return [f"the search index is damaged: {said}; `chatterm store compact` rebuilds it"]
    return []


def backup(db: sqlite3.Connection, target: Path) -> None:
    """Write a whole copy of the store, as it is now.

    Raises:
        StoreError: The target can't be written, or is a file of another kind.
    """
    if target.is_dir():
        raise StoreError(f"{shown(target)} is a directory", hint="name a file in it")
    if target.exists() and not _is_a_store(target):
        raise StoreError(
            f"{shown(target)} exists and isn't a copy of a store", hint="name another file"
        )
    copy_to(db, target)


def _is_a_store(path: Path) -> bool:
    with path.open("rb") as file:
        header = file.read(100)
    return header.startswith(_HEADER) and header[68:72] == APPLICATION_ID.to_bytes(4, "big")


def compact(db: sqlite3.Connection, access: Access) -> None:
    """Remove content that nothing refers to, and give all unused space back to the disk."""
    day_ago = datetime.now(UTC) - timedelta(days=1)
    before = day_ago.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    with access.transaction(db, durable=True):
        # What was put just now may be referred to in a moment.
        db.execute(
            "DELETE FROM blob WHERE added_at < ? AND NOT EXISTS"
            " (SELECT 1 FROM blob_use WHERE blob_use.sha256 = blob.sha256)",
            (before,),
        )
    free_space(db, access)
    db.execute("VACUUM")
    truncate_log(db)


def size_of(path: Path) -> int:
    """How many bytes the store takes on the disk."""
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
