"""Encoding requests for Ollama's own protocol, and its lists of models."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from chatterm.assembly import Clock, StepWriter
from chatterm.errors import ProviderError
from chatterm.events import StepFinished
from chatterm.providers.base import ModelInfo, ModelRequest, Settings, ToolSpec
from chatterm.providers.history import UNANSWERED
from chatterm.providers.http import HttpProvider
from chatterm.providers.ollama import OllamaDecoder
from chatterm.providers.ollama_request import OllamaProtocol
from chatterm.providers.transport import Transport
from chatterm.providers.wire import Endpoint
from chatterm.steps import (
    Attachment,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Turn,
    UserInput,
)
from faultserver import Answer, FaultServer, Received, Stall
from wire_shapes import begins_with, check_ollama

HERE = "http://127.0.0.1:11434"
DONE = Status.DONE
USER = {"role": "user", "content": "hello"}


def encode(*turns: Turn, model: str = "qwen3", body: Any = None, **more: Any) -> dict[str, Any]:
    """The body of a request, checked for its shape."""
    place = Endpoint("p", HERE, body=body or {})
    request = OllamaProtocol().encode(ModelRequest(model, turns, **more), place)
    return check_ollama(request.body)


def messages(*turns: Turn, **more: Any) -> list[Any]:
    return list(encode(*turns, **more)["messages"])


def turn(*steps: Step, said: str = "hello", model: str = "p/m") -> Turn:
    return Turn("t", UserInput(said), model, steps)


def decoded(*lines: Any, round_: int = 0) -> list[Step]:
    """The steps that these messages of a reply become."""
    writer = StepWriter("t", Clock(now=lambda: 0.0, monotonic=lambda: 0.0))
    writer.round = round_
    decoder = OllamaDecoder(writer)
    for line in lines:
        decoder.event(None, {"message": line, "done": False})
    decoder.event(None, {"message": {"content": ""}, "done": True, "done_reason": "stop"})
    decoder.close()
    return [event.step for event in writer.take() if isinstance(event, StepFinished)]


def called(name: str, arguments: Any = None, **more: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments or {}}
    return {"content": "", "tool_calls": [{"function": function, **more}]}


def result(call: Step, content: str, **more: Any) -> ToolResultStep:
    assert isinstance(call, ToolCallStep)
    return ToolResultStep(
        id=f"{call.id}.r",
        index=call.index + 100,
        round=call.round,
        status=DONE,
        call_id=call.call_id,
        name=call.name,
        content=content,
        **more,
    )


# --- the whole ---


def test_the_least() -> None:
    place = Endpoint("p", HERE, headers={"x-a": "b"})
    request = OllamaProtocol().encode(ModelRequest("qwen3:8b", (turn(),)), place)
    assert (request.method, request.url) == ("POST", f"{HERE}/api/chat")
    assert request.headers["Accept"].startswith("application/x-ndjson")
    assert request.headers["x-a"] == "b"
    assert "Authorization" not in request.headers
    assert request.body == {"model": "qwen3:8b", "stream": True, "messages": [USER]}


@pytest.mark.parametrize("base", [HERE, f"{HERE}/", f"{HERE}/api", f"{HERE}/api/"])
def test_addresses(base: str) -> None:
    request = OllamaProtocol().encode(ModelRequest("m", (turn(),)), Endpoint("p", base))
    assert request.url == f"{HERE}/api/chat"


def test_a_key_where_there_is_one() -> None:
    place = Endpoint("p", "https://ollama.com", key="k")
    headers = OllamaProtocol().encode(ModelRequest("m", (turn(),)), place).headers
    assert headers["Authorization"] == "Bearer k"


def test_settings_tools_and_the_system_text() -> None:
    spec = ToolSpec("f", "does f", {"type": "object", "properties": {}})
    body = encode(
        turn(),
        system="be kind",
        tools=(spec,),
        settings=Settings(temperature=0.5, max_output_tokens=9, schema={"type": "object"}),
    )
    assert body["options"] == {"temperature": 0.5, "num_predict": 9}
    assert "format" not in body  # with it no tool could be called
    assert body["messages"][0] == {"role": "system", "content": "be kind"}
    assert body["tools"][0]["function"] == {
        "name": "f",
        "description": "does f",
        "parameters": {"type": "object", "properties": {}},
    }


def test_a_form_of_reply() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    assert encode(turn(), settings=Settings(schema=schema))["format"] == schema


def test_how_long_a_model_stays_loaded_and_its_window_are_the_configurations() -> None:
    body = encode(
        turn(),
        settings=Settings(temperature=0.5),
        body={"keep_alive": "1h", "options": {"num_ctx": 16384, "temperature": 0}},
    )
    assert (body["keep_alive"], body["options"]) == ("1h", {"temperature": 0, "num_ctx": 16384})
    assert list(body)[-1] == "messages"
    assert "keep_alive" not in encode(turn())


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "think"),
    [
        ("qwen3", None, None, None),
        ("qwen3", None, True, True),
        ("qwen3", None, False, False),
        ("qwen3", "high", None, True),
        ("qwen3", "none", None, False),
        ("qwen3", "high", False, False),
        ("gpt-oss:20b", "high", None, "high"),
        ("gpt-oss:20b", "minimal", True, "low"),
        ("gpt-oss:20b", "none", None, False),
    ],
)
def test_thinking_is_asked_for_in_the_models_way(
    model: str, effort: str | None, thinking: bool | None, think: Any
) -> None:
    body = encode(turn(), model=model, settings=Settings(effort=effort, thinking=thinking))
    assert body.get("think") == think
    assert ("think" in body) == (think is not None)


# --- the conversation ---


def test_pictures_and_text_files_go_along_and_what_cannot_is_named() -> None:
    files = (
        Attachment("a.png", "image/png", 1, "0", b"\x89"),
        Attachment("b.pdf", "application/pdf", 1, "0", b"%"),
        Attachment("c.txt", "text/plain", 1, "0", b"words"),
    )
    [message] = messages(Turn("t", UserInput("look", files), "p/m"))
    assert message["images"] == ["iQ=="]
    assert message["content"] == (
        "[the file b.pdf was attached here; this server takes only text and pictures]\n\n"
        '<file name="c.txt">\nwords\n</file>\n\nlook'
    )


def test_thinking_calls_and_results_go_back() -> None:
    first = decoded(
        {"thinking": "hm", "content": "Let me see."},
        called("f", {"b": 1, "a": [None]}),
        called("f"),
    )
    calls = [step for step in first if isinstance(step, ToolCallStep)]
    answers = [result(call, content) for call, content in zip(calls, "AB", strict=True)]
    assert messages(turn(*first, *reversed(answers))) == [
        USER,
        {
            "role": "assistant",
            "content": "Let me see.",
            "thinking": "hm",
            "tool_calls": [
                {"function": {"name": "f", "arguments": {"b": 1, "a": [None]}}},
                {"function": {"name": "f", "arguments": {}}},
            ],
        },
        {"role": "tool", "content": "A", "tool_name": "f"},
        {"role": "tool", "content": "B", "tool_name": "f"},
    ]


def test_ids_go_back_only_where_the_server_gave_them() -> None:
    steps = decoded(called("f", id="call_1"))
    _, assistant, answer = messages(turn(*steps, result(steps[0], "A")))
    assert assistant["tool_calls"][0]["id"] == "call_1"
    assert answer["tool_call_id"] == "call_1"


def test_pictures_of_results_follow_them() -> None:
    steps = decoded(called("look"))
    picture = (Attachment("a.png", "image/png", 1, "0", b"\x89"),)
    last = messages(turn(*steps, result(steps[0], "seen", attachments=picture)))[-1]
    assert (last["role"], last["images"]) == ("user", ["iQ=="])


def test_a_call_nobody_answered_has_an_unknown_result() -> None:
    assert messages(turn(*decoded(called("f"))))[-1]["content"] == UNANSWERED


def test_thinking_that_led_to_nothing_does_not_go_back() -> None:
    assert messages(turn(*decoded({"thinking": "hm", "content": ""}))) == [USER]


def test_what_another_provider_said_goes_along_without_what_only_it_understands() -> None:
    opaque = {"field": "reasoning_content", "id": "foreign", "reasoning_details": [{}]}
    steps = (
        ThinkingStep(id="t.0", index=0, round=0, status=DONE, text="hm", opaque=opaque),
        TextStep(id="t.1", index=1, round=0, status=DONE, text="Let me see."),
        ToolCallStep(
            id="t.2",
            index=2,
            round=0,
            status=DONE,
            call_id="call:1",
            name="f",
            arguments="not json",
            opaque=opaque,
        ),
        ToolResultStep(id="t.3", index=3, round=0, status=DONE, call_id="call:1", content="F"),
    )
    assert messages(turn(*steps, model="other/m"))[1:] == [
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [{"function": {"name": "f", "arguments": {"raw": "not json"}}}],
        },
        {"role": "tool", "content": "F", "tool_name": "f"},
    ]


def test_a_request_begins_with_the_bytes_of_the_one_before_it() -> None:
    tools = (ToolSpec("f", "does f", {"type": "object", "properties": {}}),)
    more = {"system": "s", "tools": tools, "settings": Settings(thinking=True, temperature=0.1)}
    first = decoded({"thinking": "hm", "content": ""}, called("f", {"a": "1"}), called("f"))
    answers = [result(step, "A") for step in first if isinstance(step, ToolCallStep)]
    whole = turn(*first, *answers, *decoded({"content": "Done."}, round_=1))
    grown = [
        (turn(),),
        (turn(*first, *answers),),
        (whole, turn(said="next")),
        (whole, turn(*decoded({"content": "x"}), said="next"), turn(said="third")),
    ]
    bodies = [encode(*turns, **more) for turns in grown]
    assert all(begins_with(later, earlier) for earlier, later in pairwise(bodies))


# --- models ---

TAGS = {
    "models": [
        {"name": "qwen3:8b", "model": "qwen3:8b", "size": 1, "details": {"family": "qwen3"}},
        {"name": "old:1b"},
        {"model": "nomic-embed-text:latest"},
        {"size": 1},
        None,
    ]
}
SHOWN = {
    "qwen3:8b": {
        "capabilities": ["completion", "tools", "thinking"],
        "model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40960},
    },
    "nomic-embed-text:latest": {
        "capabilities": ["embedding"],
        "model_info": {"nomic-bert.context_length": 2048},
    },
}


def test_models_are_listed() -> None:
    request = OllamaProtocol().models_request(Endpoint("p", HERE))
    assert (request.method, request.url) == ("GET", f"{HERE}/api/tags")
    names = ["qwen3:8b", "old:1b", "nomic-embed-text:latest"]
    assert OllamaProtocol().read_models(TAGS) == [ModelInfo(name) for name in names]
    assert OllamaProtocol().read_models("nonsense") == []


@pytest.mark.parametrize(
    ("shown", "body", "window"),
    [
        ({"model_info": {"llama.context_length": 131072}}, {}, 131072),
        ({"model_info": {"a.context_length": 4096}, "parameters": "num_ctx  8192"}, {}, 4096),
        (
            {
                "model_info": {"a.context_length": 131072},
                "parameters": 'stop "x"\nnum_ctx                        8192\ntop_k 1',
            },
            {},
            8192,
        ),
        ({"model_info": {"a.context_length": 131072}}, {"options": {"num_ctx": 16384}}, 16384),
        ({"model_info": {"general.architecture": "x"}}, {}, None),
        ({}, {}, None),
        (None, {}, None),
    ],
)
def test_a_models_window_is_what_the_server_will_use_of_it(
    shown: Any, body: Any, window: int | None
) -> None:
    place = Endpoint("p", HERE, body=body)
    found = OllamaProtocol().read_model(ModelInfo("m"), shown, place)
    assert found == ModelInfo("m", "", window)


def on_the_server(received: Received) -> Answer:
    if received.path == "/api/tags":
        return json_answer(TAGS)
    shown = SHOWN.get(received.json["model"])
    return Answer(status=404) if shown is None else json_answer(shown)


def json_answer(data: Any) -> Answer:
    return Answer(json.dumps(data).encode(), headers={"Content-Type": "application/json"})


async def test_each_model_is_asked_for_its_window(server: FaultServer) -> None:
    server.script(on_the_server)
    provider = HttpProvider(OllamaProtocol(), Endpoint("p", server.url), Transport())
    assert await provider.models() == [
        ModelInfo("qwen3:8b", "", 40960, ("text",)),
        ModelInfo("old:1b"),
    ]
    await provider.aclose()
    assert {request.path for request in server.requests} == {"/api/tags", "/api/show"}


async def test_a_model_that_does_not_answer_holds_up_no_list(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatterm.providers.model_lists.DESCRIBING_TIMEOUT_S", 0.05)
    server.script(json_answer(TAGS), Answer(before=[Stall()]))
    provider = HttpProvider(OllamaProtocol(), Endpoint("p", server.url), Transport())
    assert [model.id for model in await provider.models()][:2] == ["qwen3:8b", "old:1b"]
    await provider.aclose()


async def test_a_server_without_a_list_is_an_error(server: FaultServer) -> None:
    server.script(Answer(b'{"error":"unauthorized"}', status=401))
    provider = HttpProvider(OllamaProtocol(), Endpoint("p", server.url), Transport())
    with pytest.raises(ProviderError, match="unauthorized"):
        await provider.models()
    await provider.aclose()
