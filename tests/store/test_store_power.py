"""Power cuts: nothing that was acknowledged is lost, and what is there is whole."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

from chatterm.events import Event
from chatterm.steps import ToolResultStep
from chatterm.store import Store, database, writer
from chatterm.store.model import fold
from chatterm.store.pending import is_durable
from store.making import Making, begin, finished, has_in_order, hold, started, unanswered

pytest.importorskip("apsw", reason="a power cut is simulated through apsw, which isn't installed")

from store.powercut import Connection, Trace, WatchedFiles

CUTS = int(os.environ.get("CHATTERM_POWER_CUTS", "150"))
# While this much is written the log is copied into the file some times, which is the hardest part.
JOBS_PER_CHECKPOINT = 10


def script(turn: str, parent: str | None) -> list[Event]:
    make = Making(turn)
    events: list[Event] = [started(turn, parent)]
    for number in range(4):
        events += make.answer(*["some words "] * 20, thinking="hm")
        events += make.call(f"call{number}")
        events += make.asked(f"call{number}")
        events += make.result("x" * (300_000 if number == 2 else 2000), f"call{number}")
    return [*events, finished()]


async def run(store: Store, trace: Trace, parent: str) -> None:
    """Some turns, a change, a deletion; what is acknowledged is noted."""
    for turn in ("a", "b", "c"):
        first, *events = script(turn, parent)
        log = await begin(store, first)
        trace.acknowledge((turn, [first]))
        so_far = [first]
        for event in events:
            await log.record(event)
            so_far.append(event)
            if is_durable(event):
                trace.acknowledge((turn, list(so_far)))
        log.close()
        parent = turn
    store.set_title("c", "Better", "user")
    trace.acknowledge(("title", "Better"))
    store.delete("old")
    trace.acknowledge(("deleted", "old"))
    store.search("words")


async def test_no_acknowledged_commit_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    with Store.open(source) as store:
        await hold(store, "old-1", conversation="old")
        await hold(store, "first")
    before = {"chatterm.db": (source / "chatterm.db").read_bytes()}
    trace = await watched(source, monkeypatch)
    assert sum(note[0] == "sync" for note in trace.notes) > 50
    assert any(note[:2] == ("sync", "chatterm.db") for note in trace.notes)
    chance = random.Random(1)
    for number in range(CUTS):
        until = chance.randrange(len(trace.notes) + 1)
        directory = tmp_path / str(number)
        directory.mkdir()
        for name, content in trace.crash(before, until, chance).items():
            (directory / name).write_bytes(content)
        check(directory, trace.acknowledged(until))


async def watched(source: Path, monkeypatch: pytest.MonkeyPatch) -> Trace:
    """Run the script on a store whose files are watched."""
    trace = Trace()
    vfs = WatchedFiles("watched", trace)

    def connect(path: Path, *, read_only: bool = False, immutable: bool = False) -> Connection:
        return Connection(path, vfs, read_only=read_only)

    with monkeypatch.context() as patched:
        patched.setattr(database, "connect", connect)
        patched.setattr(writer, "_JOBS_PER_CHECKPOINT", JOBS_PER_CHECKPOINT)
        with Store.open(source, persist_interval_ms=1) as store:
            await run(store, trace, "first")
    return trace


def check(directory: Path, acknowledged: list[Any]) -> None:
    """Everything acknowledged is there, and all that is there is whole."""
    with Store.open(directory) as store:
        assert store.warnings == []
        assert store.check() == []
        for what, value in acknowledged:
            if what == "title":
                assert store.find("c").title == value
            elif what == "deleted":
                assert [row.conversation.id for row in store.list()] == ["c"]
            else:
                (turn,) = store.turns([what])
                expected = [event for event in fold(value) if event.type != "usage"]
                assert has_in_order(turn.events, expected)
        store.repair("c")
        for turn in store.turns(store.path("c")):
            assert unanswered(turn) == []
            sizes = {len(s.content) for s in turn.steps if isinstance(s, ToolResultStep) and s.ok}
            assert sizes <= {11, 2000, 300_000}
