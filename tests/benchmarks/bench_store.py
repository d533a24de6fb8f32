"""The store at size: what is shown costs what is shown, not what is stored.

In full: 10,000 conversations with 1,000,000 steps, beside a store a tenth as large; with `quick` a
tenth of both. Both hold a conversation of 10,000 steps. Baselines are bare SQLite queries of the
same rows; growth laws compare the same request to both stores.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from chatterm.events import StepFinished, TurnFinished, TurnStarted
from chatterm.steps import (
    FinishReason,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
    Usage,
    UserInput,
)
from chatterm.store import Conversation, Store
from chatterm.store.rows import finish_turn, insert_conversation, insert_event, insert_turn
from harness import Row, in_turn

LONG = "long"
_STEPS, _TURNS = 10, 10  # of a turn, of a conversation
_LONG_TURNS = 1000
_SHOWN = 20
_NEEDLES = 20
_SENTENCE = "the parser reads a line of the stream and keeps what is left for the next one"
_USAGE = Usage(input=1200, output=300)
_REPEATS = 20


def run(*, quick: bool) -> list[Row]:
    """The rows; `quick` takes a tenth of the sizes."""
    most = 1_000 if quick else 10_000
    with tempfile.TemporaryDirectory(prefix="chatterm-bench-") as base:
        small, large = Path(base, "small"), Path(base, "large")
        fill(small, most // 10)
        fill(large, most)
        with Store.open(small) as one, Store.open(large) as ten:
            return [*_against_sqlite(ten, most), *_growth(one, ten)]


def fill(directory: Path, conversations: int) -> None:
    """Make a store of so many conversations of 100 steps, and one of 10,000; the same each time."""
    with Store.open(directory) as store:
        with closing(store._access.writer()) as db:
            db.execute("PRAGMA synchronous=OFF")
            db.execute("BEGIN IMMEDIATE")
            for number in range(conversations):
                needle = "needle" if number < _NEEDLES else ""
                _conversation(db, f"c{number}", _TURNS, number, needle)
            _conversation(db, LONG, _LONG_TURNS, conversations, "")
            db.execute("COMMIT")
        store._index()
        store.compact()


def fill_one(directory: Path, id_: str, turns: int) -> None:
    """Make a store of one conversation of so many turns."""
    with Store.open(directory) as store:
        with closing(store._access.writer()) as db:
            db.execute("BEGIN IMMEDIATE")
            _conversation(db, id_, turns, 0, "")
            db.execute("COMMIT")
        store._index()


def _conversation(db: sqlite3.Connection, id_: str, turns: int, at: int, needle: str) -> None:
    moment = f"2026-01-01T00:00:00.{at:07d}Z"
    head = f"{id_}-{turns - 1}"
    title = f"Conversation {id_}"
    insert_conversation(
        db, Conversation(id_, title, "first_message", "/work", "app", head, moment, moment)
    )
    parent = None
    for number in range(turns):
        turn = f"{id_}-{number}"
        asked = UserInput(f"question {number} {needle if number == 0 else ''}")
        key = insert_turn(db, TurnStarted(id_, turn, parent, asked, None, "p/m", {}, moment), id_)
        for step in _steps(turn, moment):
            insert_event(db, key, step.index + 1, StepFinished(step), step.id)
        end = TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP, "stop", _USAGE)
        insert_event(db, key, _STEPS + 1, end, None)
        finish_turn(db, key, end)
        parent = turn


def _steps(turn: str, at: str) -> Iterator[Step]:
    for index in range(_STEPS):
        text = f"{_SENTENCE} {index}"
        common = {
            "id": f"{turn}.{index}",
            "index": index,
            "round": index // 4,
            "status": Status.DONE,
            "started_at": at,
            "duration_ms": 10,
        }
        call = {"call_id": f"call{index // 4}", "name": "search"}
        match index % 4:
            case 0:
                yield ThinkingStep(**common, text=text)
            case 1:
                yield ToolCallStep(**common, **call, arguments='{"pattern":"x"}')
            case 2:
                yield ToolResultStep(**common, **call, content=text)
            case _:
                yield TextStep(**common, text=text * 3)


# --- measuring ---


def _against_sqlite(store: Store, most: int) -> list[Row]:
    with closing(sqlite3.connect(store.file)) as db:
        keys = [
            db.execute("SELECT key FROM turn WHERE id = ?", (turn,)).fetchone()[0]
            for turn in store.path(LONG)[-_SHOWN:]
        ]
        marks = ",".join("?" * len(keys))
        bare_list = lambda: db.execute(  # noqa: E731 - one of three alike
            "SELECT c.*, t.depth, t.model, t.total FROM conversation AS c LEFT JOIN turn AS t"
            " ON t.id = c.head ORDER BY c.updated_at DESC LIMIT ?",
            (_SHOWN,),
        ).fetchall()
        bare_search = lambda: db.execute(  # noqa: E731
            "SELECT c.*, t.id, e.data FROM words CROSS JOIN event AS e ON e.key = words.rowid"
            " CROSS JOIN turn AS t ON t.key = e.turn CROSS JOIN conversation AS c ON c.id = t.home"
            " WHERE words MATCH '\"needle\"' ORDER BY words.rowid DESC LIMIT 50"
        ).fetchall()
        bare_tail = lambda: [  # noqa: E731
            json.loads(data)
            for (data,) in db.execute(
                f"SELECT data FROM event WHERE turn IN ({marks}) ORDER BY turn, seq", keys
            )
        ]
        assert len(bare_search()) == len(store.search("needle")) == _NEEDLES
        what = f"{most:,} conversations"
        return [
            _row(f"list {_SHOWN} of {what}", lambda: store.list(limit=_SHOWN), bare_list, 8.0),
            _row(f"search in {what}", lambda: store.search("needle"), bare_search, 12.0),
            _row("the end of 10,000 steps", lambda: _tail(store), bare_tail, 8.0),
        ]


def _growth(small: Store, large: Store) -> list[Row]:
    rows = [
        _row(f"{name}, at ten times the size", ours(large), ours(small), 1.5, law=True)
        for name, ours in (
            ("list", lambda store: lambda: store.list(limit=_SHOWN)),
            ("search", lambda store: lambda: store.search("needle")),
            ("search a common word", lambda store: lambda: store.search("parser", limit=50)),
            ("the end of 10,000 steps", lambda store: lambda: _tail(store)),
        )
    ]
    numbers = iter(range(1_000_000))
    append = lambda store: lambda: asyncio.run(_append(store, next(numbers)))  # noqa: E731
    appends = _row(
        "append a turn, at ten times the size",
        append(large),
        append(small),
        1.5,
        law=True,
        repeats=2,
    )
    return [*rows, appends]


def _tail(store: Store) -> int:
    """What resuming shows first: the path, and the turns at its end."""
    return len(store.turns(store.path(LONG)[-_SHOWN:]))


async def _append(store: Store, number: int) -> None:
    turn = f"new{number}"
    started = TurnStarted(turn, turn, None, UserInput("hello"), None, "p/m", {}, "2027Z")
    log = await store.begin(started, directory="/work", origin="app", title="hello")
    for step in _steps(turn, "2027Z"):
        await log.record(StepFinished(step))
    await log.record(TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP, "stop", _USAGE))
    log.close()


def _row(
    name: str,
    ours: Callable[[], object],
    baseline: Callable[[], object],
    limit: float,
    *,
    law: bool = False,
    repeats: int = _REPEATS,
) -> Row:
    first, second = in_turn([_cpu_ms(ours, repeats), _cpu_ms(baseline, repeats)], 9)
    return Row(name, first, second, "ms", limit, law)


def _cpu_ms(work: Callable[[], object], repeats: int) -> Callable[[], float]:
    """CPU milliseconds of one call, all threads: the disk's moods are not what is measured."""

    def measure() -> float:
        began = time.process_time()
        for _ in range(repeats):
            work()
        return 1000 * (time.process_time() - began) / repeats

    return measure
