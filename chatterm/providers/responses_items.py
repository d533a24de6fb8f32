"""How the items of the Responses protocol that a server runs itself become hosted steps.

There are many kinds and more will come, so this reads them by what they have, not by a list: an
item whose type ends in `_output` is a result, everything else is a call named by its type.
"""

from __future__ import annotations

import json
from typing import Any

from chatterm.providers.decoding import mapping, sequence, text_of
from chatterm.steps import Citation, Outcome

# Where the kinds of calls keep what they were called with.
_INPUT_FIELDS = ("action", "operation", "arguments")
_CODE_FIELDS = ("code", "input")
APPROVAL = "mcp_approval_request"


def hosted_name(item: dict[str, Any]) -> str:
    """What a hosted call is shown as: its type, with the tool's name where it has one."""
    kind = text_of(item.get("type")) or "item"
    name = text_of(item.get("name"))
    return f"{kind}:{name}" if name else kind


def hosted_call_id(item: dict[str, Any]) -> str:
    """The id by which a hosted call and its result belong together."""
    return text_of(item.get("call_id")) or text_of(item.get("id"))


def hosted_arguments(item: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """What a hosted call was called with, as text and, where it is an object, parsed."""
    for field in _INPUT_FIELDS:
        value = item.get(field)
        if isinstance(value, dict) and value:
            return json.dumps(value, ensure_ascii=False), value
        if isinstance(value, str) and value:
            return value, _parsed(value)
    for field in _CODE_FIELDS:
        if code := text_of(item.get(field)):
            return code, None
    if queries := sequence(item.get("queries")):
        values = {"queries": queries}
        return json.dumps(values, ensure_ascii=False), values
    return "", None


def hosted_result(item: dict[str, Any]) -> dict[str, Any] | None:
    """The fields of the result step that a finished hosted item holds, or None for none."""
    error = item.get("error")
    if error:
        message = text_of(mapping(error).get("message")) or _as_text(error)
        return {"content": message, "ok": False, "outcome": Outcome.FAILED}
    for field in ("output", "outputs", "results"):
        value = item.get(field)
        if value not in (None, [], ""):
            return _result(value)
    if picture := text_of(item.get("result")):
        kind = text_of(item.get("output_format")) or "image"
        return {"content": f"[{kind} image, {len(picture) * 3 // 4} bytes]"}
    if item.get("status") == "failed":
        return {"content": "", "ok": False, "outcome": Outcome.FAILED}
    return None


def read_annotation(annotation: dict[str, Any]) -> Citation | None:
    """A citation from an annotation of any of the known types, or None."""
    nested = mapping(annotation.get(text_of(annotation.get("type"))))
    data = nested or annotation
    url = text_of(data.get("url"))
    title = text_of(data.get("title")) or text_of(data.get("filename"))
    title = title or text_of(data.get("file_id"))
    if not url and not title:
        return None
    start, end = data.get("start_index"), data.get("end_index")
    return Citation(
        title,
        url,
        start if isinstance(start, int) else None,
        end if isinstance(end, int) else None,
    )


def _result(value: Any) -> dict[str, Any]:
    entries = value if isinstance(value, list) else [value]
    codes = [
        code
        for entry in entries
        if isinstance(code := mapping(mapping(entry).get("outcome")).get("exit_code"), int)
    ]
    fields: dict[str, Any] = {
        "content": "\n".join(text for entry in entries if (text := _entry_text(entry)))
    }
    if codes:
        failing = next((code for code in codes if code), 0)
        fields["exit_code"] = failing
        if failing:
            fields |= {"ok": False, "outcome": Outcome.FAILED}
    return fields


def _entry_text(entry: Any) -> str:
    """An output as text; pictures by name, never their base64."""
    data = mapping(entry)
    if "stdout" in data or "stderr" in data:
        return (text_of(data.get("stdout")) + text_of(data.get("stderr"))).rstrip("\n")
    if data.get("type") in ("image", "output_image", "input_image"):
        return "[image]"
    for field in ("logs", "text", "filename"):
        if text := text_of(data.get(field)):
            return text
    return _as_text(entry)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
