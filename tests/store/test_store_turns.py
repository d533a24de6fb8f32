"""Recording turns and reading them back."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from chatterm.errors import ExitStatus, StoreError
from chatterm.events import (
    StepDelta,
    StepFinished,
    StepStarted,
    StepUpdated,
    TurnFinished,
    UsageReported,
)
from chatterm.steps import Attachment, Outcome, Status, TextStep, ToolResultStep, TurnStatus, Usage
from chatterm.store import Store, TurnKnown
from chatterm.store.model import fold
from store.making import (
    NEVER_MS,
    Making,
    begin,
    die,
    finished,
    hold,
    read,
    record,
    started,
    unanswered,
    whole_turn,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Store]:
    """A store that writes what may wait only when it has to."""
    options = {"persist_interval_ms": NEVER_MS, "persist_min_chars": NEVER_MS}
    with Store.open(tmp_path, **options) as opened:
        yield opened


async def test_a_turn_is_read_back_as_its_folded_events(store: Store) -> None:
    events = whole_turn("t")
    await record(store, events)
    (turn,) = store.turns(["t"])
    assert turn.events == fold(events)
    assert (turn.id, turn.parent, turn.conversation, turn.running) == ("t", None, "c", False)


async def test_a_turn_gives_what_a_request_needs(store: Store) -> None:
    events = whole_turn("t", text="look, please")
    await record(store, events)
    turn = store.turns(["t"])[0].turn()
    assert (turn.id, turn.input.text, turn.model) == ("t", "look, please", "p/m")
    kinds = [step.kind for step in turn.steps]
    assert kinds == ["thinking", "text", "tool_call", "tool_result", "text"]
    assert [step.index for step in turn.steps] == [0, 1, 2, 3, 4]


async def test_deltas_are_replaced_by_the_finished_step(store: Store) -> None:
    await record(store, whole_turn("t"))
    with store._reader() as db:
        types = [row[0] for row in db.execute("SELECT type FROM event ORDER BY seq")]
    assert types == [
        "turn.started",
        *["step.finished"] * 3,
        "permission.asked",
        "permission.answered",
        "step.finished",
        "usage",
        "step.finished",
        "usage",
        "turn.finished",
    ]


async def test_only_what_is_acted_upon_is_written_at_once(slow: Store, tmp_path: Path) -> None:
    make = Making("t")
    log = await begin(slow, started("t"))
    for event in make.answer("words"):
        await log.record(event)
    assert [event.type for event in read(tmp_path, "t").events] == ["turn.started"]
    for event in make.call():
        await log.record(event)
    assert [step.kind for step in read(tmp_path, "t").steps] == ["text", "tool_call"]
    log.close()


async def test_text_is_written_after_so_many_characters(tmp_path: Path) -> None:
    with Store.open(tmp_path, persist_interval_ms=NEVER_MS, persist_min_chars=10) as store:
        log = await begin(store, started("t"))
        await log.record(StepStarted(TextStep(id="t.0", index=0, round=0)))
        await log.record(StepDelta("t.0", "123"))
        assert read(tmp_path, "t").steps == ()
        await log.record(StepDelta("t.0", "4567890"))
        await wait_for_text(tmp_path, "1234567890")
        log.close()


async def test_text_is_written_after_some_time(tmp_path: Path) -> None:
    with Store.open(tmp_path, persist_interval_ms=1) as store:
        log = await begin(store, started("t"))
        await log.record(StepStarted(TextStep(id="t.0", index=0, round=0)))
        await log.record(StepDelta("t.0", "1"))
        await wait_for_text(tmp_path, "1")
        await log.record(StepDelta("t.0", "2"))
        await wait_for_text(tmp_path, "12")
        log.close()


async def wait_for_text(directory: Path, text: str) -> None:
    """Wait until another process can read it."""
    for _ in range(5000):
        if [getattr(step, "text", None) for step in read(directory, "t").steps] == [text]:
            return
        await asyncio.sleep(0.005)
    pytest.fail(f"{text!r} wasn't written")


async def test_waiting_text_is_written_when_the_log_is_closed(slow: Store) -> None:
    log = await record(slow, whole_turn("t")[:4])
    log.close()
    log.close()
    (turn,) = slow.turns(["t"])
    assert turn.steps[0].text == "I should look"
    assert turn.events[-1].status is TurnStatus.INTERRUPTED


async def test_waiting_text_is_written_when_the_store_is_closed(tmp_path: Path) -> None:
    with Store.open(tmp_path, persist_interval_ms=NEVER_MS) as store:
        log = await record(store, whole_turn("t")[:4])
    log.close()
    assert read(tmp_path, "t").steps[0].text == "I should look"


async def test_an_update_takes_the_place_of_what_came_before(slow: Store, tmp_path: Path) -> None:
    step = TextStep(id="t.0", index=0, round=0)
    log = await begin(slow, started("t"))
    for event in (
        StepStarted(step),
        StepDelta("t.0", "wrong"),
        StepUpdated(replace(step, text="right")),
        StepDelta("t.0", " and more"),
    ):
        await log.record(event)
    log.close()
    assert read(tmp_path, "t").steps == (
        replace(step, text="right and more", status=Status.INTERRUPTED),
    )


async def test_every_report_of_the_usage_is_kept(slow: Store) -> None:
    log = await begin(slow, started("t"))
    for number in range(3):
        await log.record(UsageReported(Usage(input=number)))
    log.close()
    (turn,) = slow.turns(["t"])
    reports = [e.usage for e in turn.events if isinstance(e, UsageReported)]
    assert reports == [Usage(input=number) for number in range(3)]
    end = turn.events[-1]
    assert isinstance(end, TurnFinished)
    assert end.usage == reports[-1]
    assert turn.events[-1].usage == Usage(input=2)


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d", "\udc80", "😀\n\u2028\x85", "\\ud800", ""])
async def test_any_text_survives(store: Store, text: str) -> None:
    events = [
        started("t", text=text),
        *Making("t").answer(text),
        *Making("t").result(text)[-1:],
        finished(),
    ]
    await record(store, events, title=text, directory=f"/tmp/{text}")
    assert store.turns(["t"])[0].events == fold(events)
    conversation = store.find("c")
    assert (conversation.title, conversation.directory) == (text, f"/tmp/{text}")
    assert store.newest(directory=f"/tmp/{text}") == conversation


async def test_a_large_result_is_kept_apart_and_comes_back(store: Store) -> None:
    large = "\ud83dé" + "line\n" * 100_000
    step = ToolResultStep(id="t.0", index=0, round=0, content=large, full_output="/tmp/whole")
    events = [started("t"), StepFinished(step), finished()]
    await record(store, events)
    assert store.turns(["t"])[0].events == fold(events)
    with store._reader() as db:
        assert db.execute("SELECT max(length(data)) FROM event").fetchone()[0] < 1000


async def test_attachments_are_kept_once(store: Store) -> None:
    data = b"\x89PNG" * 1000
    digest = hashlib.sha256(data).hexdigest()
    picture = Attachment("a.png", "image/png", len(data), digest, data)
    await record(store, [started("t1", attachments=(picture,)), finished()])
    await record(store, [started("t2", "t1", attachments=(picture,)), finished()])
    assert store.blob(digest) == data
    assert store.turns(["t2"])[0].turn().input.attachments == (picture,)
    with store._reader() as db:
        assert db.execute("SELECT count(*) FROM blob").fetchone() == (1,)


async def test_an_attachment_that_is_not_what_it_says_is_refused(store: Store) -> None:
    wrong = Attachment("a", "text/plain", 1, "0" * 64, b"x")
    with pytest.raises(StoreError, match="digest"):
        await begin(store, started("t", attachments=(wrong,)))
    assert store.turns(["t"]) == []


def test_content_is_kept_by_its_digest(store: Store) -> None:
    digest = store.put_blob(b"data")
    assert digest == store.put_blob(b"data") == hashlib.sha256(b"data").hexdigest()
    assert store.blob(digest) == b"data"
    with pytest.raises(StoreError, match="no content"):
        store.blob("0" * 64)


# --- one after the other, and at once ---


async def test_the_head_follows_the_turns(store: Store) -> None:
    await hold(store, "t1", "t2", "t3")
    assert store.find("c").head == "t3"
    assert store.path("c") == ["t1", "t2", "t3"]
    assert store.tree("c") == [("t1", None), ("t2", "t1"), ("t3", "t2")]
    assert [turn.id for turn in store.turns(["t3", "unknown", "t1"])] == ["t3", "t1"]


async def test_a_turn_that_was_run_is_known(store: Store) -> None:
    await record(store, whole_turn("t"))
    with pytest.raises(TurnKnown) as caught:
        await begin(store, started("t", text="again"))
    assert (caught.value.turn, caught.value.exit_status) == ("t", ExitStatus.STORE)
    assert len(store.path("c")) == 1


async def test_a_turn_that_is_running_cannot_be_begun(store: Store, tmp_path: Path) -> None:
    log = await begin(store, started("t"))
    with Store.open(tmp_path) as other:
        with pytest.raises(StoreError, match="already running"):
            await begin(other, started("t"))
        (turn,) = other.turns(["t"])
        assert (turn.running, [event.type for event in turn.events]) == (True, ["turn.started"])
    await log.record(finished())
    log.close()
    assert not store.turns(["t"])[0].running


async def test_a_turn_that_died_is_known_and_has_its_end(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    die(store, await record(store, whole_turn("t")[:-6]))
    with Store.open(tmp_path) as store:
        with pytest.raises(TurnKnown):
            await begin(store, started("t"))
        assert store.turns(["t"])[0].events[-1].status is TurnStatus.INTERRUPTED


async def test_two_processes_in_one_conversation_make_branches(
    store: Store, tmp_path: Path
) -> None:
    await hold(store, "t1")
    with Store.open(tmp_path) as other:
        here = await begin(store, started("t2", "t1"))
        there = await begin(other, started("t3", "t1"))
        assert (here.branched, there.branched) == (False, True)
        for number, event in enumerate(Making("t2").answer("he", "re")):
            await here.record(event)
            await there.record(Making("t3").answer("th", "ere")[number])
        await there.record(finished())
        await here.record(finished())
        here.close()
        there.close()
    assert store.find("c").head == "t2"
    assert [turn.steps[0].text for turn in store.turns(["t2", "t3"])] == ["here", "there"]
    assert store.tree("c") == [("t1", None), ("t2", "t1"), ("t3", "t1")]


async def test_many_turns_at_once_in_one_process(store: Store) -> None:
    names = [f"t{number}" for number in range(20)]
    turns = {name: whole_turn(name, conversation=f"c-{name}") for name in names}
    await asyncio.gather(*(record(store, events) for events in turns.values()))
    assert [turn.events for turn in store.turns(names)] == [fold(turns[name]) for name in names]


async def test_a_cancelled_wait_does_not_undo_the_write(store: Store) -> None:
    log = await begin(store, started("t"))
    task = asyncio.create_task(log.record(finished()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    log.close()
    assert isinstance(store.turns(["t"])[0].events[-1], TurnFinished)
    assert store.turns(["t"])[0].events[-1] == finished()


# --- repair ---


async def test_a_dead_turn_reads_as_interrupted_before_it_is_repaired(tmp_path: Path) -> None:
    with Store.open(tmp_path, persist_min_chars=1) as store:
        log = await begin(store, started("t"))
        await log.record(StepStarted(TextStep(id="t.0", index=0, round=0)))
        await log.record(StepDelta("t.0", "so far"))
        await wait_for_text(tmp_path, "so far")
        assert store.turns(["t"])[0].running
        die(store, log)
    turn = read(tmp_path, "t")
    assert not turn.running
    assert turn.steps[0].status is Status.INTERRUPTED
    assert turn.events[-1].status is TurnStatus.INTERRUPTED


async def test_a_step_that_was_cut_off_lasted_until_something_was_recorded_last(
    tmp_path: Path,
) -> None:
    began = datetime.fromisoformat("2026-01-01T00:00:00+00:00").timestamp()
    with Store.open(tmp_path, persist_min_chars=1) as store:
        log = await begin(store, started("t"))
        step = TextStep(id="t.0", index=0, round=0, started_at="2026-01-01T00:00:00.000Z")
        await log.record(StepStarted(step))
        await log.record(StepDelta("t.0", "so far"))
        await wait_for_text(tmp_path, "so far")
        (lock,) = (tmp_path / "running").iterdir()
        assert lock.stat().st_mtime > began
        os.utime(lock, (began + 15, began + 15))
        die(store, log)
    with Store.open(tmp_path) as store:
        assert store.repair("c") == ["t"]
        assert store.turns(["t"])[0].steps[0].duration_ms == 15_000


async def test_repair_answers_calls_and_ends_the_turn(tmp_path: Path) -> None:
    make = Making("t")
    store = Store.open(tmp_path)
    events = [started("t"), *make.call("a"), *make.result("yes", "a"), *make.call("b")]
    die(store, await record(store, [*events, *make.call("c", hosted=True)]))
    with Store.open(tmp_path) as store:
        before = store.turns(["t"])[0]
        assert unanswered(before) == ["b"]
        assert store.repair("c") == ["t"]
        (turn,) = store.turns(["t"])
        assert unanswered(turn) == []
        answer = turn.steps[-1]
        assert isinstance(answer, ToolResultStep)
        assert (answer.call_id, answer.outcome, answer.ok) == ("b", Outcome.UNKNOWN, False)
        assert (answer.id, answer.index) == ("t.3", 3)
        assert turn.events[: len(before.events) - 1] == before.events[:-1]
        assert store.repair("c") == []
        assert store.turns(["t"]) == [turn]
    assert not [*(tmp_path / "running").iterdir()]


async def test_repair_does_not_touch_a_running_turn(store: Store, tmp_path: Path) -> None:
    log = await record(store, whole_turn("t")[:5])
    with Store.open(tmp_path) as other:
        assert other.repair("c") == []
    await log.record(finished())
    log.close()
    assert store.turns(["t"])[0].events[-1] == finished()


async def test_a_conversation_goes_on_after_a_crash(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    die(store, await record(store, whole_turn("t1")[:-6]))
    with Store.open(tmp_path) as store:
        store.repair("c")
        log = await record(store, whole_turn("t2", "t1"))
        assert not log.branched
        assert store.path("c") == ["t1", "t2"]


async def test_a_deleted_turn_takes_no_more(store: Store, tmp_path: Path) -> None:
    log = await begin(store, started("t"))
    with pytest.raises(StoreError, match="running"):
        store.delete("c")
    with store._reader():
        store._change(lambda db: db.execute("DELETE FROM turn").fetchall())
    with pytest.raises(StoreError, match="deleted"):
        await log.record(finished())
    log.close()


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.list()
    with pytest.raises(StoreError, match="closed"):
        store.put_blob(b"")
