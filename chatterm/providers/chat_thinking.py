"""Where the Chat Completions dialects put a model's thinking, and what they want back of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from chatterm.providers.decoding import mapping, sequence, text_of

# The fields of a delta that may carry thinking.
THINKING_KEYS = frozenset(
    ("reasoning_content", "reasoning", "reasoning_details", "thinking_blocks")
)
# Text fields that a later fragment of the same entry continues.
_GROWING = ("text", "summary")


class ChunkThinking(NamedTuple):
    """The thinking of one chunk.

    Attributes:
        text: What the model thought, or an empty string.
        summary: Whether it is the provider's summary.
        field: The plain field it stands in, which is how it is sent back; None when the chunk
            has no such field.
    """

    text: str
    summary: bool
    field: str | None


def chunk_thinking(delta: dict[str, Any]) -> ChunkThinking:
    """Read *one* of the fields that carry thinking: gateways fill several with the same text."""
    details = [mapping(entry) for entry in sequence(delta.get("reasoning_details"))]
    summary = any(entry.get("type") == "reasoning.summary" for entry in details)
    named: str | None = None
    for field in ("reasoning_content", "reasoning"):
        if field in delta:
            named = named or field
            if text := text_of(delta[field]):
                return ChunkThinking(text, summary, field)
    text = "".join(text_of(entry.get(key)) for entry in details for key in _GROWING)
    if not text:
        blocks = sequence(delta.get("thinking_blocks"))
        text = "".join(text_of(mapping(block).get("thinking")) for block in blocks)
    return ChunkThinking(text, summary, named)


def content_parts(parts: list[Any]) -> Iterator[tuple[bool, str]]:
    """The parts of a content list as (is it thinking, its text), empty ones left out."""
    for part in parts:
        if isinstance(part, str):
            yield from [(False, part)] if part else []
            continue
        entry = mapping(part)
        thinking = entry.get("thinking")
        if isinstance(thinking, list):
            thinking = "".join(text_of(mapping(piece).get("text")) for piece in thinking)
        if isinstance(thinking, str) and thinking:
            yield True, thinking
        elif text := text_of(entry.get("text")):
            yield False, text


class ReasoningDetails:
    """What must go back unchanged: `reasoning_details` and `thinking_blocks`, put together.

    Streamed entries are fragments: text that continues the entry before it is joined to it, and a
    signature completes it. Encrypted entries are whole and are kept as they came, in order.
    """

    def __init__(self) -> None:
        self._details: list[dict[str, Any]] = []
        self._blocks: list[dict[str, Any]] = []

    def __bool__(self) -> bool:
        return bool(self._details or self._blocks)

    def add(self, delta: dict[str, Any]) -> None:
        """Take what a delta carries."""
        for entry in sequence(delta.get("reasoning_details")):
            if isinstance(entry, dict):
                _fold(self._details, entry, _GROWING, self._continues(entry))
        for block in sequence(delta.get("thinking_blocks")):
            if isinstance(block, dict):
                open_block = bool(self._blocks) and not self._blocks[-1].get("signature")
                same = open_block and self._blocks[-1].get("type") == block.get("type")
                _fold(self._blocks, block, ("thinking",), same and block.get("type") == "thinking")

    def take(self) -> dict[str, Any]:
        """All so far, as the fields of a message; what comes later starts anew."""
        opaque: dict[str, Any] = {}
        if self._details:
            opaque["reasoning_details"] = self._details
        if self._blocks:
            opaque["thinking_blocks"] = self._blocks
        self._details, self._blocks = [], []
        return opaque

    def _continues(self, entry: dict[str, Any]) -> bool:
        if not self._details or entry.get("type") not in ("reasoning.text", "reasoning.summary"):
            return False
        last = self._details[-1]
        signed = last.get("signature") and (entry.get("signature") or entry.get("text"))
        return (
            last.get("type") == entry.get("type")
            and last.get("index") == entry.get("index")
            and not signed
        )


def _fold(
    entries: list[dict[str, Any]], entry: dict[str, Any], growing: tuple[str, ...], joins: Any
) -> None:
    if not joins:
        entries.append(dict(entry))
        return
    last = entries[-1]
    for key, value in entry.items():
        if key in growing and isinstance(value, str):
            last[key] = text_of(last.get(key)) + value
        elif value not in (None, ""):
            last[key] = value
