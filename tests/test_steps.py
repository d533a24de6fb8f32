"""The vocabulary of a turn and its one JSON form."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatterm.steps import (
    STEP_KINDS,
    Attachment,
    Citation,
    FinishReason,
    NoticeStep,
    Outcome,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Turn,
    TurnStatus,
    Usage,
    UserInput,
    step_from_json,
)

HIGH = "\ud83d"  # one half of a surrogate pair

STEPS = [
    ThinkingStep(id="t.0", index=0, round=0),
    ThinkingStep(
        id="t.1",
        index=1,
        round=0,
        status=Status.DONE,
        started_at="2026-01-02T03:04:05.678Z",
        duration_ms=12,
        opaque={"item": {"encrypted_content": "…", "summary": []}},
        text=f"hm {HIGH}",
        summary=True,
    ),
    TextStep(
        id="t.2",
        index=2,
        round=1,
        text="as [1] says",
        citations=(Citation("A page", "https://a.example", 3, 6), Citation("", "https://b")),
        phase="final_answer",
        withdrawn=True,
    ),
    RefusalStep(id="t.3", index=3, round=1, text="no", status=Status.INTERRUPTED),
    ToolCallStep(
        id="t.4",
        index=4,
        round=1,
        call_id="call:1",
        name="shell",
        arguments='{"a": 1}',
        input={"a": 1},
        hosted=True,
        status=Status.FAILED,
    ),
    ToolResultStep(
        id="t.5",
        index=5,
        round=1,
        call_id="call:1",
        name="shell",
        content="out",
        ok=False,
        outcome=Outcome.TIMED_OUT,
        exit_code=0,
        truncated=False,
        full_output="/somewhere",
    ),
    NoticeStep(id="t.6", index=6, round=1, text="compacted", reason="compacted"),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.kind}-{step.index}")
def test_a_step_read_back_from_its_json_is_equal(step: Step) -> None:
    assert step_from_json(json.loads(json.dumps(step.to_json()))) == step


def test_every_kind_of_step_is_among_the_examples() -> None:
    assert {step.kind for step in STEPS} == set(STEP_KINDS)


def test_fields_that_are_optional_are_left_out_and_all_others_are_there() -> None:
    text = TextStep(id="t.0", index=0, round=0).to_json()
    assert text == {
        "kind": "text",
        "id": "t.0",
        "index": 0,
        "round": 0,
        "status": "open",
        "started_at": "",
        "duration_ms": None,
        "text": "",
        "citations": [],
        "withdrawn": False,
    }
    call = ToolCallStep(id="t.0", index=0, round=0).to_json()
    assert call["input"] is None
    result = ToolResultStep(id="t.0", index=0, round=0).to_json()
    assert not {"exit_code", "truncated", "full_output", "opaque"} & result.keys()


def test_a_field_of_a_later_version_is_passed_over() -> None:
    data = STEPS[0].to_json() | {"mood": "sunny"}
    assert step_from_json(data) == STEPS[0]


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "dance", "id": "t.0", "index": 0, "round": 0},
        {"id": "t.0", "index": 0, "round": 0},
        {"kind": "text", "index": 0, "round": 0},
        {"kind": "text", "id": "t.0", "index": 0, "round": 0, "status": "wobbly"},
    ],
    ids=["unknown kind", "no kind", "no id", "unknown status"],
)
def test_what_is_no_step_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"kind|step|wobbly"):
        step_from_json(data)


def test_a_citation_without_place_has_no_place_in_its_json() -> None:
    assert Citation("t", "u").to_json() == {"title": "t", "url": "u"}
    assert Citation("t", "u", 0, 4).to_json() == {"title": "t", "url": "u", "start": 0, "end": 4}


def test_the_content_of_an_attachment_is_never_part_of_its_json() -> None:
    attachment = Attachment("a.png", "image/png", 3, "00ff", b"abc")
    assert "data" not in attachment.to_json()
    sent = UserInput("look", (attachment,))
    assert UserInput.from_json(sent.to_json()) == sent  # compared by reference
    assert UserInput.from_json(sent.to_json()).attachments[0].data is None
    assert UserInput.from_json({"text": "bare"}) == UserInput("bare")


COUNTS = st.none() | st.integers(0, 10**9)
USAGES = st.builds(
    Usage,
    input=COUNTS,
    output=COUNTS,
    reasoning=COUNTS,
    cached_input=COUNTS,
    cache_write=COUNTS,
    cost_usd=st.none() | st.integers(0, 100),  # whole dollars: no rounding
)


@settings(max_examples=100, derandomize=True)
@given(USAGES, USAGES)
def test_usage_adds_up_and_stays_unknown_only_where_both_are(one: Usage, other: Usage) -> None:
    both = one + other
    assert both == other + one
    for name, value in both.to_json().items():
        parts = [v for v in (getattr(one, name), getattr(other, name)) if v is not None]
        assert value == (sum(parts) if parts else None)
    assert Usage.from_json(one.to_json()) == one


def test_usage_is_true_when_anything_is_known_be_it_nought() -> None:
    assert not Usage()
    assert Usage(output=0)
    assert Usage(cost_usd=0.0)


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (FinishReason.STOP, TurnStatus.COMPLETED),
        (FinishReason.LENGTH, TurnStatus.INCOMPLETE),
        (FinishReason.CONTENT_FILTER, TurnStatus.INCOMPLETE),
        (FinishReason.REFUSAL, TurnStatus.INCOMPLETE),
        (FinishReason.ROUND_LIMIT, TurnStatus.INCOMPLETE),
        (FinishReason.ERROR, TurnStatus.FAILED),
        (FinishReason.INTERRUPTED, TurnStatus.INTERRUPTED),
    ],
)
def test_the_reason_a_turn_ended_says_its_status(reason: FinishReason, status: TurnStatus) -> None:
    assert reason.turn_status is status


def test_a_turn_names_its_provider() -> None:
    assert Turn("t", UserInput(""), "openrouter/z-ai/glm-5").provider == "openrouter"
