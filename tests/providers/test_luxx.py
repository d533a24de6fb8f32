"""Decoding Luxx's streams: cumulative steps, and what older servers say beside them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.errors import ErrorKind
from chatterm.events import StepDelta, StepStarted, StepUpdated
from chatterm.providers.luxx import LuxxDecoder
from chatterm.steps import Status, Usage
from faultserver import sse
from serverstreams import named, reader

read = reader(LuxxDecoder)
DONE = ("done", {"message_id": "m1", "token_count": 7})


def step(kind, index, content=None, wrapped=True, **more):
    fields = {"id": f"step-{index}", "index": index, "type": kind, **more}
    if content is not None:
        fields["content"] = content
    return ("process_step", {"step": fields} if wrapped else fields)


def call(index, call_id, name="search", arguments="{}", **more):
    return step("tool_call", index, id_ref=call_id, name=name, arguments=arguments, **more)


def result(index, call_id, content="found", name="search", **more):
    return step("tool_result", index, content, id_ref=call_id, name=name, **more)


def old(event, content):
    return (event, {"content": content})


# --- steps ------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapped", [True, False])
def test_cumulative_content_grows_a_step(wrapped):
    said = ["He", "Hello", "Hello, you"]
    got = read(named(*(step("text", 0, text, wrapped) for text in said), DONE))
    assert got.told == [(0, "text", "Hello, you")]
    assert not any(isinstance(event, StepUpdated) for event in got.events)
    assert got.end.provider_finish_reason == "done"
    assert got.end.usage == got.reported == Usage(output=7)


def test_content_that_changed_is_replaced_in_place():
    got = read(named(step("text", 0, "Helo"), step("text", 0, "Hello"), DONE))
    assert got.told == [(0, "text", "Hello")]
    assert [type(event) for event in got.events][:3] == [StepStarted, StepDelta, StepUpdated]


def test_steps_are_brought_up_to_date_in_any_order_while_the_round_lasts():
    got = read(
        named(
            step("thinking", 0, "Hm"),
            step("text", 1, "A"),
            step("thinking", 0, "Hmm"),
            step("text", 1, "AB"),
            DONE,
        )
    )
    assert got.told == [(0, "thinking", "Hmm"), (0, "text", "AB")]


def test_calls_are_hosted_and_what_follows_their_results_is_a_new_round():
    got = read(
        named(
            step("thinking", 0, "I need two."),
            call(1, "a", "weather", '{"city": "Bonn"}'),
            call(2, "b", "news", {"n": 3}),
            result(3, "a", "rain", "weather", success=True),
            result(4, "b", "no", "news", success=False),
            step("text", 5, "It"),
            step("text", 5, "It rains."),
            DONE,
        )
    )
    assert got.told == [
        (0, "thinking", "I need two."),
        (0, "call", "a", "weather", {"city": "Bonn"}),
        (0, "call", "b", "news", {"n": 3}),
        (0, "result", "a", "weather", "rain", "done"),
        (0, "result", "b", "news", "no", "failed"),
        (1, "text", "It rains."),
    ]


@pytest.mark.parametrize(
    ("fields", "content", "outcome"),
    [
        ({"skipped": True}, "too often", "cancelled"),
        ({"skipped": False}, "fine", "done"),
        ({}, '{"success": false, "error": "gone"}', "failed"),
        ({}, '{"success": true}', "done"),
        ({"success": True}, '{"success": false}', "done"),
        ({"error": "gone"}, None, "failed"),
    ],
)
def test_what_became_of_a_call(fields, content, outcome):
    got = read(named(call(0, "a"), result(1, "a", content, **fields), DONE))
    told = content if content is not None else "gone"
    assert got.told[1] == (0, "result", "a", "search", told, outcome)


def test_calls_and_results_may_come_as_events_of_their_own():
    got = read(
        named(
            step("text", 0, "Looking."),
            ("tool_call", {"id_ref": "a", "name": "search", "arguments": "{}"}),
            ("tool_result", {"id_ref": "a", "name": "search", "content": "x", "success": True}),
            step("text", 1, "Found."),
            DONE,
        )
    )
    assert [each[:2] for each in got.told] == [(0, "text"), (0, "call"), (0, "result"), (1, "text")]


def test_a_call_id_may_come_again_in_a_later_round():
    got = read(named(call(0, "a"), result(1, "a"), call(2, "a"), result(3, "a", "more"), DONE))
    assert [(each[0], each[1], each[-1]) for each in got.told] == [
        (0, "call", {}),
        (0, "result", "done"),
        (1, "call", {}),
        (1, "result", "done"),
    ]


def test_a_step_that_is_told_again_after_its_round_is_shown_once():
    steps = [step("text", 0, "Looking."), call(1, "a"), result(2, "a"), step("text", 3, "Found.")]
    got = read(named(*steps, *steps, DONE))
    assert len(got.steps) == 4


def test_a_text_that_grew_after_its_round_goes_on_in_a_step_of_its_own():
    got = read(
        named(
            step("text", 0, "A"), call(1, "a"), step("text", 0, "AB"), step("text", 0, "ABC"), DONE
        )
    )
    assert got.text == "ABC"


# --- older servers ----------------------------------------------------------------------------


def test_old_events_that_duplicate_the_steps_are_passed_over():
    got = read(
        named(
            old("thinking", "Hm"),
            step("thinking", 0, "Hm"),
            old("thinking", "m"),
            step("thinking", 0, "Hmm"),
            step("text", 1, "Looking."),
            old("message", "Looking."),
            ("tool_calls", {"calls": [{"id": "a", "function": {"name": "search"}}]}),
            call(2, "a"),
            result(3, "a"),
            ("tool_result", {"id": "a", "name": "search", "content": "found"}),
            step("text", 4, "Found."),
            old("message", "Found."),
            old("thinking", "Hmm"),
            DONE,
        )
    )
    assert [each[:2] for each in got.told] == [
        (0, "thinking"),
        (0, "text"),
        (0, "call"),
        (0, "result"),
        (1, "text"),
    ]
    assert got.text == "Looking.Found."


def test_what_streams_in_the_old_way_is_taken_over_by_its_step():
    got = read(
        named(
            ("thinking_start", {}),
            *(old("thinking", piece) for piece in ("I ", "see")),
            *(old("message", piece) for piece in ("Let me ", "look.")),
            step("thinking", 0, "I see"),
            step("text", 1, "Let me look."),
            DONE,
        )
    )
    assert got.told == [(0, "thinking", "I see"), (0, "text", "Let me look.")]
    assert sum(isinstance(event, StepDelta) for event in got.events) == 2


def test_the_oldest_servers_never_make_a_step_of_the_answer():
    plain = {"wrapped": False}
    got = read(
        named(
            ("thinking_start", {}),
            old("thinking", "Hm"),
            ("process_step", {"index": 0, "type": "thinking", "content": "Hm"}),
            ("tool_calls", {"calls": [{"id": "a", "function": {"name": "s", "arguments": "{}"}}]}),
            ("process_step", {"index": 1, "type": "tool_call", "id": "a", "name": "s"}),
            (
                "process_step",
                {"index": 2, "type": "tool_result", "id": "a", "name": "s", "content": "x"},
            ),
            ("tool_result", {"id": "a", "name": "s", "content": "x", "skipped": False}),
            ("thinking_start", {}),
            old("thinking", "Ah"),
            old("message", "It "),
            old("message", "rains."),
            step("thinking", 3, "Ah", **plain),
            DONE,
        )
    )
    assert sorted(got.told) == sorted(
        [
            (0, "thinking", "Hm"),
            (0, "call", "a", "s", {}),
            (0, "result", "a", "s", "x", "done"),
            (1, "text", "It rains."),
            (1, "thinking", "Ah"),
        ],
    )


@pytest.mark.parametrize("kind", [[], {}, ["text"], None, 7])
def test_a_type_of_another_type_is_none(kind):
    assert read(b"data: " + json.dumps({"type": kind}).encode() + b"\n\n", named(DONE)).steps == []


def test_an_answer_that_only_old_events_hold_is_not_lost():
    got = read(
        named(
            step("text", 0, "Looking."),
            call(1, "a"),
            result(2, "a"),
            old("message", "It "),
            old("message", "rains."),
            DONE,
        )
    )
    assert got.told[-1] == (1, "text", "It rains.")


def test_servers_without_steps_are_read_by_their_old_events():
    got = read(
        named(
            old("thinking", "Hm"),
            ("tool_calls", {"calls": [{"id": "a", "function": {"name": "s", "arguments": "{}"}}]}),
            ("tool_result", {"id": "a", "name": "s", "content": "x"}),
            old("message", "So."),
            DONE,
        )
    )
    assert [each[:2] for each in got.told] == [
        (0, "thinking"),
        (0, "call"),
        (0, "result"),
        (1, "text"),
    ]


# --- ends -------------------------------------------------------------------------------------


def test_usage_and_the_title_come_last():
    done = {
        "message_id": "m",
        "token_count": 9,
        "usage": {"prompt_tokens": 5, "completion_tokens": 4},
        "suggested_title": "Rain",
    }
    got = read(named(step("text", 0, "Hi"), ("done", done)))
    assert got.end.usage == Usage(input=5, output=4)
    assert got.told[-1] == (0, "notice", "topic")


def test_an_error_keeps_what_came():
    got = read(named(step("text", 0, "Hi"), old("error", "Rate limit exceeded, try later")))
    assert "Rate limit exceeded" in got.end.failure.message
    assert got.end.provider_finish_reason == "error"
    assert got.steps[0].status is Status.INTERRUPTED


def test_without_done_the_stream_was_cut():
    got = read(named(step("text", 0, "Hi")))
    assert got.end.failure.kind is ErrorKind.STREAM_CUT
    assert got.notices == ["stream_cut"]


def test_the_first_step_keeps_what_the_conversation_goes_on_by():
    got = read(named(step("text", 0, "Hi"), DONE), keep=lambda: {"luxx": {"conversation": "4"}})
    assert got.steps[0].opaque == {"luxx": {"conversation": "4"}}


def test_steps_are_known_without_the_events_name():
    body = sse(json.dumps(step("text", 0, "Hi")[1]), json.dumps({"type": "done"}))
    assert read(body).told == [(0, "text", "Hi")]


def test_an_envelope_with_an_error_is_one():
    got = read(b'{"code": 404, "message": "conversation not found"}')
    assert "conversation not found" in got.end.failure.message


EVENTS = st.lists(
    st.sampled_from(
        [
            step("thinking", 0, "a"),
            step("thinking", 0, "ab"),
            step("text", 1, "x"),
            step("text", 1, "xy"),
            call(2, "a"),
            result(3, "a"),
            step("text", 4, "z"),
            call(5, "b"),
            old("thinking", "ab"),
            old("message", "xy"),
            ("tool_calls", {"calls": [{"id": "a"}, None]}),
            ("thinking_start", {}),
            ("process_step", {"step": None}),
            ("process_step", {"step": {"type": "text", "id": {}, "content": 3}}),
            old("error", "no"),
            DONE,
        ]
    ),
    max_size=12,
)


@given(EVENTS, st.integers(1, 400))
def test_any_order_of_events_and_any_split_gives_steps_that_hold(events, size):
    body = named(*events)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    assert read(*pieces).steps == read(body).steps
