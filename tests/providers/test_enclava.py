"""Decoding Enclava's streams: Responses events whose names stand only in the frame."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.errors import ErrorKind
from chatterm.events import StepUpdated
from chatterm.providers.enclava import EnclavaDecoder
from chatterm.steps import FinishReason, Status, Usage
from faultserver import sse
from serverstreams import named, reader

read = reader(EnclavaDecoder)
RESPONSE = {"id": "resp_1", "object": "response"}
CREATED = ("response.created", {**RESPONSE, "model": "m", "status": "in_progress"})


def text(delta, item="msg_0"):
    data = {"response_id": "resp_1", "item_id": item, "delta": delta, "type": "output_text"}
    return ("response.output_text.delta", data)


def arguments(delta, call_id="c1"):
    data = {"response_id": "resp_1", "call_id": call_id, "delta": delta}
    return ("response.function_call_arguments.delta", {**data, "type": "function_call_arguments"})


def added(item):
    return ("response.output_item.added", {"response_id": "resp_1", "item": item})


def message(words, item="msg_0"):
    content = [{"type": "output_text", "text": words}]
    return {"type": "message", "id": item, "role": "assistant", "content": content}


def call(call_id="c1", name="search", words='{"q": 1}', status="in_progress"):
    item = {"type": "function_call", "id": call_id, "call_id": call_id, "name": name}
    return {**item, "arguments": words, "status": status}


def output(call_id="c1", words='"found"', status="completed"):
    item = {"type": "function_call_output", "id": f"out_{call_id}", "call_id": call_id}
    return {**item, "output": words, "status": status}


def completed(*items, **more):
    return ("response.completed", {**RESPONSE, "status": "completed", "output": items, **more})


def failed(code, words):
    error = {"type": code, "code": code, "message": words}
    return ("response.failed", {**RESPONSE, "status": "failed", "error": error})


def test_deltas_come_before_the_message_that_holds_them():
    item = message("Hello")
    got = read(named(CREATED, text("Hel"), text("lo"), added(item), completed(item)))
    assert got.told == [(0, "text", "Hello")]
    assert got.end.finish_reason is FinishReason.STOP
    assert got.end.provider_finish_reason == "completed"
    assert got.end.usage == Usage()


def test_the_message_may_be_longer_than_its_deltas():
    item = message("Hello, you")
    assert read(named(text("Hel"), added(item), completed(item))).text == "Hello, you"


def test_arguments_come_before_the_item_that_names_them():
    got = read(
        named(
            CREATED,
            arguments('{"q"'),
            arguments(": 1}"),
            added(call()),
            added(output()),
            completed(),
        )
    )
    assert got.told == [
        (0, "call", "c1", "search", {"q": 1}),
        (0, "result", "c1", "search", '"found"', "done"),
    ]
    assert [e.step.name for e in got.events if isinstance(e, StepUpdated)] == ["search"]


def test_the_servers_loop_is_a_round_after_the_other_and_is_told_again_at_the_end():
    items = [
        message("Looking."),
        call("c1"),
        call("c2", "news", ""),
        output("c1"),
        output("c2", '{"error": "gone"}', "failed"),
        message("Found.", "msg_1"),
    ]
    got = read(
        named(
            CREATED,
            text("Looking."),
            arguments('{"q": 1}', "c1"),
            arguments("", "c2"),
            *(added(item) for item in items[:5]),
            text("Found.", "msg_1"),
            added(items[5]),
            completed(*items, output_text="Found."),
        )
    )
    assert got.told == [
        (0, "text", "Looking."),
        (0, "call", "c1", "search", {"q": 1}),
        (0, "call", "c2", "news", {}),
        (0, "result", "c1", "search", '"found"', "done"),
        (0, "result", "c2", "news", '{"error": "gone"}', "failed"),
        (1, "text", "Found."),
    ]


def test_a_later_round_may_give_its_call_the_id_of_an_earlier_one() -> None:
    first, second = call(words='{"q": 1}'), call(words='{"q": 2}')
    items = [first, output(words="one"), second, output(words="two")]
    events = [added(item) for item in (first, items[1], first, second, items[3])]
    got = read(named(*events, completed(*items)))
    assert got.told == [
        (0, "call", "c1", "search", {"q": 1}),
        (0, "result", "c1", "search", "one", "done"),
        (1, "call", "c1", "search", {"q": 2}),
        (1, "result", "c1", "search", "two", "done"),
    ]


def test_what_was_not_streamed_is_taken_from_the_response():
    got = read(named(CREATED, completed(call(), output(), message("Found."))))
    assert [each[:2] for each in got.told] == [(0, "call"), (0, "result"), (1, "text")]


def test_an_item_of_another_kind_is_shown_by_its_name():
    item = {"type": "web_search_call", "id": "w", "action": {"query": "x"}, "output": "y"}
    got = read(named(added(item), completed(item)))
    assert got.told == [
        (0, "call", "w", "web_search_call", {"query": "x"}),
        (0, "result", "w", "web_search_call", "y", "done"),
    ]


def test_ids_that_change_with_every_event_are_not_gone_by():
    got = read(named(text("Hel", "x"), text("lo", "y"), added(message("Hello", "z")), completed()))
    assert got.told == [(0, "text", "Hello")]


def test_a_result_that_only_looks_like_an_error_is_none():
    got = read(named(added(call()), added(output(words='{"error": null, "n": 1}')), completed()))
    assert got.told[1][-1] == "done"


def test_a_budget_that_is_used_up_is_a_failure_in_the_stream():
    got = read(named(failed("budget_exceeded", "Budget exceeded: monthly")))
    assert got.end.failure.kind is ErrorKind.QUOTA
    assert not got.end.failure.retryable
    assert got.end.provider_finish_reason == "failed:budget_exceeded"


def test_a_last_event_whose_payload_has_no_status_is_what_its_name_says():
    error = {"type": "budget_exceeded", "code": "budget_exceeded", "message": "all spent"}
    got = read(named(text("Hel"), ("response.failed", {"id": "resp_1", "error": error})))
    assert got.end.failure is not None
    assert got.end.failure.kind is ErrorKind.QUOTA
    assert got.end.provider_finish_reason == "failed:budget_exceeded"
    cut = {"id": "resp_1", "incomplete_details": {"reason": "max_output_tokens"}}
    got = read(named(text("Hel"), ("response.incomplete", cut)))
    assert got.end.finish_reason is FinishReason.LENGTH


def test_a_failure_keeps_what_came():
    got = read(named(CREATED, text("Hi"), failed("internal_error", "boom")))
    assert "boom" in got.end.failure.message
    assert got.steps[0].status is Status.INTERRUPTED


def test_an_incomplete_response_says_why():
    got = read(
        named(
            text("Hi"),
            ("response.incomplete", {**RESPONSE, "status": "incomplete"}),
        )
    )
    assert got.end.finish_reason is FinishReason.LENGTH


def test_without_a_last_event_the_stream_was_cut():
    got = read(named(CREATED, text("Hi")))
    assert got.end.failure.kind is ErrorKind.STREAM_CUT
    assert got.notices == ["stream_cut"]


def test_usage_is_read_where_there_is_some():
    usage = {"input_tokens": 5, "output_tokens": 2}
    got = read(named(text("Hi"), completed(usage=usage)))
    assert got.end.usage == got.reported == Usage(input=5, output=2)


def test_a_wrapped_response_is_read_too():
    response = {**RESPONSE, "status": "completed", "output": [message("Hi")]}
    assert read(named(("response.completed", {"response": response}))).text == "Hi"


def test_a_whole_answer_is_read():
    response = {**RESPONSE, "status": "completed", "output": [message("Hi")]}
    assert read(json.dumps(response).encode()).text == "Hi"


def test_names_that_were_lost_are_told_from_the_payload():
    events = [CREATED, text("Hi"), completed()]
    assert read(sse(*(json.dumps(data) for _, data in events))).told == [(0, "text", "Hi")]


@pytest.mark.parametrize("status", [[], {}, 1, None])
def test_a_status_that_is_no_word_says_nothing(status):
    item = {"type": "function_call_output", "call_id": "c", "output": "2", "status": status}
    odd = [{"object": "response", "status": status}, {"item": item}]
    names = ["response.new", "response.output_item.added"]
    events = [CREATED, *zip(names, odd, strict=True), text("Hi"), completed()]
    assert read(named(*events)).text == "Hi"


@pytest.mark.parametrize("error", [{"error": {"message": "boom"}}, {"detail": "boom"}])
def test_an_error_in_place_of_a_stream_is_one(error):
    got = read(json.dumps(error).encode())
    assert "boom" in got.end.failure.message


EVENTS = st.lists(
    st.sampled_from(
        [
            CREATED,
            text("a"),
            text("b", "msg_1"),
            arguments("{"),
            arguments("}", "c2"),
            added(message("ab")),
            added(call()),
            added(output()),
            added(output("c9")),
            added({"type": "weather"}),
            ("response.output_item.added", {"item": None}),
            ("response.weather", {}),
            completed(call(), output()),
            failed("x", "no"),
        ]
    ),
    max_size=12,
)


@given(EVENTS, st.integers(1, 400))
def test_any_order_of_events_and_any_split_gives_steps_that_hold(events, size):
    body = named(*events)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    assert read(*pieces).steps == read(body).steps
