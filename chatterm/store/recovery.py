"""Recovering what can be read of a damaged file.

The rows are put into a new file one by one: as SQLite reads them, and where it can't, from the
pages themselves. What belongs together is joined again there. The damaged file is kept beside it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from chatterm.store.creating import create
from chatterm.store.database import (
    SUSPECT_SUFFIX,
    Access,
    Transaction,
    connect,
    forgiving,
    shown,
    sync_directory,
)
from chatterm.store.indexing import rebuild
from chatterm.store.mending import mend
from chatterm.store.scavenging import rows

_TABLES = {
    "conversation": "key, id, title, title_from, directory, origin, head, created_at, updated_at",
    "turn": "key, id, parent, home, at, model, finished, usage, depth, total",
    "blob": "key, sha256, added_at, data",
    "event": "key, turn, seq, type, step, data, blob",
}
_TABLE_OF = {names.count(",") + 1: table for table, names in _TABLES.items()}
_INSERT = {
    table: f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({', '.join('?' * columns)})"  # noqa: S608
    for columns, table in _TABLE_OF.items()
    for names in [_TABLES[table]]
}
_EVENT_DATA = 5
_BATCH = 1000

Row = tuple[Any, ...]


def recover(path: Path) -> list[str]:
    """Put what can be read into a new file in the place of a damaged one, if it is damaged.

    Returns:
        What the user should know, a sentence each.
    """
    marker = path.with_name(path.name + SUSPECT_SUFFIX)
    if _only_suspected(path):
        marker.unlink(missing_ok=True)
        return []
    fresh = path.with_name(path.name + ".recovering")
    _remove(fresh)
    create(fresh)
    turns = _copy(path, fresh)
    aside = _set_aside(path, fresh)
    marker.unlink(missing_ok=True)
    found = f"{turns} turn{'' if turns == 1 else 's'} could be recovered"
    return [f"{shown(path)} was damaged: {found}; the damaged file is kept as {shown(aside)}"]


def _only_suspected(path: Path) -> bool:
    """Whether the file is whole after all, or was made whole by making its index anew."""
    with suppress(sqlite3.DatabaseError), closing(connect(path)) as db:
        problems = _problems(db)
        if problems and all("words" in problem for problem in problems):
            rebuild(db, Access(path))
            problems = _problems(db)
        # A file that another program wrote may be whole, and still isn't ours.
        return not problems and bool(db.execute(_OURS).fetchone()[0])
    return False


_OURS = """
SELECT count(*) = 4 FROM sqlite_master
WHERE type = 'table' AND name IN ('conversation', 'turn', 'event', 'blob')
"""


def _problems(db: sqlite3.Connection) -> list[str]:
    found = db.execute("PRAGMA integrity_check(100)").fetchall()
    return [line for (line,) in found if line != "ok"]


# --- copying ---


def _copy(path: Path, fresh: Path) -> int:
    """Copy the rows that can be read, and join them; how many turns there are then."""
    with closing(connect(fresh)) as target:
        if not _copy_through_sqlite(path, target):
            _insert(target, _scavenged(path))
        with Transaction(target, durable=False):
            mend(target)
        rebuild(target, Access(fresh))
        return int(target.execute("SELECT count(*) FROM turn").fetchone()[0])


def _copy_through_sqlite(path: Path, target: sqlite3.Connection) -> bool:
    """Copy what SQLite can read. Says whether that is all there is."""
    whole = False
    with suppress(sqlite3.DatabaseError), closing(_damaged(path)) as source:
        whole = True
        for table, names in _TABLES.items():
            try:
                query = f"SELECT {names} FROM {table} NOT INDEXED"  # noqa: S608
                _insert(target, ((table, row) for row in source.execute(query)))
            except sqlite3.DatabaseError:
                whole = False
    return whole


def _damaged(path: Path) -> sqlite3.Connection:
    db = connect(path)
    db.execute("PRAGMA writable_schema=ON")  # so that a file that was cut short is read at all
    db.text_factory = forgiving
    return db


def _scavenged(path: Path) -> Iterator[tuple[str, Row]]:
    """The rows of our tables, told apart by how many columns they have."""
    for key, (_, *columns) in ((k, c) for k, c in rows(path) if c):
        table = _TABLE_OF.get(len(columns) + 1)
        if table is not None:
            yield table, (key, *columns)


def _insert(target: sqlite3.Connection, found: Iterator[tuple[str, Row]]) -> None:
    """Insert rows, a batch a transaction; what is there already stays."""
    while batch := [*islice(found, _BATCH)]:
        with Transaction(target, durable=False):
            for table, row in batch:
                if table == "event" and not _is_event(row):
                    continue
                target.execute(_INSERT[table], row)


def _is_event(row: Row) -> bool:
    try:
        return isinstance(json.loads(row[_EVENT_DATA]), dict)
    except (TypeError, ValueError):
        return False


# --- files ---


def _set_aside(path: Path, fresh: Path) -> Path:
    """Put the new file in the place of the damaged one, which gets another name."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    aside = path.with_name(f"{path.name}.damaged-{now}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{now}-{number}")
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    with suppress(OSError):  # with two names for a moment, it is never without one
        os.link(path, aside)
    log = path.with_name(path.name + "-wal")
    if log.exists():
        log.replace(aside.with_name(aside.name + "-wal"))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    if path.exists() and not aside.exists():
        path.replace(aside)
    fresh.replace(path)
    sync_directory(path.parent)
    return aside


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
