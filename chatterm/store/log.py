"""One running turn on its way into the store."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from chatterm.assembly import Clock
from chatterm.errors import StoreError
from chatterm.events import Event, TurnFinished, TurnStarted
from chatterm.store.database import Access, told
from chatterm.store.indexing import index_some
from chatterm.store.locks import TurnLock
from chatterm.store.pending import Batch, PendingRows, is_durable
from chatterm.store.rows import finish_turn, insert_event
from chatterm.store.writer import Writer


class Pace(NamedTuple):
    """How long what comes in may wait before it is written.

    Attributes:
        interval: In seconds.
        chars: Or until this many characters wait.
    """

    interval: float = 0.2
    chars: int = 1024


class Place(NamedTuple):
    """Where a turn is written.

    Attributes:
        turn: The turn's id.
        key: Its key in the database.
        branched: Another turn follows its parent in the conversation already.
    """

    turn: str
    key: int
    branched: bool


class TurnLog:
    """Records the events of one turn.

    Attributes:
        branched: Another process went on with the conversation meanwhile: the turn is a branch
            beside what that process wrote, and the conversation's head was left alone.
    """

    def __init__(
        self, place: Place, lock: TurnLock | None, writer: Writer, access: Access, pace: Pace
    ) -> None:
        self.branched = place.branched
        self._place = place
        self._lock = lock
        self._writer = writer
        self._access = access
        self._pace = pace
        self._pending = PendingRows(seq=1)
        self._error: StoreError | None = None
        self._told = False
        self._closed = False

    async def record(self, event: Event) -> None:
        """Record an event.

        What something acts on (permissions, calls that run here, results, the turn's end) is on
        the disk when this returns. All else is taken and written soon; an error in that is raised
        by the next call. After an error nothing is dropped: the next call tries again.

        Raises:
            StoreError: It, or what was taken before it, couldn't be written.
        """
        if isinstance(event, TurnStarted):
            raise TypeError("a turn is begun once, by Store.begin")
        self._pending.add(event)
        try:
            await self._record(event)
        except StoreError:
            self._told = True
            raise

    def close(self) -> None:
        """Write what waits and let go of the turn. A second time does nothing.

        Raises:
            StoreError: What waits can't be written, and no call has said so before.
        """
        if self._closed:
            return
        self._closed = True
        try:
            # Even with nothing left to write: what is being written has to come before the release.
            self._writer.run(lambda db: self._write(db, durable=False))
        except StoreError:
            if self._pending and not self._told:
                raise
        finally:
            if self._lock is not None:
                self._lock.release()

    def flush(self, db: sqlite3.Connection) -> None:
        """Write what waits; called on the writer's thread. Errors are kept for `record`."""
        try:
            with told(self._access.path):
                self._write(db, durable=False)
        except StoreError as error:
            self._error = error

    async def _record(self, event: Event) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if is_durable(event):
            await self._writer.run_async(lambda db: self._write(db, durable=True))
        else:
            full = self._pending.chars >= self._pace.chars
            self._writer.flush_within(self, 0 if full else self._pace.interval)

    def _write(self, db: sqlite3.Connection, *, durable: bool) -> None:
        batch = self._pending.take()
        if not batch:
            return
        try:
            with self._access.transaction(db, durable=durable):
                self._write_rows(db, batch)
        except BaseException:
            self._pending.give_back(batch)
            raise
        if self._lock is not None:
            self._lock.note()
        if batch.rows and isinstance(batch.rows[-1].event, TurnFinished):
            self._writer.when_idle(lambda db: index_some(db, self._access))

    def _write_rows(self, db: sqlite3.Connection, batch: Batch) -> None:
        key = self._place.key
        self._check(db)
        for row in batch.rows:
            insert_event(db, key, row.seq, row.whole(), row.step)
        for seq in batch.removed:
            db.execute("DELETE FROM event WHERE turn = ? AND seq = ?", (key, seq))
        for row in batch.rows:
            if isinstance(row.event, TurnFinished):
                finish_turn(db, key, row.event)
                db.execute(_WENT_ON, (Clock().timestamp(), self._place.turn))

    def _check(self, db: sqlite3.Connection) -> None:
        """Refuse to write to a turn that isn't ours any more.

        Raises:
            StoreError: It was deleted, or ended by another process.
        """
        row = (self._place.key, self._place.turn)
        found = db.execute("SELECT finished FROM turn WHERE key = ? AND id = ?", row).fetchone()
        if found is None:
            raise StoreError("the conversation was deleted while its turn was running")
        if found[0]:
            raise StoreError("the turn was ended by another process")


_WENT_ON = "UPDATE conversation SET updated_at = max(updated_at, ?) WHERE head = ?"
