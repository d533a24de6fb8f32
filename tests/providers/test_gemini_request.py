"""Encoding requests for Gemini's generateContent."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from chatterm.assembly import Clock, StepWriter
from chatterm.events import StepFinished
from chatterm.providers.base import ModelInfo, ModelRequest, Settings, ToolSpec
from chatterm.providers.gemini import GeminiDecoder
from chatterm.providers.gemini_request import NO_SIGNATURE, GeminiProtocol
from chatterm.providers.history import UNANSWERED
from chatterm.providers.wire import Endpoint
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
from wire_shapes import begins_with, check_gemini

GOOGLE = "https://generativelanguage.googleapis.com"
DONE = Status.DONE


def endpoint(url: str = GOOGLE, **more: Any) -> Endpoint:
    return Endpoint("p", url, **more)


def encode(*turns: Turn, model: str = "gemini-2.5-pro", **more: Any) -> dict[str, Any]:
    """The body of a request, checked for its shape."""
    request = GeminiProtocol().encode(ModelRequest(model, turns, **more), endpoint())
    return check_gemini(request.body)


def contents(*turns: Turn, **more: Any) -> list[Any]:
    return list(encode(*turns, **more)["contents"])


def turn(*steps: Step, said: str = "hello", model: str = "p/m") -> Turn:
    return Turn("t", UserInput(said), model, steps)


def decoded(*parts: Any, finish: str = "STOP", round_: int = 0) -> list[Step]:
    """The steps that these parts of a reply become."""
    writer = StepWriter("t", Clock(now=lambda: 0.0, monotonic=lambda: 0.0))
    writer.round = round_
    decoder = GeminiDecoder(writer)
    for part in parts:
        decoder.event(None, {"candidates": [{"content": {"parts": [part]}}]})
    decoder.event(None, {"candidates": [{"finishReason": finish}]})
    decoder.close()
    return [event.step for event in writer.take() if isinstance(event, StepFinished)]


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


def call(name: str, args: Any = None, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args or {}}} | more


USER = {"role": "user", "parts": [{"text": "hello"}]}


# --- the whole ---


def test_the_least() -> None:
    place = endpoint(key="k", headers={"x-a": "b"})
    request = GeminiProtocol().encode(ModelRequest("gemini-2.0-flash", (turn(),)), place)
    path = "/v1beta/models/gemini-2.0-flash:streamGenerateContent?alt=sse"
    assert (request.method, request.url) == ("POST", f"{GOOGLE}{path}")
    assert request.headers["x-goog-api-key"] == "k"
    assert request.headers["x-a"] == "b"
    assert "Authorization" not in request.headers
    assert request.body == {"contents": [USER]}


@pytest.mark.parametrize(
    ("base", "model", "url"),
    [
        (f"{GOOGLE}/v1beta", "m", f"{GOOGLE}/v1beta/models/m"),
        (f"{GOOGLE}/v1alpha/", "m", f"{GOOGLE}/v1alpha/models/m"),
        ("http://127.0.0.1:4010/gw", "m", "http://127.0.0.1:4010/gw/v1beta/models/m"),
        (
            "https://x.test/v1/projects/p/locations/l/publishers/google",
            "m",
            "https://x.test/v1/projects/p/locations/l/publishers/google/models/m",
        ),
        (GOOGLE, "models/m", f"{GOOGLE}/v1beta/models/m"),
        (GOOGLE, "tunedModels/mine", f"{GOOGLE}/v1beta/tunedModels/mine"),
        (GOOGLE, "a b?c#d", f"{GOOGLE}/v1beta/models/a%20b%3Fc%23d"),
    ],
)
def test_addresses(base: str, model: str, url: str) -> None:
    request = GeminiProtocol().encode(ModelRequest(model, (turn(),)), endpoint(base))
    assert request.url == f"{url}:streamGenerateContent?alt=sse"


def test_a_token_may_be_asked_for_instead_of_a_key() -> None:
    place = endpoint(key="k", auth="bearer")
    headers = GeminiProtocol().encode(ModelRequest("m", (turn(),)), place).headers
    assert headers["Authorization"] == "Bearer k"
    assert "x-goog-api-key" not in headers


def test_fields_of_the_configuration_win_and_join_the_settings() -> None:
    body = {"generationConfig": {"topK": 5, "temperature": 0}, "safetySettings": []}
    request = GeminiProtocol().encode(
        ModelRequest("gemini-2.0-flash", (turn(),), settings=Settings(temperature=0.7)),
        endpoint(body=body),
    )
    assert request.body is not None
    assert request.body["generationConfig"] == {"temperature": 0, "topK": 5}
    assert list(request.body) == ["generationConfig", "safetySettings", "contents"]


def test_the_system_text_and_settings() -> None:
    body = encode(
        turn(),
        model="gemini-2.0-flash",
        system="be kind",
        settings=Settings(temperature=0.5, max_output_tokens=9),
    )
    assert body["systemInstruction"] == {"parts": [{"text": "be kind"}]}
    assert body["generationConfig"] == {"temperature": 0.5, "maxOutputTokens": 9}


def test_a_form_of_reply_is_asked_for_unless_there_are_tools() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    asked = Settings(schema=schema)
    config = encode(turn(), model="gemini-2.0-flash", settings=asked)["generationConfig"]
    assert config == {
        "responseMimeType": "application/json",
        "responseSchema": {
            "type": "OBJECT",
            "properties": {"a": {"type": "INTEGER"}},
            "required": ["a"],
        },
    }
    tools = (ToolSpec("f", "", schema),)
    body = encode(turn(), model="gemini-2.0-flash", settings=asked, tools=tools)
    assert "generationConfig" not in body


# --- thinking ---


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "expected"),
    [
        ("gemini-2.0-flash", "high", None, None),
        ("gemma-3-27b-it", None, True, None),
        ("gemini-2.5-flash-image", "high", None, None),
        ("gemini-2.5-flash", None, None, {"includeThoughts": True}),
        ("gemini-2.5-flash", None, False, {"thinkingBudget": 0}),
        ("gemini-2.5-pro", None, False, None),
        ("gemini-2.5-flash", "none", None, {"thinkingBudget": 0}),
        ("gemini-2.5-pro", "none", None, {"includeThoughts": True}),
        ("gemini-2.5-pro", "low", None, {"includeThoughts": True, "thinkingBudget": 1024}),
        ("gemini-2.5-pro", "max", None, {"includeThoughts": True, "thinkingBudget": 24576}),
        ("gemini-2.5-pro", "5000", None, {"includeThoughts": True, "thinkingBudget": 5000}),
        ("gemini-flash-latest", "high", None, {"includeThoughts": True, "thinkingBudget": 24576}),
        ("gemini-3-pro-preview", "low", None, {"includeThoughts": True, "thinkingLevel": "LOW"}),
        ("models/gemini-3-flash", "none", False, {"thinkingLevel": "MINIMAL"}),
        ("gemini-3.1-pro", "xhigh", True, {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-3-flash", None, False, None),
    ],
)
def test_each_family_is_asked_to_think_in_its_own_way(
    model: str, effort: str | None, thinking: bool | None, expected: Any
) -> None:
    body = encode(turn(), model=model, settings=Settings(effort=effort, thinking=thinking))
    assert body.get("generationConfig", {}).get("thinkingConfig") == expected


# --- tools ---


def declared(parameters: dict[str, Any]) -> Any:
    body = encode(turn(), tools=(ToolSpec("f", "does f", parameters),))
    [tool] = body["tools"]
    [declaration] = tool["functionDeclarations"]
    assert (declaration["name"], declaration["description"]) == ("f", "does f")
    return declaration.get("parameters")


def with_property(schema: Any, **more: Any) -> Any:
    """A property's schema as it is sent."""
    sent = declared({"type": "object", "properties": {"x": schema}, **more})
    return sent["properties"]["x"]


def test_a_tool_without_parameters_has_none() -> None:
    assert declared({"type": "object", "properties": {}}) is None


def test_keywords_that_the_server_does_not_know_are_left_out() -> None:
    sent = declared(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": "x",
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "n": {"type": "integer", "exclusiveMinimum": 0, "minimum": 1, "format": "uint8"},
                "t": {"type": "string", "format": "uri", "maxLength": 5, "contentEncoding": "x"},
                "d": {"type": "string", "format": "date-time", "examples": ["x"]},
            },
            "required": ["n", "gone"],
            "unevaluatedProperties": False,
        }
    )
    assert sent == {
        "type": "OBJECT",
        "properties": {
            "n": {"type": "INTEGER", "minimum": 1},
            "t": {"type": "STRING", "maxLength": 5},
            "d": {"type": "STRING", "format": "date-time"},
        },
        "required": ["n"],
    }


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}),
        (
            {"type": ["string", "integer"]},
            {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]},
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "d"},
            {"type": "STRING", "nullable": True, "description": "d"},
        ),
        (
            {"oneOf": [{"type": "string"}, {"type": "number"}]},
            {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]},
        ),
        (
            {"type": "object", "properties": {"y": {}}, "anyOf": [{"required": ["y"]}, {}]},
            {"type": "OBJECT", "properties": {"y": {"type": "STRING"}}},
        ),
        ({"const": "a"}, {"type": "STRING", "enum": ["a"]}),
        ({"enum": ["a", "b", None]}, {"type": "STRING", "enum": ["a", "b"], "nullable": True}),
        (
            {"type": "integer", "enum": [1, 2], "description": "how many"},
            {"type": "INTEGER", "description": "how many (one of 1, 2)"},
        ),
        ({"type": "array"}, {"type": "ARRAY", "items": {"type": "STRING"}}),
        (
            {"type": "array", "items": [{"type": "integer"}]},
            {"type": "ARRAY", "items": {"type": "INTEGER"}},
        ),
        ({"properties": {"y": True}}, {"type": "OBJECT", "properties": {"y": {"type": "STRING"}}}),
        ({"type": "object"}, {"type": "OBJECT"}),
        ({}, {"type": "STRING"}),
        (True, {"type": "STRING"}),
        (
            {
                "allOf": [
                    {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
                    {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
                ]
            },
            {
                "type": "OBJECT",
                "properties": {"a": {"type": "STRING"}, "b": {"type": "INTEGER"}},
                "required": ["a", "b"],
            },
        ),
    ],
)
def test_what_the_server_has_other_words_for(schema: Any, sent: Any) -> None:
    assert with_property(schema) == sent


def test_references_are_put_in_place_and_end_where_they_come_back_to_themselves() -> None:
    node = {
        "type": "object",
        "properties": {
            "name": {"$ref": "#/$defs/na~1me", "description": "whose"},
            "left": {"$ref": "#/$defs/node"},
            "right": {"$ref": "#/$defs/node"},
        },
    }
    names = {"type": "string", "description": "a name"}
    sent = with_property({"$ref": "#/$defs/node"}, **{"$defs": {"node": node, "na/me": names}})
    assert sent == {
        "type": "OBJECT",
        "properties": {
            "name": {"type": "STRING", "description": "whose"},
            "left": {"type": "OBJECT"},
            "right": {"type": "OBJECT"},
        },
    }
    assert with_property({"$ref": "#/nowhere"}) == {"type": "STRING"}


# --- what the user sent ---


def test_files_stand_before_the_text() -> None:
    files = (
        Attachment("a.png", "image/png", 1, "0", b"\x89"),
        Attachment("b.pdf", "application/pdf", 1, "0", b"%"),
        Attachment("c.txt", "text/plain", 1, "0", b"words"),
    )
    asked = Turn("t", UserInput("look", files), "p/m")
    [content] = contents(asked)
    assert content["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "iQ=="}},
        {"inlineData": {"mimeType": "application/pdf", "data": "JQ=="}},
        {"text": '<file name="c.txt">\nwords\n</file>\n\nlook'},
    ]


def test_a_picture_alone_needs_no_text() -> None:
    asked = Turn("t", UserInput("", (Attachment("a", "image/png", 1, "0", b"x"),)), "p/m")
    assert [list(part) for part in contents(asked)[0]["parts"]] == [["inlineData"]]


# --- what came from the model ---


def test_parts_go_back_in_order_each_with_its_own_signature() -> None:
    parts = [
        {"text": "**Plan**", "thought": True, "thoughtSignature": "s0"},
        {"text": "Let me "},
        {"text": "see.", "thoughtSignature": "s1"},
        {"text": "", "thoughtSignature": "s2"},
        call("f", {"b": 1, "a": [None]}, thoughtSignature="s3"),
        call("g"),
        {"text": "", "thoughtSignature": "s4"},
    ]
    steps = decoded(*parts)
    calls = [step for step in steps if isinstance(step, ToolCallStep)]
    asked = turn(*steps, result(calls[0], "F"), result(calls[1], "no such", ok=False))
    assert contents(asked)[1:] == [
        {"role": "model", "parts": parts},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "f", "response": {"output": "F"}}},
                {"functionResponse": {"name": "g", "response": {"error": "no such"}}},
            ],
        },
    ]


def test_ids_go_back_only_where_the_server_gave_them() -> None:
    part = {"functionCall": {"id": "x1", "name": "f", "args": {}}, "thoughtSignature": "s"}
    steps = decoded(part)
    _, model, answers = contents(turn(*steps, result(steps[0], "F")))
    assert model["parts"] == [part]
    answer = {"id": "x1", "name": "f", "response": {"output": "F"}}
    assert answers["parts"] == [{"functionResponse": answer}]


def test_hosted_code_and_data_go_back_as_they_came() -> None:
    parts = [
        {"executableCode": {"language": "PYTHON", "code": "1", "id": "c"}, "thoughtSignature": "s"},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1", "id": "c"}},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "u"},
        {"text": "One."},
    ]
    assert contents(turn(*decoded(*parts)))[1]["parts"] == parts


def test_code_whose_result_never_came_does_not_go_back() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    assert contents(turn(*decoded(code, {"text": "Hm."})))[1]["parts"] == [{"text": "Hm."}]


def test_what_was_cut_off_goes_back_as_plain_text() -> None:
    cut = TextStep(
        id="t.0",
        index=0,
        round=0,
        status=Status.INTERRUPTED,
        text="half",
        opaque={"signed": [{"start": 0, "end": 4, "thoughtSignature": "s"}]},
    )
    assert contents(turn(cut))[1]["parts"] == [{"text": "half"}]


def test_thinking_that_led_to_nothing_does_not_go_back() -> None:
    thoughts = decoded({"text": "hm", "thought": True, "thoughtSignature": "s"})
    assert contents(turn(*thoughts)) == [USER]


def test_a_call_nobody_answered_has_an_unknown_result() -> None:
    answers = contents(turn(*decoded(call("f"))))[2]
    assert answers["parts"][0]["functionResponse"]["response"] == {"error": UNANSWERED}


def test_pictures_of_results_stand_after_all_of_them() -> None:
    steps = decoded(call("look"), call("look"))
    picture = (Attachment("a.png", "image/png", 1, "0", b"\x89"),)
    asked = turn(*steps, result(steps[0], "seen", attachments=picture), result(steps[1], "B"))
    kinds = [next(iter(part)) for part in contents(asked)[2]["parts"]]
    assert kinds == ["functionResponse", "functionResponse", "text", "inlineData"]


# --- from other providers ---


def foreign(model: str = "other/m") -> Turn:
    steps = (
        ThinkingStep(
            id="t.0", index=0, round=0, status=DONE, text="hm", opaque={"item": {"id": "rs_1"}}
        ),
        TextStep(id="t.1", index=1, round=0, status=DONE, text="Let me see."),
        ToolCallStep(
            id="t.2",
            index=2,
            round=0,
            status=DONE,
            call_id="call:1|fc",
            name="mcp/odd name",
            arguments="not json",
            opaque={"thoughtSignature": "foreign", "id": "foreign"},
        ),
        ToolResultStep(id="t.3", index=3, round=0, status=DONE, call_id="call:1|fc", content="F"),
        ToolCallStep(
            id="t.4", index=4, round=1, status=DONE, call_id="ws", name="web", hosted=True
        ),
        RefusalStep(id="t.5", index=5, round=1, status=DONE, text="No."),
        NoticeStep(id="t.6", index=6, round=1, status=DONE, text="n", reason="retry"),
    )
    return turn(*steps, model=model)


def test_what_another_provider_said_goes_along_without_what_only_it_understands() -> None:
    assert contents(foreign(), turn(said="go on"), model="gemini-2.5-pro") == [
        USER,
        {
            "role": "model",
            "parts": [
                {"text": "Let me see."},
                {"functionCall": {"name": "mcp_odd_name", "args": {"raw": "not json"}}},
            ],
        },
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "mcp_odd_name", "response": {"output": "F"}}}],
        },
        {"role": "model", "parts": [{"text": "No."}]},
        {"role": "user", "parts": [{"text": "go on"}]},
    ]


def test_a_model_that_checks_signatures_is_told_that_another_made_the_call() -> None:
    model = contents(foreign(), turn(said="go on"), model="gemini-3-pro-preview")[1]
    assert model["parts"][1]["thoughtSignature"] == NO_SIGNATURE
    signed = decoded(call("f", thoughtSignature="s"), call("g"))
    answers = (result(signed[0], "F"), result(signed[1], "G"))
    own = contents(turn(*signed, *answers), model="gemini-3-pro-preview")[1]
    assert [part.get("thoughtSignature") for part in own["parts"]] == ["s", None]


# --- the prefix ---


def test_a_request_begins_with_the_bytes_of_the_one_before_it() -> None:
    tools = (ToolSpec("f", "does f", {"type": "object", "properties": {"a": {}}}),)
    more = {"system": "s", "tools": tools, "settings": Settings(effort="low", temperature=0.1)}
    first = decoded(
        {"text": "hm", "thought": True},
        call("f", {"a": "1"}, thoughtSignature="s"),
        call("f", {"a": "2"}),
    )
    answers = [result(step, "A") for step in first if isinstance(step, ToolCallStep)]
    last = decoded({"text": "Done."}, {"text": "", "thoughtSignature": "t"}, round_=1)
    whole = turn(*first, *answers, *last)
    grown = [
        (turn(),),
        (turn(*first, *answers),),
        (whole, turn(said="next")),
        (whole, turn(*decoded({"text": "x"}), said="next"), turn(said="third")),
    ]
    bodies = [encode(*turns, **more) for turns in grown]
    for earlier, later in pairwise(bodies):
        assert begins_with(later, earlier)


# --- models ---


def test_models_with_their_windows() -> None:
    request = GeminiProtocol().models_request(endpoint(key="k"))
    assert (request.method, request.url) == ("GET", f"{GOOGLE}/v1beta/models?pageSize=1000")
    assert request.headers["x-goog-api-key"] == "k"
    listed = [
        {
            "name": "models/gemini-2.5-pro",
            "displayName": "Gemini 2.5 Pro",
            "inputTokenLimit": 1048576,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        },
        {"name": "models/embedding-001", "supportedGenerationMethods": ["embedContent"]},
        {"name": "publishers/google/models/gemini-x"},
        {"displayName": "nameless"},
        None,
    ]
    models = GeminiProtocol().read_models({"models": listed})
    assert models == [
        ModelInfo("gemini-2.5-pro", "Gemini 2.5 Pro", 1048576),
        ModelInfo("gemini-x"),
    ]
    assert GeminiProtocol().read_models([]) == []


def test_a_result_that_says_how_it_failed() -> None:
    [step] = decoded(call("f"))
    denied = result(step, "denied", ok=False, outcome=Outcome.DENIED)
    response = contents(turn(step, denied))[2]["parts"][0]["functionResponse"]["response"]
    assert response == {"error": "denied"}
