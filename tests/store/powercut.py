"""Power cuts for a store: what a disk may hold when what wasn't synced was lost, or half written.

The store's SQLite is replaced by that of apsw, whose files can be watched. Everything that is
written is noted in order, and with it what was acknowledged. From these notes the files are made
that a power cut at any of these moments may leave: for each file what it held when it was synced
last, and of what was written since any part, in any order, torn between sectors.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

SECTOR = 512


@dataclass
class Trace:
    """What happened to the files, in order."""

    notes: list[tuple[Any, ...]] = field(default_factory=list)

    def acknowledge(self, what: object) -> None:
        self.notes.append(("ack", what))

    def acknowledged(self, until: int) -> list[Any]:
        return [note[1] for note in self.notes[:until] if note[0] == "ack"]

    def crash(
        self, before: dict[str, bytes], until: int, chance: random.Random
    ) -> dict[str, bytes]:
        """The files after a power cut at a moment; those that were there `before`, and new ones."""
        disk = {name: bytearray(content) for name, content in before.items()}
        loose: dict[str, list[tuple[Any, ...]]] = {}
        for kind, *values in self.notes[:until]:
            if kind == "sync":
                (name,) = values
                disk.setdefault(name, bytearray())
                for change in loose.pop(name, []):
                    _apply(disk[name], *change)
            elif kind == "delete":
                (name,) = values
                disk.pop(name, None)
                loose.pop(name, None)
            elif kind != "ack":
                loose.setdefault(values[0], []).append((kind, *values[1:]))
        for name, changes in loose.items():
            if name not in disk and chance.random() < 0.5:
                continue  # the directory never heard of it
            content = disk.setdefault(name, bytearray())
            for change in _some(changes, chance):
                _apply(content, *change)
        return {name: bytes(content) for name, content in disk.items()}


def _some(changes: Sequence[tuple[Any, ...]], chance: random.Random) -> Iterable[tuple[Any, ...]]:
    """Some of the changes, in whatever order, some of the writes torn."""
    fate = chance.choice(["none", "all", "first", "any"])
    if fate == "none":
        return
    kept = list(changes)
    if fate == "first":
        kept = kept[: chance.randrange(len(kept) + 1)]
    elif fate == "any":
        kept = [change for change in kept if chance.random() < 0.5]
        chance.shuffle(kept)
    for kind, *values in kept:
        if kind == "write" and chance.random() < 0.3:
            offset, data = values
            for start in range(0, len(data), SECTOR):
                if chance.random() < 0.5:
                    yield "write", offset + start, data[start : start + SECTOR]
        else:
            yield kind, *values


def _apply(content: bytearray, kind: str, *values: Any) -> None:
    if kind == "write":
        offset, data = values
        if len(content) < offset:
            content.extend(bytes(offset - len(content)))
        content[offset : offset + len(data)] = data
    else:
        (size,) = values
        del content[size:]


class WatchedFile(apsw.VFSFile):
    def __init__(self, trace: Trace, filename: Any, flags: list[int]) -> None:
        super().__init__("", filename, flags)
        self._trace = trace
        path = filename.filename() if isinstance(filename, apsw.URIFilename) else filename
        self._name = Path(path).name if path else ""

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self._trace.notes.append(("write", self._name, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._trace.notes.append(("truncate", self._name, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._trace.notes.append(("sync", self._name))


class WatchedFiles(apsw.VFS):
    """SQLite's files, watched; temporary ones, which have no name, aren't."""

    def __init__(self, name: str, trace: Trace) -> None:
        super().__init__(name, "")
        self.name = name
        self._trace = trace

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802
        return WatchedFile(self._trace, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self._trace.notes.append(("delete", Path(filename).name))


class Connection:
    """A connection of apsw's with the face of the standard library's, as far as it is used."""

    def __init__(self, path: Path, vfs: WatchedFiles, *, read_only: bool) -> None:
        flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE
        self._db = apsw.Connection(str(path), flags=flags, vfs=vfs.name)
        self._db.set_busy_timeout(10_000)
        self.text_factory = str

    @property
    def in_transaction(self) -> bool:
        return self._db.in_transaction

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Cursor:
        try:
            return Cursor(self._db, self._db.execute(sql, values))
        except apsw.Error as error:
            raise sqlite3.OperationalError(str(error)) from error

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._db.executemany(sql, rows)

    def executescript(self, sql: str) -> None:
        self._db.execute(sql).fetchall()

    def close(self) -> None:
        self._db.close()


class Cursor:
    def __init__(self, db: apsw.Connection, cursor: Any) -> None:
        self.lastrowid = db.last_insert_rowid()
        self._cursor = cursor

    def __iter__(self) -> Any:
        return iter(self._cursor)

    def fetchone(self) -> Any:
        return self._cursor.fetchone()

    def fetchall(self) -> Any:
        return self._cursor.fetchall()
