"""What is read back equals what was seen live, wherever the recording is cut off."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatterm.assembly import OpenStep, StepWriter
from chatterm.events import (
    Event,
    PermissionAnswered,
    PermissionAsked,
    ToolOutput,
    TurnFinished,
    UsageReported,
)
from chatterm.steps import (
    RefusalStep,
    Status,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Usage,
)
from chatterm.store import Store
from chatterm.store.model import ended, fold
from chatterm.store.pending import PendingRows, is_durable
from store.making import NEVER_MS, die, finished, frozen_clock, read, record, started, unanswered

NUMBERS = itertools.count()
TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)
KINDS = st.sampled_from([ThinkingStep, TextStep, RefusalStep, ToolCallStep, ToolResultStep])
DOINGS = st.one_of(
    st.tuples(st.just("open"), KINDS),
    st.tuples(st.just("append"), st.integers(0, 3), TEXTS),
    st.tuples(st.just("replace"), st.integers(0, 3), TEXTS),
    st.tuples(st.just("finish"), st.integers(0, 3), st.sampled_from(Status)),
    st.tuples(st.just("usage"), st.integers(0, 9)),
    st.tuples(st.just("ask"), TEXTS),
    st.tuples(st.just("output"), TEXTS),
)


@st.composite
def turns(draw: st.DrawFn) -> tuple[str, list[Event]]:
    """A turn of any shape: several steps open at once, in any order."""
    name = f"t{next(NUMBERS)}"
    writer = StepWriter(name, frozen_clock())
    events: list[Event] = [started(name, conversation=f"c-{name}")]
    opened: list[OpenStep] = []
    for what, *values in draw(st.lists(DOINGS, max_size=25)):
        events += _done(writer, opened, what, *values)
        if draw(st.booleans()):  # else what is appended next becomes one delta with it
            events += writer.take()
    events += writer.take()
    if draw(st.booleans()):
        writer.interrupt()
        events += [*writer.take(), finished()]
    return name, events


def _done(writer: StepWriter, opened: list[OpenStep], what: str, *values: object) -> list[Event]:
    match what, values:
        case "open", (cls,):
            fields = {"call_id": f"call{len(opened) // 2}"} if "call_id" in cls.__slots__ else {}
            opened.append(writer.open(cls, **fields))
        case "usage", (number,):
            return [*writer.take(), UsageReported(Usage(input=number))]
        case "ask", (text,):
            asked = PermissionAsked(f"q{text}", "call", "look", {"text": text})
            return [*writer.take(), asked, PermissionAnswered(asked.id, "allow")]
        case "output", (text,):
            return [*writer.take(), ToolOutput("call", text)]
        case _, (number, *rest) if number < len(opened) and not opened[number].closed:
            target = opened[number]
            if what == "append":
                writer.append(target, *rest)
            elif what == "replace":
                writer.replace_text(target, *rest)
            else:
                writer.finish(target, *rest)
    return []


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One store for all examples: every one has a conversation of its own."""
    return tmp_path_factory.mktemp("store")


@settings(max_examples=60, deadline=None)
@given(made=turns(), data=st.data())
def test_everything_durable_survives_death_at_any_event(
    directory: Path, made: tuple[str, list[Event]], data: st.DataObject
) -> None:
    turn, events = made
    cut = data.draw(st.integers(1, len(events)), label="events before death")
    store = Store.open(directory, persist_interval_ms=NEVER_MS, persist_min_chars=NEVER_MS)
    die(store, asyncio.run(record(store, events[:cut])))
    durable = max((n for n, e in enumerate(events[:cut], 1) if is_durable(e)), default=1)
    # Between two durable events nothing is lost but what came after the last of them.
    assert read(directory, turn).events == ended(fold(events[:durable]))


@settings(max_examples=60, deadline=None)
@given(made=turns(), data=st.data())
def test_what_is_recorded_reads_as_it_was_seen_live(
    directory: Path, made: tuple[str, list[Event]], data: st.DataObject
) -> None:
    turn, events = made
    cut = data.draw(st.integers(1, len(events)), label="events")
    chars = data.draw(st.sampled_from([1, 4, NEVER_MS]), label="persist_min_chars")
    with Store.open(directory, persist_interval_ms=0, persist_min_chars=chars) as store:
        log = asyncio.run(record(store, events[:cut]))
        log.close()
        (recorded,) = store.turns([turn])
        assert recorded.events == ended(fold(events[:cut]))
        store.repair(f"c-{turn}")
        (repaired,) = store.turns([turn])
        if not isinstance(events[cut - 1], TurnFinished):  # one with an end is left as it is
            assert unanswered(repaired) == []
        before = recorded.events[:-1]
        assert repaired.events[: len(before)] == before
        assert repaired.events[-1] == recorded.events[-1]


@settings(max_examples=200, deadline=None)
@given(made=turns(), data=st.data())
def test_rows_fold_to_the_same_whenever_they_are_written(
    made: tuple[str, list[Event]], data: st.DataObject
) -> None:
    """Any pattern of writes, some of which fail and are done again."""
    _, (first, *events) = made
    pending = PendingRows(seq=1)
    written: dict[int, Event] = {0: first}
    for event in events:
        pending.add(event)
        fate = data.draw(st.sampled_from(["waits", "written", "fails"]), label="write")
        if fate != "waits":
            batch = pending.take()
            if fate == "fails":
                pending.give_back(batch)
                continue
            written |= {row.seq: row.whole() for row in batch.rows}
            for seq in batch.removed:
                del written[seq]
    batch = pending.take()
    written |= {row.seq: row.whole() for row in batch.rows}
    for seq in batch.removed:
        del written[seq]
    in_order = [written[seq] for seq in sorted(written)]
    assert fold(in_order) == fold([first, *events])


@given(made=turns())
def test_folding_twice_changes_nothing(made: tuple[str, list[Event]]) -> None:
    _, events = made
    assert fold(fold(events)) == fold(events)
