"""What the store gives and takes, and how a turn's events are folded.

`fold` is the one function between the events as they came and the turn as it is read back: it works
alike on live events and on what reached the disk, so that both give the same turn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from chatterm.errors import StoreError
from chatterm.events import (
    Event,
    StepDelta,
    StepFinished,
    StepStarted,
    StepUpdated,
    ToolOutput,
    TurnFinished,
    TurnStarted,
    UsageReported,
    context_report,
)
from chatterm.steps import (
    FinishReason,
    NoticeStep,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    Turn,
    TurnStatus,
    Usage,
    UserInput,
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A name and the turn it stands at.

    Attributes:
        id: The conversation's id.
        title: What it is called.
        title_from: Who called it that: `first_message`, `model` or `user`.
        directory: The directory it belongs to, or None.
        origin: What began it: `app`, `ask`, `demo` or `import`.
        head: The turn that the next one follows, or None before the first.
        created_at: UTC, ISO 8601, with a final Z.
        updated_at: When it last went on; the same form.
    """

    id: str
    title: str
    title_from: str
    directory: str | None
    origin: str
    head: str | None
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation as a list shows it.

    Attributes:
        conversation: The conversation.
        turns: How many turns lead to its head, the head included; what was done to the conversation
            (a summary, its undoing) is none.
        model: `provider/model` of its last turn, or None before the first.
        usage: The sum over these turns, as far as they have ended.
    """

    conversation: Conversation
    turns: int
    model: str | None
    usage: Usage


@dataclass(frozen=True, slots=True)
class RecordedTurn:
    """A turn as it was recorded.

    Attributes:
        id: The turn's id.
        parent: The turn it follows, or None.
        conversation: The conversation it was begun in.
        events: Its events, folded: the turn's beginning, every step whole, permissions, the
            usage after each round, and its end. An end that was never written, because the process
            died, is there as `interrupted`; a turn that is still running has none.
        running: Whether a living process is at work on it.
    """

    id: str
    parent: str | None
    conversation: str
    events: tuple[Event, ...]
    running: bool = field(default=False, compare=False)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The finished steps, by index."""
        steps = [event.step for event in self.events if isinstance(event, StepFinished)]
        return tuple(sorted(steps, key=lambda step: step.index))

    @property
    def settings(self) -> dict[str, Any] | None:
        """What it recorded of how it asked; None for a turn without words of the user."""
        started = next((e for e in self.events if isinstance(e, TurnStarted)), None)
        if started is None or not (started.input.text or started.input.attachments):
            return None
        return started.settings

    def turn(self) -> Turn:
        """The turn as a request to a model needs it."""
        started = next((e for e in self.events if isinstance(e, TurnStarted)), None)
        if started is None:
            return Turn(self.id, UserInput(""), "", self.steps)
        report = context_report(self.events)
        return Turn(self.id, started.input, started.model, self.steps, report)


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that a search found.

    Attributes:
        conversation: Where it is.
        turn: The turn's id.
        step: The step's id, or None where the user's own words were found.
        index: The step's place in its turn, or None likewise.
        kind: The step's kind, or `user`.
        snippet: The text around the first match, on one line or several.
        matched: Where the words stand in the snippet, as pairs of start and end.
        at: When the step, or the turn, began.
    """

    conversation: Conversation
    turn: str
    step: str | None
    index: int | None
    kind: str
    snippet: str
    matched: list[tuple[int, int]]
    at: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which conversations are meant; what is None doesn't matter.

    Attributes:
        directory: The directory, exactly.
        model: `provider/model`, or the model's or the provider's name alone, of the last turn.
        since: Gone on at this time or after it: UTC, ISO 8601, with a final Z.
        until: Gone on before this time.
        origin: What began them.
    """

    directory: str | None = None
    model: str | None = None
    since: str | None = None
    until: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import changed.

    Attributes:
        conversations_added: Conversations that weren't known.
        conversations_updated: Known conversations whose head or title moved on.
        turns_added: Turns that weren't known.
        turns_known: Turns that were, and were left as they are.
    """

    conversations_added: int = 0
    conversations_updated: int = 0
    turns_added: int = 0
    turns_known: int = 0

    def __add__(self, other: ImportResult) -> ImportResult:
        """Both together."""
        return ImportResult(
            self.conversations_added + other.conversations_added,
            self.conversations_updated + other.conversations_updated,
            self.turns_added + other.turns_added,
            self.turns_known + other.turns_known,
        )


class TurnKnown(StoreError):  # noqa: N818 - it says what is, so that nothing is asked twice
    """A turn with this id was run before and has its end.

    Attributes:
        turn: The turn's id.
    """

    def __init__(self, turn: str) -> None:
        super().__init__(f"turn {turn!a} was run before", hint="its answer is in the store")
        self.turn = turn


def fold(events: Iterable[Event]) -> tuple[Event, ...]:
    """The events of one turn with every step whole.

    What a finished step says takes the place of how it came about. A step that is still open
    becomes `interrupted`, with the text that it has.
    """
    kept: list[Event] = []
    opened: dict[str, Step] = {}
    pieces: dict[str, list[str]] = {}
    for event in events:
        match event:
            case StepStarted(step) | StepUpdated(step):
                opened[step.id] = step
                pieces[step.id] = []
            case StepDelta(id_, text):
                if id_ in opened:
                    pieces[id_].append(text)
            case ToolOutput():
                pass  # what the tool said is in its result
            case _:
                if isinstance(event, StepFinished):
                    opened.pop(event.step.id, None)
                kept.append(event)
    cut = sorted(opened.values(), key=lambda step: step.index)
    ends: list[Event] = [StepFinished(_cut_off(step, "".join(pieces[step.id]))) for step in cut]
    at = len(kept) - 1 if kept and isinstance(kept[-1], TurnFinished) else len(kept)
    return (*kept[:at], *ends, *kept[at:])


def ended(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Folded events with an end: `interrupted` when they have none."""
    if events and isinstance(events[-1], TurnFinished):
        return events
    reports = (e.usage for e in reversed(events) if isinstance(e, UsageReported))
    usage = next(reports, Usage())
    end = TurnFinished(TurnStatus.INTERRUPTED, FinishReason.INTERRUPTED, usage=usage)
    return (*events, end)


def _cut_off(step: Step, text: str) -> Step:
    match step:
        case ToolCallStep():
            return replace(step, status=Status.INTERRUPTED, arguments=step.arguments + text)
        case ThinkingStep() | TextStep() | RefusalStep() | NoticeStep():
            return replace(step, status=Status.INTERRUPTED, text=step.text + text)
        case _:
            return replace(step, status=Status.INTERRUPTED)
