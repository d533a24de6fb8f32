"""The events of a turn on their way to the disk.

Deltas of one step that wait together become one row. What a later event supersedes (a delta, when
its step is finished) is dropped when it still waits, and its row is removed when it was written.
No I/O happens here.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from chatterm.events import (
    Event,
    PermissionAnswered,
    PermissionAsked,
    StepDelta,
    StepFinished,
    StepStarted,
    StepUpdated,
    ToolOutput,
    TurnFinished,
)
from chatterm.steps import ToolCallStep, ToolResultStep


class _State(Enum):
    WAITING = auto()
    TAKEN = auto()  # handed out to be written, or written
    DROPPED = auto()


@dataclass(slots=True, eq=False)
class Row:
    """A row to write.

    Attributes:
        seq: Its place in the turn.
        event: The event; of several deltas the first.
        more: The texts of the deltas after the first.
        step: The id of the step it is about, or None.
    """

    seq: int
    event: Event
    step: str | None
    more: list[str] = field(default_factory=list)
    state: _State = _State.WAITING

    def whole(self) -> Event:
        """The event to write."""
        if self.more and isinstance(self.event, StepDelta):
            return StepDelta(self.event.id, self.event.text + "".join(self.more))
        return self.event


class Batch(NamedTuple):
    """What is written in one transaction: first the rows, then what is to be removed."""

    rows: list[Row]
    removed: list[int]

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.rows or self.removed)


class PendingRows:
    """The rows of one turn that wait to be written. Several threads may use it.

    Args:
        seq: The place of the next row.
    """

    def __init__(self, seq: int) -> None:
        self._lock = threading.Lock()
        self._seq = seq
        self._waiting: list[Row] = []
        self._removed: list[int] = []
        self._rows_of: dict[str, list[Row]] = {}  # by what would supersede them
        self._chars = 0

    @property
    def chars(self) -> int:
        """How many characters of text wait."""
        return self._chars

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._waiting or self._removed)

    def add(self, event: Event) -> None:
        """Take an event. Live output of a tool is passed over: the result repeats it."""
        with self._lock:
            match event:
                case ToolOutput():
                    pass
                case StepDelta():
                    self._grow(event)
                case StepStarted(step) | StepUpdated(step):
                    self._supersede(step.id)
                    self._append(event, step.id, step.id)
                case StepFinished(step):
                    self._supersede(step.id)
                    self._append(event, step.id)
                case _:
                    self._append(event, None)

    def take(self) -> Batch:
        """Hand out all that waits. It counts as written until it is given back."""
        with self._lock:
            rows = [row for row in self._waiting if row.state is _State.WAITING]
            for row in rows:
                row.state = _State.TAKEN
            batch = Batch(rows, self._removed)
            self._waiting, self._removed, self._chars = [], [], 0
            return batch

    def give_back(self, batch: Batch) -> None:
        """Take back what couldn't be written: it goes before all that came since.

        A row that was superseded meanwhile is written and removed in the same transaction.
        """
        with self._lock:
            for row in batch.rows:
                row.state = _State.WAITING
            self._waiting[:0] = batch.rows
            self._removed[:0] = batch.removed

    def _grow(self, delta: StepDelta) -> None:
        self._chars += len(delta.text)
        rows = self._rows_of.get(delta.id)
        last = rows[-1] if rows else None
        if last is not None and last.state is _State.WAITING and isinstance(last.event, StepDelta):
            last.more.append(delta.text)
        else:
            self._append(delta, delta.id, delta.id)

    def _append(self, event: Event, step: str | None, group: str | None = None) -> None:
        row = Row(self._seq, event, step)
        self._seq += 1
        self._waiting.append(row)
        if group is not None:
            self._rows_of.setdefault(group, []).append(row)

    def _supersede(self, group: str) -> None:
        for row in self._rows_of.pop(group, ()):
            if row.state is _State.WAITING:
                row.state = _State.DROPPED
            elif row.state is _State.TAKEN:
                self._removed.append(row.seq)


def is_durable(event: Event) -> bool:
    """Whether nothing may act on an event before it is on the disk."""
    match event:
        case StepFinished(ToolCallStep(hosted=hosted)):
            return not hosted
        case StepFinished(ToolResultStep()):
            return True
        case PermissionAsked() | PermissionAnswered() | TurnFinished():
            return True
        case _:
            return False
