"""Turns whose process died get the ends that it didn't come to write."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from chatterm.assembly import Clock
from chatterm.events import Event, StepFinished, TurnFinished
from chatterm.moments import timestamp_of
from chatterm.steps import Outcome, Status, Step, ToolCallStep, ToolResultStep
from chatterm.store.database import Access
from chatterm.store.locks import forget, is_alive, last_noted
from chatterm.store.model import ended, fold
from chatterm.store.reading import conversation, events_from, tree
from chatterm.store.rows import finish_turn, insert_event

_UNKNOWN = "chatterm stopped before this call's result was recorded: what became of it is unknown"


def repair(db: sqlite3.Connection, access: Access, directory: Path, id_: str) -> list[str]:
    """Write the missing ends of a conversation's turns. Running turns aren't touched."""
    conversation(db, id_)
    if db.execute("SELECT 1 FROM turn WHERE finished = 0 LIMIT 1").fetchone() is None:
        return []
    reached = {turn for turn, _ in tree(db, id_)}
    open_turns = [turn for (turn,) in db.execute("SELECT id FROM turn WHERE finished = 0")]
    dead = [turn for turn in open_turns if turn in reached and not is_alive(directory, turn)]
    mended = []
    for turn in dead:
        with access.transaction(db, durable=True):
            row = db.execute("SELECT key FROM turn WHERE id = ?", (turn,)).fetchone()
            last = last_noted(directory, turn)
            if row is not None and end_turn(db, row[0], turn, last):
                mended.append(turn)
        forget(directory, turn)
    return mended


def end_turn(db: sqlite3.Connection, key: int, turn: str, at: float | None = None) -> bool:
    """Write what a turn lacks to be whole. Says whether it lacked anything.

    Runs in a transaction of its caller's, who knows that no process is at work on the turn.

    Args:
        db: The connection.
        key: The turn's row.
        turn: Its id.
        at: When something of it was recorded last, in seconds since the epoch; None: unknown.
    """
    (finished,) = db.execute("SELECT finished FROM turn WHERE key = ?", (key,)).fetchone()
    if finished:
        return False
    rows = db.execute("SELECT seq, data, blob FROM event WHERE turn = ? ORDER BY seq", (key,))
    found = rows.fetchall()
    events = events_from(db, turn, found)
    last = max((row[0] for row in found), default=-1)
    whole = with_ends(turn, events, at)
    db.execute(
        "DELETE FROM event WHERE turn = ? AND type IN"
        " ('step.started', 'step.delta', 'step.updated')",
        (key,),
    )
    known = set(map(id, events))
    for seq, event in enumerate((e for e in whole if id(e) not in known), start=last + 1):
        step = event.step.id if isinstance(event, StepFinished) else None
        insert_event(db, key, seq, event, step)
        if isinstance(event, TurnFinished):
            finish_turn(db, key, event)
    return True


def with_ends(turn: str, events: Iterable[Event], at: float | None = None) -> tuple[Event, ...]:
    """The events of a turn, folded, with every call answered and an end."""
    known = list(events)
    whole = {event.step.id for event in known if isinstance(event, StepFinished)}
    folded = tuple(
        StepFinished(_until(event.step, at))
        if isinstance(event, StepFinished) and event.step.id not in whole
        else event
        for event in fold(known)
    )
    steps = [event.step for event in folded if isinstance(event, StepFinished)]
    answers = [StepFinished(answer) for answer in _answers(turn, steps, at)]
    return ended((*folded, *answers))


def _until(step: Step, at: float | None) -> Step:
    """A step that was cut off, as long as it is known to have gone on."""
    try:
        began = datetime.fromisoformat(step.started_at).timestamp()
    except (ValueError, OverflowError):
        return step
    if at is None:
        return step
    return replace(step, duration_ms=max(0, round((at - began) * 1000)))


def _answers(turn: str, steps: list[Step], at: float | None) -> Iterable[ToolResultStep]:
    """A result for every whole call that ran here and has none."""
    answered = {step.call_id for step in steps if isinstance(step, ToolResultStep)}
    index = max((step.index for step in steps), default=-1)
    for step in steps:
        if not isinstance(step, ToolCallStep) or step.hosted or step.status is not Status.DONE:
            continue
        if step.call_id in answered:
            continue
        index += 1
        yield ToolResultStep(
            id=f"{turn}.{index}",
            index=index,
            round=step.round,
            status=Status.DONE,
            started_at=timestamp_of(at, Clock().timestamp()),
            duration_ms=0,
            call_id=step.call_id,
            name=step.name,
            content=_UNKNOWN,
            ok=False,
            outcome=Outcome.UNKNOWN,
        )
