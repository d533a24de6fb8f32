"""Encoding requests for the Anthropic Messages protocol."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from chatterm.assembly import StepWriter
from chatterm.events import StepFinished
from chatterm.providers.anthropic import AnthropicDecoder
from chatterm.providers.anthropic_request import AnthropicProtocol
from chatterm.providers.base import ModelInfo, ModelRequest, Settings, ToolSpec
from chatterm.providers.chat_request import ChatProtocol
from chatterm.providers.history import UNANSWERED
from chatterm.providers.responses_request import ResponsesProtocol
from chatterm.providers.transport import body_bytes
from chatterm.providers.wire import Endpoint, HttpRequest
from chatterm.steps import (
    Attachment,
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
    UserInput,
)

DONE, CUT = Status.DONE, Status.INTERRUPTED
CACHED = {"type": "ephemeral"}


def endpoint(name: str = "anthropic", **more: Any) -> Endpoint:
    return Endpoint(name, "https://api.anthropic.com/v1", **more)


def encode(*turns: Turn, model: str = "claude-sonnet-4-5", **more: Any) -> dict[str, Any]:
    """The body of a request, checked for its structure."""
    place = more.pop("place", None) or endpoint(more.pop("name", "anthropic"))
    return checked(AnthropicProtocol().encode(ModelRequest(model, turns, **more), place))


def checked(request: HttpRequest) -> dict[str, Any]:
    """The body, after a check against what the published protocol asks of one."""
    assert request.body is not None
    body: dict[str, Any] = json.loads(body_bytes(request.body))
    assert isinstance(body["model"], str)
    assert body["max_tokens"] > body.get("thinking", {}).get("budget_tokens", 0)
    roles = [message["role"] for message in body["messages"]]
    assert roles == (["user", "assistant"] * len(roles))[: len(roles)]
    seen: set[str] = set()
    waiting: list[str] = []
    hosted: set[str] = set()
    for message in body["messages"]:
        blocks = message["content"]
        assert blocks
        if message["role"] == "user":
            answered = [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]
            assert answered == waiting, "each call has its answer in the message that follows it"
            assert [b["type"] for b in blocks[: len(answered)]] == ["tool_result"] * len(answered)
        waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
        for block in blocks:
            check_block(block, hosted)
        assert not seen & set(waiting)
        assert len(set(waiting)) == len(waiting)
        seen |= set(waiting)
        if message is not body["messages"][-1]:
            assert blocks[-1]["type"] not in ("thinking", "redacted_thinking")
    assert not waiting
    assert bool(seen) <= bool(body.get("tools"))
    return body


def check_block(block: dict[str, Any], hosted: set[str]) -> None:
    match block["type"]:
        case "text":
            assert block["text"].strip()
        case "tool_use":
            assert re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"])
            assert re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", block["name"])
            assert isinstance(block["input"], dict)
        case "thinking":
            assert set(block) == {"type", "thinking", "signature"}
        case "server_tool_use" | "mcp_tool_use":
            hosted.add(block["id"])
        case kind if kind.endswith("_tool_result"):
            assert block["tool_use_id"] in hosted


def said(*steps: Step, **more: Any) -> list[dict[str, Any]]:
    """What of a turn's steps is sent, after the question."""
    provider = more.pop("came_from", "anthropic")
    asked = Turn("t", UserInput("hello"), f"{provider}/claude", steps)
    [question, *rest] = encode(asked, **more)["messages"]
    assert question["content"][0] == {"type": "text", "text": "hello"}
    return rest


def thinking(index: int, round_: int, words: str, **more: Any) -> ThinkingStep:
    block = {"type": "thinking", "signature": f"sig {index}"}
    values = {"text": words, "opaque": {"block": block}, "status": DONE}
    return ThinkingStep(id=f"t.{index}", index=index, round=round_, **values | more)


def text(index: int, round_: int, words: str, **more: Any) -> TextStep:
    values = {"text": words, "status": DONE}
    return TextStep(id=f"t.{index}", index=index, round=round_, **values | more)


def call(index: int, round_: int, call_id: str, **more: Any) -> ToolCallStep:
    values = {"call_id": call_id, "name": "f", "arguments": "{}", "input": {}, "status": DONE}
    return ToolCallStep(id=f"t.{index}", index=index, round=round_, **values | more)


def result(index: int, round_: int, call_id: str, content: str, **more: Any) -> ToolResultStep:
    values = {"call_id": call_id, "content": content, "status": DONE}
    return ToolResultStep(id=f"t.{index}", index=index, round=round_, **values | more)


def hosted(index: int, round_: int, call_id: str, **more: Any) -> ToolCallStep:
    block = {"type": "server_tool_use", "id": call_id, "name": "web_search"}
    values = {"input": {"query": "x"}, "hosted": True, "opaque": {"block": block}}
    return call(index, round_, call_id, **values | more)


def hosted_result(index: int, round_: int, call_id: str) -> ToolResultStep:
    block = {"type": "web_search_tool_result", "tool_use_id": call_id, "content": []}
    return result(index, round_, call_id, "found", opaque={"block": block})


def thought(index: int, words: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": words, "signature": f"sig {index}"}


def words(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def called(call_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": {}} | more


def answered(call_id: str, content: str, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content} | more


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


TOOL = ToolSpec("f", "does f", {"type": "object", "properties": {}})
SEARCHED = [
    {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}},
    {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
]


# --- the whole ---


def test_the_least() -> None:
    asked = Turn("t", UserInput("hello"), "anthropic/claude-sonnet-4-5")
    request = AnthropicProtocol().encode(
        ModelRequest("claude-sonnet-4-5", (asked,)), endpoint(key="k")
    )
    assert (request.method, request.url) == ("POST", "https://api.anthropic.com/v1/messages")
    assert request.headers["x-api-key"] == "k"
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert "Authorization" not in request.headers
    assert request.body == {
        "model": "claude-sonnet-4-5",
        "stream": True,
        "max_tokens": 64000,
        "messages": [user(words("hello"))],
        "cache_control": CACHED,
    }


def test_the_system_text_and_tools_are_cached_by_themselves() -> None:
    asked = Turn("t", UserInput("hello"), "anthropic/claude")
    body = encode(asked, system="be kind", tools=(TOOL, TOOL))
    described = {"name": "f", "description": "does f", "input_schema": dict(TOOL.parameters)}
    assert body["tools"] == [described, described]
    assert body["system"] == [words("be kind") | {"cache_control": CACHED}]
    body = encode(asked, tools=(TOOL, TOOL))
    assert body["tools"] == [described, described | {"cache_control": CACHED}]
    assert "system" not in body


def test_headers_and_fields_of_the_configuration_win() -> None:
    place = endpoint(
        key="k",
        auth="bearer",
        headers={"Anthropic-Version": "2099-01-01", "anthropic-beta": "x"},
        body={"max_tokens": 5, "cache_control": False},
    )
    asked = ModelRequest("claude", (Turn("t", UserInput("x"), "anthropic/claude"),))
    request = AnthropicProtocol().encode(asked, place)
    assert request.headers["Authorization"] == "Bearer k"
    versions = {v for n, v in request.headers.items() if n.lower() == "anthropic-version"}
    assert versions == {"2099-01-01"}
    assert request.body is not None
    assert request.body["max_tokens"] == 5
    assert "cache_control" not in request.body


def test_the_providers_own_tools_stand_beside_ours() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    own = {"type": "custom", "name": "f", "input_schema": {"type": "object"}}
    asked = Turn("t", UserInput("x"), "anthropic/claude")
    place = endpoint(body={"tools": [search]})
    assert [t["name"] for t in encode(asked, tools=(TOOL,), place=place)["tools"]] == [
        "f",
        "web_search",
    ]
    place = endpoint(body={"tools": [search, own]})
    assert encode(asked, tools=(TOOL,), place=place)["tools"] == [search, own]


# --- what was said ---


def test_three_rounds_with_thinking_and_parallel_calls() -> None:
    assert said(
        thinking(0, 0, "Hm."),
        text(1, 0, "Let me look."),
        call(2, 0, "a", arguments='{"x": 1}', input={"x": 1}),
        call(3, 0, "b", opaque={"block": {"caller": {"type": "direct"}}}),
        result(4, 0, "b", "B"),
        result(5, 0, "a", "no such file", ok=False, outcome=Outcome.FAILED),
        thinking(6, 1, "", opaque={"block": {"type": "redacted_thinking", "data": "secret"}}),
        thinking(7, 1, "And then"),
        call(8, 1, "c"),
        text(9, 2, "Found it."),
        tools=(TOOL,),
    ) == [
        assistant(
            thought(0, "Hm."),
            words("Let me look."),
            called("a", input={"x": 1}),
            called("b", caller={"type": "direct"}),
        ),
        user(answered("a", "no such file", is_error=True), answered("b", "B")),
        assistant(
            {"type": "redacted_thinking", "data": "secret"}, thought(7, "And then"), called("c")
        ),
        user(answered("c", UNANSWERED, is_error=True)),
        assistant(words("Found it.")),
    ]


def test_what_the_user_says_next_stands_behind_the_results() -> None:
    first = Turn("t", UserInput("hello"), "anthropic/claude", (call(0, 0, "a"),))
    second = Turn("u", UserInput("go on"), "anthropic/claude")
    sent = encode(first, second, tools=(TOOL,))["messages"]
    assert sent[2] == user(answered("a", UNANSWERED, is_error=True), words("go on"))


def test_a_turn_without_an_answer_is_joined_to_the_next() -> None:
    turns = [Turn(name, UserInput(name), "anthropic/claude") for name in "ab"]
    assert encode(*turns)["messages"] == [user(words("a"), words("b"))]


@pytest.mark.parametrize("nothing", ["", " \n"])
def test_there_is_always_something_to_say(nothing: str) -> None:
    [sent] = encode(Turn("t", UserInput(nothing), "anthropic/claude"))["messages"]
    assert sent["content"][0]["text"].strip()


def test_opaque_data_stays_with_its_provider() -> None:
    cited = {"blocks": [words("So") | {"citations": [{"encrypted_index": "e"}]}]}
    steps = [
        thinking(0, 0, "Hm."),
        call(1, 0, "a"),
        result(2, 0, "a", "A"),
        hosted(3, 1, "s1"),
        hosted_result(4, 1, "s1"),
        text(5, 1, "So", opaque=cited),
    ]
    assert said(*steps, name="gateway", tools=(TOOL,)) == [
        assistant(called("a")),
        user(answered("a", "A")),
        assistant(words("So")),
    ]


def test_what_must_not_be_sent_again_is_left_out() -> None:
    steps = [
        thinking(0, 0, "Hm", status=CUT),
        text(1, 0, "taken back", withdrawn=True),
        text(2, 0, " \n"),
        call(3, 0, "a", arguments='{"x"', input=None, status=CUT),
    ]
    assert said(*steps) == []


def test_what_was_taken_back_by_a_notice_is_left_out() -> None:
    notice = NoticeStep(id="t.2", index=2, round=0, status=DONE, reason="withdrawn")
    steps = [thinking(0, 0, "Hm"), text(1, 0, "Well"), notice, text(3, 0, "Hi")]
    assert said(*steps) == [assistant(words("Hi"))]


def test_of_a_refused_reply_only_the_refusal_goes_back() -> None:
    refusal = RefusalStep(id="t.3", index=3, round=0, status=DONE, text="No.")
    steps = [thinking(0, 0, "Hm"), hosted(1, 0, "s1"), hosted_result(2, 0, "s1"), refusal]
    assert said(*steps) == [assistant(words("No."))]


def test_thinking_whose_text_was_cut_off_stays_behind_too() -> None:
    asked = [
        Turn("t", UserInput("a"), "anthropic/c", (text(0, 0, "Hm."), thinking(1, 0, "so"))),
        Turn("u", UserInput("b"), "anthropic/c", (thinking(0, 0, "so"),)),
        Turn("v", UserInput("c"), "anthropic/c"),
    ]
    assert encode(*asked)["messages"] == [
        user(words("a")),
        assistant(words("Hm.")),
        user(words("b"), words("c")),
    ]


def test_invalid_arguments_go_back_as_the_text_they_were() -> None:
    steps = [
        call(0, 0, "a", arguments="{x", input=None),
        call(1, 0, "b", arguments='{"x": NaN}', input={"x": float("nan")}),
        call(2, 0, "c", arguments="SELECT 1", input=None, opaque={"custom": True}),
    ]
    [sent, _] = said(*steps, tools=(TOOL,), came_from="openai")
    assert [block["input"] for block in sent["content"]] == [
        {"INVALID_JSON": "{x"},
        {"INVALID_JSON": '{"x": NaN}'},
        {"input": "SELECT 1"},
    ]


def test_ids_and_names_are_made_valid_and_each_its_own() -> None:
    steps = [
        call(0, 0, "functions.f:0", name="mcp:docs/ask"),
        call(1, 0, "functions/f:0", name=""),
        result(2, 0, "functions/f:0", "second"),
        result(3, 0, "functions.f:0", "first"),
        call(4, 1, "functions.f:0"),
        result(5, 1, "functions.f:0", "third"),
        call(6, 2, ""),
        result(7, 2, "", "fourth"),
    ]
    first, answers, second, third, _, fourth = said(*steps, tools=(TOOL,), came_from="kimi")
    assert [(block["id"], block["name"]) for block in first["content"]] == [
        ("functions_f_0", "mcp_docs_ask"),
        ("functions_f_0_2", "tool"),
    ]
    assert answers == user(
        answered("functions_f_0", "first"), answered("functions_f_0_2", "second")
    )
    assert second["content"][0]["id"] == "functions_f_0_3"
    assert third["content"][0]["content"] == "third"
    assert fourth == user(answered("call", "fourth"))


def test_calls_of_tools_that_are_not_on_offer_any_more() -> None:
    asked = Turn("t", UserInput("x"), "anthropic/claude", (call(0, 0, "a"),))
    body = encode(asked)
    assert [tool["name"] for tool in body["tools"]] == ["f"]
    assert body["tool_choice"] == {"type": "none"}
    assert "tools" not in encode(Turn("t", UserInput("x"), "anthropic/claude"))


def test_results_that_say_nothing() -> None:
    steps = [
        call(0, 0, "a"),
        call(1, 0, "b"),
        result(2, 0, "a", ""),
        result(3, 0, "b", "", ok=False, outcome=Outcome.DENIED),
    ]
    [_, sent] = said(*steps, tools=(TOOL,))
    empty = {"type": "tool_result", "tool_use_id": "a"}
    assert sent == user(empty, answered("b", "denied", is_error=True))


def test_files() -> None:
    attached = (
        Attachment("p.png", "image/png", 1, "00", b"\x89"),
        Attachment("d.pdf", "application/pdf", 1, "00", b"%"),
        Attachment("b.bmp", "image/bmp", 1, "00", b"B"),
        Attachment("a.txt", "text/plain", 1, "00", b"x"),
    )
    [sent] = encode(Turn("t", UserInput("compare", attached), "anthropic/claude"))["messages"]
    source = {"type": "base64", "media_type": "image/png", "data": "iQ=="}
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JQ=="}
    assert sent["content"] == [
        {"type": "image", "source": source},
        {"type": "document", "source": pdf, "title": "d.pdf"},
        words("[b.bmp: a picture of type image/bmp, not sent]"),
        words('<file name="a.txt">\nx\n</file>\n\ncompare'),
    ]


def test_a_picture_goes_with_the_result_it_belongs_to() -> None:
    picture = Attachment("p.png", "image/png", 1, "00", b"\x89")
    steps = [call(0, 0, "a"), result(1, 0, "a", "p.png", attachments=(picture,))]
    [_, sent] = said(*steps, tools=(TOOL,))
    source = {"type": "base64", "media_type": "image/png", "data": "iQ=="}
    assert sent["content"][0]["content"] == [words("p.png"), {"type": "image", "source": source}]


# --- what the provider runs itself ---


def test_hosted_calls_results_and_cited_texts_go_back_as_they_came() -> None:
    cited = words("So") | {"citations": [{"type": "x", "encrypted_index": "e"}]}
    notice = NoticeStep(
        id="t.3",
        index=3,
        round=0,
        status=DONE,
        reason="compaction",
        opaque={"block": {"type": "compaction", "content": "c"}},
    )
    assert said(
        hosted(0, 0, "s1"),
        hosted_result(1, 0, "s1"),
        text(2, 0, "So it is", opaque={"blocks": [cited, words(" it is"), words("\n")]}),
        notice,
    ) == [assistant(*SEARCHED, cited, words(" it is"), {"type": "compaction", "content": "c"})]


def test_a_paused_round_goes_back_as_it_is_and_goes_on() -> None:
    paused = [thinking(0, 0, "Hm."), hosted(1, 0, "s1")]
    [sent] = said(*paused)
    assert sent == assistant(thought(0, "Hm."), SEARCHED[0])
    [again] = said(*paused, hosted_result(2, 1, "s1"), text(3, 1, "Found."))
    assert again == assistant(thought(0, "Hm."), *SEARCHED, words("Found."))


def test_a_hosted_call_that_never_got_its_result_stays_behind() -> None:
    steps = (text(0, 0, "Let me look."), hosted(1, 0, "s1"))
    turns = [
        Turn("t", UserInput("a"), "anthropic/c", steps),
        Turn("u", UserInput("b"), "anthropic/c"),
    ]
    assert encode(*turns)["messages"][1] == assistant(words("Let me look."))
    [sent] = said(hosted(0, 0, "s1", status=CUT), hosted_result(1, 0, "s1"), text(2, 0, "So"))
    assert sent == assistant(words("So"))


def test_code_that_waits_for_its_calls_gets_its_container_back() -> None:
    opaque = {"block": {"caller": {"type": "code_execution_20260120"}}, "container": "c1"}
    steps = (call(0, 0, "a", opaque=opaque), result(1, 0, "a", "A"))
    asked = Turn("t", UserInput("x"), "anthropic/claude", steps)
    assert encode(asked, tools=(TOOL,))["container"] == "c1"
    assert "container" not in encode(asked, Turn("u", UserInput("y"), "anthropic/claude"))


# --- the cache ---


def test_a_request_begins_with_the_bytes_of_the_one_before() -> None:
    steps: list[Step] = [
        thinking(0, 0, "Hm."),
        hosted(1, 0, "s1"),
        hosted_result(2, 1, "s1"),
        call(3, 1, "a:1"),
        call(4, 1, "a:2"),
        result(5, 1, "a:1", "A", ok=False, outcome=Outcome.FAILED),
        result(6, 1, "a:2", ""),
        thinking(7, 2, "So"),
        call(8, 2, "a:1"),
        result(9, 2, "a:1", "B"),
        text(10, 3, "Found."),
    ]
    turns = [
        Turn("t", UserInput("one"), "anthropic/claude", tuple(steps)),
        Turn("u", UserInput("two"), "anthropic/claude", (text(0, 0, "Yes"),)),
        Turn("v", UserInput("three"), "anthropic/claude"),
    ]
    # Every request of the conversation: after each round of the first turn, then turn by turn.
    rounds = [tuple(step for step in steps if step.round < number) for number in range(4)]
    asked = [(Turn("t", turns[0].input, turns[0].model, each),) for each in rounds]
    asked += [tuple(turns[:2]), tuple(turns)]
    before = b""
    for each in asked:
        body = encode(*each, system="be kind", tools=(TOOL,))
        whole = body_bytes(body)
        at = whole.index(b',"cache_control"', whole.index(b'"messages"'))
        sent = whole[:at].rstrip(b"]}")
        assert whole.startswith(before)
        assert len(sent) > len(before)
        before = sent


# --- going back and forth ---


def from_responses() -> Turn:
    item = {"type": "reasoning", "id": "rs_1", "encrypted_content": "b64"}
    steps = (
        ThinkingStep(id="r.0", index=0, round=0, status=DONE, text="raw", opaque={"item": item}),
        call(1, 0, "call_1|fc:1", opaque={"item": {"type": "function_call", "id": "fc_1"}}),
        result(2, 0, "call_1|fc:1", "A"),
        text(3, 1, "So", opaque={"message": {"id": "msg_1"}}),
    )
    return Turn("r", UserInput("one"), "openai/gpt-5", steps)


def from_chat() -> Turn:
    details = {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}
    steps = (
        ThinkingStep(id="c.0", index=0, round=0, status=DONE, text="hm", opaque=details),
        call(1, 0, "functions.f:0", opaque={"extra_content": {"google": {}}}),
        result(2, 0, "functions.f:0", "B"),
        text(3, 1, "Yes"),
    )
    return Turn("c", UserInput("two"), "kimi/k2", steps)


def from_anthropic() -> Turn:
    steps = (
        thinking(0, 0, "Hm."),
        hosted(1, 0, "s1"),
        hosted_result(2, 0, "s1"),
        call(3, 0, "toolu_1"),
        result(4, 0, "toolu_1", "C"),
        text(5, 1, "Found.", opaque={"blocks": [words("Found.") | {"citations": [{"x": 1}]}]}),
    )
    return Turn("a", UserInput("three"), "anthropic/claude", steps)


def test_from_the_others_to_anthropic() -> None:
    new = Turn("n", UserInput("go on"), "anthropic/claude")
    body = encode(from_responses(), from_chat(), from_anthropic(), new, tools=(TOOL,))
    assert body["messages"] == [
        user(words("one")),
        assistant(called("call_1_fc_1")),
        user(answered("call_1_fc_1", "A")),
        assistant(words("So")),
        user(words("two")),
        assistant(called("functions_f_0")),
        user(answered("functions_f_0", "B")),
        assistant(words("Yes")),
        user(words("three")),
        assistant(thought(0, "Hm."), *SEARCHED, called("toolu_1")),
        user(answered("toolu_1", "C")),
        assistant(words("Found.") | {"citations": [{"x": 1}]}),
        user(words("go on")),
    ]


@pytest.mark.parametrize("back", [ChatProtocol(), ResponsesProtocol()])
def test_from_anthropic_to_the_others(back: Any) -> None:
    turns = (from_anthropic(), Turn("n", UserInput("go on"), "openai/gpt-5"))
    place = Endpoint("openai", "https://api.openai.com/v1")
    body = json.dumps(back.encode(ModelRequest("gpt-5", turns), place).body)
    assert "toolu_1" in body
    assert "Found." in body
    for kept in ("sig 0", "web_search", "s1", "citations"):
        assert kept not in body


# --- settings ---


def settings_of(model: str, **settings: Any) -> dict[str, Any]:
    asked = Turn("t", UserInput("x"), f"anthropic/{model}")
    body = encode(asked, model=model, settings=Settings(**settings))
    known = ("model", "stream", "messages", "cache_control")
    return {key: value for key, value in body.items() if key not in known}


def budget(tokens: int) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": tokens}


ADAPTIVE = {"type": "adaptive"}
SHOWN = {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize(
    ("model", "settings", "fields"),
    [
        ("claude-3-opus-20240229", {"effort": "high"}, {"max_tokens": 4096}),
        ("claude-3-5-haiku-latest", {"temperature": 0.5}, {"max_tokens": 8192, "temperature": 0.5}),
        ("claude-3-7-sonnet-latest", {}, {"max_tokens": 32000}),
        ("claude-sonnet-4-20250514", {"thinking": False}, {"max_tokens": 32000}),
        (
            "claude-sonnet-4-5-20250929",
            {"effort": "high", "temperature": 0.5},
            {"max_tokens": 64000, "thinking": budget(16384)},
        ),
        (
            "claude-opus-4@20250514",
            {"thinking": True, "max_output_tokens": 4000},
            {"max_tokens": 4000, "thinking": budget(3000)},
        ),
        ("claude-haiku-4-5", {"effort": "low", "max_output_tokens": 1024}, {"max_tokens": 1024}),
        ("claude-haiku-4-5", {"effort": "none"}, {"max_tokens": 64000}),
        ("claude-opus-4-6", {}, {"max_tokens": 64000, "thinking": ADAPTIVE}),
        ("claude-opus-4-6", {"temperature": 0.0}, {"max_tokens": 64000, "temperature": 0.0}),
        (
            "claude-sonnet-4.6",
            {"effort": "xhigh", "temperature": 0.0},
            {"max_tokens": 64000, "thinking": ADAPTIVE, "output_config": {"effort": "high"}},
        ),
        (
            "claude-opus-4-7",
            {"effort": "xhigh", "temperature": 0.0},
            {"max_tokens": 64000, "thinking": SHOWN, "output_config": {"effort": "xhigh"}},
        ),
        (
            "claude-sonnet-5",
            {"effort": "minimal", "thinking": False},
            {
                "max_tokens": 64000,
                "thinking": {"type": "disabled"},
                "output_config": {"effort": "low"},
            },
        ),
        ("claude-fable-5-1", {"thinking": False}, {"max_tokens": 64000}),
        ("claude-mythos-preview", {}, {"max_tokens": 64000, "thinking": SHOWN}),
        ("glm-4.6", {}, {"max_tokens": 8192}),
        ("glm-4.6", {"effort": "max"}, {"max_tokens": 8192, "thinking": budget(6144)}),
        ("glm-4.6", {"effort": "none"}, {"max_tokens": 8192, "thinking": {"type": "disabled"}}),
    ],
)
def test_effort_and_thinking(model: str, settings: dict[str, Any], fields: dict[str, Any]) -> None:
    assert settings_of(model, **settings) == fields


@pytest.mark.parametrize(
    ("model", "asked"),
    [("claude-sonnet-4-5", True), ("claude-opus-4-6", False), ("glm-4.6", False)],
)
def test_thinking_between_calls_is_asked_for_where_it_has_to_be(model: str, asked: bool) -> None:
    turn = Turn("t", UserInput("x"), f"anthropic/{model}")
    settings = Settings(effort="high")
    request = ModelRequest(model, (turn,), tools=(TOOL,), settings=settings)
    headers = AnthropicProtocol().encode(request, endpoint()).headers
    assert headers.get("anthropic-beta") == ("interleaved-thinking-2025-05-14" if asked else None)


def test_the_schema_of_a_reply() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "format": "email"},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 5},
            "age": {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]},
        },
        "required": ["name"],
    }
    fields = settings_of("claude-sonnet-4-5", schema=schema)
    assert fields["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "format": "email"},
                "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
                "age": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            },
            "required": ["name"],
            "additionalProperties": False,
        },
    }


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "array", "items": {"type": "string"}},
        {"type": "object"},
        {"type": "object", "properties": {"x": {"$ref": "#/$defs/x"}}},
        {"type": "object", "properties": {"x": {}}},
        {"type": "object", "properties": {"x": {"type": "array", "items": {}}}},
        {"type": "object", "properties": {"x": {"anyOf": [{"type": "string"}, True]}}},
        {"type": "object", "properties": []},
    ],
)
def test_a_schema_that_cannot_be_said_is_not_sent(schema: dict[str, Any]) -> None:
    assert "output_config" not in settings_of("claude-sonnet-4-5", schema=schema)


@pytest.mark.parametrize("model", ["claude-3-7-sonnet-latest", "glm-4.6"])
def test_a_model_without_structured_output_gets_no_schema(model: str) -> None:
    schema = {"type": "object", "properties": {"x": {"type": "string"}}}
    assert "output_config" not in settings_of(model, schema=schema)


# --- the rest of the protocol ---


def test_what_was_read_can_be_sent_back() -> None:
    writer = StepWriter("t")
    asked = ModelRequest("claude", ())
    decoder = AnthropicProtocol().decoder(asked, endpoint(), writer)
    assert isinstance(decoder, AnthropicDecoder)
    blocks = [
        {"type": "thinking", "thinking": "Hm 😀", "signature": "abc="},
        words("Let me look."),
        *SEARCHED,
        called("a", input={"x": [1.5, None]}),
    ]
    decoder.event(None, {"type": "message", "content": blocks, "stop_reason": "tool_use"})
    decoder.close()
    steps = [event.step for event in writer.take() if isinstance(event, StepFinished)]
    steps.sort(key=lambda step: step.index)
    sent = said(*steps, result(9, 0, "a", "A"), tools=(TOOL,))
    assert sent == [assistant(*blocks), user(answered("a", "A"))]


def test_models_come_by_the_page() -> None:
    protocol = AnthropicProtocol()
    request = protocol.models_request(endpoint(key="k"))
    assert request.url == "https://api.anthropic.com/v1/models?limit=1000"
    assert (request.method, request.headers["x-api-key"]) == ("GET", "k")
    assert request.headers["anthropic-version"] == "2023-06-01"
    row = {"type": "model", "id": "claude-a", "display_name": "Claude A"}
    page = {"data": [row | {"max_input_tokens": 200000}], "has_more": True, "last_id": "claude a"}
    assert protocol.read_models(page) == [ModelInfo("claude-a", "Claude A", 200000)]
    following = protocol.more_models(page, endpoint(key="k"))
    assert following is not None
    assert following.url == f"{request.url}&after_id=claude%20a"
    for last in ({"has_more": False, "last_id": "x"}, {"has_more": True}, [], None):
        assert protocol.more_models(last, endpoint()) is None
