"""The events that tell how a turn comes about, and their one JSON form.

`turn.started` comes first and `turn.finished`, exactly once, last; between them steps are opened,
grown and closed. `event_to_json` and `event_from_json` are inverse to each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from chatterm.errors import Failure
from chatterm.steps import (
    ContextReport,
    FinishReason,
    Step,
    TurnStatus,
    Usage,
    UserInput,
    field_names,
    plain,
    step_from_json,
)


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A turn begins.

    Attributes:
        conversation: The conversation's id.
        turn: The turn's id.
        parent: The turn it follows, or None for the first.
        input: What the user sent.
        system: The system text in force.
        model: `provider/model`.
        settings: What else was asked of the model (effort, temperature and the like).
        at: UTC, ISO 8601, with a final Z.
    """

    type: ClassVar[str] = "turn.started"
    conversation: str
    turn: str
    parent: str | None
    input: UserInput
    system: str | None
    model: str
    settings: dict[str, Any]
    at: str


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step was opened."""

    type: ClassVar[str] = "step.started"
    step: Step


@dataclass(frozen=True, slots=True)
class StepDelta:
    """Text to append to an open step; argument text for a tool call."""

    type: ClassVar[str] = "step.delta"
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class StepUpdated:
    """The step as it now is, in place of all that came before."""

    type: ClassVar[str] = "step.updated"
    step: Step


@dataclass(frozen=True, slots=True)
class StepFinished:
    """The whole step, closed."""

    type: ClassVar[str] = "step.finished"
    step: Step


@dataclass(frozen=True, slots=True)
class PermissionAsked:
    """The user is asked whether a call may run.

    Attributes:
        id: The question's id.
        call_id: The call it is about.
        tool: The tool's name.
        details: What else the question shows, merged into the JSON object.
    """

    type: ClassVar[str] = "permission.asked"
    id: str
    call_id: str
    tool: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PermissionAnswered:
    """A question was answered, by the user or by a rule."""

    type: ClassVar[str] = "permission.answered"
    id: str
    decision: str
    rule: Any = None


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """Live output of a running tool, before its result. `id` is the tool_call step's."""

    type: ClassVar[str] = "tool.output"
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The turn's usage so far, over all its rounds."""

    type: ClassVar[str] = "usage"
    usage: Usage


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """The turn is over: always comes, exactly once, last.

    Attributes:
        status: How it ended.
        finish_reason: Why, in our words.
        provider_finish_reason: Why, in the provider's own word, when it gave one.
        usage: The turn's total over its rounds.
        denied: The ids of calls that were denied because nobody could be asked.
        error: What went wrong; not None exactly when `status` is failed.
    """

    type: ClassVar[str] = "turn.finished"
    status: TurnStatus
    finish_reason: FinishReason
    provider_finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    denied: tuple[str, ...] = ()
    error: Failure | None = None


Event = (
    TurnStarted
    | StepStarted
    | StepDelta
    | StepUpdated
    | StepFinished
    | PermissionAsked
    | PermissionAnswered
    | ToolOutput
    | UsageReported
    | TurnFinished
)


def context_report(events: Iterable[Event]) -> ContextReport | None:
    """The context in use at a turn's last report of usage, live or replayed.

    Usage is told as the turn's total, once a round: what a report adds to the one before is what
    its round took. None where no report tells what was sent.
    """
    before = Usage()
    finished = 0
    found = None
    for event in events:
        if isinstance(event, StepFinished):
            finished += 1
        elif isinstance(event, UsageReported):
            usage = event.usage
            if usage.input is not None and usage.input > (before.input or 0):
                sent = usage.input - (before.input or 0)
                found = ContextReport(sent + (usage.output or 0) - (before.output or 0), finished)
            before = usage
    return found


def event_to_json(event: Event) -> dict[str, Any]:
    """The event as the JSON object of the contract, `type` first."""
    data: dict[str, Any] = {"type": event.type}
    for name in field_names(type(event)):
        value = getattr(event, name)
        if name == "details":
            data.update(value)
        else:
            data[name] = plain(value)
    return data


def event_from_json(data: Mapping[str, Any]) -> Event:
    """The event that `event_to_json` wrote.

    Raises:
        ValueError: The type is unknown or a field is missing or wrong.
    """
    try:
        return _read_event(data)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a whole {data.get('type')} event: {error}") from error


def _read_event(data: Mapping[str, Any]) -> Event:
    match data.get("type"):
        case "turn.started":
            values = {name: data[name] for name in field_names(TurnStarted)}
            return TurnStarted(**values | {"input": UserInput.from_json(data["input"])})
        case "step.started":
            return StepStarted(step_from_json(data["step"]))
        case "step.delta":
            return StepDelta(data["id"], data["text"])
        case "step.updated":
            return StepUpdated(step_from_json(data["step"]))
        case "step.finished":
            return StepFinished(step_from_json(data["step"]))
        case "permission.asked":
            named = {"type", "id", "call_id", "tool"}
            details = {key: value for key, value in data.items() if key not in named}
            return PermissionAsked(data["id"], data["call_id"], data["tool"], details)
        case "permission.answered":
            return PermissionAnswered(data["id"], data["decision"], data.get("rule"))
        case "tool.output":
            return ToolOutput(data["id"], data["text"])
        case "usage":
            return UsageReported(Usage.from_json(data["usage"]))
        case "turn.finished":
            error = data.get("error")
            return TurnFinished(
                TurnStatus(data["status"]),
                FinishReason(data["finish_reason"]),
                data.get("provider_finish_reason"),
                Usage.from_json(data["usage"]),
                tuple(data.get("denied") or ()),
                Failure.from_json(error) if error else None,
            )
        case unknown:
            raise ValueError(f"unknown type of event: {unknown!r}")


def to_json_line(data: Any, *, ascii_only: bool = False) -> bytes:
    r"""One line of JSON in UTF-8, without its newline.

    A lone surrogate, which UTF-8 can't hold, is written as its `\udXXX` escape, so that it
    survives a round trip. With `ascii_only` everything outside ASCII is, for a terminal that must
    see no control character.
    """
    line = json.dumps(data, ensure_ascii=ascii_only, separators=(",", ":"))
    return line.encode("utf-8", "backslashreplace")
