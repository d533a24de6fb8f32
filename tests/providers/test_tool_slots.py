"""Putting the fragments of streamed tool calls together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatterm.assembly import StepWriter
from chatterm.events import StepDelta, StepFinished, StepStarted
from chatterm.providers.tool_slots import HostedCalls, ToolSlots, read_arguments
from chatterm.steps import Status, ToolCallStep, ToolResultStep


def fragment(
    index: Any = None, call_id: Any = None, name: Any = None, arguments: Any = None, **more: Any
) -> dict[str, Any]:
    """A fragment that has only the fields that are given."""
    function = {"name": name, "arguments": arguments}
    data = {"index": index, "id": call_id, **more}
    data = {key: value for key, value in data.items() if value is not None}
    return data | {"function": {k: v for k, v in function.items() if v is not None}}


def read(*fragments: dict[str, Any], status: Status = Status.DONE) -> list[ToolCallStep]:
    """The calls that come of these fragments."""
    slots = ToolSlots(StepWriter("t"))
    for data in fragments:
        slots.fragment(data)
    steps = slots.finish(status)
    assert not slots
    return [step for step in steps if isinstance(step, ToolCallStep)]


def calls(*fragments: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """The id, name and input of each, or its arguments where they are no object."""
    return [
        (step.call_id, step.name, step.arguments if step.input is None else step.input)
        for step in read(*fragments)
    ]


# --- which slot ---


def test_fragments_belong_together_by_index() -> None:
    assert calls(
        fragment(0, "a", "f", ""),
        fragment(1, "b", "g", '{"x":'),
        fragment(0, arguments='{"y":2}'),
        fragment(1, arguments="1}"),
    ) == [("a", "f", {"y": 2}), ("b", "g", {"x": 1})]


def test_without_an_index_by_id() -> None:
    assert calls(
        fragment(call_id="a", name="f", arguments="{"),
        fragment(call_id="b", name="g", arguments="{"),
        fragment(call_id="a", arguments='"x":1}'),
        fragment(call_id="b", arguments="}"),
    ) == [("a", "f", {"x": 1}), ("b", "g", {})]


def test_without_an_id_either_to_the_last() -> None:
    assert calls(
        fragment(call_id="a", name="f", arguments="{"),
        fragment(arguments='"x":'),
        fragment(call_id="", name="", arguments="1}"),
    ) == [("a", "f", {"x": 1})]


@pytest.mark.parametrize("index", [0, None])
def test_a_new_id_with_a_name_is_a_new_call_whatever_its_index(index: int | None) -> None:
    assert calls(
        fragment(index, "a", "f", '{"x":'),
        fragment(index, arguments="1}"),
        fragment(index, "b", "f", '{"x":2}'),
        fragment(index, "c", "g", ""),
    ) == [("a", "f", {"x": 1}), ("b", "f", {"x": 2}), ("c", "g", {})]


def test_a_new_id_without_a_name_is_a_gateway_that_rotates_ids() -> None:
    assert calls(
        fragment(0, "a", "f", '{"x":'),
        fragment(0, "b", None, "1"),
        fragment(0, "c", "", "}"),
    ) == [("a", "f", {"x": 1})]


def test_a_whole_object_followed_by_another_is_a_new_call_of_the_same_name() -> None:
    first, second = read(
        fragment(0, "a", "f", '{"x":1}'),
        fragment(0, arguments=' {"x":'),
        fragment(0, arguments="2}"),
    )
    assert (first.call_id, first.name, first.input) == ("a", "f", {"x": 1})
    assert (second.name, second.input) == ("f", {"x": 2})
    assert second.call_id not in ("", "a")


def test_a_brace_inside_an_unfinished_string_begins_nothing() -> None:
    assert calls(
        fragment(0, "a", "f", '{"code":"if (x) {}'),
        fragment(0, arguments="{"),
        fragment(0, arguments='}"}'),
    ) == [("a", "f", {"code": "if (x) {}{}"})]


def test_one_long_call_full_of_braces_is_not_tried_for_ever() -> None:
    body = "{}" * 200
    fragments = [fragment(0, arguments=half) for half in ("{", "}") * 200]
    assert calls(fragment(0, "a", "f", '{"x":"'), *fragments, fragment(0, arguments='"}')) == [
        ("a", "f", {"x": body})
    ]


def test_another_name_after_whole_arguments_is_another_call() -> None:
    assert [
        call[1:]
        for call in calls(
            fragment(0, "", "f", '{"x":1}'),
            fragment(0, "", "g", ""),
        )
    ] == [("f", {"x": 1}), ("g", {})]


def test_whole_calls_with_neither_index_nor_id_are_told_apart_by_name() -> None:
    found = read(
        fragment(name="f", arguments=""),
        fragment(name="g", arguments={"x": 1}),
        fragment(name="g", arguments={"x": 2}),
    )
    assert [(step.name, step.input) for step in found] == [
        ("f", {}),
        ("g", {"x": 1}),
        ("g", {"x": 2}),
    ]
    assert len({step.call_id for step in found}) == 3


def test_a_call_repeated_as_a_last_word_is_one_call() -> None:
    whole = fragment(0, "a", "f", '{"x":1}')
    assert calls(whole, whole) == [("a", "f", {"x": 1})]


def test_ids_that_repeat_are_made_different() -> None:
    first, second = read(
        fragment(0, "call_0", "f", '{"x":1}'), fragment(1, "call_0", "g", '{"x":2}')
    )
    assert first.call_id == "call_0"
    assert second.call_id != first.call_id


# --- ids and names ---


def test_id_and_name_are_set_once() -> None:
    assert calls(
        fragment(0, "a", "f", "{"),
        fragment(0, "", "", ""),
        fragment(0, "z", None, '"x":1'),
        fragment(0, None, "f", "}"),
    ) == [("a", "f", {"x": 1})]


def test_a_name_is_never_put_together() -> None:
    assert calls(fragment(0, "a", "get_", ""), fragment(0, None, "time", "{}")) == [
        ("a", "get_", {})
    ]


def test_an_id_may_come_late_and_so_may_the_name() -> None:
    assert calls(
        fragment(0, None, None, '{"x"'),
        fragment(0, None, "f", ":"),
        fragment(0, "a", None, "1}"),
    ) == [("a", "f", {"x": 1})]


def test_a_call_is_shown_when_its_name_is_known() -> None:
    writer = StepWriter("t")
    slots = ToolSlots(writer)
    slots.fragment(fragment(0, None, None, '{"x":"\ud83d'))
    assert writer.take() == []
    slots.fragment(fragment(0, "a", "f", "\ude00"))
    started, delta = writer.take()
    assert isinstance(started, StepStarted)
    assert isinstance(started.step, ToolCallStep)
    assert (started.step.call_id, started.step.name) == ("a", "f")
    assert delta == StepDelta("t.0", '{"x":"\U0001f600')


def test_a_call_without_an_id_gets_one() -> None:
    [call] = read(fragment(0, None, "f", "{}"))
    assert call.call_id == "call_0"


def test_what_was_never_named_is_no_call() -> None:
    [call] = read(fragment(0, "a", None, "{}"))
    assert (call.status, call.name) == (Status.INTERRUPTED, "")


def test_a_fragment_that_says_nothing_begins_nothing() -> None:
    assert read(fragment(0), {}, {"function": None}, fragment(None, "", "", "")) == []


# --- arguments ---


@pytest.mark.parametrize(
    ("arguments", "values", "text"),
    [
        (None, {}, ""),
        ("", {}, ""),
        (" \n", {}, " \n"),
        ("{}", {}, "{}"),
        ({}, {}, "{}"),
        ({"ü": [1]}, {"ü": [1]}, '{"ü": [1]}'),
        ('{"a": 1}', {"a": 1}, '{"a": 1}'),
        ("[1]", None, "[1]"),
        ('{"a": ', None, '{"a": '),
        ("not json", None, "not json"),
        (7, None, "7"),
    ],
)
def test_arguments_may_be_a_text_an_object_or_nothing(
    arguments: Any, values: dict[str, Any] | None, text: str
) -> None:
    [call] = read(fragment(0, "a", "f", arguments))
    assert (call.input, call.arguments, call.status) == (values, text, Status.DONE)


def test_calls_of_a_reply_that_was_cut_off_are_all_cut_off() -> None:
    found = read(
        fragment(0, "a", "f", '{"x":1}'),
        fragment(1, "b", "g", ""),  # empty arguments would be an empty object
        fragment(2, "c", "h", '{"x"'),
        status=Status.INTERRUPTED,
    )
    assert {step.status for step in found} == {Status.INTERRUPTED}
    assert [step.arguments for step in found] == ['{"x":1}', "", '{"x"']


def test_free_text_for_a_custom_tool_is_taken_as_it_is() -> None:
    data = [
        {"index": 0, "id": "a", "type": "custom", "custom": {"name": "code", "input": ""}},
        {"index": 0, "custom": {"input": "{}"}},
        {"index": 0, "custom": {"input": "{}"}},
    ]
    [call] = read(*data)
    assert (call.arguments, call.input, call.opaque) == ("{}{}", None, {"custom": True})


def test_what_a_server_wants_back_with_the_call_is_kept() -> None:
    google = {"google": {"thought_signature": "c2ln"}}
    litellm = {"thought_signature": "c2ln"}
    first, second = read(
        fragment(0, "a", "f", "{}", extra_content=google),
        {
            "index": 1,
            "id": "b",
            "function": {"name": "g", "arguments": "{}", "provider_specific_fields": litellm},
        },
    )
    assert first.opaque == {"extra_content": google}
    assert second.opaque == {"provider_specific_fields": litellm}


def test_text_that_is_no_object_is_whole_all_the_same() -> None:
    assert read_arguments("[]") == (None, True)
    assert read_arguments("{") == (None, False)
    assert read_arguments("[" * 100_000) == (None, False)
    assert read_arguments("{", custom=True) == (None, True)


# --- calls that the server ran ---


def test_a_call_that_the_server_ran_is_told_once_with_its_result() -> None:
    writer = StepWriter("t")
    hosted = HostedCalls(writer)
    begun = {"index": 0, "type": "search", "arguments": '{"query":"x"}'}
    hosted.executed(begun)
    hosted.executed(begun | {"output": "found"})
    hosted.executed(begun | {"output": "found"})
    hosted.executed({"index": 1, "type": "search"})
    steps = [event.step for event in writer.take() if isinstance(event, StepFinished)]
    call, result = steps
    assert isinstance(call, ToolCallStep)
    assert isinstance(result, ToolResultStep)
    assert (call.name, call.input, call.hosted) == ("search", {"query": "x"}, True)
    assert (result.call_id, result.content) == (call.call_id, "found")


# --- anything at all ---


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_what_json_has_no_number_for_is_no_argument(number: str) -> None:
    assert read_arguments(f'{{"x":{number}}}') == (None, False)
    assert read_arguments('{"x":1e99}') == ({"x": 1e99}, True)


VALUES = st.sampled_from([None, "", "a", "b", "f", "{", "}", "{}", '{"x":1}', 0, 1, {}, [], True])
FRAGMENTS = st.dictionaries(
    st.sampled_from(["index", "id", "type", "extra_content"]), VALUES, max_size=4
).flatmap(
    lambda data: st.dictionaries(
        st.sampled_from(["name", "arguments", "input"]), VALUES, max_size=3
    ).map(lambda function: data | {"function": function})
)


@settings(max_examples=200, derandomize=True)
@given(st.lists(FRAGMENTS | st.dictionaries(st.just("function"), VALUES), max_size=8))
def test_whatever_comes_no_argument_text_is_lost(fragments: list[dict[str, Any]]) -> None:
    found = read(*fragments)
    sent = "".join(text for data in fragments if (text := _argument(data)))
    kept = "".join(step.arguments for step in found)
    if not any(fragments.count(data) > 1 for data in fragments):
        assert sorted(kept) == sorted(sent)
    assert len({step.call_id for step in found}) == len(found)
    assert all(step.call_id for step in found)


def _argument(data: dict[str, Any]) -> str:
    function = data.get("function")
    if not isinstance(function, dict):
        return ""
    value = function.get("arguments", function.get("input"))
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value)
