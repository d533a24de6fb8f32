"""The published shapes of requests, by protocol: what a server would refuse fails here."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Sequence
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
    taken: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            assert message["tool_call_id"] == waiting.pop(0)
            continue
        assert not waiting
        calls = message.get("tool_calls", [])
        assert message["content"] is not None or calls
        waiting = [call["id"] for call in calls]
        taken += waiting
        assert all(isinstance(json.loads(c["function"]["arguments"]), dict) for c in calls)
        # Whatever another provider wants back has no place here.
        assert all(set(call) <= {"id", "type", "function"} for call in calls)
    assert not waiting
    assert len(set(taken)) == len(taken)
    assert all(0 < len(each) <= 40 for each in taken)
    return dict(body)


def check_responses(body: Any, held: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """A request to /responses: every call has its result, and every approval its answer.

    Args:
        body: The request's body.
        held: The items that the server holds of the response that it goes on from.
    """
    body = json.loads(json.dumps(body))
    assert ("previous_response_id" in body) <= bool(held)
    assert body.get("background", False) <= body["store"], "what isn't kept can't be fetched"
    waiting: list[str] = []
    taken: list[str] = []
    said = [*held, *body["input"]]
    for item in said:
        match item.get("type", "message"):
            case "function_call":
                assert set(item) <= {"type", "id", "call_id", "name", "arguments", "status"}
                assert isinstance(json.loads(item["arguments"]), dict)
                waiting.append(item["call_id"])
                taken.append(item["call_id"])
            case "function_call_output":
                waiting.remove(item["call_id"])
            case "mcp_approval_request":
                waiting.append(item["id"])
            case "mcp_approval_response":
                allowed = {"type", "approval_request_id", "approve", "reason"}
                assert set(item) <= allowed
                assert isinstance(item["approve"], bool)
                waiting.remove(item["approval_request_id"])
            case "message" | "reasoning" | "mcp_call" | "mcp_list_tools":
                pass
            case kind:
                raise AssertionError(f"no such item: {kind}")
    assert not waiting
    assert len(set(taken)) == len(taken)
    assert all(0 < len(each) <= 64 for each in taken)
    ids = [item["id"] for item in said if "id" in item]
    assert len(set(ids)) == len(ids)
    return dict(body)


_ANTHROPIC_FIELDS = {
    "model",
    "max_tokens",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "stream",
    "temperature",
    "thinking",
    "output_config",
    "cache_control",
    "metadata",
    "stop_sequences",
    "top_k",
    "top_p",
    "service_tier",
}
_ANTHROPIC_BLOCKS = {
    "user": {
        "text": {"text"},
        "image": {"source"},
        "document": {"source", "title"},
        "tool_result": {"tool_use_id", "content", "is_error"},
    },
    "assistant": {
        "text": {"text", "citations"},
        "thinking": {"thinking", "signature"},
        "redacted_thinking": {"data"},
        "tool_use": {"id", "name", "input"},
    },
}


def check_anthropic(body: Any) -> dict[str, Any]:
    """A request to /messages: the sides take turns, and calls are answered at once, in order."""
    body = json.loads(json.dumps(body))
    assert set(body) <= _ANTHROPIC_FIELDS
    assert body["max_tokens"] > 0
    roles = [message["role"] for message in body["messages"]]
    assert roles == (["user", "assistant"] * len(roles))[: len(roles)]
    assert roles[-1] == "user"
    taken: list[str] = []
    waiting: list[str] = []
    for message in body["messages"]:
        blocks = message["content"]
        assert blocks
        for block in blocks:
            fields = set(block) - {"type", "cache_control"}
            assert fields <= _ANTHROPIC_BLOCKS[message["role"]][block["type"]]
            assert block["type"] != "text" or block["text"].strip()
            assert block["type"] != "thinking" or block["signature"]
        answered = [block["tool_use_id"] for block in blocks[: len(waiting)]]
        assert answered == waiting
        assert all(block["type"] != "tool_result" for block in blocks[len(waiting) :])
        calls = [block for block in blocks if block["type"] == "tool_use"]
        waiting = [call["id"] for call in calls]
        taken += waiting
        assert blocks[-1]["type"] not in ("thinking", "redacted_thinking")
        for call in calls:
            assert re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", call["name"])
            assert isinstance(call["input"], dict)
    assert not waiting
    assert len(set(taken)) == len(taken)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", each) for each in taken)
    assert json.dumps(body).count('"cache_control"') <= 4
    return dict(body)


def check_lightspeed(body: Any) -> dict[str, Any]:
    """A request to /v1/streaming_query."""
    body = json.loads(json.dumps(body))
    known = {"query", "conversation_id", "provider", "model", "system_prompt", "attachments"}
    known |= {"no_tools", "generate_topic_summary", "media_type", "vector_store_ids"}
    assert set(body) <= known, "unknown fields are a 422"
    assert isinstance(body["query"], str)
    assert body["query"]
    assert ("provider" in body) == ("model" in body)
    assert isinstance(body.get("conversation_id", ""), str)
    for attachment in body.get("attachments", []):
        assert set(attachment) == {"attachment_type", "content_type", "content"}
        image = attachment["content_type"] in ("image/png", "image/jpeg")
        assert image == (attachment["attachment_type"] == "image")
        if image:
            base64.b64decode(attachment["content"], validate=True)
        else:
            assert attachment["attachment_type"] in ("configuration", "log")
            assert attachment["content_type"].partition("/")[0] in ("text", "application")
    return dict(body)


def check_luxx(body: Any) -> dict[str, Any]:
    """A message to a conversation of Luxx's, or the making of one."""
    body = json.loads(json.dumps(body))
    if "title" in body:
        assert isinstance(body["title"], str)
    else:
        assert body["text"] == body["content"] != ""
    return dict(body)


def check_enclava(body: Any) -> dict[str, Any]:
    """A request to Enclava's /responses: messages of text that take turns."""
    body = json.loads(json.dumps(body))
    assert set(body) <= {"model", "input", "instructions", "store", "temperature", "max_tokens"}
    for item in body["input"]:
        assert set(item) == {"type", "role", "content"}
        assert item["type"] == "message"
        assert isinstance(item["content"], str)
    roles = [item["role"] for item in body["input"]]
    assert roles == (["user", "assistant"] * len(roles))[: len(roles)]
    return dict(body)


CHECKS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "chat": check_chat,
    "responses": check_responses,
    "anthropic": check_anthropic,
    "gemini": check_gemini,
    "ollama": check_ollama,
    "lightspeed": check_lightspeed,
    "luxx": check_luxx,
    "enclava": check_enclava,
}


def begins_with(later: Any, earlier: Any) -> bool:
    """Whether a request's JSON begins with another's, byte for byte, up to where that one ends."""
    return json.dumps(later).startswith(json.dumps(earlier)[: -len("]}")])
