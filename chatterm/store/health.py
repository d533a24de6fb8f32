"""A quick look at the store that changes nothing: not even a store that isn't there is made."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from chatterm.store.database import APPLICATION_ID, FILE_NAME, SUSPECT_SUFFIX, connect
from chatterm.store.migrations import MIGRATIONS, version_of

_SUSPECT = "damage was met; it is mended when chatterm opens it next"
_CHECKED_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Health:
    """What a quick look shows.

    Attributes:
        exists: Whether there is a store yet.
        bytes: The size of its file.
        conversations: How many it holds, where that can be read.
        problem: What is wrong, as a clause; empty when nothing shows.
    """

    exists: bool = False
    bytes: int = 0
    conversations: int | None = None
    problem: str = ""


def health(directory: Path) -> Health:
    """Look at the store in a directory. A large file isn't read from end to end."""
    path = directory / FILE_NAME
    try:
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return Health()
    except OSError as error:
        return Health(exists=True, problem=f"it can't be read: {error.strerror or error}")
    if path.with_name(path.name + SUSPECT_SUFFIX).exists():
        return Health(exists=True, bytes=size, problem=_SUSPECT)
    try:
        with closing(connect(path, read_only=True)) as db:
            count, problem = _looked_at(db, size)
    except sqlite3.Error as error:
        return Health(exists=True, bytes=size, problem=f"it can't be read: {error}")
    return Health(exists=True, bytes=size, conversations=count, problem=problem)


def _looked_at(db: sqlite3.Connection, size: int) -> tuple[int | None, str]:
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        return None, "it isn't a store of chatterm"
    if version_of(db) > len(MIGRATIONS):
        return None, "a newer chatterm wrote it"
    (count,) = db.execute("SELECT count(*) FROM conversation").fetchone()
    if size <= _CHECKED_BYTES:
        (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            return count, f"it is damaged: {found}"
    return count, ""
