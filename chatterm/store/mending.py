"""Joining what was recovered: every row finds what it belongs to, or is let go."""

from __future__ import annotations

import json
import sqlite3

from chatterm.assembly import Clock
from chatterm.events import Event, TurnStarted, event_from_json
from chatterm.steps import Usage, UserInput
from chatterm.store.database import pack, unpack
from chatterm.store.indexing import text_of
from chatterm.store.model import Conversation
from chatterm.store.rows import digests_in, insert_conversation, insert_event, recount, use_blobs

_TITLE_CHARS = 60


def mend(db: sqlite3.Connection) -> None:
    """Make the tables agree again; events whose turn is lost are let go.

    Runs in a transaction of its caller's.
    """
    _restore_turns(db)
    db.execute("DELETE FROM event WHERE turn NOT IN (SELECT key FROM turn)")
    _restore_beginnings(db)
    _restore_ends(db)
    _restore_conversations(db)
    _restore_heads(db)
    _restore_uses(db)
    _recount_all(db)


def _restore_turns(db: sqlite3.Connection) -> None:
    """Make lost turns anew from their first events."""
    none = json.dumps(Usage().to_json())
    for key, data in db.execute(_BEGINNINGS_WITHOUT_TURN).fetchall():
        started = _started(data)
        if started is None:
            continue
        row = (key, started.turn, started.parent, started.conversation, started.at)
        db.execute(
            "INSERT OR IGNORE INTO turn (key, id, parent, home, at, model, finished, usage, depth,"
            " total) VALUES (?, ?, ?, ?, ?, ?, 0, ?, 1, ?)",
            (*row, pack(started.model), none, none),
        )


_BEGINNINGS_WITHOUT_TURN = """
SELECT turn, data FROM event WHERE type = 'turn.started' AND turn NOT IN (SELECT key FROM turn)
"""


def _started(data: str) -> TurnStarted | None:
    event = _event(data)
    return event if isinstance(event, TurnStarted) else None


def _event(data: str) -> Event | None:
    try:
        return event_from_json(json.loads(data))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _restore_beginnings(db: sqlite3.Connection) -> None:
    """Give turns whose first event is lost one without the user's words."""
    for key, id_, parent, home, at, model in db.execute(_TURNS_WITHOUT_BEGINNING).fetchall():
        words = UserInput("(this message was lost)")
        started = TurnStarted(home, id_, parent, words, None, unpack(model), {}, at)
        db.execute("DELETE FROM event WHERE turn = ? AND seq = 0", (key,))
        insert_event(db, key, 0, started, None)


_TURNS_WITHOUT_BEGINNING = """
SELECT key, id, parent, home, at, model FROM turn
WHERE key NOT IN (SELECT turn FROM event WHERE type = 'turn.started')
"""


def _restore_ends(db: sqlite3.Connection) -> None:
    db.execute(
        "UPDATE turn SET finished = key IN (SELECT turn FROM event WHERE type = 'turn.finished')"
    )
    for key, data in db.execute("SELECT turn, data FROM event WHERE type = 'turn.finished'"):
        usage = json.loads(data).get("usage")
        if isinstance(usage, dict):
            db.execute("UPDATE turn SET usage = ? WHERE key = ?", (json.dumps(usage), key))


def _restore_conversations(db: sqlite3.Connection) -> None:
    """Make lost conversations anew, named after their first message."""
    lost = db.execute(
        "SELECT DISTINCT home FROM turn WHERE home NOT IN (SELECT id FROM conversation)"
    )
    for (id_,) in lost.fetchall():
        turns = db.execute(_OF_HOME, (id_,)).fetchall()
        first, last = turns[0], turns[-1]
        started = _started(first[2])
        title = " ".join(text_of(started).split())[:_TITLE_CHARS] if started else ""
        at = first[1] or Clock().timestamp()
        conversation = Conversation(
            id=id_,
            title=title or "(recovered)",
            title_from="first_message",
            directory=None,
            origin="app",
            head=last[0],
            created_at=at,
            updated_at=max(at, last[1]),
        )
        insert_conversation(db, conversation)


_OF_HOME = """
SELECT turn.id, turn.at, event.data FROM turn JOIN event ON event.turn = turn.key
WHERE turn.home = ? AND event.type = 'turn.started' ORDER BY turn.key
"""


def _restore_heads(db: sqlite3.Connection) -> None:
    """Where the last turn is lost, the last of the others takes its place."""
    db.execute(
        "UPDATE conversation SET head ="
        " (SELECT id FROM turn WHERE home = conversation.id ORDER BY key DESC LIMIT 1)"
        " WHERE head IS NOT NULL AND head NOT IN (SELECT id FROM turn)"
    )


def _restore_uses(db: sqlite3.Connection) -> None:
    for turn, data, blob in db.execute(_EVENTS_WITH_BLOBS).fetchall():
        event = _event(data)
        use_blobs(db, turn, [*([blob] if blob else []), *(digests_in(event) if event else [])])


_EVENTS_WITH_BLOBS = """
SELECT turn, data, blob FROM event WHERE blob IS NOT NULL OR type = 'turn.started'
OR (type = 'step.finished' AND instr(data, 'tool_result'))
"""


def _recount_all(db: sqlite3.Connection) -> None:
    roots = db.execute(
        "SELECT key FROM turn WHERE parent IS NULL OR parent NOT IN (SELECT id FROM turn)"
    )
    for (key,) in roots.fetchall():
        recount(db, key)
