"""Building the steps of a turn."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatterm.assembly import Clock, StepWriter
from chatterm.events import (
    Event,
    StepDelta,
    StepFinished,
    StepStarted,
    StepUpdated,
    event_from_json,
    event_to_json,
    to_json_line,
)
from chatterm.steps import (
    Citation,
    NoticeStep,
    Status,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
)

HIGH, LOW = "\ud83d", "\ude00"  # the halves of a pair
PAIR = "\U0001f600"


class Hands:
    """A clock whose time is set."""

    def __init__(self) -> None:
        self.seconds = 1_000_000_000.25

    def read(self) -> float:
        return self.seconds


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def writer(hands: Hands) -> StepWriter:
    return StepWriter("t", Clock(now=hands.read, monotonic=hands.read))


def deltas(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.id, event.text) for event in events if isinstance(event, StepDelta)]


def test_steps_are_numbered_timed_and_told_of(writer: StepWriter, hands: Hands) -> None:
    writer.round = 2
    opened = writer.open(ThinkingStep, summary=True)
    hands.seconds += 1.5
    step = writer.finish(opened)

    assert step == ThinkingStep(
        id="t.0",
        index=0,
        round=2,
        status=Status.DONE,
        started_at="2001-09-09T01:46:40.250Z",
        duration_ms=1500,
        summary=True,
    )
    started, finished = writer.take()
    assert isinstance(started, StepStarted)
    assert (started.step.status, started.step.duration_ms) == (Status.OPEN, None)
    assert finished == StepFinished(step)
    assert writer.add(TextStep, text="x").index == 1


def test_a_clock_set_back_gives_no_negative_duration(writer: StepWriter, hands: Hands) -> None:
    opened = writer.open(TextStep)
    hands.seconds -= 5
    assert writer.finish(opened).duration_ms == 0


def test_text_of_one_step_becomes_one_delta_each_time_events_are_taken(writer: StepWriter) -> None:
    opened = writer.open(TextStep)
    for piece in ("one ", "two ", "three"):
        writer.append(opened, piece)
    assert deltas(writer.take()) == [("t.0", "one two three")]
    assert writer.take() == []
    writer.append(opened, " four")
    assert deltas(writer.take()) == [("t.0", " four")]
    assert writer.finish(opened) == writer.take()[-1].step  # type: ignore[union-attr]


def test_text_of_two_steps_keeps_its_order(writer: StepWriter) -> None:
    one, two = writer.open(ToolCallStep), writer.open(ToolCallStep)
    for target, piece in ((one, "a"), (one, "b"), (two, "c"), (one, "d")):
        writer.append(target, piece)
    assert deltas(writer.take()) == [("t.0", "ab"), ("t.1", "c"), ("t.0", "d")]


def test_text_comes_before_whatever_was_done_after_it(writer: StepWriter) -> None:
    one = writer.open(TextStep)
    writer.append(one, "a")
    two = writer.open(ThinkingStep)
    writer.append(one, "b")
    writer.finish(one)
    writer.append(two, "c")
    writer.update(two, summary=True)
    kinds = [event.type for event in writer.take()]
    assert kinds == [
        "step.started",
        "step.delta",
        "step.started",
        "step.delta",
        "step.finished",
        "step.delta",
        "step.updated",
    ]


def test_no_text_is_no_event(writer: StepWriter) -> None:
    opened = writer.open(TextStep)
    writer.take()
    writer.append(opened, "")
    writer.replace_text(opened, "")
    assert writer.take() == []


def test_a_split_pair_is_joined(writer: StepWriter) -> None:
    opened = writer.open(TextStep)
    writer.append(opened, "a" + HIGH)
    assert deltas(writer.take()) == [("t.0", "a")]
    assert opened.text == "a"
    writer.append(opened, "")
    writer.append(opened, LOW + "b")
    assert deltas(writer.take()) == [("t.0", PAIR + "b")]
    assert writer.finish(opened).text == f"a{PAIR}b"  # type: ignore[attr-defined]


def test_a_half_that_stays_alone_is_kept(writer: StepWriter) -> None:
    opened = writer.open(TextStep)
    writer.append(opened, HIGH)
    writer.append(opened, "x" + HIGH)
    step = writer.finish(opened)
    assert isinstance(step, TextStep)
    assert step.text == f"{HIGH}x{HIGH}"
    assert "".join(text for _, text in deltas(writer.take())) == step.text


def test_two_steps_each_hold_their_own_half(writer: StepWriter) -> None:
    one, two = writer.open(ToolCallStep), writer.open(ToolCallStep)
    writer.append(one, HIGH)
    writer.append(two, LOW)
    writer.append(one, LOW)
    assert (one.text, two.text) == (PAIR, LOW)


def test_final_text_that_only_grows_is_a_delta(writer: StepWriter) -> None:
    opened = writer.open(TextStep)
    writer.append(opened, "Hel" + HIGH)
    writer.replace_text(opened, f"Hel{PAIR}lo")
    assert [event.type for event in writer.take()] == ["step.started", "step.delta"]
    assert opened.text == f"Hel{PAIR}lo"


def test_final_text_that_differs_is_an_update(writer: StepWriter) -> None:
    opened = writer.open(TextStep)
    writer.append(opened, "Hallo")
    writer.replace_text(opened, "Hello" + HIGH + LOW)
    writer.append(opened, "!")
    update = next(event for event in writer.take() if isinstance(event, StepUpdated))
    assert isinstance(update.step, TextStep)
    assert update.step.text == "Hello" + PAIR
    assert writer.finish(opened).text == f"Hello{PAIR}!"  # type: ignore[attr-defined]


def test_no_final_text_takes_nothing_back_not_even_a_half(writer: StepWriter) -> None:
    opened = writer.open(TextStep)
    writer.append(opened, "a" + HIGH)
    writer.replace_text(opened, "")
    writer.append(opened, LOW)
    assert opened.text == f"a{PAIR}"


def test_an_update_tells_of_the_whole_step_an_amendment_waits(writer: StepWriter) -> None:
    opened = writer.open(TextStep)
    writer.append(opened, "a")
    writer.amend(opened, citations=(Citation("t", "u"),))
    assert not any(isinstance(event, StepUpdated) for event in writer.take())
    writer.update(opened, withdrawn=True)
    [update] = writer.take()
    assert isinstance(update, StepUpdated)
    assert update.step == TextStep(
        id="t.0",
        index=0,
        round=0,
        started_at=opened.step.started_at,
        text="a",
        citations=(Citation("t", "u"),),
        withdrawn=True,
    )


def test_a_step_may_become_one_of_another_kind(writer: StepWriter) -> None:
    opened = writer.open(TextStep)
    writer.append(opened, "thinking after all")
    writer.become(opened, ThinkingStep)
    writer.append(opened, "…")
    step = writer.finish(opened)
    assert isinstance(step, ThinkingStep)
    assert (step.id, step.index, step.text) == ("t.0", 0, "thinking after all…")
    updates = [event.step for event in writer.take() if isinstance(event, StepUpdated)]
    assert [update.kind for update in updates] == ["thinking"]


def test_the_text_of_a_call_is_its_arguments(writer: StepWriter) -> None:
    opened = writer.open(ToolCallStep, name="f")
    writer.append(opened, '{"a"')
    writer.append(opened, ":1}")
    step = writer.finish(opened, call_id="call_1", input={"a": 1})
    assert isinstance(step, ToolCallStep)
    assert (step.call_id, step.arguments, step.input) == ("call_1", '{"a":1}', {"a": 1})


def test_an_interruption_closes_what_is_open_in_order(writer: StepWriter) -> None:
    one, two = writer.open(ThinkingStep), writer.open(TextStep)
    three = writer.open(ToolCallStep)
    writer.append(two, "half a sen" + HIGH)
    writer.finish(one)
    steps = writer.interrupt()
    assert [(step.index, step.status) for step in steps] == [
        (1, Status.INTERRUPTED),
        (2, Status.INTERRUPTED),
    ]
    assert steps[0].text == "half a sen" + HIGH  # type: ignore[attr-defined]
    assert writer.interrupt() == []
    assert one.closed
    assert two.closed
    assert three.closed


def test_a_call_told_twice_runs_once(writer: StepWriter) -> None:
    def told(**more: object) -> Status:
        values = {"call_id": "a", "name": "f", "text": '{"x":1}', **more}
        return writer.add(ToolCallStep, **values).status

    assert [told(), told()] == [Status.DONE, Status.INTERRUPTED]
    assert told(text='{"x":2}') is Status.DONE
    assert told(call_id="b") is Status.DONE
    assert [told(name="h", hosted=True), told(name="h", hosted=True)] == [Status.DONE] * 2
    writer.round = 1
    assert told() is Status.DONE


def test_a_whole_step_is_added_at_once(writer: StepWriter) -> None:
    notice = writer.notice("length", "too long")
    assert isinstance(notice, NoticeStep)
    assert (notice.reason, notice.text, notice.status) == ("length", "too long", Status.DONE)
    result = writer.add(ToolResultStep, content="out", ok=False, status=Status.FAILED)
    assert isinstance(result, ToolResultStep)
    assert (result.content, result.ok, result.status) == ("out", False, Status.FAILED)
    types = [event.type for event in writer.take()]
    assert types == [
        "step.started",
        "step.delta",
        "step.finished",
        "step.started",
        "step.finished",
    ]


PIECES = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.text(st.sampled_from(["a", "ü", PAIR, HIGH, LOW, "\n"]), max_size=4).map(
            lambda text: text.replace(HIGH + LOW, PAIR)  # as a JSON parser gives them
        ),
        st.booleans(),
    ),
    max_size=30,
)


@settings(max_examples=200, derandomize=True)
@given(PIECES)
def test_deltas_always_add_up_to_the_finished_text(
    pieces: list[tuple[int, str, bool]],
) -> None:
    writer = StepWriter("t")
    targets = [writer.open(TextStep), writer.open(ThinkingStep), writer.open(ToolCallStep)]
    events = writer.take()
    for number, piece, taken in pieces:
        writer.append(targets[number], piece)
        if taken:
            events += writer.take()
    finished = [writer.finish(target) for target in targets]
    events += writer.take()

    for step, number in zip(finished, range(3), strict=True):
        text = step.arguments if isinstance(step, ToolCallStep) else step.text  # type: ignore[attr-defined]
        sent = "".join(piece for target, piece, _ in pieces if target == number)
        assert "".join(text for id_, text in deltas(events) if id_ == step.id) == text
        assert text.encode("utf-16", "surrogatepass") == sent.encode("utf-16", "surrogatepass")
        event = StepFinished(step)
        assert event_from_json(json.loads(to_json_line(event_to_json(event)))) == event


def test_a_step_begun_anew_keeps_its_place_and_loses_its_text(writer: StepWriter) -> None:
    opened = writer.open(ToolCallStep, call_id="a", name="f")
    writer.append(opened, "{" + HIGH)
    writer.restart(opened, call_id="b", name="g")
    writer.append(opened, "{}")
    finished = writer.finish(opened)
    assert isinstance(finished, ToolCallStep)
    assert (finished.index, finished.call_id, finished.name) == (0, "b", "g")
    assert finished.arguments == "{}"
    events = writer.take()
    updated = [event.step for event in events if isinstance(event, StepUpdated)]
    assert [(step.name, step.arguments) for step in updated] == [("g", "")]  # type: ignore[attr-defined]
    assert deltas(events) == [("t.0", "{"), ("t.0", "{}")]


def test_a_step_that_rests_counts_no_more_time(writer: StepWriter, hands: Hands) -> None:
    opened = writer.open(ThinkingStep)
    hands.seconds += 2
    writer.rest(opened)
    hands.seconds += 5
    assert writer.finish(opened).duration_ms == 2000
