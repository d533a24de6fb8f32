"""Building the steps of a turn: the one place where steps are opened, grown and closed.

Decoders, the demo and the turn loop all write through a `StepWriter`, which numbers the steps,
times them, keeps their text in pieces (so that a long step costs what it is long, not its square)
and turns what happened into events.

Text that arrives for one step in several pieces before the events are taken becomes one delta:
a network read that carries two hundred tokens costs one event to everything behind it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from chatterm.events import Event, StepDelta, StepFinished, StepStarted, StepUpdated
from chatterm.steps import (
    NoticeStep,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Clock:
    """Where times come from; tests give their own.

    Attributes:
        now: Seconds since the epoch.
        monotonic: Seconds that only go forward.
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def timestamp(self, ago: float = 0.0) -> str:
        """The present, or so many seconds before, as UTC, ISO 8601 with a final Z."""
        moment = datetime.fromtimestamp(self.now() - ago, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True, eq=False)
class OpenStep:
    """A step that is being written. Only `StepWriter` changes it.

    Attributes:
        step: The step as it was opened, with updates that replaced it; without the text since.
        length: Characters of text (or arguments) so far.
        ended: When it stopped growing, where that was before it was finished.
        closed: Whether it was finished.
    """

    step: Step
    began: float
    ended: float | None = None
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    held: str = ""
    closed: bool = False

    @property
    def text(self) -> str:
        """All text so far, without a half surrogate pair that is still waiting for its half."""
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""


class StepWriter:
    """Writes the steps of one turn and hands out the events.

    Args:
        turn: The turn's id; step ids are made from it.
        clock: Where times come from.

    Attributes:
        round: The round whose steps are written.
        usage: What the provider has reported of that round so far, for a round that is broken off.
    """

    def __init__(self, turn: str, clock: Clock | None = None) -> None:
        self.turn = turn
        self.round = 0
        self.usage = Usage()
        self._clock = clock or Clock()
        self._next_index = 0
        self._events: list[Event] = []
        self._growing: OpenStep | None = None
        self._fresh: list[str] = []
        self._open: dict[OpenStep, None] = {}
        self._called: set[tuple[int, str, str, str]] = set()

    def open(self, cls: type[Step], *, ago: float = 0.0, **values: Any) -> OpenStep:
        """Open a step of the given class with the given fields; `ago`: it began seconds ago."""
        self._settle()
        step = cls(
            id=f"{self.turn}.{self._next_index}",
            index=self._next_index,
            round=self.round,
            started_at=self._clock.timestamp(ago),
            **values,
        )
        self._next_index += 1
        opened = OpenStep(step, self._clock.monotonic() - ago)
        self._open[opened] = None
        self._events.append(StepStarted(step))
        return opened

    def append(self, target: OpenStep, text: str) -> None:
        """Append text (or argument text) to an open step.

        A surrogate pair that arrives in two halves is joined.
        """
        if target.held:
            text = join_surrogates(target.held + text)
            target.held = ""
        if not text:
            return
        if "\ud800" <= text[-1] <= "\udbff":
            target.held = text[-1]
            text = text[:-1]
            if not text:
                return
        if target is not self._growing:
            self._settle()
            self._growing = target
        self._fresh.append(text)
        target.pieces.append(text)
        target.length += len(text)

    def replace_text(self, target: OpenStep, text: str) -> None:
        """Set the text of an open step: as a delta where it only grows, else as an update.

        No text at all leaves the step as it is.
        """
        if not text:
            return
        text = join_surrogates(text)
        shown = target.text
        target.held = ""
        if text.startswith(shown):
            self.append(target, text[len(shown) :])
        else:
            self._settle()
            target.pieces = [text]
            target.length = len(text)
            self._events.append(StepUpdated(_with_text(target.step, text)))

    def update(self, target: OpenStep, **values: Any) -> None:
        """Set fields of an open step and tell of it."""
        self.amend(target, **values)
        self._settle()
        self._events.append(StepUpdated(_with_text(target.step, target.text)))

    def amend(self, target: OpenStep, **values: Any) -> None:
        """Set fields of an open step that need not be told before it is finished."""
        target.step = replace(target.step, **values)

    def restart(self, target: OpenStep, **values: Any) -> None:
        """Begin an open step anew, without its text and with these fields, in its place."""
        self._settle()
        old = target.step
        target.step = type(old)(
            id=old.id, index=old.index, round=old.round, started_at=old.started_at, **values
        )
        target.pieces, target.length, target.held, target.ended = [], 0, "", None
        self._events.append(StepUpdated(target.step))

    def rest(self, target: OpenStep) -> None:
        """An open step is whole, though it isn't closed yet: its duration counts to here."""
        target.ended = self._clock.monotonic()

    def become(self, target: OpenStep, cls: type[Step]) -> None:
        """Make an open step one of another class, keeping its place and text."""
        old = target.step
        target.step = cls(id=old.id, index=old.index, round=old.round, started_at=old.started_at)
        self.update(target)

    def finish(
        self,
        target: OpenStep,
        status: Status = Status.DONE,
        **values: Any,
    ) -> Step:
        """Close an open step and return it whole.

        A call that the provider tells of twice, by the same id and word for word, is one call: the
        second telling counts as cut off, so that nothing runs it again.
        """
        if target.held:  # a half pair whose other half never came stays as it is
            self._settle()
            self._events.append(StepDelta(target.step.id, target.held))
            target.pieces.append(target.held)
            target.held = ""
        self._settle()
        ended = self._clock.monotonic() if target.ended is None else target.ended
        duration = max(0, round((ended - target.began) * 1000))
        step = replace(
            _with_text(target.step, target.text), status=status, duration_ms=duration, **values
        )
        if isinstance(step, ToolCallStep) and status is Status.DONE and not step.hosted:
            told = (step.round, step.call_id, step.name, step.arguments)
            if told in self._called:
                step = replace(step, status=Status.INTERRUPTED)
            self._called.add(told)
        self._open.pop(target, None)
        target.closed = True
        self._events.append(StepFinished(step))
        return step

    def keep_with_last(self, opaque: dict[str, Any]) -> bool:
        """Add opaque data to the step that was finished last, if nobody has been told of it yet.

        Returns:
            Whether there was such a step.
        """
        for place, event in reversed(list(enumerate(self._events))):
            if isinstance(event, StepFinished):
                step = replace(event.step, opaque=(event.step.opaque or {}) | opaque)
                self._events[place] = StepFinished(step)
                return True
        return False

    def add(self, cls: type[Step], **values: Any) -> Step:
        """Open and close a step at once."""
        text = values.pop("text", "")
        status = values.pop("status", Status.DONE)
        opened = self.open(cls, **values)
        self.append(opened, text)
        return self.finish(opened, status)

    def notice(self, reason: str, text: str) -> Step:
        """Add a notice."""
        return self.add(NoticeStep, reason=reason, text=text)

    def interrupt(self) -> list[Step]:
        """Close every open step as interrupted, in order, and return them."""
        return [self.finish(opened, Status.INTERRUPTED) for opened in list(self._open)]

    def take(self) -> list[Event]:
        """The events since the last call."""
        self._settle()
        events, self._events = self._events, []
        return events

    def _settle(self) -> None:
        if self._growing is not None:
            self._events.append(StepDelta(self._growing.step.id, "".join(self._fresh)))
            self._fresh = []
            self._growing = None


def _with_text(step: Step, text: str) -> Step:
    match step:
        case ToolCallStep():
            return replace(step, arguments=text)
        case ThinkingStep() | TextStep() | RefusalStep() | NoticeStep():
            return replace(step, text=text)
        case _:
            return step


def join_surrogates(text: str) -> str:
    """The text with every surrogate pair that was put together from halves made one character."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
