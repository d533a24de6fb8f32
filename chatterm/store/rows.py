"""Writing rows: turns, their events, what they use, and the sums over the tree.

Every function here runs inside a transaction of its caller's.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from chatterm.assembly import Clock
from chatterm.errors import StoreError
from chatterm.events import (
    Event,
    StepFinished,
    TurnFinished,
    TurnStarted,
    event_to_json,
    to_json_line,
)
from chatterm.steps import Attachment, ToolResultStep, Usage
from chatterm.store.database import pack
from chatterm.store.model import Conversation
from chatterm.store.reading import usage_from

# A tool's content beyond this many characters is kept apart, so that a turn's rows stay small.
LARGE_CONTENT = 256 * 1024
_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def insert_conversation(db: sqlite3.Connection, conversation: Conversation) -> None:
    """Add a conversation."""
    db.execute(
        "INSERT INTO conversation (id, title, title_from, directory, origin, head, created_at,"
        " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            conversation.id,
            pack(conversation.title),
            conversation.title_from,
            pack(conversation.directory),
            conversation.origin,
            conversation.head,
            conversation.created_at,
            conversation.updated_at,
        ),
    )


def insert_turn(db: sqlite3.Connection, started: TurnStarted, home: str) -> int:
    """Add a turn with its first event; the key it got."""
    check_id(started.turn)
    none = json.dumps(Usage().to_json())
    row = (started.turn, started.parent, home, started.at, pack(started.model), none, none)
    cursor = db.execute(
        "INSERT INTO turn (id, parent, home, at, model, finished, usage, depth, total)"
        " VALUES (?, ?, ?, ?, ?, 0, ?, 1, ?)",
        row,
    )
    key = int(cursor.lastrowid or 0)
    insert_event(db, key, 0, started, None)
    recount(db, key)
    return key


def insert_event(
    db: sqlite3.Connection, turn: int, seq: int, event: Event, step: str | None
) -> None:
    """Add an event to a turn, and its words to those that wait to be indexed."""
    event, blob = _without_large_content(db, turn, event)
    data = to_json_line(event_to_json(event)).decode()
    cursor = db.execute(
        "INSERT INTO event (turn, seq, type, step, data, blob) VALUES (?, ?, ?, ?, ?, ?)",
        (turn, seq, event.type, pack(step), data, blob),
    )
    if isinstance(event, StepFinished | TurnStarted):
        db.execute("INSERT OR REPLACE INTO to_index VALUES (?)", (cursor.lastrowid,))
    use_blobs(db, turn, digests_in(event))


def finish_turn(db: sqlite3.Connection, turn: int, finished: TurnFinished) -> None:
    """Note that a turn has its end, and count its usage."""
    usage = json.dumps(finished.usage.to_json())
    db.execute("UPDATE turn SET finished = 1, usage = ? WHERE key = ?", (usage, turn))
    recount(db, turn)


def recount(db: sqlite3.Connection, turn: int) -> None:
    """Sum up over the path to a turn, and to every turn after it.

    What was done to the conversation (a summary, its undoing) is no turn that counts.
    """
    waiting = [turn]
    while waiting:
        key = waiting.pop()
        id_, usage, depth, total, first = db.execute(
            "SELECT turn.id, turn.usage, before.depth, before.total, event.data FROM turn"
            " LEFT JOIN turn AS before ON before.id = turn.parent"
            " LEFT JOIN event ON event.turn = turn.key AND event.seq = 0 WHERE turn.key = ?",
            (key,),
        ).fetchone()
        if total is not None:
            both = usage_from(usage) + usage_from(total)
            usage = json.dumps(both.to_json())
        row = ((depth or 0) + (0 if _is_act(first) else 1), usage, key)
        db.execute("UPDATE turn SET depth = ?, total = ? WHERE key = ?", row)
        waiting += [child for (child,) in db.execute(_CHILDREN, (id_,))]


def _is_act(started: str | None) -> bool:
    """Whether a turn's first event says that it is something done to the conversation."""
    if not started or '"act"' not in started:  # most say nothing of the kind: none is parsed
        return False
    try:
        settings = json.loads(started).get("settings")
    except (ValueError, AttributeError):
        return False
    return isinstance(settings, dict) and settings.get("act") is True


_CHILDREN = "SELECT key FROM turn WHERE parent = ?"


def put_blob(db: sqlite3.Connection, data: bytes) -> str:
    """Keep content under its digest; content that is kept already isn't kept twice."""
    digest = hashlib.sha256(data).hexdigest()
    if db.execute("SELECT 1 FROM blob WHERE sha256 = ?", (digest,)).fetchone() is None:
        db.execute(
            "INSERT INTO blob (sha256, added_at, data) VALUES (?, ?, ?)",
            (digest, Clock().timestamp(), data),
        )
    return digest


def put_attachments(db: sqlite3.Connection, attachments: Iterable[Attachment]) -> None:
    """Keep the content of attachments that have it at hand.

    Raises:
        StoreError: The content isn't what its digest says.
    """
    for attachment in attachments:
        if attachment.data is not None and put_blob(db, attachment.data) != attachment.sha256:
            raise StoreError(f"the content of {attachment.name!a} isn't what its digest says")


def use_blobs(db: sqlite3.Connection, turn: int, digests: Iterable[str]) -> None:
    """Note that a turn uses contents, so that they are kept as long as it is."""
    rows = [(turn, digest) for digest in digests]
    db.executemany("INSERT OR IGNORE INTO blob_use VALUES (?, ?)", rows)


def check_id(id_: str) -> None:
    """Refuse an id that isn't text, as one from a file may be.

    Raises:
        StoreError: It can't be kept.
    """
    if not isinstance(pack(id_), str) or not id_:
        raise StoreError(f"{id_!a} can't be an id")


def digests_in(event: Event) -> list[str]:
    """The digests of contents that an event names.

    They are what the user attached, what a tool gave (its whole output, its pictures), and what the
    files it changed held before.
    """
    if isinstance(event, TurnStarted):
        return [attachment.sha256 for attachment in event.input.attachments]
    if not isinstance(event, StepFinished) or not isinstance(event.step, ToolResultStep):
        return []
    step = event.step
    named = [attachment.sha256 for attachment in step.attachments or ()]
    named += [edit.before for edit in step.edits or () if edit.before is not None]
    return named + _DIGEST.findall(step.full_output or "")


def _without_large_content(
    db: sqlite3.Connection, turn: int, event: Event
) -> tuple[Event, str | None]:
    if not isinstance(event, StepFinished) or not isinstance(event.step, ToolResultStep):
        return event, None
    content = event.step.content
    if len(content) <= LARGE_CONTENT:
        return event, None
    digest = put_blob(db, content.encode("utf-8", "surrogatepass"))
    use_blobs(db, turn, [digest])
    return StepFinished(replace(event.step, content="")), digest
