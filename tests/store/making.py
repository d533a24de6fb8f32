"""Turns for the tests of the store, and what happens to a store when its process dies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from chatterm.assembly import Clock, StepWriter
from chatterm.events import (
    Event,
    PermissionAnswered,
    PermissionAsked,
    StepFinished,
    ToolOutput,
    TurnFinished,
    TurnStarted,
    UsageReported,
)
from chatterm.steps import (
    Attachment,
    FinishReason,
    Outcome,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
    Usage,
    UserInput,
)
from chatterm.store import RecordedTurn, Store, TurnLog

AT = "2026-01-01T00:00:00.000Z"
NEVER_MS = 3_600_000  # what waits this long isn't written within a test
COUNT = Usage(input=10, output=4)


def started(
    turn: str,
    parent: str | None = None,
    conversation: str = "c",
    text: str = "hello",
    attachments: tuple[Attachment, ...] = (),
    at: str = AT,
    model: str = "p/m",
) -> TurnStarted:
    return TurnStarted(
        conversation, turn, parent, UserInput(text, attachments), None, model, {}, at
    )


def finished(usage: Usage = COUNT) -> TurnFinished:
    return TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP, "stop", usage)


def frozen_clock() -> Clock:
    return Clock(now=lambda: 1_767_225_600.0, monotonic=lambda: 0.0)


@dataclass
class Making:
    """Makes the events of a turn as the turn loop does."""

    turn: str
    writer: StepWriter = field(init=False)

    def __post_init__(self) -> None:
        self.writer = StepWriter(self.turn, frozen_clock())

    def answer(self, *pieces: str, thinking: str = "") -> list[Event]:
        """A thought and a text, streamed in pieces."""
        events: list[Event] = []
        if thinking:
            self.writer.add(ThinkingStep, text=thinking)
            events += self.writer.take()
        opened = self.writer.open(TextStep)
        for piece in pieces:
            self.writer.append(opened, piece)
            events += self.writer.take()
        self.writer.finish(opened)
        return events + self.writer.take()

    def call(self, call_id: str = "call", *, hosted: bool = False) -> list[Event]:
        opened = self.writer.open(ToolCallStep, call_id=call_id, name="look", hosted=hosted)
        self.writer.append(opened, '{"at":')
        events = self.writer.take()
        self.writer.append(opened, '"it"}')
        self.writer.finish(opened, input={"at": "it"})
        return events + self.writer.take()

    def asked(self, call_id: str = "call") -> list[Event]:
        return [
            PermissionAsked("q", call_id, "look", {"why": "it says so"}),
            PermissionAnswered("q", "allow", "rule 1"),
            ToolOutput(f"{self.turn}.0", "working…"),
        ]

    def result(self, content: str = "it is there", call_id: str = "call") -> list[Event]:
        self.writer.add(
            ToolResultStep, call_id=call_id, name="look", content=content, outcome=Outcome.DONE
        )
        return self.writer.take()


def whole_turn(turn: str, parent: str | None = None, **values: object) -> list[Event]:
    """A turn with a call that was permitted, its result, and an answer."""
    make = Making(turn)
    return [
        started(turn, parent, **values),
        *make.answer("let me ", "look", thinking="I should look"),
        *make.call(),
        *make.asked(),
        *make.result(),
        UsageReported(Usage(input=6, output=2)),
        *make.answer("it ", "is there"),
        UsageReported(COUNT),
        finished(),
    ]


async def begin(store: Store, first: TurnStarted, **values: object) -> TurnLog:
    options = {
        "directory": "/work",
        "origin": "ask",
        "title": first.input.text,
        "attachments": first.input.attachments,
    }
    return await store.begin(first, **(options | values))


async def record(store: Store, events: Iterable[Event], **values: object) -> TurnLog:
    """Record a turn; its log is closed when the turn has its end."""
    first, *rest = events
    log = await begin(store, first, **values)
    for event in rest:
        await log.record(event)
    if rest and isinstance(rest[-1], TurnFinished):
        log.close()
    return log


async def hold(store: Store, *turns: str, conversation: str = "c", **values: object) -> None:
    """Record a conversation of whole turns, one after the other."""
    parent = None
    for turn in turns:
        await record(store, whole_turn(turn, parent, conversation=conversation), **values)
        parent = turn


def die(store: Store, *logs: TurnLog) -> None:
    """End as a killed process does: nothing that waits is written, locks go."""
    with store._writer._condition:
        store._writer._due.clear()
        store._writer._idle = None
    for log in logs:
        log._pending.take()
        log._lock._lock.close()
    store.close()


def read(directory: Path, turn: str) -> RecordedTurn | None:
    """A turn as another process reads it."""
    with Store.open(directory) as store:
        found = store.turns([turn])
    return found[0] if found else None


def unanswered(turn: RecordedTurn) -> list[str]:
    """The calls of a turn that ran here and have no result."""
    steps = [event.step for event in turn.events if isinstance(event, StepFinished)]
    answered = {step.call_id for step in steps if isinstance(step, ToolResultStep)}
    calls = (
        s for s in steps if isinstance(s, ToolCallStep) and not s.hosted and s.status == "done"
    )
    return [call.call_id for call in calls if call.call_id not in answered]


def has_in_order(events: Iterable[Event], wanted: Iterable[Event]) -> bool:
    """Whether all of the wanted are among the events, in their order."""
    rest = iter(events)
    return all(event in rest for event in wanted)
