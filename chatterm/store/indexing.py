"""The index of words, which follows the log and can be made anew from it.

A recorded step is noted in `to_index` in the same transaction; its words are put into the index
when nothing else is to be done, or when somebody searches. So no commit waits for the index, and a
process that dies leaves it late but never wrong.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import suppress

from chatterm.events import Event, StepFinished, TurnStarted
from chatterm.steps import (
    NoticeStep,
    RefusalStep,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
)
from chatterm.store.database import Access, index_damage
from chatterm.store.migrations import create_index
from chatterm.store.reading import event_from

# Of a longer text only the beginning is searched.
_MOST_CHARS = 256 * 1024
# So many events are indexed in one transaction, and hold up other writers for some milliseconds.
_BATCH = 200

# (Compiled at their first use, which most runs of `ask` never come to.)
# Scripts that don't put spaces between words: there every character counts as a word.
_UNSPACED = "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])"
_NOT_FOR_SQLITE = "[\0\ud800-\udfff]"


def index_some(db: sqlite3.Connection, access: Access) -> bool:
    """Index a batch of what waits. Says whether more of it does."""
    if db.execute("SELECT 1 FROM to_index LIMIT 1").fetchone() is None:
        return False
    try:
        with access.transaction(db, durable=False):
            waiting = db.execute(_WAITING, (_BATCH,)).fetchall()
            for key, data, blob in waiting:
                if data is not None:
                    row = (key, words_of(db, data, blob))
                    db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", row)
            done = [(row[0],) for row in waiting]
            db.executemany("DELETE FROM to_index WHERE event = ?", done)
    except (sqlite3.DatabaseError, MemoryError) as error:
        if not is_index_error(error):
            raise
        rebuild(db, access)
    return True


_WAITING = """
SELECT to_index.event, event.data, event.blob
FROM to_index LEFT JOIN event ON event.key = to_index.event LIMIT ?
"""


def is_index_error(error: BaseException | None) -> bool:
    """Whether it is the index, and not the log, that is damaged or missing.

    A damaged index may also say that something in it is some gigabytes long: SQLite then asks for
    that much memory, and tells that it got none.
    """
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, sqlite3.Error) and (index_damage(error) or _tells_of_index(error))


def _tells_of_index(error: sqlite3.Error) -> bool:
    return any(
        word in str(error) for word in ("no such table: words", "vtable constructor", "words_")
    )


def rebuild(db: sqlite3.Connection, access: Access) -> None:
    """Throw the index away and note all there is for indexing."""
    with access.transaction(db, durable=False):
        try:
            db.execute("DROP TABLE IF EXISTS words")
        except (sqlite3.DatabaseError, MemoryError):
            _tear_out(db)
        create_index(db)
        db.execute("DELETE FROM to_index")
        db.execute(
            "INSERT INTO to_index SELECT key FROM event"
            " WHERE type IN ('turn.started', 'step.finished')"
        )


def _tear_out(db: sqlite3.Connection) -> None:
    """Remove an index that is too damaged to be dropped."""
    for part in ("data", "idx", "content", "docsize", "config"):
        with suppress(sqlite3.DatabaseError):
            db.execute(f"DROP TABLE IF EXISTS words_{part}")
    db.execute("PRAGMA writable_schema=ON")
    try:
        db.execute("DELETE FROM sqlite_master WHERE name = 'words'")
    finally:
        db.execute("PRAGMA writable_schema=RESET")


def unindex(db: sqlite3.Connection, turn: int) -> None:
    """Take a turn's words out of the index; before its events are removed."""
    rows = db.execute(_INDEXED, (turn,)).fetchall()
    for key, data, blob, waits in rows:
        if waits is None:
            row = (key, words_of(db, data, blob))
            db.execute("INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", row)
    db.executemany("DELETE FROM to_index WHERE event = ?", [(row[0],) for row in rows])


_INDEXED = """
SELECT event.key, event.data, event.blob, to_index.event
FROM event LEFT JOIN to_index ON to_index.event = event.key
WHERE event.turn = ? AND event.type IN ('turn.started', 'step.finished')
"""


def words_of(db: sqlite3.Connection, data: str, blob: str | None) -> str:
    """What is indexed of a row.

    The same row always has to give the same words, or they can't be taken out of the index again:
    a change here takes a migration that rebuilds the index.
    """
    try:
        return searchable(text_of(event_from(db, data, blob)))
    except ValueError:
        return ""


def searchable(text: str) -> str:
    """A text as it is indexed, and as the words that are searched for are."""
    text = text[:_MOST_CHARS]
    if text.isascii():
        return text.replace("\0", " ")
    return re.sub(_UNSPACED, r" \1 ", re.sub(_NOT_FOR_SQLITE, " ", text))


def text_of(event: Event) -> str:
    """The words of an event, for people who search for them."""
    match event:
        case TurnStarted():
            return "\n".join([event.input.text, *(a.name for a in event.input.attachments)])
        case StepFinished(step):
            return _text_of_step(step)
        case _:
            return ""


def _text_of_step(step: Step) -> str:
    match step:
        case TextStep():
            sources = [f"{source.title} {source.url}" for source in step.citations]
            return "\n".join([step.text, *sources])
        case NoticeStep():
            return "\n".join(filter(None, (step.text, step.summary)))
        case ThinkingStep() | RefusalStep():
            return step.text
        case ToolCallStep():
            return f"{step.name}\n{step.arguments}"
        case ToolResultStep():
            return step.content
        case _:
            return ""
