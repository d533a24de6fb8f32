"""Decoding Ollama's own protocol, line by line."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.assembly import Clock, StepWriter
from chatterm.errors import ErrorKind, ProviderError
from chatterm.events import StepFinished
from chatterm.providers.base import RoundEnd
from chatterm.providers.body import Body
from chatterm.providers.ollama import OllamaDecoder
from chatterm.steps import (
    FinishReason,
    NoticeStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    Usage,
)

STOP = FinishReason.STOP


def read(*lines: Any) -> tuple[list[Step], RoundEnd]:
    """Decode these lines, at a time that stands still."""
    writer = StepWriter("t", Clock(now=lambda: 0.0, monotonic=lambda: 0.0))
    decoder = OllamaDecoder(writer, "box")
    for line in lines:
        decoder.event(None, line)
    end = decoder.close()
    steps = [event.step for event in writer.take() if isinstance(event, StepFinished)]
    assert writer.usage == end.usage
    return sorted(steps, key=lambda step: step.index), end


def told(steps: list[Step]) -> list[tuple[str, str]]:
    texts = (s.arguments if isinstance(s, ToolCallStep) else getattr(s, "text", "") for s in steps)
    return [(step.kind, text) for step, text in zip(steps, texts, strict=True)]


def message(content: str = "", **more: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": content, **more}
    return {"model": "m", "created_at": "2025-01-01T00:00:00Z", "message": said, "done": False}


def called(name: str, arguments: Any, **more: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}, **more}


def done(reason: str | None = "stop", **more: Any) -> dict[str, Any]:
    line = message() | {"done": True, "total_duration": 5_000_000_000, **more}
    return line if reason is None else line | {"done_reason": reason}


def test_thinking_and_text_with_counts() -> None:
    steps, end = read(
        message(thinking="h"),
        message(thinking="m"),
        message("Hel"),
        message("lo"),
        done(prompt_eval_count=26, eval_count=298, eval_duration=1),
    )
    assert told(steps) == [("thinking", "hm"), ("text", "Hello")]
    assert steps[0].opaque == {"field": "thinking"}
    assert end == RoundEnd(STOP, "stop", Usage(input=26, output=298))


def test_counts_that_are_missing_are_unknown() -> None:
    assert read(message("a"), done(eval_count=3))[1].usage == Usage(output=3)
    assert read(message("a"), done())[1].usage == Usage()


def test_calls_come_on_several_lines_without_ids_and_stop_is_all_that_is_said() -> None:
    steps, end = read(
        message(thinking="hm"),
        message(tool_calls=[called("add", {"b": 1, "a": {"x": [2]}})]),
        message(tool_calls=[called("add", {}), called("mul", None)]),
        done(),
    )
    calls = [step for step in steps if isinstance(step, ToolCallStep)]
    assert [(call.call_id, call.name, call.input) for call in calls] == [
        ("call_1", "add", {"b": 1, "a": {"x": [2]}}),
        ("call_2", "add", {}),
        ("call_3", "mul", {}),
    ]
    assert {call.status for call in calls} == {Status.DONE}
    assert [call.opaque for call in calls] == [None] * 3
    assert end == RoundEnd(STOP, "stop")


def test_ids_of_newer_servers_are_kept() -> None:
    steps, _ = read(
        message(tool_calls=[called("f", {}, id="call_x"), called("f", {}, id="call_x")]), done()
    )
    assert [step.call_id for step in steps if isinstance(step, ToolCallStep)] == [
        "call_x",
        "call_x_",
    ]
    assert steps[1].opaque == {"id": "call_x"}


@pytest.mark.parametrize(
    ("arguments", "text", "values", "status"),
    [
        ('{"a": 1}', '{"a": 1}', {"a": 1}, Status.DONE),
        ("", "", {}, Status.DONE),
        ('{"a": ', '{"a": ', None, Status.INTERRUPTED),
        ([1], "[1]", None, Status.DONE),
    ],
)
def test_arguments_that_are_no_object(
    arguments: Any, text: str, values: Any, status: Status
) -> None:
    [step], _ = read(message(tool_calls=[called("f", arguments)]), done())
    assert isinstance(step, ToolCallStep)
    assert (step.arguments, step.input, step.status) == (text, values, status)


def test_no_call_of_a_reply_that_was_cut_off_is_run() -> None:
    steps, end = read(message(tool_calls=[called("f", {})]), done("length"))
    assert [step.status for step in steps] == [Status.INTERRUPTED]
    assert end == RoundEnd(FinishReason.LENGTH, "length")


def test_the_token_limit_while_thinking_is_told() -> None:
    steps, end = read(message(thinking="hm"), done("length"))
    assert end.finish_reason is FinishReason.LENGTH
    assert [step.kind for step in steps] == ["thinking", "notice"]


@pytest.mark.parametrize("reason", ["load", "unload"])
def test_a_model_that_was_only_loaded_says_so(reason: str) -> None:
    steps, end = read(done(reason))
    assert [step.kind for step in steps] == ["notice"]
    assert f"{reason}ed the model" in told(steps)[0][1]
    assert end == RoundEnd(STOP, reason)


def test_older_servers_give_no_reason() -> None:
    assert read(message("a"), done(None))[1] == RoundEnd(STOP, None)


def test_the_last_line_may_bring_the_whole_reply() -> None:
    line = done() | {"message": {"role": "assistant", "content": "All.", "thinking": "hm"}}
    assert told(read(line)[0]) == [("thinking", "hm"), ("text", "All.")]


def test_tags_of_models_the_server_does_not_know_to_think() -> None:
    steps, _ = read(message("<thi"), message("nk>hm</th"), message("ink>\n\nYes <think>"), done())
    assert told(steps) == [("thinking", "hm"), ("text", "\n\nYes <think>")]


def test_the_other_endpoint_is_read_too() -> None:
    steps, end = read(
        {"model": "m", "response": "", "thinking": "hm", "done": False},
        {"model": "m", "response": "Hi", "done": False},
        {"model": "m", "response": "", "done": True, "done_reason": "stop", "context": [1]},
    )
    assert told(steps) == [("thinking", "hm"), ("text", "Hi")]
    assert end == RoundEnd(STOP, "stop")


def test_pictures_are_told_of() -> None:
    steps, _ = read(message("See:", images=["AAAA"]), done())
    assert told(steps) == [
        ("text", "See:"),
        ("notice", "the reply holds 1 image(s), not shown here"),
    ]


@pytest.mark.parametrize(
    "odd",
    [{}, [], None, 7, "x", {"message": None}, {"message": {"content": None, "tool_calls": [None]}}],
)
def test_what_is_missing_or_odd_is_passed_over(odd: Any) -> None:
    steps, end = read(message("a"), odd, message("b"), done())
    assert told(steps) == [("text", "ab")]
    assert end.failure is None


def test_an_error_within_the_stream_ends_it() -> None:
    words = "an error was encountered while running the model"
    steps, end = read(message("Yes, I c"), {"error": words})
    assert told(steps) == [("text", "Yes, I c")]
    assert steps[0].status is Status.INTERRUPTED
    assert end.failure is not None
    assert words in end.failure.message


def test_a_stream_without_its_last_line_was_cut() -> None:
    steps, end = read(message("par"), message(tool_calls=[called("f", {})]))
    assert end.failure is not None
    assert end.failure.kind is ErrorKind.STREAM_CUT
    assert [step.status for step in steps[:2]] == [Status.DONE, Status.INTERRUPTED]
    assert isinstance(steps[-1], NoticeStep)


def test_what_was_held_back_for_a_tag_is_kept() -> None:
    assert told(read(message("a <th"))[0])[0] == ("text", "a <th")


# --- the body ---

LINES = [
    message(thinking="hm\u2028"),
    message("Grü\u2028ße 🙂"),
    message(tool_calls=[called("f", {"a": '\n"{'})]),
    done(prompt_eval_count=1, eval_count=2),
]
BODY = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in LINES).encode()


def feed(*pieces: bytes) -> tuple[list[dict[str, Any]], RoundEnd]:
    writer = StepWriter("t", Clock(now=lambda: 0.0, monotonic=lambda: 0.0))
    decoder = OllamaDecoder(writer)
    body = Body(decoder, "box")
    for each in pieces:
        body.feed(each)
    body.finish()
    end = decoder.close()
    steps = [event.step for event in writer.take() if isinstance(event, StepFinished)]
    return [step.to_json() for step in steps], end


@given(cuts=st.lists(st.integers(0, len(BODY)), max_size=40))
def test_any_split_gives_the_same_steps(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(BODY)]
    steps, end = feed(*(BODY[a:b] for a, b in pairwise(edges)))
    assert (steps, end) == feed(BODY)
    assert [step["kind"] for step in steps] == [
        ThinkingStep.kind,
        TextStep.kind,
        ToolCallStep.kind,
    ]
    assert end == RoundEnd(STOP, "stop", Usage(1, 2))


def test_a_damaged_line_is_passed_over() -> None:
    damaged = BODY.replace(b"\n", b'\n{"model": "m", "mess\n', 1)
    assert feed(damaged) == feed(BODY)


def test_a_damaged_first_line_too() -> None:
    assert feed(b'{"model": "m", "mess\n' + BODY) == feed(BODY)


def test_an_error_as_the_only_line() -> None:
    with pytest.raises(ProviderError, match="model requires more system memory"):
        feed(b'{"error":"model requires more system memory (8 GiB)"}\n')
