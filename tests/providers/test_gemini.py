"""Decoding Gemini's generateContent, part by part and trap by trap."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.assembly import Clock, StepWriter
from chatterm.errors import ErrorKind
from chatterm.events import Event, StepDelta, StepFinished
from chatterm.providers.base import RoundEnd
from chatterm.providers.body import Body
from chatterm.providers.gemini import GeminiDecoder
from chatterm.steps import (
    Citation,
    FinishReason,
    NoticeStep,
    Outcome,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Usage,
)

STOP = FinishReason.STOP
FILTER = FinishReason.CONTENT_FILTER


@dataclass
class Reading:
    """What came of a stream."""

    steps: list[Step]
    end: RoundEnd
    events: list[Event]
    reported: Usage

    @property
    def told(self) -> list[tuple[str, str]]:
        """The kind and text of each step, in order."""
        return [(step.kind, content(step)) for step in self.steps]

    def of(self, cls: type[Step]) -> list[Any]:
        return [step for step in self.steps if isinstance(step, cls)]

    @property
    def calls(self) -> list[tuple[str, str, Any]]:
        return [(call.call_id, call.name, call.input) for call in self.of(ToolCallStep)]


def content(step: Step) -> str:
    match step:
        case ToolCallStep():
            return step.arguments
        case ToolResultStep():
            return step.content
        case _:
            return str(getattr(step, "text", ""))


def read(*chunks: Any, name: str | None = None) -> Reading:
    """Decode a stream, at a time that stands still."""
    writer = StepWriter("t", Clock(now=lambda: 0.0, monotonic=lambda: 0.0))
    decoder = GeminiDecoder(writer, "google")
    seen: list[Event] = []
    for chunk in chunks:
        decoder.event(name, chunk)
        seen += writer.take()
    end = decoder.close()
    seen += writer.take()
    steps = [event.step for event in seen if isinstance(event, StepFinished)]
    return Reading(sorted(steps, key=lambda step: step.index), end, seen, writer.usage)


def chunk(*parts: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk with one candidate; `more` are fields of the candidate."""
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate | more], "modelVersion": "gemini-3-pro", "responseId": "r"}


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"text": text, **more}


def thought(text: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "thought": True, **more}


def called(name: str, args: Any = None, signature: str = "", **more: Any) -> dict[str, Any]:
    call = {"name": name, **more} if args is None else {"name": name, "args": args, **more}
    return {"functionCall": call} | ({"thoughtSignature": signature} if signature else {})


def piece(path: str, goes_on: bool = True, more: bool = False, **value: Any) -> dict[str, Any]:
    """A `functionCall` that brings one value of the arguments."""
    entry = {"jsonPath": path, **value} | ({"willContinue": True} if more else {})
    call = {"partialArgs": [entry]} | ({"willContinue": True} if goes_on else {})
    return {"functionCall": call}


END = chunk(finish="STOP")


# --- text and thinking ---


def test_text_comes_in_pieces_and_is_one_step() -> None:
    reading = read(chunk(said("Hel")), chunk(said("lo")), END)
    assert reading.told == [("text", "Hello")]
    assert reading.end == RoundEnd(STOP, "STOP")
    assert [e.text for e in reading.events if isinstance(e, StepDelta)] == ["Hel", "lo"]


def test_thoughts_are_a_summary_before_the_text() -> None:
    reading = read(chunk(thought("**Plan**\n\n")), chunk(thought("go")), chunk(said("Yes")), END)
    assert reading.told == [("thinking", "**Plan**\n\ngo"), ("text", "Yes")]
    step = reading.of(ThinkingStep)[0]
    assert (step.summary, step.opaque) == (True, {"thought": True})


def test_a_signature_is_kept_with_the_part_it_came_on() -> None:
    reading = read(
        chunk(said("ab")),
        chunk(said("cd", thoughtSignature="s1")),
        chunk(said("ef"), said("", thoughtSignature="s2")),
        END,
    )
    assert reading.told == [("text", "abcdef")]
    assert reading.steps[0].opaque == {
        "signed": [
            {"start": 2, "end": 4, "thoughtSignature": "s1"},
            {"start": 6, "end": 6, "thoughtSignature": "s2"},
        ]
    }


def test_a_signed_thought_is_kept_too() -> None:
    reading = read(chunk(thought("hm", thoughtSignature="s")), chunk(said("ok")), END)
    signed = [{"start": 0, "end": 2, "thoughtSignature": "s"}]
    assert reading.steps[0].opaque == {"thought": True, "signed": signed}
    assert reading.steps[1].opaque is None


def test_an_empty_signed_part_after_a_call_is_kept_though_it_shows_nothing() -> None:
    part = said("", thoughtSignature="s")
    reading = read(chunk(called("f", {})), chunk(part, finish="STOP"))
    assert reading.told == [("tool_call", "{}"), ("thinking", "")]
    assert reading.steps[1].opaque == {"part": part}


def test_empty_parts_without_a_signature_are_nothing() -> None:
    reading = read(chunk(said(""), thought("")), chunk(said(""), finish="STOP"))
    assert reading.told == []
    assert reading.end.finish_reason is STOP


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"candidates": []},
        {"candidates": [None, 3]},
        {"candidates": [{}]},
        {"candidates": [{"content": None}]},
        {"candidates": [{"content": {"parts": None, "role": "model"}}]},
        {"candidates": [{"content": {"parts": [None, "x", {}]}}]},
        {"candidates": [{"content": {"parts": [{"text": None}]}, "index": 1}]},
        {"candidates": [{"content": {"parts": [{"text": "of the other"}]}, "index": 1}]},
        {"usageMetadata": None},
        [],
        "text",
        7,
        None,
    ],
)
def test_what_is_missing_or_odd_is_passed_over(odd: Any) -> None:
    reading = read(chunk(said("a")), odd, chunk(said("b")), END)
    assert "".join(text for kind, text in reading.told if kind == "text") == "ab"
    assert reading.end.failure is None


# --- calls ---


def test_parallel_calls_without_ids_get_ids_and_only_the_first_has_a_signature() -> None:
    reading = read(
        chunk(called("add", {"b": 3, "a": 2}, "sig")),
        chunk(called("add", {"a": 5}), finish="STOP", finishMessage="Model generated calls."),
    )
    assert reading.calls == [("call_0", "add", {"b": 3, "a": 2}), ("call_1", "add", {"a": 5})]
    assert [call.opaque for call in reading.of(ToolCallStep)] == [
        {"thoughtSignature": "sig"},
        None,
    ]
    assert [call.status for call in reading.of(ToolCallStep)] == [Status.DONE] * 2
    assert reading.end.finish_reason is STOP
    assert reading.of(NoticeStep) == []


def test_ids_of_the_server_are_kept_and_told_apart() -> None:
    reading = read(chunk(called("f", {}, id="x"), called("f", {}, id="x")), END)
    assert [call.call_id for call in reading.of(ToolCallStep)] == ["x", "x_"]
    assert [call.opaque for call in reading.of(ToolCallStep)] == [{"id": "x"}, {"id": "x"}]


def test_calls_are_run_too_when_an_imitator_says_that_they_ended_the_reply() -> None:
    reading = read(chunk(called("f", {"a": 1}), finish="FUNCTION_CALL"))
    assert [name for _, name, _ in reading.calls] == ["f"]
    assert reading.of(ToolCallStep)[0].status is Status.DONE
    assert reading.end.finish_reason is STOP
    assert reading.of(NoticeStep) == []


def test_a_call_without_arguments() -> None:
    assert read(chunk(called("f")), END).calls == [("call_0", "f", {})]


def test_an_empty_text_beside_a_call_hides_it_not() -> None:
    part = called("f", {"x": 1}) | {"text": "", "thoughtSignature": "S"}
    reading = read(chunk(part), END)
    assert reading.calls == [("call_0", "f", {"x": 1})]
    assert reading.of(ToolCallStep)[0].opaque == {"thoughtSignature": "S"}


def test_arguments_that_are_no_object_are_kept_as_they_came() -> None:
    reading = read(chunk(called("f", [1])), END)
    assert (reading.calls, reading.told) == ([("call_0", "f", None)], [("tool_call", "[1]")])


@pytest.mark.parametrize("finish", ["MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL"])
def test_no_call_of_a_reply_that_ended_badly_is_run(finish: str) -> None:
    reading = read(chunk(called("f", {"a": 1}), finish=finish))
    assert [call.status for call in reading.of(ToolCallStep)] == [Status.INTERRUPTED]


def test_streamed_arguments_are_folded_until_the_call_ends() -> None:
    reading = read(
        chunk(called("f", None, "sig", willContinue=True)),
        chunk(piece("$.name", stringValue="Ann", more=True)),
        chunk(piece("$.name", stringValue="a \u2028 B", more=True)),
        chunk(piece("$.name", stringValue="")),
        chunk(piece("$.items[0].price", numberValue=0.5)),
        chunk(piece("$.items[1]['a.b'].ok", boolValue=True)),
        chunk(piece('$["x\\"y"]', nullValue="NULL_VALUE")),
        chunk({"functionCall": {}}, finish="STOP"),
    )
    [call] = reading.of(ToolCallStep)
    assert call.input == {
        "name": "Anna \u2028 B",
        "items": [{"price": 0.5}, {"a.b": {"ok": True}}],
        'x"y': None,
    }
    assert json.loads(call.arguments) == call.input
    assert (call.status, call.opaque) == (Status.DONE, {"thoughtSignature": "sig"})


def test_streamed_calls_follow_each_other() -> None:
    reading = read(
        chunk(called("f", willContinue=True)),
        chunk(piece("$.a", numberValue=1, goes_on=False)),
        chunk({"functionCall": {}}),  # ends nothing
        chunk(called("g")),
        chunk(called("f", willContinue=True)),
        chunk(called("f", willContinue=True)),  # the one before it was never ended
        chunk(piece("$.a", stringValue="x")),
        chunk(said("done"), finish="STOP"),
    )
    assert [(name, values) for _, name, values in reading.calls] == [
        ("f", {"a": 1}),
        ("g", {}),
        ("f", {}),
        ("f", {"a": "x"}),
    ]
    assert {call.status for call in reading.of(ToolCallStep)} == {Status.DONE}


def test_a_server_may_repeat_the_name_with_every_value() -> None:
    first, second = piece("$.a", numberValue=1), piece("$.b", numberValue=2, goes_on=False)
    for each in (first, second):
        each["functionCall"]["name"] = "f"
    assert read(chunk(first), chunk(second), END).calls == [("call_0", "f", {"a": 1, "b": 2})]


def test_a_call_cut_within_a_string_is_not_run() -> None:
    reading = read(
        chunk(called("f", willContinue=True)),
        chunk(piece("$.path", stringValue="/", more=True)),
        END,
    )
    [call] = reading.of(ToolCallStep)
    assert (call.status, call.arguments) == (Status.INTERRUPTED, '{"path": "/"}')


@pytest.mark.parametrize(
    "path", ["", "$", "$..a", "a b c]", "$.a[x]", "$.a[99999999]", "$.name.under", "$[0]"]
)
def test_a_call_whose_arguments_make_no_sense_is_not_run(path: str) -> None:
    reading = read(
        chunk(called("f", willContinue=True)),
        chunk(piece("$.name", stringValue="x")),
        chunk(piece(path, stringValue="y")),
        chunk({"functionCall": {}}),
        END,
    )
    [call] = reading.of(ToolCallStep)
    assert (call.status, call.input["name"]) == (Status.INTERRUPTED, "x")


def test_a_long_streamed_string_costs_what_it_is_long() -> None:
    # Quadratic work on a megabyte would be some 10^10 byte copies.
    pieces = [chunk(piece("$.text", stringValue="x" * 20, more=True)) for _ in range(50_000)]
    reading = read(chunk(called("f", willContinue=True)), *pieces, chunk({"functionCall": {}}), END)
    assert reading.of(ToolCallStep)[0].status is Status.DONE
    assert len(reading.of(ToolCallStep)[0].input["text"]) == 1_000_000


# --- what the server runs, and other parts ---


def test_code_that_the_server_ran_is_a_hosted_call_with_its_result() -> None:
    code = {
        "executableCode": {"language": "PYTHON", "code": "print(1)", "id": "c"},
        "thoughtSignature": "s",
    }
    output = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n", "id": "c"}}
    reading = read(chunk(code, said("")), chunk(output), chunk(said("One."), finish="STOP"))
    assert reading.told == [("tool_call", "print(1)"), ("tool_result", "1\n"), ("text", "One.")]
    call, result, _ = reading.steps
    assert isinstance(call, ToolCallStep)
    assert isinstance(result, ToolResultStep)
    assert (call.hosted, call.name, call.call_id) == (True, "executableCode", "c")
    assert (result.name, result.call_id, result.ok) == ("executableCode", "c", True)
    assert (call.opaque, result.opaque) == ({"part": code}, {"part": output})


@pytest.mark.parametrize(
    ("word", "outcome"),
    [("OUTCOME_FAILED", Outcome.FAILED), ("OUTCOME_DEADLINE_EXCEEDED", Outcome.TIMED_OUT)],
)
def test_code_that_failed(word: str, outcome: Outcome) -> None:
    reading = read(
        chunk({"executableCode": {"code": "1/0"}}),
        chunk({"codeExecutionResult": {"outcome": word, "output": "ZeroDivisionError"}}),
        END,
    )
    call, result = reading.steps
    assert isinstance(result, ToolResultStep)
    assert (result.ok, result.outcome, result.call_id) == (False, outcome, "call_0")
    assert reading.calls == [("call_0", "executableCode", None)]
    assert call.status is Status.DONE


def test_other_hosted_tools_are_named_by_their_type() -> None:
    reading = read(
        chunk({"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "args": {"q": "x"}, "id": "1"}}),
        chunk({"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "response": {"n": 1}, "id": "1"}}),
        END,
    )
    assert reading.calls == [("1", "GOOGLE_SEARCH_WEB", {"q": "x"})]
    assert reading.told == [("tool_call", '{"q": "x"}'), ("tool_result", '{"n": 1}')]


def test_data_in_the_reply_is_told_of_and_kept_but_never_shown() -> None:
    part = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "s"}
    reading = read(chunk(said("Here:"), part), END)
    assert reading.told == [
        ("text", "Here:"),
        ("notice", "the reply holds a file (image/png), not shown here"),
    ]
    assert reading.steps[1].opaque == {"part": part}


def test_parts_that_are_to_come_are_shown_by_name() -> None:
    reading = read(chunk({"hologram": {"x": 1}, "thoughtSignature": "s"}, said("ok")), END)
    assert reading.told == [
        ("notice", "the reply holds what isn't known here: hologram"),
        ("text", "ok"),
    ]


# --- sources ---


def grounding(*chunks: Any, supports: Any = ()) -> dict[str, Any]:
    return {"groundingMetadata": {"groundingChunks": [*chunks], "groundingSupports": [*supports]}}


def test_grounding_becomes_citations_placed_in_characters() -> None:
    text = "Größe: 5. Ende."
    segment = {"startIndex": 8, "endIndex": 11, "text": " 5."}  # in bytes
    supports = [
        {"segment": segment, "groundingChunkIndices": [1]},
        {"segment": {"endIndex": 8, "text": "Größe:"}, "groundingChunkIndices": [0, 1]},
    ]
    web = [{"web": {"uri": f"https://{name}.test", "title": name}} for name in ("a", "b")]
    file = {"retrievedContext": {"title": "notes.pdf"}}
    reading = read(
        chunk(said(text)),
        chunk(said(""), finish="STOP", **grounding(*web, file, supports=supports)),
        chunk(**grounding(web[0])),  # told already
    )
    [step] = reading.of(TextStep)
    assert step.citations == (
        Citation("a", "https://a.test", 0, 6),
        Citation("b", "https://b.test", 6, 9),
        Citation("notes.pdf", ""),
    )


def test_sources_without_text_stand_alone_and_odd_segments_have_no_place() -> None:
    support = {"segment": {"endIndex": 10**9, "text": "nowhere"}, "groundingChunkIndices": [0, "x"]}
    source = {"web": {"uri": "https://a.test"}}
    reading = read(chunk(finish="STOP", **grounding(source, supports=[support, None])))
    assert reading.of(TextStep)[0].citations == (Citation("", "https://a.test"),)


@pytest.mark.parametrize("key", ["citationSources", "citations"])
def test_recited_sources_are_citations_too(key: str) -> None:
    cited = {"startIndex": 0, "endIndex": 2, "uri": "https://a.test", "title": "A"}
    reading = read(chunk(said("abc"), finish="STOP", citationMetadata={key: [cited, cited]}))
    assert reading.of(TextStep)[0].citations == (Citation("A", "https://a.test", 0, 2),)


# --- usage ---


def counts(**more: int) -> dict[str, Any]:
    return {"usageMetadata": more}


def test_usage_is_cumulative_and_counts_thoughts_and_tool_prompts() -> None:
    reading = read(
        chunk(said("a")) | counts(promptTokenCount=10, candidatesTokenCount=1, totalTokenCount=16),
        counts(thoughtsTokenCount=5, cachedContentTokenCount=4),
        counts(promptTokenCount=10, candidatesTokenCount=3, toolUsePromptTokenCount=7),
        END | {"usageMetadata": {"trafficType": "ON_DEMAND"}},
    )
    usage = Usage(input=17, output=8, reasoning=5, cached_input=4)
    assert (reading.end.usage, reading.reported) == (usage, usage)


def test_what_is_not_said_is_not_known() -> None:
    assert read(END).end.usage == Usage()
    assert read(END | counts(promptTokenCount=3)).end.usage == Usage(input=3)


def test_a_gateway_may_have_counted_thoughts_in() -> None:
    told = counts(
        promptTokenCount=10, candidatesTokenCount=8, thoughtsTokenCount=5, totalTokenCount=18
    )
    assert read(END | told).end.usage == Usage(input=10, output=8, reasoning=5)


def test_usage_is_known_while_the_stream_runs() -> None:
    writer = StepWriter("t")
    decoder = GeminiDecoder(writer)
    decoder.event(None, chunk(said("a")) | counts(promptTokenCount=2, candidatesTokenCount=1))
    assert writer.usage == Usage(input=2, output=1)


# --- how it ends ---


def test_the_token_limit() -> None:
    reading = read(chunk(said("a"), finish="MAX_TOKENS"))
    assert reading.end == RoundEnd(FinishReason.LENGTH, "MAX_TOKENS")
    assert reading.of(NoticeStep) == []


def test_the_token_limit_while_thinking_is_told() -> None:
    reading = read(chunk(thought("hm"), finish="MAX_TOKENS"))
    assert reading.told[-1] == (
        "notice",
        "the token limit was reached while thinking, before any answer",
    )


@pytest.mark.parametrize(
    ("finish", "more", "notice"),
    [
        (
            "SAFETY",
            {"safetyRatings": [{"category": "HARM_CATEGORY_HATE_SPEECH", "blocked": True}, {}]},
            "the provider's content filter stopped the reply: hate speech",
        ),
        ("RECITATION", {}, "the provider's content filter stopped the reply: recitation"),
        ("LANGUAGE", {}, "the provider stopped the reply: language"),
        ("NEWLY_INVENTED", {}, "the provider stopped the reply: newly invented"),
        (
            "OTHER",
            {"finishMessage": "something went wrong"},
            "the provider stopped the reply: something went wrong",
        ),
    ],
)
def test_a_reply_that_was_stopped_says_why(finish: str, more: Any, notice: str) -> None:
    reading = read(chunk(said("partial"), finish=finish, **more))
    assert reading.told == [("text", "partial"), ("notice", notice)]
    assert reading.end == RoundEnd(FILTER, finish)


@pytest.mark.parametrize(
    ("finish", "notice"),
    [
        ("MALFORMED_FUNCTION_CALL", "the model made a malformed tool call: print(api.f())"),
        ("UNEXPECTED_TOOL_CALL", "the model called a tool it wasn't offered: print(api.f())"),
    ],
)
def test_a_malformed_call_is_shown_as_the_model_wrote_it(finish: str, notice: str) -> None:
    candidate = {"content": {}, "finishReason": finish, "finishMessage": "print(api.f())"}
    reading = read({"candidates": [candidate]})
    assert reading.told == [("notice", notice)]
    assert reading.of(NoticeStep)[0].reason == "malformed_call"
    assert reading.end == RoundEnd(FILTER, finish)


@pytest.mark.parametrize(
    ("feedback", "why"),
    [
        ({"blockReason": "SAFETY"}, "safety"),
        ({"blockReason": "MODEL_ARMOR", "blockReasonMessage": "Injection."}, "Injection."),
        (
            {
                "blockReason": "SAFETY",
                "safetyRatings": [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "blocked": True}],
            },
            "dangerous content",
        ),
    ],
)
def test_a_blocked_prompt_has_no_candidates(feedback: Any, why: str) -> None:
    reading = read({"promptFeedback": feedback} | counts(promptTokenCount=3))
    assert reading.told == [("notice", f"the provider blocked the prompt: {why}")]
    word = f"BLOCKED:{feedback['blockReason']}"
    assert reading.end == RoundEnd(FILTER, word, Usage(input=3))


def test_feedback_without_a_block_is_no_end() -> None:
    reading = read({"promptFeedback": {"safetyRatings": []}}, chunk(said("a")), END)
    assert reading.end == RoundEnd(STOP, "STOP")


def test_older_models_say_stop_with_every_chunk() -> None:
    reading = read(chunk(said("a"), finish="STOP"), chunk(said("b"), finish="STOP"))
    assert reading.told == [("text", "ab")]


def test_a_reply_that_goes_on_after_a_finish_reason_is_not_known_to_be_whole() -> None:
    decoder = GeminiDecoder(StepWriter("t"))
    last = {"candidates": [{"content": {"parts": [said("a")]}, "finishReason": "STOP"}]}
    decoder.event(None, last)
    assert decoder.answered
    decoder.event(None, {"candidates": [{"content": {"parts": [{"text": ""}]}}]})
    assert decoder.answered
    decoder.event(None, last)
    assert not decoder.answered
    assert decoder.close().failure is None


def test_an_unspecified_reason_is_none() -> None:
    reading = read(chunk(said("a"), finish="FINISH_REASON_UNSPECIFIED"))
    assert reading.end.failure is not None


def test_a_stream_without_its_last_word_was_cut() -> None:
    reading = read(chunk(thought("hm")), chunk(said("par")), chunk(called("f", {})))
    failure = reading.end.failure
    assert failure is not None
    assert (failure.kind, failure.retryable) == (ErrorKind.STREAM_CUT, True)
    assert [step.status for step in reading.steps[1:3]] == [Status.DONE, Status.INTERRUPTED]
    assert reading.told[-1][0] == "notice"


def test_a_stream_of_nothing_was_cut_without_a_notice() -> None:
    reading = read()
    assert reading.steps == []
    assert reading.end.failure is not None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 503, "message": "overloaded now", "status": "UNAVAILABLE"}, ErrorKind.OVERLOADED),
        ({"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}, ErrorKind.RATE_LIMITED),
        ({"code": 500, "message": "oh", "status": "INTERNAL"}, ErrorKind.SERVER),
    ],
)
def test_an_error_within_the_stream_ends_it(error: Any, kind: ErrorKind) -> None:
    reading = read(chunk(said("par")), {"error": error})
    assert reading.end.failure is not None
    assert reading.end.failure.kind is kind
    assert error["message"] in reading.end.failure.message
    assert reading.steps[0].status is Status.INTERRUPTED


def test_an_error_is_the_decoders_end() -> None:
    decoder = GeminiDecoder(StepWriter("t"))
    decoder.event("error", "gone wrong")
    assert decoder.ended
    assert decoder.close().failure is not None


# --- the body ---

REPLY = [
    chunk(thought("hm")),
    chunk(said("Grü\u2028ße 🙂", thoughtSignature="s")),
    chunk(called("f", {"a": ["],[", '"\\']}, "t"), called("g", {})),
    chunk(finish="STOP") | counts(promptTokenCount=1, candidatesTokenCount=2),
]
AS_EVENTS = b"".join(f"data: {json.dumps(c, ensure_ascii=False)}\r\n\r\n".encode() for c in REPLY)
AS_ARRAY = json.dumps(REPLY, ensure_ascii=False, indent=2).replace("\n", "\r\n").encode()


def feed(pieces: list[bytes]) -> tuple[list[dict[str, Any]], RoundEnd]:
    writer = StepWriter("t", Clock(now=lambda: 0.0, monotonic=lambda: 0.0))
    decoder = GeminiDecoder(writer)
    body = Body(decoder, "google")
    for each in pieces:
        body.feed(each)
    body.finish()
    end = decoder.close()
    finished = [event.step for event in writer.take() if isinstance(event, StepFinished)]
    return [step.to_json() for step in finished], end


@given(cuts=st.lists(st.integers(0, len(AS_ARRAY)), max_size=40), array=st.booleans())
def test_any_split_of_events_or_of_an_array_gives_the_same_steps(
    cuts: list[int], array: bool
) -> None:
    body = AS_ARRAY if array else AS_EVENTS
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[a:b] for a, b in pairwise(edges)]
    assert feed(pieces) == feed([AS_EVENTS])


def test_an_array_is_shown_while_it_comes_and_kept_when_it_is_cut() -> None:
    writer = StepWriter("t")
    decoder = GeminiDecoder(writer)
    body = Body(decoder, "google")
    body.feed(AS_ARRAY[: AS_ARRAY.index(b"functionCall")])
    assert decoder.close().failure is not None
    kinds = [e.step.kind for e in writer.take() if isinstance(e, StepFinished)]
    assert kinds[:2] == ["thinking", "text"]
