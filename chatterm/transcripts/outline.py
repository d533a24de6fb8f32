"""What a transcript shows of each turn, before it takes the form of a format."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatterm.events import (
    Event,
    PermissionAnswered,
    PermissionAsked,
    StepFinished,
    TurnFinished,
    TurnStarted,
    UsageReported,
)
from chatterm.steps import NoticeStep, Step, ToolCallStep, ToolResultStep, Usage

if TYPE_CHECKING:
    from chatterm.store.model import RecordedTurn


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A call with its result; one of them may be missing.

    Attributes:
        call: The call.
        result: What it gave.
        decision: What was answered when its permission was asked for, or an empty string.
    """

    call: ToolCallStep | None
    result: ToolResultStep | None = None
    decision: str = ""

    @property
    def name(self) -> str:
        """The tool's name."""
        named = self.call or self.result
        return (named.name if named else "") or "tool"


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn as transcripts show it.

    Attributes:
        number: Its place among the turns that are shown, from 1; None for what was only done to the
            conversation: it holds no words, but notices.
        branch: Where it goes on from, when that isn't the turn shown just before it; else empty.
        started: The question.
        system: The system text, when it isn't the one of the turn shown just before.
        blocks: The steps in order, calls together with their results.
        usage: The tokens it took.
        finished: How it ended; None while it runs.
    """

    number: int | None
    branch: str
    started: TurnStarted
    system: str
    blocks: tuple[Step | ToolUse, ...]
    usage: Usage
    finished: TurnFinished | None

    @property
    def begun_by(self) -> str:
        """Who began the turn: chatterm itself, when it holds no words of the user."""
        asked = self.started.input
        return "You" if asked.text or asked.attachments else "chatterm"

    @property
    def name(self) -> str:
        """Who began it, after its number."""
        return self.begun_by if self.number is None else f"{self.number}. {self.begun_by}"


def outline(turns: Iterable[RecordedTurn]) -> Iterator[TurnView]:
    """Yield the views of turns, in the given order."""
    numbers: dict[str, int] = {}  # by turn; what has none stands for the one before it
    last = 0
    before: str | None = None
    system: str | None = None
    for turn in turns:
        started = next((e for e in turn.events if isinstance(e, TurnStarted)), None)
        if started is None:
            continue
        blocks = tuple(_blocks(turn.events))
        act = not (started.input.text or started.input.attachments) and all(
            isinstance(block, NoticeStep) for block in blocks
        )
        last += 0 if act else 1
        branch = "" if turn.parent == before else _branch(turn.parent, numbers)
        changed = started.system if started.system != system else None
        yield TurnView(
            None if act else last,
            branch,
            started,
            changed or "",
            blocks,
            _usage(turn.events),
            next((e for e in turn.events if isinstance(e, TurnFinished)), None),
        )
        numbers[turn.id] = last if not act else numbers.get(turn.parent or "", last)
        before, system = turn.id, started.system


def _branch(parent: str | None, numbers: dict[str, int]) -> str:
    if parent is None:
        return "another beginning"
    if parent in numbers:
        return f"another branch: follows turn {numbers[parent]}"
    return "follows a turn that isn't shown" if numbers else "earlier turns aren't shown"


def _blocks(events: Iterable[Event]) -> Iterator[Step | ToolUse]:
    events = list(events)
    steps = [event.step for event in events if isinstance(event, StepFinished)]
    steps.sort(key=lambda step: step.index)
    decisions = _decisions(events)
    answers = _answers(steps)
    answering = {id(result) for result in answers.values()}
    for step in steps:
        match step:
            case ToolCallStep():
                yield ToolUse(step, answers.get(id(step)), decisions.get(step.call_id, ""))
            case ToolResultStep():
                if id(step) not in answering:
                    yield ToolUse(None, step)
            case _:
                yield step


def _answers(steps: list[Step]) -> dict[int, ToolResultStep]:
    """The result of each call that has one, by the call's identity."""
    waiting: dict[str, deque[ToolResultStep]] = defaultdict(deque)
    for step in steps:
        if isinstance(step, ToolResultStep):
            waiting[step.call_id].append(step)
    calls = (step for step in steps if isinstance(step, ToolCallStep))
    return {id(call): waiting[call.call_id].popleft() for call in calls if waiting[call.call_id]}


def _decisions(events: Iterable[Event]) -> dict[str, str]:
    """What was decided about each call, by its id."""
    calls: dict[str, str] = {}
    decisions: dict[str, str] = {}
    for event in events:
        if isinstance(event, PermissionAsked):
            calls[event.id] = event.call_id
        elif isinstance(event, PermissionAnswered) and event.id in calls:
            decisions[calls[event.id]] = event.decision
    return decisions


def _usage(events: Iterable[Event]) -> Usage:
    usage = Usage()
    for event in events:
        if isinstance(event, UsageReported) or (isinstance(event, TurnFinished) and event.usage):
            usage = event.usage
    return usage
