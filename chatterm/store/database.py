"""SQLite as the store uses it: connections, transactions, and its errors in words."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from chatterm.errors import StoreError

FILE_NAME = "chatterm.db"
SUSPECT_SUFFIX = ".suspect"  # beside the file: damage was met, look at all of it when opening
APPLICATION_ID = 0x63687472  # "chtr"

# How long a statement waits for another process; writers hold the lock for milliseconds.
BUSY_SECONDS = 30.0
# SQLite's interface to the system; tests take one that has no shared memory.
VFS: str | None = None
# Beyond this many bytes the log that is kept beside the file is cut back when it starts anew.
_JOURNAL_LIMIT = 8 * 1024 * 1024


class Access(NamedTuple):
    """How the store's file can be used.

    Attributes:
        path: The file.
        read_only: It can be read but not written.
        immutable: It can be read, without locks, because nothing beside it can be written.
        wal: It is in WAL mode; else with a rollback journal.
    """

    path: Path
    read_only: bool = False
    immutable: bool = False
    wal: bool = True

    def reader(self) -> sqlite3.Connection:
        """A new connection that can't write."""
        db = connect(self.path, read_only=self.read_only, immutable=self.immutable)
        db.execute("PRAGMA query_only=ON")
        return db

    def writer(self) -> sqlite3.Connection:
        """A new connection that writes."""
        db = connect(self.path)
        # The log is copied into the file by a thread of its own, not while a commit waits.
        db.execute("PRAGMA wal_autocheckpoint=0")
        db.execute(f"PRAGMA journal_size_limit={_JOURNAL_LIMIT}")
        db.execute("PRAGMA secure_delete=FAST")
        db.text_factory = forgiving
        return db

    def transaction(self, db: sqlite3.Connection, *, durable: bool) -> Transaction:
        """A transaction; durable, or such that a power cut may undo it whole.

        Without WAL there is no cheaper way that is safe, so there every one is durable.
        """
        return Transaction(db, durable=durable or not self.wal)


def connect(path: Path, *, read_only: bool = False, immutable: bool = False) -> sqlite3.Connection:
    """Open a file that exists, in autocommit mode; transactions are begun by hand."""
    options = "mode=ro" if read_only else "mode=rw"
    if immutable:
        options += "&immutable=1"
    if VFS:
        options += f"&vfs={VFS}"
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        db.execute("PRAGMA trusted_schema=OFF")
        db.execute("PRAGMA cell_size_check=ON")
        if sys.platform == "darwin":  # there fsync alone leaves it in the drive's cache
            db.execute("PRAGMA fullfsync=ON")
            db.execute("PRAGMA checkpoint_fullfsync=ON")
    except BaseException:
        db.close()
        raise
    return db


class Transaction:
    """A write transaction: committed at the end of its block, undone when that raises.

    Args:
        db: The connection.
        durable: The commit returns when it is on the disk. (EXTRA is FULL, and beyond it makes sure
            that a rollback journal is gone for good.)
    """

    def __init__(self, db: sqlite3.Connection, *, durable: bool) -> None:
        self._db = db
        self._level = "EXTRA" if durable else "NORMAL"

    def __enter__(self) -> sqlite3.Connection:
        self._db.execute(f"PRAGMA synchronous={self._level}")
        # IMMEDIATE waits for its turn; a deferred one would fail where it begins to write.
        self._db.execute("BEGIN IMMEDIATE")
        return self._db

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            try:
                self._db.execute("COMMIT")
            except BaseException:
                self._undo()
                raise
        else:
            self._undo()

    def _undo(self) -> None:
        if self._db.in_transaction:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into the store's, and remember that damage was met."""
    try:
        yield
    except sqlite3.Error as error:
        if is_damage(error):
            note_damage(path)
        raise store_error(error, path) from error
    except UnicodeEncodeError as error:  # an id or a time with half a character, from some file
        raise StoreError(f"{error.object!a} can't be kept: it isn't whole text") from error


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's code of an error without what refines it; 0 where there is none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error means that the file is damaged, and not only the search index."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} and not index_damage(
        error
    )


def is_spoilt_text(error: sqlite3.Error) -> bool:
    """Whether an error means that text isn't UTF-8, as after a bit of it has changed."""
    return "Could not decode to UTF-8" in str(error)


def forgiving(text: bytes) -> str:
    """Text with a replacement for what isn't UTF-8; slower than SQLite's own way."""
    return text.decode("utf-8", "replace")


def index_damage(error: sqlite3.Error) -> bool:
    """Whether an error means that the search index, which can be rebuilt, is damaged."""
    return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_CORRUPT_VTAB


def note_damage(path: Path) -> None:
    """Leave word that the next one to open the file looks at all of it."""
    with suppress(OSError):
        path.with_name(path.name + SUSPECT_SUFFIX).touch(0o600)


def shown(path: Path) -> str:
    """A path as a message shows it: nothing in it may reach a terminal as a control."""
    name = str(path)
    return name if name.isprintable() else ascii(name)


def store_error(error: sqlite3.Error, path: Path) -> StoreError:
    """An error of SQLite's in words."""
    name, said = shown(path), str(error)
    match primary_code(error):
        case sqlite3.SQLITE_FULL:
            return disk_full(path)
        case sqlite3.SQLITE_IOERR if no_space(path):
            return disk_full(path)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            message = f"{name} is locked by another process"
            return StoreError(message, hint="try again when the other one is done")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            hint = "start again: what can be read is recovered, and the damaged file is kept"
            return StoreError(f"{name} is damaged: {said}", hint=hint)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            message = f"{name} can't be opened or written: {said}"
            return StoreError(message, hint="look at the permissions of the file and its directory")
        case sqlite3.SQLITE_PROTOCOL | sqlite3.SQLITE_NOLFS:
            return without_locks(path)
        case sqlite3.SQLITE_IOERR:
            if "LOCK" in getattr(error, "sqlite_errorname", ""):
                return without_locks(path)
            message = f"{name} can't be read or written: {said}"
            return StoreError(message, hint="look at the disk, and at limits on the size of files")
        case _:
            return StoreError(f"{name}: {said}")


def disk_full(path: Path) -> StoreError:
    """There is no space left to write to."""
    return StoreError(
        f"the disk is full: nothing more can be written to {shown(path)}",
        hint="free some space; what was kept before is safe",
    )


def without_locks(path: Path) -> StoreError:
    """The file is where files can't be locked."""
    return StoreError(
        f"{shown(path)} is on a mount where files can't be locked",
        hint="set CHATTERM_DATA_DIR to a directory on a local disk",
    )


def no_space(path: Path) -> bool:
    """Whether the disk that a file is on is full, or as good as full."""
    try:
        state = os.statvfs(path.parent)
    except OSError:
        return False
    return state.f_bavail * state.f_frsize < 64 * 1024


def sync_directory(directory: Path) -> None:
    """Make what was created, renamed or removed in a directory outlast a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems can't, and need not
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def pack(text: str | None) -> str | bytes | None:
    """Text as SQLite can hold it: lone surrogates, which UTF-8 can't, make it bytes."""
    if text is None:
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def unpack(value: str | bytes) -> str:
    """The text that `pack` packed."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value
