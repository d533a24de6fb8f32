"""Decoding OpenAI Responses and the servers that speak it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatterm.assembly import Clock, StepWriter
from chatterm.errors import ErrorKind
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
from chatterm.providers.base import RoundEnd
from chatterm.providers.responses import ResponsesDecoder
from chatterm.steps import (
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
    Usage,
)


@dataclass
class Reading:
    """What came of a stream."""

    steps: list[Step]
    end: RoundEnd
    events: list[Event]

    @property
    def told(self) -> list[tuple[str, str]]:
        """The kind and text of each step, in order."""
        return [(step.kind, content(step)) for step in self.steps]

    def of(self, cls: type[Step]) -> list[Any]:
        return [step for step in self.steps if isinstance(step, cls)]

    @property
    def calls(self) -> list[tuple[str, str, Any, bool]]:
        return [(c.call_id, c.name, c.input, c.hosted) for c in self.of(ToolCallStep)]


def content(step: Step) -> str:
    match step:
        case ToolCallStep():
            return step.arguments
        case ToolResultStep():
            return step.content
        case _:
            return str(getattr(step, "text", ""))


def read(*events: Any, limit: int | None = None) -> Reading:
    """Decode a stream; an event may be a (name, data) pair."""
    writer = StepWriter("t", Clock(now=lambda: 0.0, monotonic=lambda: 0.0))
    decoder = ResponsesDecoder(writer, "somebody", limit)
    seen: list[Event] = []
    for event in events:
        name, data = event if isinstance(event, tuple) else (None, event)
        decoder.event(name, data)
        seen += writer.take()
    end = decoder.close()
    seen += writer.take()
    steps = [event.step for event in seen if isinstance(event, StepFinished)]
    return Reading(sorted(steps, key=lambda step: step.index), end, seen)


def event(kind: str, output_index: Any = 0, **fields: Any) -> dict[str, Any]:
    """An event of the protocol, with an output index unless it is None."""
    place = {} if output_index is None else {"output_index": output_index}
    return {"type": f"response.{kind}", "sequence_number": 1, **place, **fields}


def added(output_index: Any = 0, **item: Any) -> dict[str, Any]:
    return event("output_item.added", output_index, item=item)


def done(output_index: Any = 0, **item: Any) -> dict[str, Any]:
    return event("output_item.done", output_index, item=item)


def text_item(text: str, item_id: str = "msg_1", **more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": item_id, "role": "assistant", "content": [part], **more}


def call_item(arguments: str = '{"x":1}', **more: Any) -> dict[str, Any]:
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f"}
    return item | {"arguments": arguments, "status": "completed"} | more


def completed(*output: Any, kind: str = "completed", **more: Any) -> dict[str, Any]:
    response = {"object": "response", "status": kind, "output": list(output), "error": None}
    return {"type": f"response.{kind}", "response": response | more}


CREATED = {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}}


# --- text and refusals ---


def test_text() -> None:
    item = text_item("Hello", status="completed")
    reading = read(
        CREATED,
        event("in_progress", None, response={"status": "in_progress", "usage": None}),
        added(type="message", id="msg_1", role="assistant", content=[], status="in_progress"),
        event("content_part.added", content_index=0, part={"type": "output_text", "text": ""}),
        event("output_text.delta", content_index=0, delta="Hel", logprobs=[], obfuscation="x"),
        event("output_text.delta", content_index=0, delta="lo"),
        event("output_text.done", content_index=0, text="Hello"),
        event("content_part.done", content_index=0, part=item["content"][0]),
        done(**item),
        completed(item, usage={"input_tokens": 3, "output_tokens": 2}),
    )
    assert reading.told == [("text", "Hello")]
    assert reading.steps[0].opaque == {"message": {"id": "msg_1"}}
    assert reading.end == RoundEnd(FinishReason.STOP, "completed", Usage(3, 2))
    assert not any(isinstance(event, StepUpdated) for event in reading.events)


def test_each_part_of_a_message_is_a_step_and_a_refusal_is_one() -> None:
    reading = read(
        event("output_text.delta", content_index=0, delta="one"),
        event("output_text.delta", content_index=1, delta="two"),
        event("refusal.delta", content_index=2, delta="I can"),
        event("refusal.delta", content_index=2, delta="not."),
        event("refusal.done", content_index=2, refusal="I cannot."),
        completed(),
    )
    assert reading.told == [("text", "one"), ("text", "two"), ("refusal", "I cannot.")]
    assert reading.end.finish_reason is FinishReason.REFUSAL


def test_commentary_is_marked_as_such() -> None:
    reading = read(
        added(0, type="message", phase="commentary"),
        event("output_text.delta", 0, delta="Looking…"),
        done(0, **text_item("Looking…", phase="commentary")),
        added(1, type="message", phase="final_answer"),
        event("output_text.delta", 1, delta="Found."),
        done(1, **text_item("Found.", "msg_2", phase="final_answer")),
        completed(),
    )
    assert [step.phase for step in reading.of(TextStep)] == ["commentary", "final_answer"]
    started = [event.step for event in reading.events if isinstance(event, StepStarted)]
    assert next(step.phase for step in started if isinstance(step, TextStep)) == "commentary"


def test_citations_of_all_types_each_once() -> None:
    annotations = [
        {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0},
        {"type": "file_citation", "file_id": "file_1", "filename": "a.pdf", "index": 3},
        {"type": "container_file_citation", "file_id": "cfile_1", "filename": "b.png"},
        {"type": "file_path", "file_id": "file_2"},
        {"type": "unheard_of"},
    ]
    part = {"type": "output_text", "text": "So", "annotations": annotations}
    reading = read(
        event("output_text.delta", delta="So"),
        *(event("output_text.annotation.added", annotation=each) for each in annotations),
        event("content_part.done", part=part),
        done(type="message", content=[part]),
        completed(),
    )
    [text] = reading.of(TextStep)
    assert [citation.title for citation in text.citations] == ["A", "a.pdf", "b.png", "file_2"]


# --- thinking ---


def test_raw_thinking_and_its_summary_stay_apart() -> None:
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "encrypted_content": "b64",
        "summary": [
            {"type": "summary_text", "text": "First."},
            {"type": "summary_text", "text": "Second."},
        ],
        "content": [{"type": "reasoning_text", "text": "raw"}],
    }
    reading = read(
        added(type="reasoning", id="rs_1", summary=[]),
        event("reasoning_text.delta", content_index=0, delta="raw"),
        event("reasoning_summary_part.added", summary_index=0, part={"text": ""}),
        event("reasoning_summary_text.delta", summary_index=0, delta="First."),
        event("reasoning_summary_text.done", summary_index=0, text="First."),
        event("reasoning_summary_part.added", summary_index=1, part={"text": ""}),
        event("reasoning_summary_text.delta", summary_index=1, delta="Second."),
        event("reasoning_summary_part.done", summary_index=1, part={"text": "Second."}),
        done(**item),
        completed(),
    )
    raw, summary = reading.of(ThinkingStep)
    assert (raw.text, raw.summary) == ("raw", False)
    assert (summary.text, summary.summary) == ("First.\n\nSecond.", True)
    assert [raw.opaque, summary.opaque] == [{"item": item}, None]


def test_a_summary_that_only_the_end_of_its_part_tells() -> None:
    part = {"type": "summary_text", "text": "Plan: add"}
    reading = read(
        event("reasoning_summary_text.delta", summary_index=0, delta="Plan"),
        event("reasoning_summary_part.done", summary_index=0, part=part),
        event("reasoning_summary_part.done", summary_index=1, part=part | {"text": "Done"}),
        event("reasoning_summary_part.done", summary_index=1, part=None),
        completed(),
    )
    assert reading.told == [("thinking", "Plan: add\n\nDone")]


def test_thinking_that_is_only_encrypted_is_kept() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "b64"}
    reading = read(added(**item), done(**item), completed())
    [thinking] = reading.of(ThinkingStep)
    assert (thinking.text, thinking.opaque, thinking.status) == ("", {"item": item}, Status.DONE)


def test_an_unfinished_reasoning_item_is_not_to_be_sent_back() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "b6"}
    reading = read(added(**item), event("reasoning_text.delta", delta="hm"))
    assert [(step.kind, step.opaque) for step in reading.steps[:1]] == [("thinking", None)]


@pytest.mark.parametrize(
    ("events", "text"),
    [
        (
            [
                event("reasoning_summary_text.delta", summary_index=0, delta="One"),
                event("reasoning_summary_text.delta", summary_index=1, delta="Two"),
                event("reasoning_summary_text.done", summary_index=0, text="One more"),
            ],
            "One more\n\nTwo",
        ),
        (
            [
                event("reasoning_summary_text.delta", summary_index=0, delta="One"),
                event("reasoning_summary_text.delta", summary_index=1, delta="Two"),
                event("reasoning_summary_text.delta", summary_index=0, delta=" more"),
            ],
            "One more\n\nTwo",
        ),
        (
            [event("reasoning_summary_text.delta", delta="more")],
            "One more\n\nTwo",
        ),
        (
            [
                event("reasoning_summary_text.delta", delta="One more"),
                event("reasoning_summary_text.delta", delta="Two"),
            ],
            "One moreTwo",
        ),
        ([], "One more\n\nTwo"),
    ],
    ids=["a part grows late", "a part grows at once", "resumed", "unnumbered", "not streamed"],
)
def test_summaries_are_reconciled_with_their_final_parts(events: list[Any], text: str) -> None:
    summary = [{"type": "summary_text", "text": part} for part in ("One more", "Two")]
    reading = read(*events, done(type="reasoning", summary=summary), completed())
    [thinking] = reading.of(ThinkingStep)
    assert thinking.text == text
    assert thinking.summary


# --- calls ---


def test_a_function_call() -> None:
    item = call_item()
    reading = read(
        added(**call_item("", status="in_progress")),
        event("function_call_arguments.delta", item_id="fc_1", delta='{"x"'),
        event("function_call_arguments.delta", item_id="fc_1", delta=":1}"),
        event("function_call_arguments.done", item_id="fc_1", arguments='{"x":1}'),
        done(**item),
        completed(item),
    )
    assert reading.calls == [("call_1", "f", {"x": 1}, False)]
    [call] = reading.steps
    assert call.opaque == {"item": item}
    assert reading.end.finish_reason is FinishReason.STOP


def test_parallel_calls_interleave() -> None:
    reading = read(
        added(0, **call_item("", id="fc_1", call_id="a")),
        added(1, **call_item("", id="fc_2", call_id="b", name="g")),
        event("function_call_arguments.delta", 1, delta='{"y":'),
        event("function_call_arguments.delta", 0, delta="{}"),
        event("function_call_arguments.delta", 1, delta="2}"),
        done(1, **call_item('{"y":2}', id="fc_2", call_id="b", name="g")),
        done(0, **call_item("{}", id="fc_1", call_id="a")),
        completed(),
    )
    assert reading.calls == [("a", "f", {}, False), ("b", "g", {"y": 2}, False)]


def test_arguments_that_come_before_the_item_that_names_them() -> None:
    reading = read(
        event("function_call_arguments.delta", None, item_id="fc_1", delta='{"x"'),
        event("function_call_arguments.delta", None, item_id="fc_1", delta=":1}"),
        added(None, **call_item("", status="in_progress")),
        done(None, **call_item()),
        completed(),
    )
    assert reading.calls == [("call_1", "f", {"x": 1}, False)]


def test_a_call_named_only_by_the_end_of_its_arguments() -> None:
    reading = read(
        event("function_call_arguments.delta", item_id="fc_1", delta="{}"),
        event("function_call_arguments.done", item_id="fc_1", name="f", arguments="{}"),
        completed(),
    )
    [call] = reading.of(ToolCallStep)
    assert (call.name, call.input, call.hosted, call.status) == ("f", {}, False, Status.DONE)
    assert call.call_id


def test_a_call_that_is_never_named_is_never_run() -> None:
    reading = read(event("function_call_arguments.delta", delta="{}"), completed())
    [call] = reading.of(ToolCallStep)
    assert (call.status, call.hosted) == (Status.INTERRUPTED, False)


def test_an_empty_string_is_an_empty_object() -> None:
    assert read(done(**call_item("")), completed()).calls == [("call_1", "f", {}, False)]


def test_arguments_may_be_an_object() -> None:
    whole = call_item() | {"arguments": {"x": 1}}
    expected = [("call_1", "f", {"x": 1}, False)]
    assert read(done(**whole), completed()).calls == expected
    assert read(completed(whole)).calls == expected
    begun = added(**(call_item() | {"arguments": {}}))
    finished = event("function_call_arguments.done", item_id="fc_1", arguments={"x": 1})
    assert read(begun, finished, completed()).calls == expected
    streamed = event("function_call_arguments.delta", item_id="fc_1", delta='{"x":1}')
    reading = read(begun, streamed, finished, done(**whole), completed())
    assert reading.told == [("tool_call", '{"x":1}')]


def test_invalid_arguments_are_kept_as_they_are() -> None:
    [call] = read(done(**call_item('{"x": }')), completed()).of(ToolCallStep)
    assert (call.arguments, call.input, call.status) == ('{"x": }', None, Status.DONE)


def test_two_calls_of_one_id_are_told_apart() -> None:
    reading = read(
        done(0, **call_item('{"x":1}', call_id="c")),
        done(1, **call_item('{"x":2}', call_id="c")),
        completed(),
    )
    assert [(call.call_id, call.input) for call in reading.of(ToolCallStep)] == [
        ("c", {"x": 1}),
        ("c_", {"x": 2}),
    ]


def test_a_custom_tool_takes_free_text() -> None:
    item = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "a", "name": "sql"}
    reading = read(
        added(**item, input=""),
        event("custom_tool_call_input.delta", delta="SELECT "),
        event("custom_tool_call_input.delta", delta="1"),
        event("custom_tool_call_input.done", input="SELECT 1"),
        done(**item, input="SELECT 1"),
        completed(),
    )
    [call] = reading.of(ToolCallStep)
    assert (call.name, call.arguments, call.input, call.hosted) == ("sql", "SELECT 1", None, False)
    assert call.opaque == {"custom": True, "item": item | {"input": "SELECT 1"}}


# --- calls that the server runs ---


HOSTED: dict[str, tuple[list[Any], dict[str, Any], str, Any, str | None]] = {
    "web search": (
        [event("web_search_call.searching"), event("web_search_call.completed")],
        {"type": "web_search_call", "action": {"type": "search", "query": "x"}},
        "web_search_call",
        {"type": "search", "query": "x"},
        None,
    ),
    "file search": (
        [event("file_search_call.in_progress")],
        {
            "type": "file_search_call",
            "queries": ["x"],
            "results": [{"filename": "a.md", "text": "found"}],
        },
        "file_search_call",
        {"queries": ["x"]},
        "found",
    ),
    "code interpreter": (
        [
            event("code_interpreter_call_code.delta", delta="1+"),
            event("code_interpreter_call_code.delta", delta="1"),
            event("code_interpreter_call_code.done", code="1+1"),
        ],
        {
            "type": "code_interpreter_call",
            "code": "1+1",
            "outputs": [{"type": "logs", "logs": "2"}, {"type": "image", "url": "data:A=="}],
        },
        "code_interpreter_call",
        None,
        "2\n[image]",
    ),
    "mcp": (
        [
            event("mcp_call.in_progress"),
            event("mcp_call_arguments.delta", delta='{"q":'),
            event("mcp_call_arguments.delta", delta="1}"),
            event("mcp_call_arguments.done", arguments='{"q":1}'),
        ],
        {"type": "mcp_call", "name": "ask", "arguments": '{"q":1}', "output": "answer"},
        "mcp_call:ask",
        {"q": 1},
        "answer",
    ),
    "mcp tools": (
        [event("mcp_list_tools.in_progress"), event("mcp_list_tools.completed")],
        {"type": "mcp_list_tools", "server_label": "s", "tools": [{"name": "ask"}]},
        "mcp_list_tools",
        None,
        None,
    ),
    "pictures": (
        [
            event("image_generation_call.generating"),
            event("image_generation_call.partial_image", partial_image_b64="QUFBQQ=="),
        ],
        {"type": "image_generation_call", "result": "QUFBQQ==", "output_format": "png"},
        "image_generation_call",
        None,
        "[png image, 6 bytes]",
    ),
    "an unheard-of one": (
        [event("teleport_call.beaming", error="?")],
        {"type": "teleport_call", "action": {"to": "Oslo"}},
        "teleport_call",
        {"to": "Oslo"},
        None,
    ),
}


@pytest.mark.parametrize(
    ("events", "item", "name", "values", "output"), HOSTED.values(), ids=HOSTED
)
def test_a_hosted_call(
    events: list[Any], item: dict[str, Any], name: str, values: Any, output: str | None
) -> None:
    item = item | {"id": "h_1", "status": "completed"}
    begun = {key: item[key] for key in ("id", "type", "name") if key in item}
    reading = read(added(**begun), *events, done(**item), completed(item))

    assert reading.calls == [("h_1", name, values, True)]
    results = reading.of(ToolResultStep)
    assert [result.content for result in results] == ([] if output is None else [output])
    assert all(result.call_id == "h_1" for result in results)
    assert reading.of(ToolCallStep)[0].opaque == {"item": item}
    shown = json.dumps([content(step) for step in reading.steps])
    assert "QUFB" not in shown
    assert "data:" not in shown


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("broke", "broke"),
        ({"type": "mcp_protocol_error", "code": 1, "message": "broke"}, "broke"),
        (
            {"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": "broke"}]},
            "broke",
        ),
    ],
)
def test_a_hosted_call_that_failed(error: Any, message: str) -> None:
    item = {"type": "mcp_call", "id": "mcp_1", "name": "ask", "arguments": "{}", "error": error}
    [result] = read(done(**item), completed()).of(ToolResultStep)
    assert (result.content, result.ok, result.outcome) == (message, False, Outcome.FAILED)


def test_xai_runs_its_searches_itself_though_they_look_like_custom_tools() -> None:
    item = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "xs_call_1", "name": "x_search"}
    reading = read(
        added(0, **item, input="", status="in_progress"),
        event("custom_tool_call_input.delta", 0, item_id="ctc_1", delta='{"query":"cats"}'),
        event("custom_tool_call_input.done", 0, item_id="ctc_1", input='{"query":"cats"}'),
        done(0, **item, input='{"query":"cats"}', status="completed"),
        done(1, **text_item("Cats.")),
        completed(),
    )
    assert reading.calls == [("xs_call_1", "x_search", {"query": "cats"}, True)]
    assert reading.told == [("tool_call", '{"query":"cats"}'), ("text", "Cats.")]


def test_shell_commands_stream_and_their_output_is_an_item_of_its_own() -> None:
    call = {"type": "shell_call", "id": "sh_1", "call_id": "a", "status": "completed"}
    outcome = {"type": "exit", "exit_code": 3}
    output = {"stdout": "out\n", "stderr": "err\n", "outcome": outcome}
    reading = read(
        added(0, type="shell_call", id="sh_1", call_id="a"),
        event("shell_call_command.added", 0, command_index=0, command=""),
        event("shell_call_command.delta", 0, delta="ls"),
        event("shell_call_command.added", 0, command_index=1, command=""),
        event("shell_call_command.delta", 0, delta="pwd"),
        done(0, **call, action={"commands": ["ls", "pwd"]}),
        added(1, type="shell_call_output", id="sho_1", call_id="a"),
        done(1, type="shell_call_output", id="sho_1", call_id="a", output=[output]),
        completed(),
    )
    [step] = reading.of(ToolCallStep)
    assert (step.arguments, step.input) == ("ls\npwd", {"commands": ["ls", "pwd"]})
    [result] = reading.of(ToolResultStep)
    assert (result.call_id, result.content, result.exit_code) == ("a", "out\nerr", 3)
    assert (result.ok, result.outcome) == (False, Outcome.FAILED)
    assert result.opaque is not None


def test_a_result_without_a_call_id_answers_the_last_call_of_its_kind() -> None:
    reading = read(
        done(0, type="tool_search_call", id="ts_1", arguments={"paths": ["a"]}),
        done(1, type="web_search_call", id="ws_1"),
        done(2, type="tool_search_output", id="tso_1", output="found"),
        completed(),
    )
    [result] = reading.of(ToolResultStep)
    assert result.call_id == "ts_1"


def test_a_screenshot_is_named_never_printed() -> None:
    shot = {"type": "computer_screenshot", "image_url": "data:image/png;base64,AAAA"}
    [result] = read(done(type="computer_call_output", call_id="a", output=shot), completed()).of(
        ToolResultStep
    )
    assert result.content == "[image]"


def test_a_call_that_needs_approval_ends_the_round_with_a_question() -> None:
    item = {
        "type": "mcp_approval_request",
        "id": "mcpr_1",
        "name": "delete",
        "arguments": '{"x":1}',
        "server_label": "s",
    }
    reading = read(added(**item), done(**item), completed(item))
    assert reading.calls == [("mcpr_1", "mcp_approval_request:delete", {"x": 1}, True)]
    assert reading.end.approvals == ("mcpr_1",)


# --- which item an event is about ---


def test_ids_that_rotate_are_no_matter() -> None:
    reading = read(
        added(0, **text_item("", "one")),
        event("output_text.delta", 0, item_id="two", delta="Hel"),
        event("output_text.delta", 0, item_id="three", delta="lo"),
        event("output_text.done", 0, item_id="four", text="Hello"),
        done(0, **text_item("Hello", "five")),
        added(1, **call_item("", id="six")),
        event("function_call_arguments.delta", 1, item_id="seven", delta="{}"),
        done(1, **call_item("{}", id="eight")),
        completed(text_item("Hello", "nine"), call_item("{}", id="ten", call_id="call_1")),
    )
    assert reading.told == [("text", "Hello"), ("tool_call", "{}")]


def test_events_may_come_by_their_old_names() -> None:
    reading = read(
        CREATED,
        event("reasoning_summary.delta", 0, summary_index=0, delta={"type": "x", "text": "Plan"}),
        event("reasoning.delta", 0, content_index=0, delta="Sum"),
        event("content_part.added", 1, content_index=0, part={"type": "output_text", "text": ""}),
        event("content_part.delta", 1, content_index=0, delta="Fo"),
        event("content_part.delta", 1, content_index=0, delta="ur"),
        done(1, **text_item("Four")),
        {"type": "response.done", "response": {"usage": {"input_tokens": 3, "output_tokens": 2}}},
    )
    assert reading.told == [("thinking", "Plan"), ("thinking", "Sum"), ("text", "Four")]
    assert reading.end.provider_finish_reason == "completed"
    assert reading.end.usage == Usage(input=3, output=2)


def test_what_comes_by_both_names_is_read_once() -> None:
    reading = read(
        event("reasoning_text.delta", 0, content_index=0, delta="Sum"),
        event("reasoning.delta", 0, content_index=0, delta="Sum"),
        event("content_part.delta", 1, content_index=0, delta="Four"),
        event("output_text.delta", 1, content_index=0, delta="Four"),
        completed(),
    )
    assert reading.told == [("thinking", "Sum"), ("text", "Four")]


def test_llamacpp_numbers_nothing() -> None:
    arguments = '{"city":"Oslo"}'
    begun = {"type": "function_call", "call_id": "fc_x", "name": "f", "arguments": ""}
    whole = {"type": "function_call", "call_id": "fc_x", "name": "f", "arguments": arguments}
    message = text_item("So")
    reasoning = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "hm"}],
    }
    reading = read(
        {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}},
        {"type": "response.output_item.added", "item": {"type": "reasoning", "id": "rs_1"}},
        {"type": "response.reasoning_text.delta", "item_id": "rs_1", "delta": "hm"},
        {"type": "response.output_item.added", "item": {"type": "message", "id": "msg_1"}},
        {"type": "response.content_part.added", "item_id": "msg_1", "part": {}},
        {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "So"},
        {"type": "response.output_item.added", "item": begun},
        {
            "type": "response.function_call_arguments.delta",
            "item_id": "fc_x",
            "delta": '{"city":',
        },
        {"type": "response.function_call_arguments.delta", "item_id": "fc_x", "delta": '"Oslo"}'},
        {"type": "response.output_item.done", "item": reasoning},
        {"type": "response.output_text.done", "item_id": "msg_1", "text": "So"},
        {"type": "response.output_item.done", "item": message},
        {"type": "response.output_item.done", "item": whole},
        completed(reasoning, message, whole, usage={"input_tokens": 1, "output_tokens": 2}),
    )
    assert reading.told == [("thinking", "hm"), ("text", "So"), ("tool_call", arguments)]
    assert reading.calls == [("fc_x", "f", {"city": "Oslo"}, False)]
    assert reading.of(ToolCallStep)[0].opaque == {"item": whole}


def test_llamacpp_says_completed_at_the_limit() -> None:
    events = [
        event("output_text.delta", None, item_id="msg_1", delta="So"),
        completed(usage={"input_tokens": 1, "output_tokens": 8}),
    ]
    assert read(*events, limit=8).end.finish_reason is FinishReason.LENGTH
    assert read(*events, limit=9).end.finish_reason is FinishReason.STOP


def test_xai_does_not_count_reasoning_against_the_limit() -> None:
    counts = {"output_tokens": 199, "output_tokens_details": {"reasoning_tokens": 198}}
    last = completed(usage={"input_tokens": 1, **counts})
    reading = read(event("output_text.delta", item_id="msg_1", delta="So"), last, limit=16)
    assert reading.end.finish_reason is FinishReason.STOP
    assert [step.status for step in reading.steps] == [Status.DONE]


def test_a_server_that_names_nothing_at_all() -> None:
    reading = read(
        {"type": "response.output_text.delta", "delta": "Hel"},
        {"type": "response.output_text.delta", "delta": "lo"},
        {"type": "response.output_text.done", "text": "Hello"},
        {"type": "response.output_item.done", "item": {"type": "message", "content": []}},
        {"type": "response.output_text.done", "text": "Hello"},
        completed({"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}),
    )
    assert reading.told == [("text", "Hello")]


def test_a_gateway_that_gives_every_item_the_same_index() -> None:
    first, second = call_item("{}", id="fc_1", call_id="a"), call_item(id="fc_2", call_id="b")
    reading = read(
        added(0, **text_item("")),
        event("output_text.delta", 0, item_id="msg_1", delta="So"),
        added(0, **first | {"arguments": ""}),
        added(0, **second | {"arguments": ""}),
        event("function_call_arguments.delta", 0, item_id="fc_1", delta="{}"),
        event("function_call_arguments.delta", 0, item_id="fc_2", delta='{"x":1}'),
        done(0, **text_item("So")),
        done(0, **first),
        done(0, **second),
        completed(text_item("So"), first, second),
    )
    assert reading.told == [("text", "So"), ("tool_call", "{}"), ("tool_call", '{"x":1}')]


def test_a_server_that_begins_its_calls_but_not_its_messages() -> None:
    begun = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": ""}
    reading = read(
        event("content_part.added", None, item_id="msg_1", part={"type": "output_text"}),
        event("output_text.delta", None, item_id="msg_1", delta="So"),
        added(None, **begun),
        event("function_call_arguments.delta", None, item_id="call_1", delta="{}"),
        done(None, **begun | {"arguments": "{}"}),
        done(None, **text_item("So")),
        completed(text_item("So"), begun | {"arguments": "{}"}),
    )
    assert reading.told == [("text", "So"), ("tool_call", "{}")]
    assert reading.calls == [("call_1", "f", {}, False)]


def test_a_gateway_that_gives_every_item_the_same_id() -> None:
    reading = read(
        event("reasoning_text.delta", 0, item_id="x", delta="hm"),
        event("output_text.delta", 1, item_id="x", delta="So"),
        done(0, type="reasoning", id="x", content=[{"type": "reasoning_text", "text": "hm"}]),
        done(1, **text_item("So", "x")),
        completed(),
    )
    assert reading.told == [("thinking", "hm"), ("text", "So")]


def test_text_after_the_end_of_its_item_is_a_step_of_its_own() -> None:
    reading = read(
        event("output_text.delta", delta="one"),
        done(**text_item("one")),
        event("output_text.delta", delta="two"),
        completed(),
    )
    assert reading.told == [("text", "one"), ("text", "two")]


def test_an_end_told_twice_ends_once() -> None:
    item = call_item()
    reading = read(done(**item), done(**item), event("output_text.done", text=""), completed(item))
    assert len(reading.steps) == 1


def test_a_call_that_is_sent_twice_is_one_call() -> None:
    item = call_item()
    sent = [
        added(**item | {"arguments": ""}),
        event("function_call_arguments.delta", item_id=item["id"], delta=item["arguments"]),
        event("function_call_arguments.done", item_id=item["id"], arguments=item["arguments"]),
        done(**item),
    ]
    assert len(read(*sent, *sent, completed(item)).steps) == 1
    other = [each | {"output_index": 1} for each in sent]
    assert len(read(*sent, *other, completed()).steps) == 2


def test_the_name_of_an_event_may_stand_only_in_its_frame() -> None:
    reading = read(
        ("response.output_text.delta", {"output_index": 0, "delta": "So"}),
        ("response.completed", {"response": {"status": "completed"}}),
    )
    assert reading.told == [("text", "So")]


# --- reconciliation ---


@pytest.mark.parametrize("streamed", ["", "Hel", "Hello", "Hallo"])
@pytest.mark.parametrize(
    "last",
    [
        event("output_text.done", text="Hello"),
        event("content_part.done", part={"type": "output_text", "text": "Hello"}),
        done(**text_item("Hello")),
        completed(text_item("Hello")),
    ],
    ids=lambda last: last["type"],
)
def test_the_final_text_counts(streamed: str, last: dict[str, Any]) -> None:
    reading = read(event("output_text.delta", delta=streamed), last, completed())
    assert reading.told == [("text", "Hello")]


def test_a_final_text_that_is_shorter_takes_nothing_back() -> None:
    reading = read(
        event("output_text.delta", delta="Hello\n"), done(**text_item("Hello")), completed()
    )
    assert reading.told == [("text", "Hello\n")]


def test_a_final_message_that_numbers_its_parts_differently() -> None:
    item = {
        "type": "message",
        "content": [
            {"type": "reasoning_text", "text": ""},
            {"type": "output_text", "text": ""},
            {"type": "output_text", "text": "So it is"},
            {"type": "refusal", "refusal": "no"},
        ],
    }
    reading = read(
        event("output_text.delta", content_index=4, delta="So"), done(**item), completed()
    )
    assert reading.told == [("text", "So it is"), ("refusal", "no")]


def test_an_empty_final_output_takes_nothing_back() -> None:
    reading = read(event("output_text.delta", delta="So"), done(**text_item("So")), completed())
    assert reading.told == [("text", "So")]


def test_what_was_never_streamed_is_taken_from_the_final_output() -> None:
    reading = read(
        event("output_text.delta", 1, item_id="msg_1", delta="So"),
        completed(
            {"type": "web_search_call", "id": "ws_1", "action": {"query": "x"}},
            text_item("So it is"),
            call_item(),
        ),
    )
    assert [step.kind for step in reading.steps] == ["text", "tool_call", "tool_call"]
    assert reading.told[0] == ("text", "So it is")


def test_a_whole_response_that_was_not_streamed() -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [{"text": "hm"}]}
    response = completed(reasoning, text_item("So"), call_item(), usage={"output_tokens": 4})
    reading = read(response["response"])
    assert [step.kind for step in reading.steps] == ["thinking", "text", "tool_call"]
    assert reading.end == RoundEnd(FinishReason.STOP, "completed", Usage(output=4))


def test_a_resumed_stream_begins_in_the_middle() -> None:
    writer = StepWriter("t")
    decoder = ResponsesDecoder(writer)
    decoder.event(None, event("output_text.delta", 0, item_id="m", delta="lo", sequence_number=7))
    decoder.event(None, event("output_text.done", 0, item_id="m", text="Hello", sequence_number=8))
    decoder.event(None, event("ping", None, sequence_number="x"))
    decoder.event(None, completed())
    assert decoder.sequence_number == 8
    assert decoder.close().finish_reason is FinishReason.STOP
    [text] = [event.step for event in writer.take() if isinstance(event, StepFinished)]
    assert isinstance(text, TextStep)
    assert text.text == "Hello"


# --- how it ends ---


def test_items_left_open_at_the_limit_are_closed() -> None:
    reading = read(
        event("output_text.delta", 0, delta="So"),
        added(1, **call_item("", status="in_progress")),
        event("function_call_arguments.delta", 1, delta='{"x"'),
        completed(kind="incomplete", incomplete_details={"reason": "max_output_tokens"}),
    )
    assert reading.end.finish_reason is FinishReason.LENGTH
    assert reading.end.provider_finish_reason == "incomplete:max_output_tokens"
    assert {step.status for step in reading.steps} == {Status.INTERRUPTED}


def test_a_call_cut_off_before_its_arguments_is_never_run() -> None:
    reading = read(
        added(**call_item("", status="in_progress")),
        completed(kind="incomplete", incomplete_details={"reason": "max_output_tokens"}),
    )
    assert reading.of(ToolCallStep)[0].status is Status.INTERRUPTED


def test_a_call_left_open_by_a_server_that_ends_no_items_is_whole() -> None:
    reading = read(
        added(**call_item("", status="in_progress")),
        event("function_call_arguments.delta", delta='{"x":1}'),
        completed(),
    )
    [call] = reading.of(ToolCallStep)
    assert (call.input, call.status) == ({"x": 1}, Status.DONE)
    assert call.opaque is None  # the item was never sent whole


def test_a_filter_that_leaves_nothing_is_a_refusal() -> None:
    last = completed(kind="incomplete", incomplete_details={"reason": "content_filter"})
    reading = read(last)
    assert [step.kind for step in reading.steps] == ["refusal"]
    assert reading.end.finish_reason is FinishReason.CONTENT_FILTER
    assert read(event("output_text.delta", delta="So"), last).of(RefusalStep) == []


def test_a_budget_thought_away_is_said() -> None:
    last = completed(kind="incomplete", incomplete_details={"reason": "max_output_tokens"})
    reading = read(event("reasoning_text.delta", delta="hm"), last)
    assert [step.reason for step in reading.of(NoticeStep)] == ["length"]


def test_moderation_is_said_beside_the_text() -> None:
    moderation = {"input": {"results": [{"flagged": True}]}, "output": None}
    reading = read(event("output_text.delta", delta="So"), completed(moderation=moderation))
    assert [step.kind for step in reading.steps] == ["text", "notice"]
    assert reading.steps[1].reason == "moderated"  # type: ignore[attr-defined]


FLAT = {"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": None}
NESTED = {
    "type": "error",
    "sequence_number": 2,
    "error": {"type": "tokens", "code": "rate_limit_exceeded", "message": "slow down"},
}
FAILED = completed(
    kind="failed", error={"code": "rate_limit_exceeded", "message": "slow down, again"}
)


@pytest.mark.parametrize("error", [FLAT, NESTED, ("error", FLAT | {"type": 0}), FAILED])
def test_an_error(error: Any) -> None:
    reading = read(event("output_text.delta", delta="So"), error)
    assert reading.end.failure is not None
    assert reading.end.failure.kind is ErrorKind.RATE_LIMITED
    assert "slow down" in reading.end.failure.message
    assert [step.status for step in reading.steps] == [Status.INTERRUPTED]


def test_an_error_that_comes_twice_is_reported_once() -> None:
    reading = read(FLAT, FAILED)
    assert reading.end.failure is not None
    assert "again" not in reading.end.failure.message
    assert reading.end.provider_finish_reason == "failed:rate_limit_exceeded"


@pytest.mark.parametrize("data", ["it broke", [{"error": {"message": "it broke"}}]])
def test_an_error_that_is_no_object(data: Any) -> None:
    reading = read(("error", data))
    assert reading.end.failure is not None
    assert "it broke" in reading.end.failure.message


def test_an_unknown_event_with_an_error_of_its_own_ends_nothing() -> None:
    reading = read(event("web_search_call.failed", error={"message": "?"}), completed())
    assert reading.end.failure is None


@pytest.mark.parametrize("kind", ["failed", "cancelled"])
def test_a_response_that_failed_without_saying_why(kind: str) -> None:
    reading = read(completed(kind=kind))
    assert reading.end.failure is not None
    assert kind in reading.end.failure.message


def test_a_last_event_may_be_the_response_itself() -> None:
    error = {"code": "rate_limit_exceeded", "message": "slow down"}
    reading = read({"type": "response.failed", "error": error})
    assert reading.end.failure is not None
    assert reading.end.failure.kind is ErrorKind.RATE_LIMITED
    counts = {"input_tokens": 1, "output_tokens": 2}
    reading = read({"type": "response.completed", "output": [text_item("So")], "usage": counts})
    assert reading.told == [("text", "So")]
    assert reading.end.usage == Usage(input=1, output=2)


def test_an_end_may_be_named_only_by_its_frame() -> None:
    error = {"code": "rate_limit_exceeded", "message": "slow down"}
    reading = read(("response.failed", {"response": {"error": error}}))
    assert reading.end.failure is not None
    assert reading.end.failure.kind is ErrorKind.RATE_LIMITED
    reading = read(("response.incomplete", {"response": {}}))
    assert reading.end.finish_reason is FinishReason.LENGTH


def test_a_stream_without_its_last_word_was_cut() -> None:
    reading = read(CREATED, event("output_text.delta", delta="So"))
    assert reading.end.failure is not None
    assert reading.end.failure.kind is ErrorKind.STREAM_CUT
    assert [(step.kind, step.status) for step in reading.steps] == [
        ("text", Status.INTERRUPTED),
        ("notice", Status.DONE),
    ]


def test_a_decoder_says_how_far_it_is() -> None:
    decoder = ResponsesDecoder(StepWriter("t"))
    assert (decoder.answered, decoder.ended) == (False, False)
    decoder.event(None, FLAT)
    assert (decoder.answered, decoder.ended) == (True, False)
    decoder.event(None, FAILED)
    assert decoder.ended


# --- anything at all ---

TYPES = [
    *(f"response.{kind}" for kind in ("created", "in_progress", "completed", "incomplete")),
    *(f"response.{kind}" for kind in ("failed", "output_item.added", "output_item.done")),
    *(f"response.content_part.{kind}" for kind in ("added", "done")),
    *(
        f"response.{stem}.{kind}"
        for stem in (
            "output_text",
            "refusal",
            "reasoning_text",
            "reasoning_summary_text",
            "function_call_arguments",
            "custom_tool_call_input",
            "mcp_call_arguments",
            "code_interpreter_call_code",
            "shell_call_command",
        )
        for kind in ("delta", "done")
    ),
    "response.output_text.annotation.added",
    "response.shell_call_command.added",
    "response.unheard_of",
    "error",
]
ITEMS = [
    "message",
    "reasoning",
    "function_call",
    "custom_tool_call",
    "mcp_call",
    "mcp_approval_request",
    "shell_call",
    "shell_call_output",
    "image_generation_call",
    "unheard_of",
]
KEYS = [
    *("type", "id", "call_id", "name", "arguments", "input", "code", "action", "operation"),
    *("output", "outputs", "results", "result", "queries", "error", "message", "status", "phase"),
    *("content", "summary", "text", "refusal", "annotations", "url", "title", "file_id"),
    *("start_index", "outcome", "exit_code", "stdout", "logs", "image_url", "usage", "response"),
    *("incomplete_details", "reason", "moderation", "flagged", "input_tokens", "object", "delta"),
]
WORDS = ["", "a", "b", "{}", "{", "output_text", "refusal", "completed", "incomplete", "failed"]
SCALARS = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -1, 2.5, float("nan"), 10**400])
    | st.sampled_from([*WORDS, "\ud83d", "\ude00"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=20,
)
CONTENT = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["output_text", "refusal", "reasoning_text", "summary_text"])},
        optional={"text": SCALARS, "refusal": SCALARS, "annotations": JSON},
    ),
    max_size=3,
)
ITEM = st.fixed_dictionaries(
    {"type": st.sampled_from(ITEMS)},
    optional={
        "id": st.sampled_from(["a", "b", "", None]) | JSON,
        "call_id": st.sampled_from(["a", "c", None]) | JSON,
        "name": SCALARS,
        "arguments": JSON,
        "input": JSON,
        "content": CONTENT | JSON,
        "summary": CONTENT | JSON,
        "output": JSON,
        "status": SCALARS,
        "phase": SCALARS,
        "error": JSON,
        "action": JSON,
    },
)
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES)},
    optional={
        "output_index": st.sampled_from([0, 0, 1, None, "0"]),
        "content_index": st.sampled_from([0, 1, None, "x"]),
        "summary_index": st.sampled_from([0, 1, None]),
        "item_id": st.sampled_from(["a", "b", "c", None]) | JSON,
        "item": ITEM | JSON,
        "delta": SCALARS | JSON,
        "text": SCALARS,
        "refusal": SCALARS,
        "arguments": SCALARS,
        "name": SCALARS,
        "part": CONTENT.map(lambda parts: parts[0] if parts else None) | JSON,
        "annotation": JSON,
        "response": JSON
        | st.fixed_dictionaries(
            {"output": st.lists(ITEM | JSON, max_size=3)},
            optional={"status": SCALARS, "usage": JSON, "error": JSON, "moderation": JSON},
        ),
        "error": JSON,
    },
)
NAMES = st.sampled_from([None, None, None, "error", "response.output_text.delta"])
STREAMS = st.lists(st.tuples(NAMES, EVENTS | JSON), max_size=8)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(STREAMS)
def test_whatever_comes_the_steps_are_in_order(stream: list[tuple[str | None, Any]]) -> None:
    hold_what_always_holds(read(*stream))


def hold_what_always_holds(reading: Reading) -> None:
    """What is true of every stream: nothing open, nothing lost, indexes that follow each other."""
    text: dict[str, str] = {}
    closed: set[str] = set()
    started = []
    for each in reading.events:
        match each:
            case StepStarted():
                started.append(each.step)
                text[each.step.id] = content(each.step)
            case StepDelta():
                assert each.id not in closed
                assert each.text
                text[each.id] += each.text
            case StepUpdated():
                assert each.step.id not in closed
                text[each.step.id] = content(each.step)
            case StepFinished():
                assert each.step.id not in closed
                closed.add(each.step.id)
                assert each.step.status is not Status.OPEN
                if not isinstance(each.step, ToolResultStep):
                    assert text[each.step.id] == content(each.step)
    assert [step.index for step in started] == list(range(len(started)))
    assert closed == {step.id for step in started}
    assert (reading.end.failure is not None) == (reading.end.finish_reason is FinishReason.ERROR)
    for step in reading.of(ToolCallStep):
        if step.status is Status.DONE and not step.hosted:
            assert step.name
            assert step.call_id
    for each in reading.events:
        line = to_json_line(event_to_json(each))
        assert repr(event_from_json(json.loads(line))) == repr(each)
