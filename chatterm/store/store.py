"""The store's face: what the rest of the program may ask of it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from chatterm.errors import StoreError
from chatterm.events import TurnStarted
from chatterm.steps import Attachment
from chatterm.store import changing, maintenance, reading
from chatterm.store.beginning import Beginning, begin_turn
from chatterm.store.database import forgiving, is_spoilt_text, note_damage, told
from chatterm.store.deletion import delete, expired, truncate_log
from chatterm.store.indexing import index_some, is_index_error, rebuild
from chatterm.store.locks import TurnLock
from chatterm.store.log import Pace, TurnLog
from chatterm.store.model import (
    Conversation,
    ConversationRow,
    Filter,
    Hit,
    ImportResult,
    RecordedTurn,
)
from chatterm.store.opening import Opened, open_file
from chatterm.store.repair import repair
from chatterm.store.rows import put_blob
from chatterm.store.writer import Writer

T = TypeVar("T")
_ANY = Filter()
_list = list  # `Store.list` hides it


# What few commands use is imported where it is used: `ask` waits for what stands above.


_MOST_IDLE = 2
"""How many connections are kept for the next to read: each has a cache and open files."""


class Store:
    """Conversations on the disk. Several processes, and several threads, may use one store.

    What reads sees everything that was recorded and written before; what changes something is on
    the disk when it returns. Every method raises a StoreError when the store can't be used.

    Attributes:
        file: The database.
        warnings: What was found when it was opened, a sentence each; the program can go on.
    """

    def __init__(self, opened: Opened, pace: Pace) -> None:
        self.file = opened.access.path
        self.warnings = opened.warnings
        self._opened = opened
        self._access = opened.access
        self._pace = pace
        self._writer = Writer(opened.access)
        self._readers: _list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    @classmethod
    def open(
        cls, directory: Path, *, persist_interval_ms: int = 200, persist_min_chars: int = 1024
    ) -> Self:
        """Open the store in a directory; create it, or mend it, when need be.

        Args:
            directory: Where it is.
            persist_interval_ms: What streams in is written at least this often …
            persist_min_chars: … or after this many characters.

        Raises:
            StoreError: It can't be used at all, as when a newer chatterm wrote it.
        """
        return cls(open_file(directory), Pace(persist_interval_ms / 1000, persist_min_chars))

    def close(self) -> None:
        """Write what waits and close the files. A second time does nothing."""
        self._writer.close()
        with self._lock:
            self._closed = True
            readers, self._readers = self._readers, []
        for db in readers:
            db.close()
        if self._opened.lock is not None:
            self._opened.lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- turns as they run ---

    async def begin(
        self,
        started: TurnStarted,
        *,
        directory: str | None,
        origin: str,
        title: str,
        attachments: Iterable[Attachment] = (),
    ) -> TurnLog:
        """Begin a turn; it is on the disk when this returns.

        The conversation is created with its first turn. Its head moves to the turn when it still is
        the turn's parent; else the turn is a branch, and the log says so.

        Args:
            started: The turn's first event.
            directory: The directory a new conversation belongs to.
            origin: What begins a new conversation: `app`, `ask` or `demo`.
            title: What a new conversation is called.
            attachments: Those of the input, with their content.

        Raises:
            TurnKnown: The turn was run before and has its end; one whose process died gets it now.
            StoreError: It can't be written, or another process is at work on the same turn.
        """
        beginning = Beginning(started, directory, origin, title, tuple(attachments))
        held: _list[TurnLock] = []
        base = self.file.parent
        place = await self._writer.run_async(
            lambda db: begin_turn(db, self._access, base, beginning, held)
        )
        lock = held[0] if held else None
        return TurnLog(place, lock, self._writer, self._access, self._pace)

    # --- reading ---

    def find(self, id_or_prefix: str) -> Conversation:
        """The one conversation whose id is this, or begins with it.

        Raises:
            StoreError: There is none, or more than one; the message names up to five.
        """
        return self._read(lambda db: reading.find(db, id_or_prefix))

    def newest(
        self, *, directory: str | None = None, origin: str | None = None
    ) -> Conversation | None:
        """The conversation that went on last, of a directory or of an origin where given."""
        rows = self.list(Filter(directory=directory, origin=origin), limit=1)
        return rows[0].conversation if rows else None

    def list(
        self,
        filter: Filter = _ANY,  # noqa: A002
        *,
        limit: int | None = None,
        offset: int = 0,
    ) -> _list[ConversationRow]:
        """Conversations, those that went on last first."""
        return self._read(lambda db: reading.list_conversations(db, filter, limit, offset))

    def path(self, conversation_id: str) -> _list[str]:
        """The turns of a conversation, from the first to its head."""
        return self._read(lambda db: reading.path(db, conversation_id))

    def turns(self, turn_ids: Iterable[str]) -> _list[RecordedTurn]:
        """These turns, in this order; ids that aren't known are passed over.

        Costs what the turns hold: `turns(path[-20:])` loads the end of a conversation.
        """
        base = self.file.parent
        return self._read(lambda db: [*reading.turns(db, base, turn_ids)])

    def turns_holding(self, provider: str, text: str) -> _list[str]:
        """The turns with a provider that hold a string among what their steps tell; oldest first.

        Looks through all that the provider ever answered.
        """
        return self._read(lambda db: reading.turns_holding(db, provider, text))

    def tree(self, conversation_id: str) -> _list[tuple[str, str | None]]:
        """Every turn with its parent: those on the path, branches begun here, what they follow.

        Parents come before their children.
        """
        return self._read(lambda db: reading.tree(db, conversation_id))

    def blob(self, sha256: str) -> bytes:
        """Content by its digest.

        Raises:
            StoreError: It isn't kept here.
        """
        return self._read(lambda db: reading.blob(db, sha256))

    def put_blob(self, data: bytes) -> str:
        """Keep content and return its digest. Content that nothing refers to is kept for a day."""
        return self._change(lambda db: put_blob(db, data))

    def search(
        self,
        words: str,
        *,
        limit: int = 50,
        filter: Filter = _ANY,  # noqa: A002
        unfinished: bool = False,
    ) -> _list[Hit]:
        """The places where all of these words stand, those recorded last first.

        Anything may be asked for; what has no letter and no digit is passed over.

        Args:
            words: The words.
            limit: How many places, at most.
            filter: In which conversations.
            unfinished: The last word may be only the beginning of one, as while it is typed.
        """
        from chatterm.store.search import search

        query = partial(search, words=words, limit=limit, wanted=filter, unfinished=unfinished)
        if self._access.read_only:
            return self._read(query)
        self._index()
        try:
            return self._read(query)
        except (StoreError, MemoryError) as error:
            if not is_index_error(error.__cause__ if isinstance(error, StoreError) else error):
                raise
        self.reindex()
        return self._read(query)

    # --- changing ---

    def repair(self, conversation_id: str) -> _list[str]:
        """Give the turns whose process died their ends, and return their ids.

        Open steps become interrupted, calls that ran here and have no result get one that says that
        it is unknown, and the turn ends as interrupted. Running turns aren't touched.
        """
        base = self.file.parent
        return self._writer.run(lambda db: repair(db, self._access, base, conversation_id))

    def fork(self, conversation_id: str, *, at: str | None = None) -> Conversation:
        """Begin a conversation that shares another's turns up to the one, or the step, `at`.

        Raises:
            StoreError: There is no such turn or step.
        """
        return self._change(lambda db: changing.fork(db, conversation_id, at))

    def set_head(self, conversation_id: str, turn_id: str | None) -> None:
        """Have a conversation go on after another turn, or with None from the beginning."""
        self._change(lambda db: changing.set_head(db, conversation_id, turn_id))

    def set_title(
        self, conversation_id: str, title: str, title_from: str, *, instead_of: str | None = None
    ) -> bool:
        """Call a conversation something else. Its place in the list stays.

        Args:
            conversation_id: Which.
            title: Its new title.
            title_from: Who calls it that: `first_message`, `model` or `user`.
            instead_of: Only when the title it has is from there.

        Returns:
            Whether it was done.
        """
        return self._change(
            lambda db: changing.set_title(db, conversation_id, title, title_from, instead_of)
        )

    def delete(self, conversation_id: str) -> None:
        """Remove a conversation, and all that only it reaches, from the disk.

        Raises:
            StoreError: There is none, or a turn of it is running.
        """
        base = self.file.parent
        self._writer.run(lambda db: delete(db, self._access, base, conversation_id))

    def expire(self, days: int) -> int:
        """Remove conversations that haven't gone on for so many days, the oldest first.

        Those with a running turn stay. Only a few are removed at once, so that nobody waits for it;
        the rest goes the next time.

        Returns:
            How many were removed.
        """
        base = self.file.parent
        removed = 0
        for id_ in self._read(lambda db: expired(db, days)):
            with suppress(StoreError):  # it goes on just now, or is gone already
                self._writer.run(partial(delete, access=self._access, directory=base, id_=id_))
                removed += 1
        return removed

    def merge(
        self,
        conversation: Conversation,
        turns: Iterable[RecordedTurn],
        blobs: Mapping[str, bytes],
    ) -> ImportResult:
        """Take in a conversation from elsewhere, by its ids; what is known isn't changed.

        A conversation that is known keeps its title and head unless the imported one is newer and
        went on from there.
        """
        from chatterm.store.merging import Import, merge

        imported = Import(conversation, tuple(turns), blobs)
        result = self._change(lambda db: merge(db, imported))
        self._index()
        return result

    # --- health ---

    def check(self) -> _list[str]:
        """What is wrong, a sentence each; none is well. Damage is mended at the next opening."""
        with told(self.file), self._reader() as db:
            if problems := maintenance.damage(db):
                note_damage(self.file)
                return problems
            problems = [*maintenance.inconsistencies(db)]
        if not self._access.read_only:
            problems += self._writer.run(lambda db: maintenance.check_index(db, self._access))
        return problems

    def backup(self, path: Path) -> None:
        """Write a whole copy of the store to a file, which only the user can read."""
        self._read(lambda db: maintenance.backup(db, path))

    def compact(self) -> tuple[int, int]:
        """Make the store as small as it can be; the bytes it took and takes."""
        self._writer.run(truncate_log)
        before = maintenance.size_of(self.file)
        self._writer.run(lambda db: maintenance.compact(db, self._access))
        return before, maintenance.size_of(self.file)

    def reindex(self) -> None:
        """Make the index of words anew."""
        self._writer.run(lambda db: rebuild(db, self._access))
        self._index()

    # --- how it is done ---

    def _change(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job on the writer's thread, in a durable transaction."""

        def run(db: sqlite3.Connection) -> T:
            with self._access.transaction(db, durable=True):
                return job(db)

        return self._writer.run(run)

    def _index(self) -> None:
        """Index all that waits, a batch a job, so that turns that run are written in between."""
        while self._writer.run(lambda db: index_some(db, self._access)):
            pass

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        with told(self.file):
            try:
                with self._reader() as db:
                    return query(db)
            except sqlite3.OperationalError as error:
                if not is_spoilt_text(error):
                    raise
            with self._reader() as db:
                db.text_factory = forgiving
                return query(db)

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading that nobody else uses meanwhile."""
        with self._lock:
            if self._closed:
                raise StoreError("the store is closed")
            db = self._readers.pop() if self._readers else None
        if db is None:
            db = self._access.reader()
        try:
            yield db
        except BaseException:
            db.close()  # whatever state it is in
            raise
        with self._lock:
            if not self._closed and len(self._readers) < _MOST_IDLE:
                self._readers.append(db)
                return
        db.close()
