"""The events of a turn and their one JSON form."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatterm.errors import ErrorKind, Failure
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
    TurnStarted,
    UsageReported,
    event_from_json,
    event_to_json,
    to_json_line,
)
from chatterm.steps import (
    Attachment,
    FinishReason,
    Status,
    TextStep,
    ToolCallStep,
    TurnStatus,
    Usage,
    UserInput,
)

STEP = TextStep(id="t.0", index=0, round=0, text="so", status=Status.DONE, duration_ms=3)
FAILURE = Failure(
    ErrorKind.RATE_LIMITED, "too many requests", 429, "req_1", retryable=True, hint="wait"
)

EVENTS: list[Event] = [
    TurnStarted(
        conversation="c",
        turn="t",
        parent=None,
        input=UserInput("hello", (Attachment("a.txt", "text/plain", 1, "ab"),)),
        system=None,
        model="openai/gpt-5",
        settings={"effort": "low"},
        at="2026-01-02T03:04:05.678Z",
    ),
    StepStarted(ToolCallStep(id="t.1", index=1, round=0, call_id="call_1", name="shell")),
    StepDelta("t.0", "text \u2028 \ud83d"),
    StepUpdated(STEP),
    StepFinished(STEP),
    PermissionAsked("q", "call_1", "shell", {"argv": ["ls"], "why": "no rule"}),
    PermissionAnswered("q", "allow", {"tool": "shell"}),
    PermissionAnswered("q", "deny"),
    ToolOutput("t.1", "line\r\n"),
    UsageReported(Usage(input=3, output=4, cost_usd=0.25)),
    TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP, "end_turn", Usage(input=1), ("call_1",)),
    TurnFinished(TurnStatus.FAILED, FinishReason.ERROR, error=FAILURE),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_an_event_read_back_from_its_line_is_equal(event: Event) -> None:
    line = to_json_line(event_to_json(event))
    assert b"\n" not in line
    assert event_from_json(json.loads(line)) == event


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_type_comes_first(event: Event) -> None:
    assert next(iter(event_to_json(event).items())) == ("type", event.type)


def test_the_last_event_of_a_turn_says_everything_even_what_is_not_known() -> None:
    event = TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP)
    assert event_to_json(event) == {
        "type": "turn.finished",
        "status": "completed",
        "finish_reason": "stop",
        "provider_finish_reason": None,
        "usage": dict.fromkeys(
            ["input", "output", "reasoning", "cached_input", "cache_write", "cost_usd"]
        ),
        "denied": [],
        "error": None,
    }


def test_the_details_of_a_question_lie_beside_its_own_fields() -> None:
    event = PermissionAsked("q", "call_1", "shell", {"argv": ["ls"]})
    assert event_to_json(event) == {
        "type": "permission.asked",
        "id": "q",
        "call_id": "call_1",
        "tool": "shell",
        "argv": ["ls"],
    }


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"type": "turn.postponed"},
        {"type": "step.delta", "id": "t.0"},
        {"type": "step.finished"},
        {"type": "step.finished", "step": {"kind": "dance"}},
        {"type": "turn.started", "turn": "t"},
        {"type": "turn.finished", "status": "splendid", "finish_reason": "stop", "usage": {}},
        {"type": "usage"},
    ],
)
def test_what_is_no_event_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"event|step|splendid"):
        event_from_json(data)


def test_a_lone_surrogate_is_written_as_its_escape() -> None:
    assert to_json_line({"text": "a\ud83d"}) == b'{"text":"a\\ud83d"}'
    assert to_json_line({"text": "\u2028ü"}) == '{"text":"\u2028ü"}'.encode()


def test_a_line_for_a_terminal_is_all_ascii() -> None:
    line = to_json_line({"text": "ü\x1b[2J\x9b\ud83d"}, ascii_only=True)
    assert line == b'{"text":"\\u00fc\\u001b[2J\\u009b\\ud83d"}'


# Any text at all, lone surrogates included; a high one before a low one would be a pair.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from(["\udc00", "\udfff", "\n", "\0"])
) | st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(["\ud800", "\udbff"]))


@settings(max_examples=200, derandomize=True)
@given(TEXTS, st.booleans())
def test_any_text_survives_its_line(text: str, ascii_only: bool) -> None:
    event = StepDelta("t.0", text)
    line = to_json_line(event_to_json(event), ascii_only=ascii_only)
    assert b"\n" not in line
    assert event_from_json(json.loads(line)) == event
