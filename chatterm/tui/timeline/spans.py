"""The bars of a turn: when each step began, how long it took, what it cost.

`Spans` follows a turn event by event, live or replayed; `spans_of` reads a whole one. Times come
from the steps (`started_at`, `duration_ms`): events carry none of their own. What they don't tell
is None and never guessed, except tokens, which are then marked as estimated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from chatterm.events import (
    Event,
    PermissionAnswered,
    PermissionAsked,
    StepDelta,
    StepFinished,
    StepStarted,
    StepUpdated,
    TurnFinished,
    TurnStarted,
    UsageReported,
)
from chatterm.steps import (
    NoticeStep,
    Outcome,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Usage,
)
from chatterm.tui.timeline.shares import Written, estimate, shared


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of the timeline: a step, or a tool call together with its result.

    A call's bar begins when its arguments are whole and ends with its result. The times before and
    within it that are not the tool's are told apart: `writing` lies before `start`, `waited` is
    the first part of `duration`.

    Attributes:
        step: The step's id; the call's, for a call.
        kind: The step's kind; `tool_result` only where its call is missing.
        name: What the row is called: the tool's name, a notice's reason, else the kind. Not
            sanitised.
        start: Seconds from the turn's beginning; None where no time is known.
        duration: Seconds from `start`; None while it goes on.
        writing: Seconds that the model wrote the arguments of a call before `start`; None while
            it still writes them, since `start`.
        waited: Seconds from `start` until a call began to run: for the user's yes, or behind other
            calls; None while the user is asked.
        tokens: What the model wrote; None where it isn't known.
        estimated: Whether `tokens` is an estimate by the characters.
        cost: Its share of the turn's cost in US dollars; None where nothing tells.
        failed: It ended in an error, or was denied.
        cut: It was interrupted.
    """

    step: str
    kind: str
    name: str
    start: float | None = None
    duration: float | None = None
    writing: float | None = 0.0
    waited: float | None = 0.0
    tokens: int | None = None
    estimated: bool = False
    cost: float | None = None
    failed: bool = False
    cut: bool = False


class _Times(NamedTuple):
    start: float | None
    duration: float | None
    writing: float | None = 0.0
    waited: float | None = 0.0


@dataclass(slots=True)
class _Row:
    """What is known of a row so far."""

    step: Step
    length: int = 0  # characters that the model wrote
    result: ToolResultStep | None = None
    asked: bool = False  # and not answered yet
    answered_at: float | None = None
    tokens: int | None = None
    estimated: bool = False
    cost: float | None = None


@dataclass(slots=True)
class Spans:
    """Follows a turn and tells its bars at any time."""

    _began: datetime | None = None
    _rows: dict[str, _Row] = field(default_factory=dict)
    _calls: dict[str, _Row] = field(default_factory=dict)
    _unpaid: list[_Row] = field(default_factory=list)
    _usage: Usage = field(default_factory=Usage)
    _over: bool = False

    def feed(self, event: Event, *, at: float | None = None) -> None:
        """Take the next event of the turn.

        Args:
            event: The event.
            at: Seconds from the turn's beginning, where the event is live: tells how long a call
                waited that still runs.
        """
        match event:
            case TurnStarted(at=begun):
                self._began = _moment(begun)
            case StepStarted(step) | StepUpdated(step) | StepFinished(step):
                self._take(step, finished=isinstance(event, StepFinished))
            case StepDelta(id_, text) if id_ in self._rows:
                self._rows[id_].length += len(text)
            case PermissionAsked(id=id_) if id_ in self._rows:
                self._rows[id_].asked = True
            case PermissionAnswered(id=id_) if id_ in self._rows:
                self._rows[id_].asked = False
                self._rows[id_].answered_at = at
            case UsageReported(usage):
                self._report(usage)
            case TurnFinished(usage=usage):
                self._report(usage)
                self._over = True
            case _:
                pass  # output of a running tool is in its result

    def bars(self) -> list[Bar]:
        """The bars so far, in the order of the steps."""
        rows = sorted(self._rows.values(), key=lambda row: row.step.index)
        return [self._bar(row) for row in rows]

    @property
    def began(self) -> datetime | None:
        """When the turn began, to tell what time it is on the axis now; None where unknown."""
        return self._began

    def _take(self, step: Step, *, finished: bool) -> None:
        if self._began is None:
            self._began = _moment(step.started_at)
        if isinstance(step, ToolResultStep) and (call := self._calls.get(step.call_id)):
            call.result = step
            return
        row = self._rows.get(step.id)
        if row is None:
            row = self._rows[step.id] = _Row(step)
        row.step = step
        row.length = _length(step)
        if isinstance(step, ToolCallStep) and step.call_id:
            self._calls[step.call_id] = row
        if finished and isinstance(step, ThinkingStep | TextStep | RefusalStep | ToolCallStep):
            self._unpaid.append(row)

    def _report(self, usage: Usage) -> None:
        """Share out what a report adds to the one before among the steps that finished since."""
        rows, self._unpaid = self._unpaid, []
        before, self._usage = self._usage, usage
        if not rows:
            return
        written = [Written(_kind(row.step), row.length) for row in rows]
        for row, share in zip(rows, shared(written, before, usage), strict=True):
            row.tokens, row.estimated, row.cost = share.tokens, share.estimated, share.cost

    def _bar(self, row: _Row) -> Bar:
        step = row.step
        result = row.result
        tokens, estimated = row.tokens, row.estimated
        if tokens is None and isinstance(step, ThinkingStep | TextStep | RefusalStep):
            tokens, estimated = estimate(row.length), True
        answer = row.result or step
        failed = isinstance(answer, ToolResultStep) and not answer.ok
        times = self._times(row)
        return Bar(
            step.id,
            step.kind,
            _name(step),
            *times,
            tokens=tokens,
            estimated=estimated,
            cost=row.cost,
            failed=failed or step.status is Status.FAILED or isinstance(step, RefusalStep),
            cut=_stopped(step, result),
        )

    def _times(self, row: _Row) -> _Times:
        step = row.step
        start = self._since(step.started_at)
        took = _seconds(step.duration_ms)
        if took is None and (self._over or step.status is not Status.OPEN):
            took = 0.0
        if not isinstance(step, ToolCallStep) or start is None:
            return _Times(start, took)
        if took is None:
            return _Times(start, None, writing=None if not step.hosted else 0.0)
        if step.hosted and row.result is None:  # the server ran it meanwhile
            return _Times(start, took)
        return self._run(row, start + took, took)

    def _run(self, row: _Row, start: float, writing: float) -> _Times:
        """The times of a call whose arguments were whole at `start`."""
        result = row.result
        if result is None:
            if self._over or row.step.status is not Status.DONE:
                return _Times(start, 0.0, writing)
            answered = row.answered_at
            waited = 0.0 if answered is None else max(0.0, answered - start)
            return _Times(start, None, writing, None if row.asked else waited)
        ran_from = self._since(result.started_at)
        # Who mends a conversation after a crash writes the result at another time altogether.
        if ran_from is None or result.outcome is Outcome.UNKNOWN:
            return _Times(start, 0.0, writing)
        waited = max(0.0, ran_from - start)
        return _Times(start, waited + (_seconds(result.duration_ms) or 0.0), writing, waited)

    def _since(self, at: str) -> float | None:
        moment = _moment(at)
        if moment is None or self._began is None:
            return None
        return max(0.0, (moment - self._began).total_seconds())


def spans_of(events: Iterable[Event]) -> list[Bar]:
    """The bars of a turn, from its events, live or folded."""
    spans = Spans()
    for event in events:
        spans.feed(event)
    return spans.bars()


def _moment(at: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:  # an import may know no time
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _length(step: Step) -> int:
    match step:
        case ThinkingStep(text=text) | TextStep(text=text) | RefusalStep(text=text):
            return len(text)
        case ToolCallStep(arguments=arguments):
            return len(arguments)
        case _:
            return 0


def _name(step: Step) -> str:
    match step:
        case ToolCallStep(name=name) | ToolResultStep(name=name) | NoticeStep(reason=name):
            return name or step.kind
        case _:
            return step.kind


def _kind(step: Step) -> Literal["thinking", "text", "call"]:
    if isinstance(step, ToolCallStep):
        return "call"
    return "thinking" if isinstance(step, ThinkingStep) else "text"


def _stopped(step: Step, result: ToolResultStep | None) -> bool:
    stopped = result is not None and result.outcome in {Outcome.CANCELLED, Outcome.UNKNOWN}
    return stopped or step.status is Status.INTERRUPTED
