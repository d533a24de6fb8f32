"""Creating the store's file, bringing it up to date, and copying it."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from chatterm.errors import StoreError
from chatterm.store.database import (
    APPLICATION_ID,
    Transaction,
    connect,
    disk_full,
    shown,
    store_error,
    sync_directory,
)
from chatterm.store.migrations import MIGRATIONS, migrate, version_of


def create(path: Path) -> None:
    """Create the store: nobody but the user can read the file before SQLite sees it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.close(descriptor)
    with closing(connect(path)) as db:
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # only before the first page is written
        with suppress(sqlite3.OperationalError):  # where it can't be, it is told about later
            db.execute("PRAGMA journal_mode=WAL").fetchone()
        with Transaction(db, durable=True):
            if version_of(db) == 0:
                db.execute(f"PRAGMA application_id={APPLICATION_ID}")
                migrate(db)
    sync_directory(path.parent)


def upgrade(path: Path) -> None:
    """Bring an older store up to date, with a copy of it as it was."""
    with closing(connect(path)) as db:
        copy_to(db, path.with_name(f"{path.name}.before-{len(MIGRATIONS)}"))
        with Transaction(db, durable=True):
            migrate(db)


def copy_to(db: sqlite3.Connection, target: Path) -> None:
    """Write a whole copy of a store that is in use, for the user's eyes only.

    Raises:
        StoreError: The target can't be written.
    """
    partial = target.with_name(target.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(connect(partial)) as copy:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE").fetchone()  # a copy is one file
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(target)
        sync_directory(target.parent)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, sqlite3.Error):
            raise store_error(error, target) from error
        raise cannot_use(target, error) from error


def cannot_use(path: Path, error: OSError) -> StoreError:
    """A file or directory can't be used, in words."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(path)
    return StoreError(
        f"{shown(path)} can't be used: {reason_of(error)}",
        hint="set CHATTERM_DATA_DIR to a directory that can be written",
    )


def reason_of(error: OSError) -> str:
    """Why the system refused."""
    return (error.strerror or str(error)).lower()
