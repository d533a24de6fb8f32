"""Where the Chat Completions dialects put a model's thinking, and what they want back of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from chatterm.assembly import join_surrogates
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
    return ChunkThinking(join_surrogates(text), summary, named)


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
            thinking = join_surrogates(thinking)
        if isinstance(thinking, str) and thinking:
            yield True, thinking
        elif text := text_of(entry.get("text")):
            yield False, text


class _Entry:
    """An entry as far as it has come: its fields, and the pieces of those that grow."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = dict(fields)
        self._pieces: dict[str, list[str]] = {}

    def join(self, fields: dict[str, Any], growing: tuple[str, ...]) -> None:
        """Add a later fragment of the same entry."""
        for key, value in fields.items():
            if key in growing and isinstance(value, str):
                pieces = self._pieces.setdefault(key, [text_of(self.fields.get(key))])
                pieces.append(value)
            elif value not in (None, ""):
                self.fields[key] = value

    def whole(self) -> dict[str, Any]:
        """The entry as it goes back."""
        return self.fields | {
            key: join_surrogates("".join(pieces)) for key, pieces in self._pieces.items()
        }


class ReasoningDetails:
    """What must go back unchanged: `reasoning_details` and `thinking_blocks`, put together.

    Streamed entries are fragments: text that continues the entry before it is joined to it, and a
    signature completes it. Encrypted entries are whole and are kept as they came, in order.
    """

    def __init__(self) -> None:
        self._details: list[_Entry] = []
        self._blocks: list[_Entry] = []

    def __bool__(self) -> bool:
        return bool(self._details or self._blocks)

    def add(self, delta: dict[str, Any]) -> None:
        """Take what a delta carries."""
        for entry in sequence(delta.get("reasoning_details")):
            if not isinstance(entry, dict):
                continue
            if self._continues(entry):
                self._details[-1].join(entry, _GROWING)
            else:
                self._details.append(_Entry(entry))
        for block in sequence(delta.get("thinking_blocks")):
            if not isinstance(block, dict):
                continue
            if self._same_block(block):
                self._blocks[-1].join(block, ("thinking",))
            else:
                self._blocks.append(_Entry(block))

    def take(self) -> dict[str, Any]:
        """All so far, as the fields of a message; what comes later starts anew."""
        opaque: dict[str, Any] = {}
        if self._details:
            opaque["reasoning_details"] = [entry.whole() for entry in self._details]
        if self._blocks:
            opaque["thinking_blocks"] = [block.whole() for block in self._blocks]
        self._details, self._blocks = [], []
        return opaque

    def _continues(self, entry: dict[str, Any]) -> bool:
        if not self._details or entry.get("type") not in ("reasoning.text", "reasoning.summary"):
            return False
        last = self._details[-1].fields
        signed = last.get("signature") and (entry.get("signature") or entry.get("text"))
        return (
            last.get("type") == entry.get("type")
            and last.get("index") == entry.get("index")
            and not signed
        )

    def _same_block(self, block: dict[str, Any]) -> bool:
        if not self._blocks or block.get("type") != "thinking":
            return False
        last = self._blocks[-1].fields
        return last.get("type") == "thinking" and not last.get("signature")
