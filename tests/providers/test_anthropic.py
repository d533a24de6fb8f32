"""Decoding the Anthropic Messages protocol."""

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
from chatterm.providers.anthropic import AnthropicDecoder
from chatterm.providers.base import RoundEnd
from chatterm.steps import (
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
    Usage,
)

DONE, CUT = Status.DONE, Status.INTERRUPTED


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


def content(step: Step) -> str:
    match step:
        case ToolCallStep():
            return step.arguments
        case ToolResultStep():
            return step.content
        case _:
            return str(getattr(step, "text", ""))


def read(*events: Any) -> Reading:
    """Decode a stream; an event may be a (name, data) pair."""
    writer = StepWriter("t", Clock(now=lambda: 0.0, monotonic=lambda: 0.0))
    decoder = AnthropicDecoder(writer, "somebody")
    seen: list[Event] = []
    for event in events:
        name, data = event if isinstance(event, tuple) else (None, event)
        decoder.event(name, data)
        seen += writer.take()
    end = decoder.close()
    seen += writer.take()
    assert writer.usage == end.usage
    steps = [event.step for event in seen if isinstance(event, StepFinished)]
    return Reading(sorted(steps, key=lambda step: step.index), end, seen)


def start(**message: Any) -> dict[str, Any]:
    whole = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": {}}
    return {"type": "message_start", "message": whole | message}


def opens(index: int, kind: str, **block: Any) -> dict[str, Any]:
    return {
        "type": "content_block_start",
        "index": index,
        "content_block": {"type": kind, **block},
    }


def grows(index: int, kind: str, **delta: Any) -> dict[str, Any]:
    return {
        "type": "content_block_delta",
        "index": index,
        "delta": {"type": f"{kind}_delta", **delta},
    }


def stops(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ends(reason: str = "end_turn", usage: Any = None, **more: Any) -> list[dict[str, Any]]:
    delta = {"stop_reason": reason, "stop_sequence": None, **more}
    return [
        {"type": "message_delta", "delta": delta, "usage": usage or {}},
        {"type": "message_stop"},
    ]


def text(index: int, *pieces: str, citations: Any = ()) -> list[dict[str, Any]]:
    deltas = [grows(index, "text", text=piece) for piece in pieces]
    cited = [grows(index, "citations", citation=each) for each in citations]
    return [opens(index, "text", text=""), *deltas, *cited, stops(index)]


def thought(index: int, words: str, signature: str | None = "sig") -> list[dict[str, Any]]:
    signed = [] if signature is None else [grows(index, "signature", signature=signature)]
    begun = opens(index, "thinking", thinking="", signature="")
    return [begun, grows(index, "thinking", thinking=words), *signed, stops(index)]


def call(index: int, *pieces: str, call_id: str = "toolu_1", **more: Any) -> list[dict[str, Any]]:
    block = {"id": call_id, "name": "f", "input": {}} | more
    deltas = [grows(index, "input_json", partial_json=piece) for piece in pieces]
    return [opens(index, more.pop("type", "tool_use"), **block), *deltas, stops(index)]


def server_call(index: int, call_id: str, name: str, arguments: str = "{}") -> list[dict[str, Any]]:
    block = opens(index, "server_tool_use", id=call_id, name=name, input={})
    return [block, grows(index, "input_json", partial_json=arguments), stops(index)]


def server_result(index: int, kind: str, call_id: str, content: Any, **more: Any) -> list[Any]:
    whole = opens(index, f"{kind}_tool_result", tool_use_id=call_id, content=content, **more)
    return [whole, stops(index)]


PING = {"type": "ping"}


# --- text and thinking ---


def test_text() -> None:
    reading = read(
        start(usage={"input_tokens": 3, "output_tokens": 1}),
        PING,
        *text(0, "Hel", "lo"),
        *ends(usage={"output_tokens": 2}),
    )
    assert reading.told == [("text", "Hello")]
    assert reading.steps[0].opaque is None
    assert reading.end == RoundEnd(FinishReason.STOP, "end_turn", Usage(3, 2))


def test_thinking_keeps_its_signature_and_hides_what_is_redacted() -> None:
    reading = read(
        start(),
        *thought(0, "Hm.", "abc="),
        opens(1, "redacted_thinking", data="secret"),
        stops(1),
        *text(2, "So."),
        *ends(),
    )
    assert reading.told == [("thinking", "Hm."), ("thinking", ""), ("text", "So.")]
    assert [step.opaque for step in reading.steps] == [
        {"block": {"type": "thinking", "signature": "abc="}},
        {"block": {"type": "redacted_thinking", "data": "secret"}},
        None,
    ]


def test_thinking_that_shows_no_text_is_kept_for_its_signature() -> None:
    quiet = [opens(0, "thinking", thinking="", signature=""), grows(0, "signature", signature="s")]
    reading = read(start(), *quiet, stops(0), *text(1, "So."), *ends())
    assert reading.told == [("thinking", ""), ("text", "So.")]
    assert reading.steps[0].opaque == {"block": {"type": "thinking", "signature": "s"}}


def test_thinking_is_whole_as_soon_as_text_follows() -> None:
    reading = read(start(), *thought(0, "Hm."), *text(1, "a", "b"), *ends())
    kinds = [type(each).__name__ for each in reading.events]
    assert kinds.index("StepFinished") < len(kinds) - 1 - kinds[::-1].index("StepStarted")


def test_interleaved_thinking_keeps_its_place_among_the_calls() -> None:
    reading = read(
        start(),
        *thought(0, "one", "s1"),
        *call(1, "{}", call_id="a"),
        *thought(2, "two", "s2"),
        *call(3, "{}", call_id="b"),
        *ends("tool_use"),
    )
    assert [step.kind for step in reading.steps] == ["thinking", "tool_call"] * 2
    signatures = [step.opaque["block"]["signature"] for step in reading.of(ThinkingStep)]
    assert signatures == ["s1", "s2"]


def test_texts_in_a_row_are_one_step_and_go_back_as_they_came_where_they_cite() -> None:
    found = {
        "type": "web_search_result_location",
        "url": "https://a",
        "title": "A",
        "encrypted_index": "e",
        "cited_text": "x",
    }
    paged = {"type": "page_location", "document_index": 1, "document_title": None}
    reading = read(
        start(),
        *text(0, "It is "),
        *text(1, "72 °F", citations=[found, found, paged]),
        *text(2, " today."),
        *ends(),
    )
    [step] = reading.of(TextStep)
    assert step.text == "It is 72 °F today."
    assert step.citations == (Citation("A", "https://a", 6, 11), Citation("document 2", "", 6, 11))
    assert step.opaque == {
        "blocks": [
            {"type": "text", "text": "It is "},
            {"type": "text", "text": "72 °F", "citations": [found, found, paged]},
            {"type": "text", "text": " today."},
        ]
    }


def test_an_empty_text_is_no_step() -> None:
    assert read(start(), *text(0, ""), *text(1, "x"), *ends()).told == [("text", "x")]


def test_a_block_that_was_never_begun() -> None:
    reading = read(start(), grows(0, "thinking", thinking="a"), grows(1, "text", text="b"), *ends())
    assert reading.told == [("thinking", "a"), ("text", "b")]


def test_unknown_events_blocks_and_deltas_do_no_harm() -> None:
    reading = read(
        start(),
        {"type": "unheard_of", "index": 0},
        "nonsense",
        opens(0, "hologram", x=1),
        grows(0, "hologram", x=2),
        stops(0),
        *text(1, "Hi"),
        *ends("unheard_of"),
    )
    notice, said = reading.steps
    assert isinstance(notice, NoticeStep)
    assert "hologram" in notice.text
    assert notice.opaque == {"block": {"type": "hologram", "x": 1}}
    assert content(said) == "Hi"
    assert reading.end.finish_reason is FinishReason.STOP


def test_a_compaction_and_another_model_are_told_and_kept() -> None:
    reading = read(
        start(),
        opens(0, "compaction", content=None),
        grows(0, "compaction", content="The user"),
        grows(0, "compaction", content=" said hello."),
        stops(0),
        opens(1, "fallback", **{"from": {"model": "a"}, "to": {"model": "b"}}),
        stops(1),
        *ends(),
    )
    summed, other = reading.of(NoticeStep)
    assert summed.opaque["block"]["content"] == "The user said hello."
    assert (summed.reason, other.text) == ("compaction", "b answers in place of a")


# --- calls ---


def test_parallel_calls() -> None:
    reading = read(
        start(),
        *call(0, '{"x"', ": 1}", call_id="a"),
        *call(1, "", call_id="b", name="g", caller={"type": "direct"}),
        *ends("tool_use"),
    )
    first, second = reading.of(ToolCallStep)
    assert (first.call_id, first.name, first.input, first.opaque) == ("a", "f", {"x": 1}, None)
    assert (second.call_id, second.input, second.status) == ("b", {}, DONE)
    assert second.opaque == {"block": {"caller": {"type": "direct"}}}
    assert reading.end.finish_reason is FinishReason.STOP


def test_parallel_calls_that_interleave() -> None:
    reading = read(
        start(),
        opens(0, "tool_use", id="a", name="f", input={}),
        opens(1, "tool_use", id="b", name="g", input={}),
        grows(1, "input_json", partial_json='{"y":'),
        grows(0, "input_json", partial_json='{"x":1}'),
        grows(1, "input_json", partial_json="2}"),
        stops(0),
        stops(1),
        *ends("tool_use"),
    )
    assert [step.input for step in reading.of(ToolCallStep)] == [{"x": 1}, {"y": 2}]


@pytest.mark.parametrize("pieces", [(), ("",), ("", "")], ids=["none", "one empty", "two empty"])
def test_arguments_may_come_whole_where_the_call_begins(pieces: tuple[str, ...]) -> None:
    reading = read(start(), *call(0, *pieces, input={"x": 1}), *ends("tool_use"))
    assert [step.input for step in reading.of(ToolCallStep)] == [{"x": 1}]


def test_arguments_may_come_as_an_object_in_a_delta() -> None:
    pieces: Any = [{"x": 1}]
    reading = read(start(), *call(0, *pieces), *ends("tool_use"))
    assert [step.input for step in reading.of(ToolCallStep)] == [{"x": 1}]


def test_a_call_told_twice_is_one_call() -> None:
    told = call(0, '{"x"', ": 1}")
    [step] = read(start(), *told, *told, *ends("tool_use")).of(ToolCallStep)
    assert (step.input, step.status) == ({"x": 1}, DONE)


def test_a_block_without_a_type_does_not_go_back() -> None:
    reading = read(start(), {**opens(0, "x"), "content_block": {"type": None}}, stops(0), *ends())
    assert [step.opaque for step in reading.of(NoticeStep)] == [None]


def test_invalid_arguments_are_kept_as_they_are() -> None:
    [step] = read(start(), *call(0, '{"x": oops}'), *ends("tool_use")).of(ToolCallStep)
    assert (step.arguments, step.input, step.status) == ('{"x": oops}', None, DONE)


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded", "refusal"])
@pytest.mark.parametrize("arguments", ["", '{"path": "/"', '{"path": "/"}'])
def test_a_call_that_may_have_been_cut_off_is_never_run(reason: str, arguments: str) -> None:
    reading = read(start(), *call(0, arguments), *ends(reason))
    assert [step.status for step in reading.of(ToolCallStep)] == [CUT]


def test_a_call_whose_block_never_ended_is_not_run_unless_it_is_whole() -> None:
    half = [opens(0, "tool_use", id="a", name="f"), grows(0, "input_json", partial_json='{"x"')]
    whole = [opens(1, "tool_use", id="b", name="f"), grows(1, "input_json", partial_json="{}")]
    reading = read(start(), *half, *whole, *ends("tool_use"))
    assert [step.status for step in reading.of(ToolCallStep)] == [CUT, DONE]


def test_calls_without_name_or_id_and_with_the_same() -> None:
    reading = read(
        start(),
        *call(0, "{}", name=""),
        *call(1, "{}", call_id=""),
        *call(2, "{}", call_id="a"),
        *call(3, "{}", call_id="a"),
        *ends("tool_use"),
    )
    calls = reading.of(ToolCallStep)
    assert [step.status for step in calls] == [CUT, DONE, DONE, DONE]
    assert [step.call_id for step in calls[1:]] == ["call_1", "a", "a_"]


# --- what the server runs itself ---


def test_a_hosted_search() -> None:
    results = [
        {"type": "web_search_result", "title": "A", "url": "https://a", "encrypted_content": "e"},
        {"type": "web_search_result", "title": "B", "url": "https://b", "encrypted_content": "f"},
    ]
    reading = read(
        start(),
        *server_call(0, "srv_1", "web_search", '{"query": "x"}'),
        *server_result(1, "web_search", "srv_1", results),
        *text(2, "Found."),
        *ends(),
    )
    hosted, result, _ = reading.steps
    assert isinstance(hosted, ToolCallStep)
    assert isinstance(result, ToolResultStep)
    assert (hosted.hosted, hosted.name, hosted.input) == (True, "web_search", {"query": "x"})
    assert (result.call_id, result.name) == ("srv_1", "web_search")
    assert (result.content, result.ok) == ("A https://a\nB https://b", True)
    assert hosted.opaque == {
        "block": {"type": "server_tool_use", "id": "srv_1", "name": "web_search"}
    }
    assert result.opaque is not None
    assert result.opaque["block"]["content"] == results


@pytest.mark.parametrize(
    ("kind", "result", "fields"),
    [
        (
            "bash_code_execution",
            {"stdout": "1\n", "stderr": "oh\n", "return_code": 2, "content": []},
            ("1\noh", False, 2),
        ),
        (
            "code_execution",
            {"stdout": "1\n", "return_code": 0, "content": [{"file_id": "file_1"}]},
            ("1\nfile_1", True, 0),
        ),
        (
            "web_search",
            {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"},
            ("max_uses_exceeded", False, None),
        ),
        (
            "web_fetch",
            {
                "type": "web_fetch_result",
                "url": "https://a",
                "content": {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
                },
            },
            ("https://a\n[application/pdf]", True, None),
        ),
        (
            "tool_search",
            {"tool_references": [{"type": "tool_reference", "tool_name": "g"}]},
            ("g", True, None),
        ),
        ("text_editor_code_execution", {"lines": ["a", "b"]}, ("a\nb", True, None)),
        ("text_editor_code_execution", {"is_file_update": True}, ('{"is_file_update": true}',)),
        ("advisor", {"type": "x", "encrypted_content": "AAAA"}, ("", True, None)),
        (
            "mcp",
            [{"type": "text", "text": "a"}, {"type": "image", "data": "AAAA"}],
            ("a\n[image]",),
        ),
        ("mcp", "plain", ("plain", True, None)),
    ],
)
def test_hosted_results_in_words(kind: str, result: Any, fields: tuple[Any, ...]) -> None:
    [step] = read(start(), *server_result(0, kind, "srv_1", result), *ends()).of(ToolResultStep)
    assert (step.content, step.ok, step.exit_code)[: len(fields)] == fields
    assert step.name == kind
    assert (step.outcome is Outcome.DONE) == step.ok


def test_a_hosted_tool_of_another_server_that_failed() -> None:
    reading = read(
        start(),
        opens(0, "mcp_tool_use", id="mcp_1", name="ask", server_name="docs", input={"q": 1}),
        stops(0),
        *server_result(1, "mcp", "mcp_1", [{"type": "text", "text": "no"}], is_error=True),
        *ends(),
    )
    hosted, result = reading.steps
    assert isinstance(hosted, ToolCallStep)
    assert isinstance(result, ToolResultStep)
    assert (hosted.input, result.name, result.content) == ({"q": 1}, "ask", "no")
    assert (result.ok, result.outcome) == (False, Outcome.FAILED)
    assert hosted.opaque is not None
    assert hosted.opaque["block"]["server_name"] == "docs"


def test_a_pause_is_no_end() -> None:
    reading = read(start(), *server_call(0, "srv_1", "web_search"), *ends("pause_turn"))
    assert reading.end.paused
    assert (reading.end.finish_reason, reading.end.failure) == (FinishReason.STOP, None)
    assert reading.steps[0].status is DONE


# --- how it ends ---


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
    ],
)
def test_stop_reasons(word: str, reason: FinishReason) -> None:
    reading = read(start(), *text(0, "Hi"), *ends(word))
    assert (reading.end.finish_reason, reading.end.provider_finish_reason) == (reason, word)
    assert reading.told == [("text", "Hi")]


def test_a_budget_thought_away_is_said_and_what_was_cut_off_stays_here() -> None:
    reading = read(start(), *thought(0, "Hm", None), *ends("max_tokens"))
    thinking, notice = reading.steps
    assert (thinking.status, notice.kind) == (CUT, "notice")
    assert reading.end.finish_reason is FinishReason.LENGTH


def test_thinking_of_servers_that_sign_nothing_is_whole_all_the_same() -> None:
    reading = read(start(), *thought(0, "Hm", None), *call(1, "{}"), *ends("tool_use"))
    assert [step.status for step in reading.steps] == [DONE, DONE]


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"type": "refusal", "category": "cyber", "explanation": "Blocked."}, "Blocked."),
        (
            {"type": "refusal", "category": "bio"},
            "the provider's safeguards stopped the reply (bio)",
        ),
        (None, "the provider's safeguards stopped the reply"),
    ],
)
def test_a_refusal(details: Any, said: str) -> None:
    reading = read(start(), *ends("refusal", stop_details=details))
    assert reading.told == [("refusal", said)]
    assert reading.end.finish_reason is FinishReason.REFUSAL


def test_a_refusal_takes_back_the_text_before_it() -> None:
    reading = read(start(), *text(0, "First you"), *ends("refusal"))
    withdrawn, refusal = reading.steps
    assert isinstance(withdrawn, TextStep)
    assert (withdrawn.text, withdrawn.withdrawn) == ("First you", True)
    assert isinstance(refusal, RefusalStep)
    assert any(isinstance(event, StepUpdated) for event in reading.events)


def test_a_refusal_takes_back_what_was_finished_long_before() -> None:
    reading = read(
        start(),
        *text(0, "First"),
        *server_call(1, "s", "web_search"),
        *text(2, "Then"),
        *ends("refusal"),
    )
    first, _, then, notice, _ = reading.steps
    assert [getattr(step, "withdrawn", None) for step in (first, then)] == [False, True]
    assert isinstance(notice, NoticeStep)
    assert notice.reason == "withdrawn"


def test_usage_is_cumulative_and_input_includes_the_cache() -> None:
    reading = read(
        start(
            usage={
                "input_tokens": 4,
                "cache_read_input_tokens": 100,
                "cache_creation_input_tokens": 20,
                "output_tokens": 1,
            }
        ),
        {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 5, "input_tokens": None}},
        *ends(
            usage={
                "input_tokens": 7,
                "output_tokens": 9,
                "output_tokens_details": {"thinking_tokens": 6},
            }
        ),
    )
    assert reading.end.usage == Usage(127, 9, 6, 100, 20)


def test_an_unreported_count_is_unknown() -> None:
    assert read(start(), *ends()).end.usage == Usage()
    assert read(start(), *ends(usage={"output_tokens": 2})).end.usage == Usage(output=2)


def test_what_message_start_already_holds() -> None:
    block = {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}
    reading = read(start(content=[block], stop_reason="tool_use"), {"type": "message_stop"})
    assert [(step.call_id, step.input) for step in reading.of(ToolCallStep)] == [("a", {"x": 1})]
    assert reading.end.provider_finish_reason == "tool_use"
    again = read(start(content=[block]), *call(0, call_id="a"), *ends("tool_use"))
    assert len(again.of(ToolCallStep)) == 1


def test_a_whole_message_that_was_not_streamed() -> None:
    reading = read(
        {
            "type": "message",
            "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "s"},
                {"type": "text", "text": "Hi"},
            ],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 1, "output_tokens": 2},
        }
    )
    assert reading.told == [("thinking", "Hm"), ("text", "Hi")]
    assert reading.end == RoundEnd(FinishReason.STOP, "end_turn", Usage(1, 2))


def test_the_name_of_an_event_may_stand_only_in_its_frame() -> None:
    block = {"index": 0, "content_block": {"type": "text", "text": "Hi"}}
    reading = read(
        ("message_start", {"message": {}}), ("content_block_start", block), ("message_stop", {})
    )
    assert reading.told == [("text", "Hi")]


# --- beginning anew ---


def test_a_second_message_start_begins_anew_in_the_same_steps() -> None:
    reading = read(
        start(usage={"input_tokens": 1}),
        *thought(0, "I will", "s1"),
        opens(1, "tool_use", id="a", name="f", input={}),
        grows(1, "input_json", partial_json='{"x'),
        start(usage={"input_tokens": 2}),
        *thought(0, "Let me", "s2"),
        *call(1, "{}", call_id="b"),
        *ends("tool_use"),
    )
    thinking, called = reading.steps
    assert isinstance(called, ToolCallStep)
    assert content(thinking) == "Let me"
    assert thinking.opaque == {"block": {"type": "thinking", "signature": "s2"}}
    assert (called.call_id, called.input, called.status) == ("b", {}, DONE)
    assert reading.end.usage == Usage(2)


def test_a_second_message_that_is_another_leaves_the_first_withdrawn() -> None:
    reading = read(
        start(), *text(0, "Well"), start(), *call(0, "{}", call_id="b"), *ends("tool_use")
    )
    first, called = reading.steps
    assert isinstance(first, TextStep)
    assert first.withdrawn
    assert called.status is DONE


def test_a_second_message_after_finished_steps_is_told() -> None:
    reading = read(start(), *thought(0, "Hm"), *text(1, "Well"), start(), *text(0, "Hi"), *ends())
    kinds = [(step.kind, getattr(step, "withdrawn", None)) for step in reading.steps]
    assert kinds == [("thinking", None), ("text", True), ("notice", None), ("text", False)]
    [notice] = reading.of(NoticeStep)
    assert notice.reason == "withdrawn"


def test_a_second_message_start_at_once_changes_nothing() -> None:
    reading = read(start(), start(), *text(0, "Hi"), *ends())
    assert reading.told == [("text", "Hi")]
    assert len(reading.events) == 3


# --- errors ---


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, ErrorKind.OVERLOADED),
        ({"type": "rate_limit_error", "message": "slow"}, ErrorKind.RATE_LIMITED),
        ({"type": "api_error", "message": "Internal server error"}, ErrorKind.SERVER),
        ({"type": "request_too_large", "message": "too large"}, ErrorKind.TOO_LONG),
        ({"type": "invalid_request_error", "message": "no"}, ErrorKind.BAD_REQUEST),
        ({"type": "authentication_error", "message": "no"}, ErrorKind.KEY_REJECTED),
        ({"type": "billing_error", "message": "no"}, ErrorKind.QUOTA),
    ],
)
@pytest.mark.parametrize("before", [[], [start(), *text(0, "Hel")]], ids=["at once", "midway"])
def test_an_error(before: list[Any], error: dict[str, Any], kind: ErrorKind) -> None:
    told = {"type": "error", "error": error, "request_id": "req_1"}
    reading = read(*before, ("error", told))
    assert reading.end.failure is not None
    assert reading.end.failure.kind is kind
    assert error["message"] in reading.end.failure.message
    assert reading.end.failure.request_id == "req_1"
    assert [step.status for step in reading.steps] == [CUT] * bool(before)


@pytest.mark.parametrize("data", ["broken", {"error": {"message": "broken"}}])
def test_an_error_of_another_form(data: Any) -> None:
    reading = read(("error", data))
    assert reading.end.failure is not None
    assert "broken" in reading.end.failure.message


def test_a_stream_without_its_last_word_was_cut() -> None:
    whole = [start(), *thought(0, "Hm"), *text(1, "Hi"), *call(2, "{}"), *ends("tool_use")]
    for length in range(len(whole)):
        reading = read(*whole[:length])
        assert reading.end.failure is not None
        assert reading.end.failure.kind is ErrorKind.STREAM_CUT
        assert all(step.status is CUT for step in reading.of(ToolCallStep))
        told = [step.reason for step in reading.of(NoticeStep)]
        assert told == (["stream_cut"] if reading.steps else [])


def test_a_decoder_says_how_far_it_is() -> None:
    decoder = AnthropicDecoder(StepWriter("t"))
    assert (decoder.ended, decoder.answered) == (False, False)
    for event in [start(), *text(0, "Hi"), *ends()]:
        assert not decoder.ended
        decoder.event(None, event)
    assert (decoder.ended, decoder.answered) == (True, True)


def test_nothing_is_shown_before_there_is_something_to_show() -> None:
    writer = StepWriter("t")
    decoder = AnthropicDecoder(writer)
    for event in [start(), PING, opens(0, "thinking", thinking=""), opens(1, "text", text="")]:
        decoder.event(None, event)
    assert writer.take() == []


def test_a_surrogate_pair_may_come_in_halves() -> None:
    reading = read(start(), *text(0, "\ud83d", "\ude00"), *thought(1, "x"), *ends())
    assert reading.told[0] == ("text", "😀")


# --- whatever comes ---

WORDS = st.sampled_from(["", "a", "b\n", "\ud83d", "\ude00", "{", "}", '{"x":1}'])
INDEX = st.sampled_from([0, 1, 2, None, "x"])
KINDS = st.sampled_from(
    [
        "text",
        "thinking",
        "redacted_thinking",
        "tool_use",
        "server_tool_use",
        "mcp_tool_use",
        "web_search_tool_result",
        "compaction",
        "hologram",
        "",
    ]
)
JSON = st.one_of(st.none(), WORDS, st.integers(), st.just([]), st.just({"x": [1]}))
BLOCKS = st.fixed_dictionaries(
    {"type": KINDS},
    optional={
        "text": WORDS,
        "thinking": WORDS,
        "signature": WORDS,
        "id": WORDS,
        "tool_use_id": WORDS,
        "name": WORDS,
        "input": JSON,
        "content": JSON,
        "data": WORDS,
        "citations": st.one_of(JSON, st.just([{"url": "https://a"}, 1])),
    },
)
DELTAS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            [f"{kind}_delta" for kind in ("text", "thinking", "signature", "input_json")]
            + [f"{kind}_delta" for kind in ("citations", "compaction", "hologram")]
        )
    },
    optional={
        "text": WORDS,
        "thinking": WORDS,
        "signature": WORDS,
        "partial_json": WORDS,
        "citation": JSON,
        "content": WORDS,
    },
)
REASONS = st.sampled_from([None, "end_turn", "max_tokens", "tool_use", "pause_turn", "refusal", 3])
EVENTS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("content_block_start"), "index": INDEX, "content_block": BLOCKS}
    ),
    st.fixed_dictionaries(
        {"type": st.just("content_block_delta"), "index": INDEX, "delta": DELTAS}
    ),
    st.fixed_dictionaries({"type": st.just("content_block_stop"), "index": INDEX}),
    st.fixed_dictionaries(
        {"type": st.just("message_delta"), "delta": st.fixed_dictionaries({"stop_reason": REASONS})}
    ),
    st.just({"type": "message_start", "message": {"usage": {"input_tokens": 1}}}),
    st.just({"type": "message_start"}),
    st.just({"type": "message_stop"}),
    st.just({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}),
    JSON,
)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(EVENTS, max_size=14))
def test_whatever_comes_the_steps_are_in_order(stream: list[Any]) -> None:
    hold_what_always_holds(read(*stream))


def hold_what_always_holds(reading: Reading) -> None:
    """What is true of every stream: nothing open, nothing lost, indexes that follow each other."""
    told: dict[str, str] = {}
    closed: set[str] = set()
    started = []
    for each in reading.events:
        match each:
            case StepStarted():
                started.append(each.step)
                told[each.step.id] = content(each.step)
            case StepDelta():
                assert each.id not in closed
                assert each.text
                told[each.id] += each.text
            case StepUpdated():
                assert each.step.id not in closed
                told[each.step.id] = content(each.step)
            case StepFinished():
                assert each.step.id not in closed
                closed.add(each.step.id)
                assert each.step.status is not Status.OPEN
                if not isinstance(each.step, ToolResultStep):
                    assert told[each.step.id] == content(each.step)
    assert [step.index for step in started] == list(range(len(started)))
    assert closed == {step.id for step in started}
    assert (reading.end.failure is not None) == (reading.end.finish_reason is FinishReason.ERROR)
    ids = [c.call_id for c in reading.of(ToolCallStep) if c.status is DONE and not c.hosted]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    for each in reading.events:
        line = to_json_line(event_to_json(each))
        assert repr(event_from_json(json.loads(line))) == repr(each)
