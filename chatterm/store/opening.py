"""Opening the store: creating it, bringing it up to date, setting aside what is damaged.

What many processes must not do at once (creating, migrating, recovering) is done by one that has
the lock for itself; everybody else shares it for as long as they have the store open.
"""

from __future__ import annotations

import errno
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from chatterm.errors import StoreError
from chatterm.store.creating import cannot_use, create, reason_of, upgrade
from chatterm.store.database import (
    APPLICATION_ID,
    FILE_NAME,
    SUSPECT_SUFFIX,
    Access,
    connect,
    disk_full,
    is_damage,
    no_space,
    primary_code,
    shown,
    store_error,
    without_locks,
)
from chatterm.store.locks import FileLock
from chatterm.store.migrations import MIGRATIONS, version_of

_LOCK_NAME = "chatterm.lock"
_HEADER = b"SQLite format 3\0"
# How long another process is waited for that creates, upgrades or repairs the file, or is in the
# way of doing so.
_PATIENCE_SECONDS = 10.0
_LOOKED_AT = {"conversation", "turn", "event"}


class _State(Enum):
    MISSING = auto()
    CURRENT = auto()
    OLDER = auto()
    SUSPECT = auto()  # damage was met before, or is plain to see


@dataclass(slots=True)
class Opened:
    """A store that is ready for use.

    Attributes:
        access: How its file can be used.
        lock: The share in the lock; None where nothing can be written.
        warnings: What the user should know, a sentence each.
    """

    access: Access
    lock: FileLock | None = None
    warnings: list[str] = field(default_factory=list)


def open_file(directory: Path) -> Opened:
    """Make the store in a directory ready for use, whatever state it is in.

    Raises:
        StoreError: It can't be used at all.
    """
    path = directory / FILE_NAME
    try:
        _make_directory(directory)
        lock = FileLock(directory / _LOCK_NAME)
    except OSError as error:
        return _open_read_only(path, error)
    opened = Opened(Access(path), lock)
    try:
        _make_current(opened)
        _protect(path)
        _settle_journal(opened)
    except sqlite3.Error as error:
        lock.close()
        if path.exists() and no_space(path):  # not even for what lies beside the file
            return _open_read_only(path, OSError(errno.ENOSPC, "no space left on the disk"))
        raise store_error(error, path) from error
    except OSError as error:
        lock.close()
        raise cannot_use(path, error) from error
    except BaseException:
        lock.close()
        raise
    return opened


def _make_directory(directory: Path) -> None:
    if not directory.is_dir():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def _protect(path: Path) -> None:
    """Take away what a copied or restored file may allow to others."""
    for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        with suppress(OSError):
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)


def _make_current(opened: Opened) -> None:
    """Wait until the file is as it should be; do what has to be done where nobody else does."""
    lock, path = opened.lock, opened.access.path
    if lock is None:
        return
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        if lock.share() and _state(path) is _State.CURRENT:
            return
        lock.drop()
        if lock.claim():
            state = _state(path)
            if state is not _State.CURRENT:
                _mend(opened, state)
            lock.share()
            return
        if time.monotonic() > until:
            raise _in_the_way(path)
        time.sleep(0.01)


def _in_the_way(path: Path) -> StoreError:
    return StoreError(
        f"{shown(path)} needs to be repaired or brought up to date, and another chatterm uses it",
        hint="close the other ones and start again",
    )


def _mend(opened: Opened, state: _State) -> None:
    path = opened.access.path
    if state is _State.MISSING:
        create(path)
    elif state is _State.OLDER:
        upgrade(path)
    else:
        from chatterm.store.recovery import recover  # most never need it

        opened.warnings += recover(path)


def _state(path: Path) -> _State:
    """What the file is in need of, found out without reading all of it.

    Raises:
        StoreError: A newer chatterm wrote it.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        size = 0
    log = path.with_name(path.name + "-wal")
    if size == 0:
        return _State.SUSPECT if log.exists() and log.stat().st_size else _State.MISSING
    if path.with_name(path.name + SUSPECT_SUFFIX).exists() or _is_cut_short(path, size):
        return _State.SUSPECT
    try:
        return _state_inside(path)
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return _State.SUSPECT
        if _no_shared_memory(error) and not no_space(path):
            _leave_wal(path)
            return _state_inside(path)
        raise


def _state_inside(path: Path) -> _State:
    with closing(connect(path)) as db:
        version = version_of(db)
        application = int(db.execute("PRAGMA application_id").fetchone()[0])
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        if not tables:
            return _State.MISSING  # its creator died half-way
        if application != APPLICATION_ID:
            return _State.SUSPECT  # some other program's
        if version > len(MIGRATIONS):
            raise newer(path, version)
        db.text_factory = bytes  # what it says doesn't matter here
        for table in _LOOKED_AT & tables:  # where damage would be met first
            db.execute(f"SELECT * FROM {table} ORDER BY key DESC LIMIT 1").fetchone()  # noqa: S608
    return _State.CURRENT if version == len(MIGRATIONS) else _State.OLDER


def newer(path: Path, version: int) -> StoreError:
    """A newer chatterm wrote the file."""
    return StoreError(
        f"{shown(path)} was written by a newer chatterm: its schema is version {version},"
        f" this one reads up to version {len(MIGRATIONS)}",
        hint="upgrade chatterm, or set CHATTERM_DATA_DIR to another directory",
    )


def _is_cut_short(path: Path, size: int) -> bool:
    """Whether the file isn't SQLite's at all, or ends before the end that its header tells."""
    with path.open("rb") as file:
        header = file.read(100)
    if not header.startswith(_HEADER) or len(header) < 100:
        return True
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        return False  # pages that aren't in the file yet may be in its log
    page_size = int.from_bytes(header[16:18], "big")
    page_size = 65536 if page_size == 1 else page_size
    pages = int.from_bytes(header[28:32], "big")
    return header[24:28] == header[92:96] and size < pages * page_size


# --- where the ordinary way isn't open ---


def _settle_journal(opened: Opened) -> None:
    """Use WAL where it can be had, else a rollback journal, which is slower but as safe."""
    path = opened.access.path
    with closing(connect(path)) as db:
        mode = db.execute("PRAGMA journal_mode").fetchone()[0]
        if mode != "wal":
            with suppress(sqlite3.OperationalError):
                mode = db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        opened.access = Access(path, wal=False)
        opened.warnings.append(
            f"{shown(path.parent)} is on a mount without shared memory or locks: the store is"
            " slower there, and only one chatterm at a time should use it"
        )


def _no_shared_memory(error: sqlite3.Error) -> bool:
    name = getattr(error, "sqlite_errorname", "")
    return primary_code(error) in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL} or (
        "SHM" in name
    )


def _leave_wal(path: Path) -> None:
    """Take a file out of WAL mode where that can't be used, as after it was copied there."""
    with closing(connect(path)) as db:
        db.execute("PRAGMA locking_mode=EXCLUSIVE").fetchone()  # so it needs no shared memory
        try:
            db.execute("PRAGMA journal_mode=DELETE").fetchone()
        except sqlite3.OperationalError as error:
            raise without_locks(path) from error


def _open_read_only(path: Path, why: OSError) -> Opened:
    """Open a store that can be read but not written.

    Raises:
        StoreError: It can't be read either.
    """
    if not path.is_file():
        raise cannot_use(path.parent, why) from why
    warning = f"{shown(path.parent)} can't be written ({reason_of(why)}): nothing will be kept"
    for immutable in (False, True):
        access = Access(path, read_only=True, immutable=immutable)
        try:
            with closing(access.reader()) as db:
                version = version_of(db)
                db.execute("SELECT count(*) FROM conversation").fetchone()
        except sqlite3.Error as error:
            if not immutable:
                continue
            if why.errno == errno.ENOSPC:
                raise disk_full(path) from error
            raise store_error(error, path) from error
        if version > len(MIGRATIONS):
            raise newer(path, version)
        if version < len(MIGRATIONS):
            raise StoreError(
                f"{shown(path)} was written by an older chatterm and can't be brought up to date:"
                f" {reason_of(why)}",
                hint="make its directory writable once",
            )
        return Opened(access, None, [warning])
    raise AssertionError("unreachable")  # pragma: no cover
