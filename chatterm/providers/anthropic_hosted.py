"""What Anthropic's servers run themselves, in words: results of hosted tools, citations, notices.

There are many kinds of results and more will come, so they are read by what they have, not by a
list. Base64 and encrypted data are never put into words.
"""

from __future__ import annotations

import json
from typing import Any

from chatterm.providers.decoding import integer, mapping, sequence, text_of
from chatterm.steps import Citation, Outcome

_RESULT = "_tool_result"
# Fields that say nothing to people.
_UNSAID = frozenset(
    (
        *("type", "data", "caller", "stop_reason"),
        *("encrypted_content", "encrypted_index", "encrypted_stdout"),
    )
)


def is_result(kind: str) -> bool:
    """Whether a block of this type is the result of a tool that the server ran."""
    return kind.endswith(_RESULT)


def is_hosted_call(kind: str) -> bool:
    """Whether a block of this type is a call of a tool that the server runs."""
    return kind.endswith("tool_use") and kind != "tool_use"


def result_name(kind: str) -> str:
    """The name of the tool that a result belongs to, where its call isn't known."""
    return kind.removesuffix(_RESULT)


def read_result(block: dict[str, Any]) -> dict[str, Any]:
    """The fields of the step of a result that came whole."""
    content = block.get("content")
    data = mapping(content)
    code = integer(data.get("return_code"))
    error = text_of(data.get("error_code"))
    failed = bool(error) or bool(code) or block.get("is_error") is True
    said = ": ".join(filter(None, (error, text_of(data.get("error_message")))))
    fields: dict[str, Any] = {"content": said or _words(content)}
    if code is not None:
        fields["exit_code"] = code
    if failed:
        fields |= {"ok": False, "outcome": Outcome.FAILED}
    return fields


def read_citation(data: dict[str, Any]) -> tuple[tuple[Any, ...], Citation] | None:
    """The source that a citation names, and what tells it from other sources; None for none."""
    source = text_of(data.get("source"))
    url = text_of(data.get("url")) or (source if source.startswith("http") else "")
    title = text_of(data.get("title")) or text_of(data.get("document_title")) or source
    document = integer(data.get("document_index"))
    if not title and document is not None:
        title = f"document {document + 1}"
    if not url and not title:
        return None
    return (url or title, document), Citation(title, url)


def notice_of(block: dict[str, Any]) -> str:
    """What a block that is neither prose nor a tool's tells the user."""
    kind = text_of(block.get("type"))
    if kind == "fallback":
        before = text_of(mapping(block.get("from")).get("model")) or "the model"
        after = text_of(mapping(block.get("to")).get("model")) or "another model"
        return f"{after} answers in place of {before}"
    if kind == "compaction":
        return "the provider summed up the conversation so far, and goes on from the summary"
    if kind == "container_upload":
        return f"a file is in the provider's container: {text_of(block.get('file_id'))}"
    return f"the reply holds a part that isn't shown: {kind or 'of no known kind'}"


def _words(content: Any) -> str:
    """Any result as text for people."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(words for entry in content if (words := _words(entry)))
    return _said(content) if isinstance(content, dict) else ""


def _said(data: dict[str, Any]) -> str:
    """One entry of a result as text; pictures and documents by name."""
    kind = text_of(data.get("type"))
    if kind == "image" or text_of(mapping(data.get("source")).get("data")):
        source = mapping(data.get("source"))
        if source.get("type") == "text":
            return text_of(source.get("data"))
        return f"[{text_of(source.get('media_type')) or 'image'}]"
    if "stdout" in data or "stderr" in data:
        return _output(data)
    if url := text_of(data.get("url")):
        named = " ".join(filter(None, (text_of(data.get("title")), url)))
        inner = _words(data.get("content"))
        return f"{named}\n{inner}" if inner else named
    for key in ("text", "tool_name", "file_id"):
        if text := text_of(data.get(key)):
            return text
    for key in ("content", "lines", "tool_references"):
        if words := _words(data.get(key)):
            return words
    return _rest(data)


def _output(data: dict[str, Any]) -> str:
    text = text_of(data.get("stdout")) + text_of(data.get("stderr"))
    files = _words(sequence(data.get("content")))
    return "\n".join(filter(None, (text.rstrip("\n"), files)))


def _rest(data: dict[str, Any]) -> str:
    said = {key: value for key, value in data.items() if key not in _UNSAID and value is not None}
    if not said:
        return ""
    return json.dumps(said, ensure_ascii=False)
