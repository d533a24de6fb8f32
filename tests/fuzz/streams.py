"""Whole, valid streams of every protocol, to be damaged: events with their names, and their bodies.

They show all that a protocol has: thinking, text, calls of all kinds, citations, refusals, errors.
Recordings of real traffic join them where they are beside the checkout.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import wire_replies
from chatterm.providers.sse import JsonFramer, Shape, SseFramer, shape_of
from fuzz.damage import as_json
from recordings import recordings

Events = list[tuple[str | None, Any]]
_MOST = 40_000  # bytes of a recording that is damaged: many short streams find more than a long one


def events_of(body: bytes) -> Events:
    """The events of a whole body, parsed; `[DONE]` and the like stay text."""
    framer = JsonFramer() if shape_of(body) is Shape.JSON else SseFramer()
    found: Events = []
    for name, text in [*framer.feed(body), *framer.finish()]:
        try:
            found.append((name, json.loads(text)))
        except ValueError:
            found.append((name, text))
    return found


def body_of(events: Events, form: str) -> bytes:
    """Events as bytes: `sse`, `crlf` or `cr` for event streams, `lines` or `array` for JSON."""
    texts = [data if data == "[DONE]" else as_json(data) for _, data in events]
    if form == "lines":
        return "".join(f"{text}\n" for text in texts).encode()
    if form == "array":
        return f"[{','.join(texts)}]".encode()
    blocks = [
        (f"event: {name}\n" if name else "") + f"data: {text}\n\n"
        for (name, _), text in zip(events, texts, strict=True)
    ]
    end = {"crlf": "\r\n", "cr": "\r"}.get(form, "\n")
    return "".join(blocks).replace("\n", end).encode()


def _unnamed(*data: Any) -> Events:
    return [(None, each) for each in data]


def _chunk(delta: Any = None, finish: Any = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "choices": [choice], **more}


def _tool(**fields: Any) -> dict[str, Any]:
    return _chunk({"tool_calls": [fields]})


_CHAT = [
    _unnamed(
        _chunk({"role": "assistant", "content": None}),
        _chunk({"reasoning_content": "hm "}),
        _chunk({"reasoning": "so", "reasoning_details": [
            {"type": "reasoning.text", "text": "so", "index": 0, "signature": "sig"},
            {"type": "reasoning.encrypted", "data": "e30=", "index": 1}]}),
        _chunk({"content": "Let me \ud83d"}),
        _chunk({"content": "\ude00 see."}),
        _tool(index=0, id="call_a", type="function", function={"name": "add", "arguments": ""}),
        _tool(index=0, function={"arguments": '{"a": '}),
        _tool(index=1, id="call_b", function={"name": "mul", "arguments": '{"b": "\\ud83d'}),
        _tool(index=0, id="", function={"name": "", "arguments": "1}"}),
        _tool(index=1, function={"arguments": '\\ude00"}'}),
        _chunk(finish="tool_calls"),
        {"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.01,
         "completion_tokens_details": {"reasoning_tokens": 3},
         "prompt_tokens_details": {"cached_tokens": 4}}},
        "[DONE]",
    ),
    _unnamed(
        _chunk({"content": "<think>a<b</think>\n\nThe answer"}),
        _chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "t"}]},
                            {"type": "text", "text": "is"}]}),
        _chunk({"content": "42", "annotations": [
            {"type": "url_citation", "url_citation": {"url": "https://a", "title": "A",
             "start_index": 0, "end_index": 2}}]}, citations=["https://b"],
            search_results=[{"title": "B", "url": "https://b"}]),
        _chunk({"refusal": "No"}),
        _chunk(finish="content_filter", usage={"prompt_tokens": 3, "completion_tokens": 1}),
    ),
    _unnamed(
        _chunk({"executed_tools": [{"index": 0, "type": "search", "arguments": "{}"}]}),
        _chunk({"executed_tools": [{"index": 0, "type": "search", "arguments": "{}",
                                    "output": "found"}]}),
        _chunk({"thinking_blocks": [{"type": "thinking", "thinking": "x", "signature": "s"}]}),
        _chunk({"function_call": {"name": "add", "arguments": "{}"}}),
        _tool(function={"name": "x", "arguments": {"a": 1}},
              extra_content={"google": {"thought_signature": "c2ln"}}),
        _tool(id="c", type="custom", custom={"name": "free", "input": "text"}),
        _chunk({"content": "", "images": [{"image_url": {"url": "data:image/png;base64,AA=="}}]}),
        _chunk(finish="length", x_groq={"usage": {"prompt_tokens": 1, "completion_tokens": 2}}),
        {"error": {"message": "late", "code": 502}, "choices": []},
    ),
]  # fmt: skip


def _typed(*pairs: tuple[str, dict[str, Any]]) -> Events:
    return [(kind, {"type": kind, **data}) for kind, data in pairs]


_R = "response."
_AT = {"output_index": 0, "content_index": 0, "item_id": "i"}
_RESPONSES = [
    _typed(
        (_R + "created", {"response": {"id": "r", "status": "in_progress"}, "sequence_number": 0}),
        (_R + "output_item.added", {"output_index": 0, "item": {"type": "reasoning", "id": "i",
                                                                "summary": []}}),
        (_R + "reasoning_summary_part.added", {**_AT, "summary_index": 0}),
        (_R + "reasoning_summary_text.delta", {**_AT, "summary_index": 0, "delta": "hm"}),
        (_R + "reasoning_summary_text.delta", {**_AT, "summary_index": 1, "delta": "more"}),
        (_R + "reasoning_text.delta", {**_AT, "delta": "raw"}),
        (_R + "output_item.done", {"output_index": 0, "item": {
            "type": "reasoning", "id": "i", "encrypted_content": "e30=",
            "summary": [{"type": "summary_text", "text": "hm"}]}}),
        (_R + "output_item.added", {"output_index": 1, "item": {"type": "message", "id": "m",
                                    "phase": "commentary", "content": []}}),
        (_R + "content_part.added", {**_AT, "output_index": 1, "part": {"type": "output_text"}}),
        (_R + "output_text.delta", {**_AT, "output_index": 1, "delta": "Hi \ud83d"}),
        (_R + "output_text.delta", {**_AT, "output_index": 1, "delta": "\ude00"}),
        (_R + "output_text.annotation.added", {**_AT, "output_index": 1, "annotation": {
            "type": "url_citation", "url": "https://a", "title": "A", "start_index": 0,
            "end_index": 1}}),
        (_R + "output_text.done", {**_AT, "output_index": 1, "text": "Hi 😀, longer"}),
        (_R + "refusal.delta", {**_AT, "output_index": 1, "content_index": 1, "delta": "No"}),
        (_R + "refusal.done", {**_AT, "output_index": 1, "content_index": 1, "refusal": "No."}),
        (_R + "output_item.done", {"output_index": 1, "item": {"type": "message", "id": "m",
            "content": [{"type": "output_text", "text": "Hi 😀, longer", "annotations": []}]}}),
        (_R + "output_item.added", {"output_index": 2, "item": {"type": "function_call",
            "id": "f", "call_id": "call_1", "name": "add", "arguments": ""}}),
        (_R + "function_call_arguments.delta", {"output_index": 2, "item_id": "f",
                                                "delta": '{"a"'}),
        (_R + "function_call_arguments.delta", {"output_index": 2, "item_id": "f", "delta": ":1}"}),
        (_R + "function_call_arguments.done", {"output_index": 2, "item_id": "f",
                                               "arguments": '{"a":1}'}),
        (_R + "output_item.done", {"output_index": 2, "item": {"type": "function_call",
            "id": "f", "call_id": "call_1", "name": "add", "arguments": '{"a":1}',
            "status": "completed"}}),
        (_R + "completed", {"response": {"id": "r", "status": "completed", "output": [],
            "usage": {"input_tokens": 3, "output_tokens": 2,
                      "input_tokens_details": {"cached_tokens": 1},
                      "output_tokens_details": {"reasoning_tokens": 1}}}}),
    ),
    _typed(
        (_R + "output_item.added", {"output_index": 0, "item": {
            "type": "web_search_call", "id": "w", "action": {"type": "search", "query": "q"}}}),
        (_R + "web_search_call.searching", {"output_index": 0, "item_id": "w"}),
        (_R + "output_item.added", {"output_index": 1, "item": {
            "type": "custom_tool_call", "id": "c", "call_id": "cc", "name": "free"}}),
        (_R + "custom_tool_call_input.delta", {"output_index": 1, "item_id": "c", "delta": "x"}),
        (_R + "output_item.done", {"output_index": 1, "item": {"type": "custom_tool_call",
            "id": "c", "call_id": "cc", "name": "free", "input": "xy"}}),
        (_R + "output_item.added", {"output_index": 2, "item": {"type": "mcp_call", "id": "p",
            "name": "t", "server_label": "s", "arguments": ""}}),
        (_R + "mcp_call_arguments.delta", {"output_index": 2, "item_id": "p", "delta": "{}"}),
        (_R + "output_item.done", {"output_index": 2, "item": {"type": "mcp_call", "id": "p",
            "name": "t", "server_label": "s", "arguments": "{}", "output": "o", "error": None}}),
        (_R + "code_interpreter_call_code.delta", {"output_index": 3, "item_id": "k",
                                                   "delta": "1+1"}),
        (_R + "output_item.done", {"output_index": 3, "item": {"type": "code_interpreter_call",
            "id": "k", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}]}}),
        (_R + "output_item.done", {"output_index": 4, "item": {"type": "mcp_approval_request",
            "id": "ap", "name": "t", "server_label": "s", "arguments": "{}"}}),
        (_R + "image_generation_call.partial_image", {"output_index": 5, "item_id": "g",
            "partial_image_b64": "AAAA"}),
        (_R + "output_item.done", {"output_index": 5, "item": {"type": "image_generation_call",
            "id": "g", "result": "AAAA"}}),
        (_R + "output_item.done", {"output_index": 6, "item": {"type": "hologram", "id": "h"}}),
        (_R + "incomplete", {"response": {"status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"}}}),
    ),
    _typed(
        (_R + "output_text.delta", {**_AT, "delta": "begun"}),
        ("error", {"error": {"code": "server_error", "message": "broke"}}),
        (_R + "failed", {"response": {"status": "failed", "error": {"code": "rate_limit_exceeded",
                                                                    "message": "slow down"}}}),
    ),
]  # fmt: skip

_ANTHROPIC = [
    _typed(
        ("message_start", {"message": {"id": "m", "model": "x", "content": [], "usage": {
            "input_tokens": 3, "cache_read_input_tokens": 1, "output_tokens": 1}}}),
        ("ping", {}),
        ("content_block_start", {"index": 0, "content_block": {"type": "thinking",
                                                               "thinking": ""}}),
        ("content_block_delta", {"index": 0, "delta": {"type": "thinking_delta",
                                                       "thinking": "hm"}}),
        ("content_block_delta", {"index": 0, "delta": {"type": "signature_delta",
                                                       "signature": "s="}}),
        ("content_block_stop", {"index": 0}),
        ("content_block_start", {"index": 1, "content_block": {"type": "redacted_thinking",
                                                               "data": "r="}}),
        ("content_block_stop", {"index": 1}),
        ("content_block_start", {"index": 2, "content_block": {"type": "text", "text": ""}}),
        ("content_block_delta", {"index": 2, "delta": {"type": "text_delta", "text": "Hi \ud83d"}}),
        ("content_block_delta", {"index": 2, "delta": {"type": "text_delta", "text": "\ude00"}}),
        ("content_block_delta", {"index": 2, "delta": {"type": "citations_delta", "citation": {
            "type": "web_search_result_location", "url": "https://a", "title": "A",
            "cited_text": "x"}}}),
        ("content_block_stop", {"index": 2}),
        ("content_block_start", {"index": 3, "content_block": {"type": "tool_use", "id": "t1",
            "name": "add", "input": {}}}),
        ("content_block_delta", {"index": 3, "delta": {"type": "input_json_delta",
                                                       "partial_json": '{"a":'}}),
        ("content_block_delta", {"index": 3, "delta": {"type": "input_json_delta",
                                                       "partial_json": "1}"}}),
        ("content_block_stop", {"index": 3}),
        ("message_delta", {"delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}}),
        ("message_stop", {}),
    ),
    _typed(
        ("message_start", {"message": {"content": [{"type": "text", "text": "pre"}],
                                       "stop_reason": None}}),
        ("content_block_start", {"index": 0, "content_block": {"type": "server_tool_use",
            "id": "s1", "name": "web_search", "input": {}}}),
        ("content_block_delta", {"index": 0, "delta": {"type": "input_json_delta",
                                                       "partial_json": '{"query":"q"}'}}),
        ("content_block_stop", {"index": 0}),
        ("content_block_start", {"index": 1, "content_block": {
            "type": "web_search_tool_result", "tool_use_id": "s1",
            "content": [{"type": "web_search_result", "url": "https://a", "title": "A"}]}}),
        ("content_block_stop", {"index": 1}),
        ("content_block_start", {"index": 2, "content_block": {"type": "mcp_tool_use",
            "id": "m1", "name": "t", "server_name": "s", "input": {"a": 1}}}),
        ("content_block_stop", {"index": 2}),
        ("content_block_start", {"index": 3, "content_block": {"type": "mcp_tool_result",
            "tool_use_id": "m1", "is_error": True, "content": [{"type": "text", "text": "o"}]}}),
        ("content_block_stop", {"index": 3}),
        ("content_block_start", {"index": 4, "content_block": {"type": "compaction",
                                                               "content": None}}),
        ("content_block_delta", {"index": 4, "delta": {"type": "compaction_delta",
                                                       "content": "sum"}}),
        ("content_block_stop", {"index": 4}),
        ("message_delta", {"delta": {"stop_reason": "refusal", "stop_details": {
            "type": "refusal", "category": "c", "explanation": "because"}}}),
        ("message_stop", {}),
    ),
    _typed(
        ("message_start", {"message": {}}),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "Hi"}}),
        ("error", {"error": {"type": "overloaded_error", "message": "busy"}}),
    ),
]  # fmt: skip


def _gemini(*parts: Any, finish: Any = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **more}


_GEMINI = [
    _unnamed(
        _gemini({"text": "hm", "thought": True}),
        _gemini({"text": "Hi "}, {"text": "you", "thoughtSignature": "c2ln"}),
        _gemini({"functionCall": {"id": "1", "name": "add", "args": {"a": 1}},
                 "thoughtSignature": "c2ln"}, {"functionCall": {"name": "mul", "args": {}}}),
        _gemini({"functionCall": {"name": "big", "willContinue": True}}),
        _gemini({"functionCall": {"partialArgs": [{"jsonPath": "$.a[0].b", "stringValue": "x",
                 "willContinue": True}], "willContinue": True}}),
        _gemini({"functionCall": {"partialArgs": [{"jsonPath": "$.a[0].b", "stringValue": "y"},
                 {"jsonPath": "$.n", "numberValue": 1}], "willContinue": True}}),
        _gemini({"functionCall": {}}),
        _gemini({"text": "", "thoughtSignature": "c2ln"}, finish="STOP", usageMetadata={
            "promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 1,
            "toolUsePromptTokenCount": 1, "cachedContentTokenCount": 1, "totalTokenCount": 7}),
    ),
    _unnamed(
        _gemini({"executableCode": {"language": "PYTHON", "code": "1+1"}}),
        _gemini({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}),
        _gemini({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
        {"candidates": [{"content": {"parts": [{"text": "2"}]}, "finishReason": "SAFETY",
          "finishMessage": "no", "groundingMetadata": {
              "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
              "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 1},
                                     "groundingChunkIndices": [0]}]},
          "citationMetadata": {"citationSources": [{"uri": "https://b", "startIndex": 0}]}}]},
    ),
    _unnamed({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}}),
    _unnamed(_gemini(finish="MALFORMED_FUNCTION_CALL"), {"error": {"code": 400, "message": "x",
                                                                   "status": "INVALID"}}),
]  # fmt: skip

_OLLAMA = [
    _unnamed(
        {"message": {"role": "assistant", "content": "", "thinking": "hm"}, "done": False},
        {"message": {"content": "Hi"}, "done": False},
        {"message": {"content": "", "tool_calls": [{"id": "1", "function": {
            "index": 0, "name": "add", "arguments": {"a": 1}}}]}, "done": False},
        {"message": {"content": ""}, "done": True, "done_reason": "stop",
         "prompt_eval_count": 3, "eval_count": 2, "total_duration": 1},
    ),
    _unnamed({"response": "Hi", "done": False}, {"response": "", "done": True, "context": [1]}),
    _unnamed({"message": {"content": "Hi"}, "done": False}, {"error": "broke"}),
]  # fmt: skip


def _lightspeed(*pairs: tuple[str, Any]) -> Events:
    return [(None, {"event": name, "data": data}) for name, data in pairs]


_LIGHTSPEED = [
    _lightspeed(
        ("start", {"conversation_id": "c", "request_id": "r"}),
        ("compaction", {"status": "started"}),
        ("tool_call", {"id": "1", "name": "add", "args": {"a": 1}, "type": "tool_call"}),
        ("tool_result", {"id": "1", "status": "success", "content": "2", "type": "t", "round": 1}),
        ("token", {"id": 0, "token": "Hi"}),
        ("turn_complete", {"id": 1, "token": "Hi you"}),
        ("end", {"referenced_documents": [{"doc_url": "https://a", "doc_title": "A"}],
                 "input_tokens": 3, "output_tokens": 2, "truncated": None}),
    ),
    _lightspeed(
        ("start", {"conversation_id": "c"}),
        ("token", {"id": 0, "token": "No Violation"}),
        ("tool_call", {"id": 0, "role": "tool", "token": "Tool: x"}),
        ("heartbeat", {}),
        ("token", {"id": 1, "token": "Hi"}),
        ("error", {"status_code": 500, "response": "broke", "cause": "it"}),
        ("end", {"input_tokens": 0, "output_tokens": 0}),
    ),
    _lightspeed(("start", {}), ("token", {"token": "a"}), ("interrupted", {"request_id": "r"})),
]  # fmt: skip


def _luxx(step: dict[str, Any]) -> tuple[str, Any]:
    return ("process_step", {"step": step})


_LUXX: list[Events] = [
    [
        _luxx({"id": "a", "index": 0, "type": "thinking", "content": "h"}),
        _luxx({"id": "a", "index": 0, "type": "thinking", "content": "hm"}),
        _luxx({"id": "b", "index": 1, "type": "tool_call", "id_ref": "c", "name": "add",
               "arguments": '{"a": 1}'}),
        ("tool_call", {"id_ref": "c", "name": "add", "arguments": '{"a": 1}'}),
        _luxx({"id": "d", "index": 2, "type": "tool_result", "id_ref": "c", "name": "add",
               "content": "2", "success": True}),
        ("tool_result", {"id_ref": "e", "name": "mul", "content": "3", "skipped": True}),
        _luxx({"id": "t", "index": 3, "type": "text", "content": "Done"}),
        _luxx({"id": "t", "index": 3, "type": "text", "content": "Other"}),
        ("done", {"message_id": "m", "token_count": 4, "usage": {"prompt_tokens": 1}}),
    ],
    [("thinking", {"content": "h"}), ("message", {"content": "Hi"}),
     ("tool_calls", {"tool_calls": [{"id": "x"}]}), ("error", {"content": "broke"})],
]  # fmt: skip

_ENCLAVA: list[Events] = [
    [
        (_R + "function_call_arguments.delta", {"call_id": "c", "delta": '{"a":1}'}),
        (_R + "output_item.added", {"item": {"type": "function_call", "id": "c", "call_id": "c",
                                             "name": "add", "arguments": '{"a":1}'}}),
        (_R + "output_item.added", {"item": {"type": "function_call_output", "call_id": "c",
                                             "output": "2"}}),
        (_R + "output_text.delta", {"item_id": "m", "delta": "Done"}),
        (_R + "output_item.added", {"item": {"type": "message", "id": "m", "content": [
            {"type": "output_text", "text": "Done."}]}}),
        (_R + "completed", {"object": "response", "status": "completed", "output": []}),
    ],
    [(_R + "output_text.delta", {"item_id": "m", "delta": "Do"}),
     (_R + "failed", {"error": {"type": "budget_exceeded", "message": "no money"}})],
]  # fmt: skip

_OURS = {
    "chat": _CHAT,
    "responses": _RESPONSES,
    "anthropic": _ANTHROPIC,
    "gemini": _GEMINI,
    "ollama": _OLLAMA,
    "lightspeed": _LIGHTSPEED,
    "luxx": _LUXX,
    "enclava": _ENCLAVA,
}
FORMS = {"ollama": ("lines", "array", "sse"), "gemini": ("crlf", "sse", "array")}
PROTOCOLS = tuple(_OURS)


@cache
def streams(protocol: str) -> list[Events]:
    """The valid streams of a protocol."""
    replies = [events_of(body) for body in wire_replies.turn(protocol, 1, 2)]
    recorded = [
        events_of(each.body)
        for each in recordings(protocol)
        if each.file.endswith(("sse", "ndjson")) and len(each.body) < _MOST
    ]
    return [*_OURS[protocol], *replies, *recorded]
