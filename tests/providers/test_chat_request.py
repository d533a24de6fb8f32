"""Encoding requests for Chat Completions and its dialects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatterm.assembly import StepWriter
from chatterm.providers.base import ModelRequest, Settings, ToolSpec
from chatterm.providers.chat import ChatDecoder
from chatterm.providers.chat_dialects import PLAIN, dialect_of
from chatterm.providers.chat_request import ChatProtocol
from chatterm.providers.history import UNANSWERED
from chatterm.providers.wire import Endpoint, HttpRequest
from chatterm.steps import (
    Attachment,
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

DONE = Status.DONE
ADDRESSES = {
    "openai": "https://api.openai.com/v1",
    "azure": "https://mine.openai.azure.com/openai/v1",
    "deepseek": "https://api.deepseek.com",
    "zai": "https://api.z.ai/api/paas/v4",
    "openrouter": "https://openrouter.ai/api/v1",
    "mistral": "https://api.mistral.ai/v1",
    "perplexity": "https://api.perplexity.ai",
    "qwen": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    "p": "http://127.0.0.1:8080/v1",
}


def endpoint(name: str = "p", **more: Any) -> Endpoint:
    return Endpoint(name, ADDRESSES[name], **more)


def encode(*turns: Turn, name: str = "p", **more: Any) -> dict[str, Any]:
    """The body of a request, checked for its structure."""
    request = ChatProtocol().encode(ModelRequest("m", turns, **more), endpoint(name))
    return checked(request)


def checked(request: HttpRequest) -> dict[str, Any]:
    body = json.loads(json.dumps(request.body))
    assert isinstance(body["model"], str)
    assert body["stream"] is True
    waiting: list[str] = []
    for message in body["messages"]:
        match message["role"]:
            case "system" | "user":
                assert not waiting
                assert isinstance(message["content"], str | list)
            case "assistant":
                assert not waiting
                assert message["content"] is not None or message.get("tool_calls")
                waiting = [call["id"] for call in message.get("tool_calls", [])]
                assert len(set(waiting)) == len(waiting)
                for call in message.get("tool_calls", []):
                    if call["type"] == "function":
                        assert isinstance(json.loads(call["function"]["arguments"]), dict)
            case "tool":
                assert isinstance(message["content"], str)
                assert message["tool_call_id"] == waiting.pop(0)
            case role:
                pytest.fail(f"no such role: {role}")
    assert not waiting
    return dict(body)


def thinking(index: int, round_: int, text: str = "", **more: Any) -> ThinkingStep:
    return ThinkingStep(
        id=f"t.{index}", index=index, round=round_, text=text, **{"status": DONE} | more
    )


def text(index: int, round_: int, words: str, **more: Any) -> TextStep:
    return TextStep(
        id=f"t.{index}", index=index, round=round_, text=words, **{"status": DONE} | more
    )


def call(index: int, round_: int, call_id: str, arguments: str = "{}", **more: Any) -> ToolCallStep:
    try:
        values = json.loads(arguments or "{}")
    except ValueError:
        values = None
    return ToolCallStep(
        id=f"t.{index}",
        index=index,
        round=round_,
        call_id=call_id,
        name="f",
        arguments=arguments,
        input=values,
        **{"status": DONE} | more,
    )


def result(index: int, round_: int, call_id: str, content: str, **more: Any) -> ToolResultStep:
    return ToolResultStep(
        id=f"t.{index}",
        index=index,
        round=round_,
        status=DONE,
        call_id=call_id,
        content=content,
        **more,
    )


def turn(*steps: Step, said: str = "hello", model: str = "p/m") -> Turn:
    return Turn("t", UserInput(said), model, steps)


def assistant(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [message for message in body["messages"] if message["role"] == "assistant"]


def sent_call(call_id: str, arguments: str = "{}") -> dict[str, Any]:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": "f", "arguments": arguments},
    }


# --- the whole ---


def test_the_least() -> None:
    request = ChatProtocol().encode(
        ModelRequest("m", (turn(),)), endpoint(key="k", headers={"x-a": "b"})
    )
    assert (request.method, request.url) == ("POST", "http://127.0.0.1:8080/v1/chat/completions")
    assert request.headers["Authorization"] == "Bearer k"
    assert request.headers["x-a"] == "b"
    assert request.body == {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "hello"}],
    }


def test_headers_and_fields_of_the_configuration_win() -> None:
    place = endpoint(
        key="k",
        headers={"authorization": "Basic x"},
        body={"model": "other", "temperature": 0, "stream_options": None, "top_k": 5},
    )
    asked = ModelRequest("m", (turn(),), settings=Settings(temperature=0.7))
    request = ChatProtocol().encode(asked, place)
    assert {k.lower(): v for k, v in request.headers.items()}["authorization"] == "Basic x"
    assert "Bearer k" not in request.headers.values()
    assert request.body is not None
    assert request.body["model"] == "other"
    assert request.body["temperature"] == 0
    assert request.body["stream_options"] is None
    assert request.body["top_k"] == 5


def test_tools_and_the_system_text() -> None:
    spec = ToolSpec("f", "does f", {"type": "object", "properties": {}})
    body = encode(turn(), system="be kind", tools=(spec,))
    assert body["messages"][0] == {"role": "system", "content": "be kind"}
    assert body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": "does f",
                "parameters": {"type": "object", "properties": {}},
            },
        }
    ]


def test_three_rounds_with_parallel_calls() -> None:
    earlier = turn(text(0, 0, "hi"), said="first")
    body = encode(
        earlier,
        turn(
            thinking(0, 0, "hm"),
            text(1, 0, "Let me look."),
            call(2, 0, "a", '{"x": 1}'),
            call(3, 0, "b"),
            result(4, 0, "b", "B"),
            result(5, 0, "a", "A"),
            call(6, 1, "a"),  # ids repeat from round to round
            call(7, 1, "c"),
            result(8, 1, "a", "A again"),
            text(9, 2, "Found"),
            text(10, 2, " it."),
            said="second",
        ),
    )
    assert body["messages"] == [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "hi"},
        {"role": "user", "content": "second"},
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [sent_call("a", '{"x": 1}'), sent_call("b")],
        },
        {"role": "tool", "tool_call_id": "a", "content": "A"},
        {"role": "tool", "tool_call_id": "b", "content": "B"},
        {"role": "assistant", "content": None, "tool_calls": [sent_call("a"), sent_call("c")]},
        {"role": "tool", "tool_call_id": "a", "content": "A again"},
        {"role": "tool", "tool_call_id": "c", "content": UNANSWERED},
        {"role": "assistant", "content": "Found it."},
    ]


def test_what_must_not_be_sent_again_is_left_out() -> None:
    body = encode(
        turn(
            thinking(0, 0, "hm"),
            text(1, 0, "taken back", withdrawn=True),
            call(2, 0, "a", '{"x"', status=Status.INTERRUPTED),
            call(3, 0, "b", hosted=True),
            result(4, 0, "b", "B"),
            RefusalStep(id="t.5", index=5, round=1, status=DONE, text="I cannot."),
        )
    )
    assert assistant(body) == [{"role": "assistant", "content": "I cannot."}]


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [("", "{}"), (" ", "{}"), ('{"x":1}', '{"x":1}'), ('{"x": }', '{"raw": "{\\"x\\": }"}')],
)
def test_arguments_go_back_as_an_object_always(arguments: str, sent: str) -> None:
    [message] = assistant(encode(turn(call(0, 0, "a", arguments), result(1, 0, "a", "A"))))
    assert message["tool_calls"] == [sent_call("a", sent)]


def test_a_custom_tools_call_goes_back_as_free_text() -> None:
    step = call(0, 0, "a", "SELECT 1", opaque={"custom": True})
    [message] = assistant(encode(turn(step)))
    assert message["tool_calls"] == [
        {"id": "a", "type": "custom", "custom": {"name": "f", "input": "SELECT 1"}}
    ]


def test_files() -> None:
    sent = UserInput(
        "compare",
        (
            Attachment("p.png", "image/png", 1, "00", b"\x89"),
            Attachment("d.pdf", "application/pdf", 1, "00", b"%"),
            Attachment("a.txt", "text/plain", 1, "00", b"x"),
        ),
    )
    body = encode(Turn("t", sent, "p/m"))
    assert body["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iQ=="}},
                {
                    "type": "file",
                    "file": {
                        "filename": "d.pdf",
                        "file_data": "data:application/pdf;base64,JQ==",
                    },
                },
                {"type": "text", "text": '<file name="a.txt">\nx\n</file>\n\ncompare'},
            ],
        }
    ]
    alone = UserInput("", sent.attachments[:1])
    [message] = encode(Turn("t", alone, "p/m"))["messages"]
    assert [part["type"] for part in message["content"]] == ["image_url"]


def test_pictures_of_results_follow_all_results_of_their_round() -> None:
    picture = Attachment("p.png", "image/png", 1, "00", b"\x89")
    gone = Attachment("q.png", "image/png", 1, "01")
    body = encode(
        turn(
            call(0, 0, "a"),
            call(1, 0, "b"),
            result(2, 0, "a", "p.png, a picture", attachments=(picture, gone)),
            result(3, 0, "b", "nothing"),
        )
    )
    assert [message["role"] for message in body["messages"][2:]] == ["tool", "tool", "user"]
    [words, sent] = body["messages"][-1]["content"]
    assert words["type"] == "text"
    assert sent == {"type": "image_url", "image_url": {"url": "data:image/png;base64,iQ=="}}


# --- dialects ---


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("openai", "max_completion_tokens"),
        ("azure", "max_completion_tokens"),
        ("deepseek", "max_tokens"),
        ("p", "max_tokens"),
    ],
)
def test_the_token_limit(name: str, field: str) -> None:
    body = encode(turn(), name=name, settings=Settings(max_output_tokens=9))
    assert {key: value for key, value in body.items() if key.startswith("max_")} == {field: 9}


@pytest.mark.parametrize(
    ("name", "effort", "thinks", "sent"),
    [
        ("openai", "low", None, {"reasoning_effort": "low"}),
        ("openai", None, True, {}),
        ("p", "low", None, {"reasoning_effort": "low"}),
        ("openrouter", "low", None, {"reasoning": {"effort": "low"}}),
        ("openrouter", None, False, {"reasoning": {"enabled": False}}),
        ("openrouter", None, None, {}),
        ("deepseek", "high", None, {"thinking": {"type": "enabled"}}),
        ("deepseek", "none", None, {"thinking": {"type": "disabled"}}),
        ("deepseek", None, False, {"thinking": {"type": "disabled"}}),
        ("deepseek", None, None, {}),
        ("zai", None, True, {"thinking": {"type": "enabled"}}),
        ("qwen", "high", None, {"enable_thinking": True}),
        ("qwen", None, None, {}),
        ("mistral", "high", True, {}),
    ],
)
def test_effort(name: str, effort: str | None, thinks: bool | None, sent: dict[str, Any]) -> None:
    plain = encode(turn(), name=name)
    body = encode(turn(), name=name, settings=Settings(effort=effort, thinking=thinks))
    assert {key: body[key] for key in body.keys() - plain.keys()} == sent


@pytest.mark.parametrize(
    ("name", "asks"), [("openai", True), ("p", True), ("mistral", False), ("perplexity", False)]
)
def test_usage_is_asked_for_where_that_is_borne(name: str, asks: bool) -> None:
    assert ("stream_options" in encode(turn(), name=name)) is asks


def test_a_schema_for_the_reply() -> None:
    schema = {"type": "object"}
    body = encode(turn(), settings=Settings(schema=schema, temperature=0.0))
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": schema, "strict": False},
    }
    assert body["temperature"] == 0.0
    assert "response_format" not in encode(
        turn(), name="deepseek", settings=Settings(schema=schema)
    )


def test_a_dialect_is_known_by_its_address_else_by_its_name() -> None:
    assert dialect_of("https://API.deepseek.com/v1", "mine").resend_reasoning
    assert dialect_of("http://proxy.example/v1", "DeepSeek").resend_reasoning
    assert dialect_of("https://deepseek.com.evil.example", "mine") is PLAIN
    assert dialect_of("not an address", "mine") is PLAIN


# --- thinking that goes back ---


@pytest.mark.parametrize("words", ["hm", ""])
def test_deepseek_gets_reasoning_content_back_with_calls_even_when_empty(words: str) -> None:
    asked = turn(
        thinking(0, 0, words, opaque={"field": "reasoning_content"}),
        call(1, 0, "a"),
        result(2, 0, "a", "A"),
        call(3, 1, "b"),
        result(4, 1, "b", "B"),
        text(5, 2, "So."),
        model="deepseek/m",
    )
    first, second, last = assistant(encode(asked, name="deepseek"))
    assert first["reasoning_content"] == words
    assert second["reasoning_content"] == ""
    assert "reasoning_content" not in last


def test_reasoning_content_goes_back_where_it_came_from_and_nowhere_else() -> None:
    step = thinking(0, 0, "hm", opaque={"field": "reasoning_content"})
    asked = turn(step, call(1, 0, "a"), result(2, 0, "a", "A"))
    assert assistant(encode(asked))[0]["reasoning_content"] == "hm"
    assert "reasoning_content" not in assistant(encode(asked, name="openai"))[0]
    assert assistant(encode(asked, name="deepseek"))[0]["reasoning_content"] == ""


def test_openrouter_is_told_what_anthropics_models_are_to_cache() -> None:
    turns = (turn(text(0, 0, "fine"), said="one"), turn(said="two"))

    def sent(model: str, name: str) -> list[dict[str, Any]]:
        request = ModelRequest(model, turns, system="Be brief.")
        return checked(ChatProtocol().encode(request, endpoint(name)))["messages"]

    def marked(text: str) -> list[dict[str, Any]]:
        return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]

    contents = [message["content"] for message in sent("anthropic/claude-x", "openrouter")]
    assert contents == [marked("Be brief."), "one", "fine", marked("two")]
    for model, name in (("openai/gpt-x", "openrouter"), ("anthropic/claude-x", "p")):
        assert "cache_control" not in json.dumps(sent(model, name))


def test_openrouter_details_go_back_unchanged_and_in_order() -> None:
    one = {"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0}
    two = {"type": "reasoning.encrypted", "data": "b64", "id": "rs_1", "index": 1}
    asked = turn(
        thinking(0, 0, "hm", opaque={"field": "reasoning", "reasoning_details": [one]}),
        text(1, 0, "So"),
        thinking(2, 0, opaque={"reasoning_details": [two]}),
        model="openrouter/m",
    )
    [message] = assistant(encode(asked, name="openrouter"))
    assert message == {"role": "assistant", "content": "So", "reasoning_details": [one, two]}
    assert assistant(encode(asked, name="openai")) == [{"role": "assistant", "content": "So"}]


def test_thinking_alone_is_a_message_only_where_it_can_be_sent() -> None:
    sealed = {"reasoning_details": [{"type": "reasoning.encrypted", "data": "b64"}]}
    asked = turn(thinking(0, 0, "hm", opaque=sealed))
    [message] = assistant(encode(asked))
    assert message == {"role": "assistant", "content": "", **sealed}
    assert assistant(encode(asked, name="openai")) == []


def test_mistral_gets_its_content_parts_back_with_calls() -> None:
    field = {"field": "content"}
    asked = turn(
        thinking(0, 0, "hm", opaque=field),
        text(1, 0, "Let me look."),
        call(2, 0, "a"),
        result(3, 0, "a", "A"),
        thinking(4, 1, "so", opaque=field),
        text(5, 1, "Found."),
        model="mistral/m",
    )
    first, last = assistant(encode(asked, name="mistral"))
    assert first["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "Let me look."},
    ]
    assert last == {"role": "assistant", "content": "Found."}


def test_litellm_gets_its_blocks_back() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": "s"}
    opaque = {"field": "reasoning_content", "thinking_blocks": [block]}
    [message] = assistant(encode(turn(thinking(0, 0, "hm", opaque=opaque), call(1, 0, "a"))))
    assert message["thinking_blocks"] == [block]
    assert message["reasoning_content"] == "hm"


def test_gemini_gets_each_calls_signature_back() -> None:
    extra = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
    asked = turn(call(0, 0, "a", opaque=extra), call(1, 0, "b"))
    [message] = assistant(encode(asked))
    assert message["tool_calls"] == [sent_call("a") | extra, sent_call("b")]
    [message] = assistant(encode(asked, name="openai"))
    assert message["tool_calls"] == [sent_call("a"), sent_call("b")]


# --- the rest of the protocol ---


def test_what_was_read_can_be_sent_back() -> None:
    writer = StepWriter("t")
    protocol = ChatProtocol()
    decoder = protocol.decoder(ModelRequest("m", ()), endpoint(), writer)
    assert isinstance(decoder, ChatDecoder)
    details = [{"type": "reasoning.text", "text": "hm", "signature": "s"}]
    function = {"name": "f", "arguments": '{"x":1}'}
    delta = {
        "reasoning_details": details,
        "content": "Let me look.",
        "tool_calls": [{"index": 0, "id": "a", "function": function}],
    }
    decoder.event(None, {"choices": [{"index": 0, "delta": delta, "finish_reason": "tool_calls"}]})
    decoder.close()
    steps = [event.step for event in writer.take() if event.type == "step.finished"]  # type: ignore[union-attr]
    [message] = assistant(encode(turn(*steps)))
    assert message == {
        "role": "assistant",
        "content": "Let me look.",
        "tool_calls": [sent_call("a", '{"x":1}')],
        "reasoning_details": details,
    }


def test_models() -> None:
    request = ChatProtocol().models_request(endpoint(key="k"))
    assert (request.method, request.url, request.body) == (
        "GET",
        "http://127.0.0.1:8080/v1/models",
        None,
    )
    rows = {"data": [{"id": "m", "context_length": 10}, {"id": 3}, None]}
    assert [(m.id, m.context_window) for m in ChatProtocol().read_models(rows)] == [("m", 10)]
