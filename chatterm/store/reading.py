"""Reading: conversations, the tree of turns, and turns with their events."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from chatterm.errors import StoreError
from chatterm.events import Event, StepFinished, TurnFinished, TurnStarted, event_from_json
from chatterm.steps import NoticeStep, Status, Usage
from chatterm.store.database import pack, unpack
from chatterm.store.locks import is_alive
from chatterm.store.model import (
    Conversation,
    ConversationRow,
    Filter,
    RecordedTurn,
    ended,
    fold,
)

COLUMNS = "c.id, c.title, c.title_from, c.directory, c.origin, c.head, c.created_at, c.updated_at"
_LAST = "\U0010ffff"  # after everything that begins the same


def conversation_from(row: tuple[Any, ...]) -> Conversation:
    """The conversation of a row that begins with `COLUMNS`."""
    id_, title, title_from, directory, *rest = row[:8]
    where = None if directory is None else unpack(directory)
    return Conversation(id_, unpack(title), title_from, where, *rest)


def conditions(wanted: Filter, model: str) -> tuple[str, list[Any]]:
    """A filter as SQL, for conversations called `c`; `model` names the column of the model."""
    clauses: list[str] = []
    values: list[Any] = []

    def add(clause: str, *of: Any) -> None:
        clauses.append(clause)
        values.extend(of)

    if wanted.directory is not None:
        add("c.directory = ?", pack(wanted.directory))
    if wanted.origin is not None:
        add("c.origin = ?", wanted.origin)
    if wanted.since is not None:
        add("c.updated_at >= ?", wanted.since)
    if wanted.until is not None:
        add("c.updated_at < ?", wanted.until)
    if (name := wanted.model) is not None:
        split = f"instr({model}, '/')"
        parts = f"substr({model}, {split} + 1) = ? OR substr({model}, 1, {split} - 1) = ?"
        add(f"({model} = ? OR {parts})", *[pack(name)] * 3)
    return " AND ".join(clauses) or "1", values


def list_conversations(
    db: sqlite3.Connection, wanted: Filter, limit: int | None, offset: int
) -> list[ConversationRow]:
    """Conversations that a filter lets through, newest first."""
    where, values = conditions(wanted, "t.model")
    query = (
        f"SELECT {COLUMNS}, t.depth, t.model, t.total FROM conversation AS c"  # noqa: S608
        f" LEFT JOIN turn AS t ON t.id = c.head WHERE {where}"
        " ORDER BY c.updated_at DESC, c.key DESC LIMIT ? OFFSET ?"
    )
    found = db.execute(query, (*values, -1 if limit is None else limit, offset))
    return [_conversation_row(row) for row in found]


def _conversation_row(row: tuple[Any, ...]) -> ConversationRow:
    depth, model, total = row[8:]
    usage = usage_from(total)
    return ConversationRow(
        conversation_from(row), depth or 0, None if model is None else unpack(model), usage
    )


def usage_from(text: str | None) -> Usage:
    """The usage that a row holds as JSON; nothing where it is damaged."""
    try:
        values = json.loads(text) if text else {}
        if all(value is None or isinstance(value, int | float) for value in values.values()):
            return Usage.from_json(values)
    except (AttributeError, ValueError):
        pass
    return Usage()


def conversation(db: sqlite3.Connection, id_: str) -> Conversation:
    """The conversation with this very id.

    Raises:
        StoreError: There is none.
    """
    query = f"SELECT {COLUMNS} FROM conversation AS c WHERE c.id = ?"  # noqa: S608
    row = db.execute(query, (pack(id_),)).fetchone()
    if row is None:
        raise _no_conversation(id_)
    return conversation_from(row)


def find(db: sqlite3.Connection, prefix: str) -> Conversation:
    """The one conversation whose id is this, or begins with it.

    Raises:
        StoreError: There is none, or more than one.
    """
    if not isinstance(pack(prefix), str):
        raise _no_conversation(prefix)
    query = (
        f"SELECT {COLUMNS} FROM conversation AS c"  # noqa: S608
        " WHERE c.id >= ? AND c.id < ? ORDER BY c.id LIMIT 6"
    )
    rows = db.execute(query, (prefix, prefix + _LAST)).fetchall()
    found = [conversation_from(row) for row in rows]
    if len(found) == 1 or (found and found[0].id == prefix):
        return found[0]
    if not found:
        raise _no_conversation(prefix)
    names = ", ".join(ascii(each.id)[1:-1] for each in found[:5])
    more = " and more" if len(found) > 5 else ""
    message = f"several conversations begin with {prefix!a}: {names}{more}"
    raise StoreError(message, hint="give more of its id")


def _no_conversation(id_: str) -> StoreError:
    return StoreError(
        f"no conversation {id_!a}", hint="`chatterm history list` shows what there is"
    )


def path(db: sqlite3.Connection, id_: str) -> list[str]:
    """The turns from the root to a conversation's head."""
    turns = [turn for (turn,) in db.execute(_PATH, (conversation(db, id_).head,))]
    turns.reverse()
    return turns


_PATH = """
WITH RECURSIVE up (id, parent, level) AS (
    SELECT id, parent, 0 FROM turn WHERE id = ?
    UNION ALL SELECT turn.id, turn.parent, level + 1 FROM up JOIN turn ON turn.id = up.parent
) SELECT id FROM up ORDER BY level
"""


def tree(db: sqlite3.Connection, id_: str) -> list[tuple[str, str | None]]:
    """Every turn that a conversation reaches, with its parent; parents first."""
    found = dict(db.execute(_TREE, (conversation(db, id_).head, id_)).fetchall())
    placed: dict[str, str | None] = {}
    for turn in found:  # what isn't counted as a turn may be found before what it follows
        above = [turn]
        while (parent := found[above[-1]]) in found and parent not in placed:
            if parent is None or parent in above:
                break
            above.append(parent)
        placed |= {each: found[each] for each in reversed(above) if each not in placed}
    return list(placed.items())


_TREE = """
WITH RECURSIVE reached (id) AS (
    SELECT ?1 UNION SELECT id FROM turn WHERE home = ?2
    UNION SELECT turn.parent FROM reached JOIN turn ON turn.id = reached.id
) SELECT turn.id, turn.parent FROM reached JOIN turn ON turn.id = reached.id
  ORDER BY turn.depth, turn.key
"""


def turns_holding(db: sqlite3.Connection, provider: str, text: str) -> list[str]:
    """The turns with a provider in one of whose steps this stands as a string of its own."""
    asked = pack(f"{provider}/")
    rows = db.execute(_HOLDING, (asked, asked, json.dumps(text, ensure_ascii=False)))
    return [id_ for (id_,) in rows]


_HOLDING = """
SELECT turn.id FROM turn WHERE substr(turn.model, 1, length(?)) = ? AND EXISTS (
    SELECT 1 FROM event WHERE event.turn = turn.key AND event.type = 'step.finished'
    AND instr(event.data, ?)
) ORDER BY turn.at, turn.key
"""


def turns(db: sqlite3.Connection, directory: Path, ids: Iterable[str]) -> Iterator[RecordedTurn]:
    """Yield turns with their events, in the given order; ids that aren't known are passed over."""
    for id_ in ids:
        rows = _rows_of_turn(db, id_)
        if not rows:
            continue
        running = not rows[0][2] and is_alive(directory, id_)
        if not rows[0][2] and not running:
            rows = _rows_of_turn(db, id_)  # it may have ended before we looked whether it is alive
        if rows:
            yield _recorded(db, id_, rows, running=running)


def _rows_of_turn(db: sqlite3.Connection, id_: str) -> list[tuple[Any, ...]]:
    return db.execute(_TURN, (pack(id_),)).fetchall()


_TURN = """
SELECT turn.parent, turn.home, turn.finished, event.seq, event.data, event.blob
FROM turn LEFT JOIN event ON event.turn = turn.key WHERE turn.id = ? ORDER BY event.seq
"""


def _recorded(
    db: sqlite3.Connection, id_: str, rows: list[tuple[Any, ...]], *, running: bool
) -> RecordedTurn:
    parent, home, finished = rows[0][:3]
    events = events_from(db, id_, [row[3:] for row in rows if row[3] is not None])
    first = events[0] if events else None
    begun_in = first.conversation if isinstance(first, TurnStarted) else home
    folded = fold(events)
    if finished or not running:
        folded = ended(folded)
    return RecordedTurn(id_, parent, begun_in, folded, running)


def events_from(db: sqlite3.Connection, turn: str, rows: Iterable[tuple[Any, ...]]) -> list[Event]:
    """The events of a turn's rows (seq, data, blob). A notice stands for those that are damaged."""
    events: list[Event] = []
    damaged = 0
    for _, data, blob in rows:
        try:
            events.append(event_from(db, data, blob))
        except ValueError:
            damaged += 1
    if damaged:
        events.append(_damage_notice(turn, events))
        events.sort(key=lambda event: isinstance(event, TurnFinished))  # the end stays last
    return events


def event_from(db: sqlite3.Connection, data: str, blob: str | None) -> Event:
    """The event that a row holds.

    Raises:
        ValueError: It is damaged.
    """
    if not isinstance(data, str):
        raise ValueError("not text")  # noqa: TRY004 - of the data, not of the program
    fields = json.loads(data)
    if blob is not None:
        found = db.execute("SELECT data FROM blob WHERE sha256 = ?", (blob,)).fetchone()
        if found is None:
            raise ValueError("its content is missing")
        fields["step"]["content"] = found[0].decode("utf-8", "surrogatepass")
    try:
        return event_from_json(fields)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("not a whole event") from error


def _damage_notice(turn: str, events: Iterable[Event]) -> StepFinished:
    indices = [event.step.index for event in events if isinstance(event, StepFinished)]
    return StepFinished(
        NoticeStep(
            id=f"{turn}.damaged",
            index=max(indices, default=-1) + 1,
            round=0,
            status=Status.DONE,
            text="a part of this turn was damaged on the disk and is missing",
            reason="damaged",
        )
    )


def blob(db: sqlite3.Connection, digest: str) -> bytes:
    """The content with this digest.

    Raises:
        StoreError: It isn't kept here.
    """
    row = db.execute("SELECT data FROM blob WHERE sha256 = ?", (digest,)).fetchone()
    if row is None:
        raise StoreError(f"no content {digest!a} is kept")
    return bytes(row[0])
