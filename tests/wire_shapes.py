"""The published shapes of requests, by protocol: what a server would refuse fails here."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

_GEMINI_PARTS = {
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
}
_GEMINI_FIELDS = {
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "safetySettings",
    "generationConfig",
    "cachedContent",
}
_SCHEMA_TYPES = {"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"}
_SCHEMA_FIELDS = {
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "items",
    "minItems",
    "maxItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "example",
    "anyOf",
    "propertyOrdering",
    "default",
    "minimum",
    "maximum",
}


def check_gemini(body: Any) -> dict[str, Any]:
    """A GenerateContentRequest; calls are answered at once, all of them, in their order."""
    body = json.loads(json.dumps(body))
    assert set(body) <= _GEMINI_FIELDS
    waiting: list[tuple[str, Any]] = []
    for content in body["contents"]:
        assert set(content) == {"role", "parts"}
        assert content["role"] in ("user", "model")
        assert content["parts"]
        for part in content["parts"]:
            kinds = set(part) - {"thought", "thoughtSignature"}
            assert len(kinds) == 1
            assert kinds <= _GEMINI_PARTS
        calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
        answers = [p["functionResponse"] for p in content["parts"] if "functionResponse" in p]
        assert [(a["name"], a.get("id")) for a in answers] == waiting
        assert content["role"] == ("model" if calls else content["role"])
        waiting = [(call["name"], call.get("id")) for call in calls]
        for call in calls:
            assert set(call) <= {"id", "name", "args"}
            assert re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", call["name"])
            assert isinstance(call["args"], dict)
        for answer in answers:
            assert set(answer) <= {"id", "name", "response"}
            assert isinstance(answer["response"], dict)
    assert not waiting
    assert body["contents"][0]["role"] == "user"
    for tool in body.get("tools", []):
        for declaration in tool.get("functionDeclarations", []):
            assert set(declaration) <= {"name", "description", "parameters"}
            if "parameters" in declaration:
                assert declaration["parameters"]["type"] == "OBJECT"
                assert declaration["parameters"]["properties"]
                check_gemini_schema(declaration["parameters"])
    return dict(body)


def check_gemini_schema(schema: Any) -> None:
    """Gemini's `Schema`, all the way down."""
    assert set(schema) <= _SCHEMA_FIELDS
    assert "anyOf" in schema or schema["type"] in _SCHEMA_TYPES
    if "enum" in schema:
        assert schema["type"] == "STRING"
        assert all(isinstance(value, str) for value in schema["enum"])
    if schema.get("type") == "ARRAY":
        check_gemini_schema(schema["items"])
    for each in [*schema.get("anyOf", []), *schema.get("properties", {}).values()]:
        check_gemini_schema(each)
    assert set(schema.get("required", [])) <= set(schema.get("properties", {}))


def check_ollama(body: Any) -> dict[str, Any]:
    """A request to /api/chat; results follow the calls, in their order."""
    body = json.loads(json.dumps(body))
    assert isinstance(body["model"], str)
    assert body["stream"] is True
    waiting: list[tuple[str, Any]] = []
    for message in body["messages"]:
        assert isinstance(message["content"], str)
        for image in message.get("images", []):
            base64.b64decode(image, validate=True)
        match message["role"]:
            case "system" | "user":
                assert not waiting
                assert set(message) <= {"role", "content", "images"}
            case "assistant":
                assert not waiting
                assert set(message) <= {"role", "content", "thinking", "tool_calls"}
                assert message["content"] or message.get("tool_calls")
                for call in message.get("tool_calls", []):
                    assert set(call) <= {"id", "function"}
                    assert isinstance(call["function"]["arguments"], dict)
                    waiting.append((call["function"]["name"], call.get("id")))
            case "tool":
                assert set(message) <= {"role", "content", "tool_name", "tool_call_id"}
                assert (message["tool_name"], message.get("tool_call_id")) == waiting.pop(0)
            case role:
                raise AssertionError(f"no such role: {role}")
    assert not waiting
    return dict(body)


def check_chat(body: Any) -> dict[str, Any]:
    """A request to /chat/completions: every call has its result, and none is asked twice."""
    body = json.loads(json.dumps(body))
    waiting: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            assert message["tool_call_id"] == waiting.pop(0)
            continue
        assert not waiting
        calls = message.get("tool_calls", [])
        assert message["content"] is not None or calls
        waiting = [call["id"] for call in calls]
        assert len(set(waiting)) == len(waiting)
        assert all(isinstance(json.loads(c["function"]["arguments"]), dict) for c in calls)
        # Whatever another provider wants back has no place here.
        assert all(set(call) <= {"id", "type", "function"} for call in calls)
    assert not waiting
    return dict(body)


def check_responses(body: Any) -> dict[str, Any]:
    """A request to /responses: every call has its result."""
    body = json.loads(json.dumps(body))
    waiting: list[str] = []
    for item in body["input"]:
        match item.get("type", "message"):
            case "function_call":
                assert set(item) <= {"type", "id", "call_id", "name", "arguments", "status"}
                assert isinstance(json.loads(item["arguments"]), dict)
                waiting.append(item["call_id"])
            case "function_call_output":
                waiting.remove(item["call_id"])
            case "message" | "reasoning":
                pass
            case kind:
                raise AssertionError(f"no such item: {kind}")
    assert not waiting
    return dict(body)


def begins_with(later: Any, earlier: Any) -> bool:
    """Whether a request's JSON begins with another's, byte for byte, up to where that one ends."""
    return json.dumps(later).startswith(json.dumps(earlier)[: -len("]}")])
