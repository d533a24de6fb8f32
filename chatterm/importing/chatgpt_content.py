"""What ChatGPT's messages hold: texts in many shapes, files, sources."""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Iterator
from typing import Any

from chatterm.importing.base import TurnBuilder, dict_of, list_of, text_of
from chatterm.importing.documents import Export
from chatterm.steps import Citation

# Marks in a text that the web page turns into chips: `\ue200cite\ue202turn0search1\ue201`.
_MARK = re.compile("\ue200([^\ue200\ue201]*)\ue201")
_BETWEEN = "\ue202"


def plain_text(body: dict[str, Any]) -> str:
    """The text of a message, whatever its kind; pictures and sounds are named in brackets."""
    content = dict_of(body.get("content"))
    pieces = [_part(part, body) for part in list_of(content.get("parts"))]
    if not pieces:
        fields = ("text", "result", "content", "output")
        pieces = [next((text for field in fields if (text := text_of(content.get(field)))), "")]
        source = text_of(content.get("url"))
        if source and text_of(content.get("content_type")) == "tether_quote":
            title = text_of(content.get("title")) or text_of(content.get("domain"))
            pieces.insert(0, f"{title} {source}".strip())
    return _MARK.sub(_without_mark, "\n".join(piece for piece in pieces if piece))


def thoughts_of(content: dict[str, Any]) -> str:
    """The text of summarised thoughts, each under its heading."""
    pieces = []
    for thought in map(dict_of, list_of(content.get("thoughts"))):
        heading, text = text_of(thought.get("summary")), text_of(thought.get("content"))
        pieces += [f"**{heading}**"] if heading else []
        pieces += [text] if text else []
    return "\n\n".join(pieces)


def citations_of(body: dict[str, Any]) -> tuple[Citation, ...]:
    """The sources of a message, each once."""
    metadata = dict_of(body.get("metadata"))
    found: dict[str, Citation] = {}
    for source in _sources(metadata):
        url = text_of(source.get("url"))
        if url.startswith(("http://", "https://")):
            found.setdefault(url, Citation(text_of(source.get("title")), url))
    return tuple(found.values())


def attachments_of(body: dict[str, Any], export: Export, turn: TurnBuilder) -> None:
    """Attach the files of a user's message, and note those that the export doesn't hold."""
    files: dict[str, dict[str, Any]] = {}
    for file in map(dict_of, list_of(dict_of(body.get("metadata")).get("attachments"))):
        files[text_of(file.get("id"))] = file
    for part in map(dict_of, list_of(dict_of(body.get("content")).get("parts"))):
        identity = _pointer(part)
        if identity:
            files.setdefault(identity, {})
    for identity, file in files.items():
        name = text_of(file.get("name"))
        found = export.file(identity)
        if found is None:
            turn.missing.append(name or identity or "a file")
            continue
        stored, data = found
        given = text_of(file.get("mimeType")) or text_of(file.get("mime_type"))
        kind = given or mimetypes.guess_type(name or stored)[0] or "application/octet-stream"
        turn.attach(name or stored, kind, data)


def _part(part: Any, body: dict[str, Any]) -> str:
    if isinstance(part, str):
        return part
    fields = dict_of(part)
    text = text_of(fields.get("text"))
    if text:
        return text
    identity = _pointer(fields)
    from_user = text_of(dict_of(body.get("author")).get("role")) == "user"
    # The user's own files are attachments; an answer can't have any.
    return f"[file {identity}]" if identity and not from_user else ""


def _pointer(part: dict[str, Any]) -> str:
    """The id of the file that a part of a message stands for."""
    pointer = text_of(part.get("asset_pointer")) or text_of(
        dict_of(part.get("audio_asset_pointer")).get("asset_pointer")
    )
    return pointer.rpartition("://")[2]


def _sources(metadata: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for citation in map(dict_of, list_of(metadata.get("citations"))):
        yield dict_of(citation.get("metadata")) or citation
    for reference in map(dict_of, list_of(metadata.get("content_references"))):
        yield reference
        for key in ("items", "sources"):
            yield from map(dict_of, list_of(reference.get(key)))


def _without_mark(mark: re.Match[str]) -> str:
    """What a mark shows: an entity's name; nothing for a source, which is listed by itself."""
    kind, _, rest = mark[1].partition(_BETWEEN)
    if kind != "entity":
        return ""
    try:
        names = json.loads(rest)
    except (ValueError, RecursionError):
        return ""
    return text_of(names[1]) if isinstance(names, list) and len(names) > 1 else ""
