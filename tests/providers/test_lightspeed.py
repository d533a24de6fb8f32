"""Decoding Lightspeed's streams, of all its versions."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.errors import ErrorKind
from chatterm.providers.lightspeed import LightspeedDecoder
from chatterm.steps import Citation, FinishReason, Status, TextStep, Usage
from faultserver import sse
from serverstreams import reader

read = reader(LightspeedDecoder)


def frames(*events, quotas=None):
    told = [{"event": name, "data": data} for name, data in events]
    if quotas is not None:
        told[-1]["available_quotas"] = quotas
    return sse(*map(json.dumps, told))


START = ("start", {"conversation_id": "c1", "request_id": "r1"})
END = ("end", {"referenced_documents": [], "input_tokens": 11, "output_tokens": 19})


def token(text, **more):
    return ("token", {"id": 0, "token": text, **more})


def whole(text):
    return ("turn_complete", {"id": 9, "token": text})


def call(call_id, name="search", args=None, **more):
    return ("tool_call", {"id": call_id, "name": name, "args": args or {}, "type": "t", **more})


def result(call_id, content="found", status="success", number=1):
    data = {"id": call_id, "status": status, "content": content, "round": number}
    return ("tool_result", {**data, "type": "tool_result"})


# --- text -------------------------------------------------------------------------------------


def test_tokens_make_a_text_and_end_ends_it():
    got = read(frames(START, token(""), token("Hel"), token("lo"), whole("Hello"), END))
    assert got.told == [(0, "text", "Hello")]
    assert got.end.finish_reason is FinishReason.STOP
    assert got.end.provider_finish_reason == "end"
    assert got.end.usage == got.reported == Usage(input=11, output=19)


@pytest.mark.parametrize(
    ("tokens", "last_word"),
    [(["Hel"], "Hello"), (["No way"], "Hello"), ([], "Hello"), (["Hello"], "")],
)
def test_the_full_text_replaces_the_tokens(tokens, last_word):
    got = read(frames(START, *map(token, tokens), whole(last_word), END))
    assert got.text == "Hello"
    assert len(got.steps) == 1


def test_tokens_with_halves_of_a_character_are_joined():
    assert read(frames(START, token("\ud83d"), token("\ude42"), END)).text == "🙂"


@pytest.mark.parametrize(
    "last_word", ["Let me look. It rains.", "It rains.", "Let me look.It rains."]
)
def test_the_full_text_may_repeat_what_came_before_a_call_or_not(last_word):
    got = read(
        frames(
            START,
            token("Let me look."),
            call("a"),
            result("a"),
            token(" It"),
            whole(last_word),
            END,
        )
    )
    texts = [step.text.strip() for step in got.steps if isinstance(step, TextStep)]
    assert texts == ["Let me look.", "It rains."]


def test_a_full_text_that_was_shown_before_the_calls_is_not_shown_again():
    got = read(frames(START, token("Done."), call("a"), result("a"), whole("Done."), END))
    assert got.text == "Done."


# --- tools ------------------------------------------------------------------------------------


def test_calls_are_hosted_and_what_follows_their_results_is_a_new_round():
    got = read(
        frames(
            START,
            token("Looking."),
            call("a", "weather", {"city": "Bonn"}),
            call("b", "news"),
            result("b", "nothing"),
            result("a", "rain", "failure"),
            token("One more."),
            call("c"),
            result("c", {"pages": 2}, number=2),
            token("It rains."),
            whole("It rains."),
            END,
        )
    )
    assert got.told == [
        (0, "text", "Looking."),
        (0, "call", "a", "weather", {"city": "Bonn"}),
        (0, "call", "b", "news", {}),
        (0, "result", "b", "news", "nothing", "done"),
        (0, "result", "a", "weather", "rain", "failed"),
        (1, "text", "One more."),
        (1, "call", "c", "search", {}),
        (1, "result", "c", "search", '{"pages": 2}', "done"),
        (2, "text", "It rains."),
    ]


def test_parallel_calls_told_one_by_one_are_one_round_by_the_results_number():
    told = [call("a"), result("a"), call("b"), result("b"), call("c"), result("c", number=2)]
    got = read(frames(START, *told, token("So."), END))
    assert [(step.round, step.kind) for step in got.steps] == [
        (0, "tool_call"),
        (0, "tool_result"),
        (0, "tool_call"),
        (0, "tool_result"),
        (1, "tool_call"),
        (1, "tool_result"),
        (2, "text"),
    ]


def test_a_call_told_twice_is_updated_and_a_result_told_twice_counts_once():
    got = read(
        frames(START, call("a"), call("a", args={"q": 1}), result("a"), result("a", "again"), END)
    )
    assert got.told[:2] == [
        (0, "call", "a", "search", {"q": 1}),
        (0, "result", "a", "search", "found", "done"),
    ]


def test_a_result_without_a_call_is_shown_alone():
    got = read(frames(START, result("x"), token("So."), END))
    assert got.told[0] == (0, "result", "x", "tool", "found", "done")


def test_a_call_whose_result_never_came_is_whole_at_the_end_and_cut_off_before_it():
    assert read(frames(START, call("a"), END)).steps[0].status is Status.DONE
    assert read(frames(START, call("a"))).steps[0].status is Status.INTERRUPTED


# --- beside the answer ------------------------------------------------------------------------


def test_documents_become_citations_each_once():
    documents = [
        {"doc_url": "https://a.example", "doc_title": "A", "source": "s"},
        {"doc_url": "https://a.example", "doc_title": "A again"},
        {"doc_url": None, "doc_title": "Only a title"},
        {"doc_url": None, "doc_title": None},
    ]
    got = read(frames(START, token("Hi"), ("end", {"referenced_documents": documents})))
    (step,) = got.steps
    assert step.citations == (Citation("A", "https://a.example"), Citation("Only a title", ""))


def test_quotas_and_topics_are_told_after_the_answer():
    end = ("end", {"topic_summary": "Greeting"})
    got = read(frames(START, token("Hi"), whole("Hi"), end, quotas={"User": 998911}))
    assert [(step.kind, getattr(step, "text", "")) for step in got.steps] == [
        ("text", "Hi"),
        ("notice", "the server calls this conversation: Greeting"),
        ("notice", "what is left of the quota: User 998,911"),
    ]


def test_a_summary_of_the_conversation_is_told():
    got = read(frames(START, ("compaction", {"status": "started"}), token("Hi"), whole("Hi"), END))
    assert got.notices == ["compacted"]
    assert got.steps[0].summary is None  # it is the server's, and changes nothing that is sent


def test_the_first_step_keeps_what_the_conversation_goes_on_by():
    def keep(conversation):
        return {"lightspeed": {"conversation": conversation}}

    first, second = read(frames(START, call("a"), result("a"), END), keep=keep).steps
    assert (first.opaque, second.opaque) == ({"lightspeed": {"conversation": "c1"}}, None)
    (empty,) = read(frames(START, END), keep=keep).steps
    assert empty.opaque == {"lightspeed": {"conversation": "c1"}}


# --- moderation -------------------------------------------------------------------------------


def test_a_block_by_moderation_is_text_with_a_notice():
    got = read(frames(START, token("I cannot help."), END))
    assert got.told == [(0, "text", "I cannot help."), (0, "notice", "moderated")]
    assert got.end.finish_reason is FinishReason.STOP


def test_the_oldest_servers_say_no_turn_complete_without_meaning_anything():
    assert read(frames(("start", {"conversation_id": "c"}), token("Hello"), END)).notices == []


@pytest.mark.parametrize("more", [{}, {"role": "shield_call"}])
def test_old_servers_say_no_violation_before_the_answer(more):
    got = read(frames(START, token(""), token("No Violation", **more), token("Hello"), END))
    assert got.text == "Hello"
    got = read(frames(START, token("No Violation", **more), whole("No Violation"), END))
    assert got.text == "No Violation"
    got = read(frames(START, token("No Violation", **more), END))
    assert got.text == "No Violation"


def test_an_old_servers_violation_is_told():
    got = read(frames(START, token("Violation: no.", role="shield_call"), END))
    assert got.told == [(0, "text", "Violation: no."), (0, "notice", "moderated")]


# --- old versions -----------------------------------------------------------------------------


def test_old_tool_calls_are_lines_or_objects_in_place_of_tokens():
    def old(said, role="tool_execution"):
        return ("tool_call", {"id": 3, "role": role, "token": said})

    got = read(
        frames(
            START,
            old("{'ci", "inference"),
            old(""),
            old({"tool_name": "weather", "arguments": {"city": "Bonn"}}),
            old({"tool_name": "weather", "response": "rain"}),
            ("heartbeat", {"id": 4, "token": "heartbeat"}),
            old("Tool:news arguments:{}"),
            token("It rains.", role="inference"),
            END,
        )
    )
    assert got.told == [
        (0, "call", "weather:1", "weather", {"city": "Bonn"}),
        (0, "result", "weather:1", "weather", "rain", "done"),
        (0, "notice", "tool"),
        (1, "text", "It rains."),
    ]


# --- ends -------------------------------------------------------------------------------------

ERROR = ("error", {"status_code": 503, "response": "Unable to connect", "cause": "Refused."})


def test_an_error_ends_the_stream_without_end():
    got = read(frames(START, token("Kub"), ERROR))
    assert got.end.finish_reason is FinishReason.ERROR
    assert got.end.provider_finish_reason == "error"
    assert got.end.failure.status == 503
    assert "Unable to connect; Refused." in got.end.failure.message
    assert got.steps[0].status is Status.INTERRUPTED


def test_an_error_by_finish_reason_is_followed_by_end():
    too_long = ("error", {"status_code": 413, "response": "Context window exceeded", "cause": ""})
    got = read(frames(START, token("cut"), whole("cut"), too_long, END))
    assert got.end.failure.kind is ErrorKind.TOO_LONG
    assert got.end.provider_finish_reason == "end"
    assert got.end.usage == Usage(input=11, output=19)


def test_an_old_error_has_its_words_in_place_of_a_token():
    got = read(frames(START, ("error", {"id": 1, "token": "model overloaded"})))
    assert "model overloaded" in got.end.failure.message


@pytest.mark.parametrize("last", [token("Hi"), whole("Hi"), call("a")])
def test_without_end_the_stream_was_cut(last):
    got = read(frames(START, last))
    assert got.end.failure.kind is ErrorKind.STREAM_CUT
    assert got.notices == ["stream_cut"]


def test_an_interrupted_stream_keeps_what_came():
    got = read(frames(START, token("Hi"), call("a"), ("interrupted", {"request_id": "r1"})))
    assert got.end.finish_reason is FinishReason.INTERRUPTED
    assert got.end.failure is None
    assert [step.status for step in got.steps] == [Status.DONE, Status.INTERRUPTED]


def test_unknown_events_and_odd_values_are_passed_over():
    got = read(
        frames(
            ("weather", {}),
            ("start", {"conversation_id": 7, "request_id": None}),
            ("token", {"token": None}),
            ("tool_result", {}),
            ("turn_complete", {}),
            ("end", {"referenced_documents": {}, "input_tokens": "many"}),
        )
    )
    assert got.end.failure is None
    assert got.end.usage == Usage()


# --- text without frames ----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["It rains.", "[Tool Call: a]\nHi", "data of no kind", "d", "é🙂"])
def test_a_body_may_be_the_answer_as_it_is(text):
    body = text.encode()
    for pieces in ([body], [body[n : n + 1] for n in range(len(body))]):
        got = read(*pieces)
        assert got.told == [(0, "text", text)]
        assert got.end.provider_finish_reason == "text/plain"
        assert got.end.failure is None


@pytest.mark.parametrize("text", ['{"a": 1}', "<b>Hi</b>", "data: what I have", "\n\nHi"])
def test_where_it_was_asked_for_any_text_is(text):
    assert read(text.encode(), plain=True).text == text


def test_no_text_at_all_was_cut():
    assert read(plain=True).end.failure.kind is ErrorKind.STREAM_CUT
    assert read(b"").end.failure.kind is ErrorKind.STREAM_CUT


@pytest.mark.parametrize("blanks", [b"\n" * 50, b" \r\n", b"\xef\xbb\xbf\n"])
def test_blank_lines_are_no_answer(blanks):
    got = read(blanks)
    assert got.end.failure.kind is ErrorKind.STREAM_CUT
    assert got.text == ""


def test_an_error_page_is_no_answer():
    got = read(b"<html><title>Bad gateway</title></html>")
    assert "Bad gateway" in got.end.failure.message


# --- any stream -------------------------------------------------------------------------------

EVENTS = st.lists(
    st.sampled_from(
        [
            START,
            token("a"),
            token("No Violation"),
            call("a"),
            call("b"),
            result("a"),
            result("b", number=2),
            result("zz"),
            whole("ab"),
            ERROR,
            END,
        ]
    ),
    max_size=12,
)


@given(EVENTS, st.integers(1, 400))
def test_any_order_of_events_and_any_split_gives_steps_that_hold(events, size):
    body = frames(*events)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    assert read(*pieces).steps == read(body).steps
