"""The one thread of a process that writes to the store.

Jobs are run one after the other on the thread's own connection. What may wait is due at a time;
what is only good to have done is done when nothing else is.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from chatterm.errors import StoreError
from chatterm.store.database import Access, shown, told

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]

# After so many jobs the write-ahead log is copied into the file (about 1,000 pages of it).
_JOBS_PER_CHECKPOINT = 200
# How long nothing must have been asked for before work is done that nobody waits for.
_IDLE_SECONDS = 0.5


class Flushable(Protocol):
    """Something that has rows to write at a time."""

    def flush(self, db: sqlite3.Connection) -> None:
        """Write them. It keeps its errors to itself, for whoever writes next."""


class Writer:
    """Runs jobs on a thread that begins with the first of them.

    Args:
        access: How the store's file can be used.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._condition = threading.Condition()
        self._jobs: deque[tuple[Job[Any], Future[Any]]] = deque()
        self._due: dict[Flushable, float] = {}
        self._idle: Job[bool] | None = None
        self._idle_at = 0.0
        self._thread: threading.Thread | None = None
        self._checkpoint: threading.Thread | None = None
        self._since_checkpoint = 0
        self._closed = False

    def run(self, job: Job[T]) -> T:
        """Run a job and wait for it.

        Raises:
            StoreError: It failed, or the store is closed or can't be written.
        """
        return self._submit(job).result()

    async def run_async(self, job: Job[T]) -> T:
        """Run a job without holding up the event loop. It is done even if the wait is cancelled.

        Raises:
            StoreError: It failed, or the store is closed or can't be written.
        """
        return await asyncio.wrap_future(self._submit(job))

    def flush_within(self, rows: Flushable, seconds: float) -> None:
        """Have rows written in this time, or earlier where that was asked for before."""
        at = time.monotonic() + seconds
        with self._condition:
            if self._closed or self._due.get(rows, at + 1) <= at:
                return
            self._due[rows] = at
            self._wake()

    def when_idle(self, job: Job[bool], *, after: float = _IDLE_SECONDS) -> None:
        """Run a job when nothing else is to be done, again and again while it returns True."""
        with self._condition:
            if not self._closed:
                self._idle, self._idle_at = job, time.monotonic() + after
                self._wake()

    def close(self) -> None:
        """Write what waits and end the thread. A second time does nothing."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()
        if self._checkpoint is not None:  # begun by the other
            self._checkpoint.join()

    def _submit(self, job: Job[T]) -> Future[T]:
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # from here on it can't be cancelled
        with self._condition:
            if self._closed:
                raise StoreError("the store is closed")
            if self._access.read_only:
                raise StoreError(
                    f"{shown(self._access.path)} could only be opened for reading",
                    hint="free some space, or set CHATTERM_DATA_DIR to a directory to write to",
                )
            self._jobs.append((job, future))
            self._wake()
        return future

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="chatterm-store", daemon=True)
            self._thread.start()
        self._condition.notify()

    # --- on the thread ---

    def _work(self) -> None:
        db: sqlite3.Connection | None = None
        try:
            while (item := self._next()) is not None:
                job, future = item
                if db is None:
                    try:
                        db = self._opened()
                    except StoreError as error:
                        future.set_exception(error)
                        continue
                self._run(db, job, future)
        finally:
            if db is not None:
                db.close()

    def _opened(self) -> sqlite3.Connection:
        with told(self._access.path):
            return self._access.writer()

    def _run(self, db: sqlite3.Connection, job: Job[Any], future: Future[Any]) -> None:
        try:
            with told(self._access.path):
                result = job(db)
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the job
            future.set_exception(error)
        else:
            future.set_result(result)
        self._since_checkpoint += 1
        if self._since_checkpoint >= _JOBS_PER_CHECKPOINT:
            self._since_checkpoint = 0
            self._start_checkpoint()

    def _next(self) -> tuple[Job[Any], Future[Any]] | None:
        """The next job, when its time has come; None when the thread is to end."""
        with self._condition:
            while True:
                if self._jobs:
                    return self._jobs.popleft()
                now = time.monotonic()
                for rows, at in self._due.items():
                    if at <= now or self._closed:
                        del self._due[rows]
                        return rows.flush, Future()
                if self._closed:
                    return None
                times = list(self._due.values())
                if self._idle is not None:
                    if self._idle_at <= now:
                        return self._take_idle()
                    times.append(self._idle_at)
                self._condition.wait(max(0.0, min(times) - now) if times else None)

    def _take_idle(self) -> tuple[Job[Any], Future[Any]]:
        job, self._idle = self._idle, None

        def run(db: sqlite3.Connection) -> None:
            if job is not None and job(db):
                self.when_idle(job, after=0)

        return run, Future()

    def _start_checkpoint(self) -> None:
        """Copy the log into the file beside the work, so that no commit waits for it."""
        if self._checkpoint is not None and self._checkpoint.is_alive():
            return
        self._checkpoint = threading.Thread(target=self._copy_log, daemon=True)
        self._checkpoint.start()

    def _copy_log(self) -> None:
        # What can't be copied now stays in the log, which is as safe, and is copied another time.
        with suppress(sqlite3.Error):
            db = self._access.writer()
            try:
                db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            finally:
                db.close()
