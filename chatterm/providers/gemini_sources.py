"""What a Gemini candidate says beside its parts: its sources, and the tokens it took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from chatterm.providers.decoding import integer, mapping, sequence, text_of
from chatterm.steps import Citation, Usage

# Where a source lies in a grounding chunk.
_CHUNK_KINDS = ("web", "retrievedContext", "maps")


class _Source(NamedTuple):
    title: str
    url: str
    segment: dict[str, Any]  # of the text that it supports; empty when that isn't said


class Sources:
    """The sources of a reply, each told once."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Source] = {}
        self._told: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def read(self, candidate: dict[str, Any]) -> None:
        """Take what a candidate says of its sources."""
        grounding, cited = candidate.get("groundingMetadata"), candidate.get("citationMetadata")
        for source in [*_grounding(mapping(grounding)), *_cited(mapping(cited))]:
            key = source.url or source.title
            known = self._waiting.get(key)
            if key in self._told or not key:
                continue
            if known is None or (source.segment and not known.segment):
                self._waiting[key] = source

    def take(self, text: str) -> tuple[Citation, ...]:
        """The sources that no step has yet, with their places in this text."""
        waiting, self._waiting = self._waiting, {}
        self._told |= waiting.keys()
        encoded = text.encode("utf-8", "surrogatepass") if waiting else b""
        return tuple(
            Citation(source.title, source.url, *_place(source.segment, text, encoded))
            for source in waiting.values()
        )


def _grounding(metadata: dict[str, Any]) -> Iterator[_Source]:
    chunks = [mapping(chunk) for chunk in sequence(metadata.get("groundingChunks"))]
    segments: dict[int, dict[str, Any]] = {}
    for support in map(mapping, sequence(metadata.get("groundingSupports"))):
        for index in sequence(support.get("groundingChunkIndices")):
            if isinstance(index, int):
                segments.setdefault(index, mapping(support.get("segment")))
    for index, chunk in enumerate(chunks):
        named = (mapping(chunk.get(kind)) for kind in _CHUNK_KINDS)
        source = next((each for each in named if each), {})
        title, url = text_of(source.get("title")), text_of(source.get("uri"))
        yield _Source(title, url, segments.get(index, {}))


def _cited(metadata: dict[str, Any]) -> Iterator[_Source]:
    for key in ("citationSources", "citations"):  # Google's two APIs name them differently
        for cited in map(mapping, sequence(metadata.get(key))):
            yield _Source(text_of(cited.get("title")), text_of(cited.get("uri")), cited)


def _place(segment: dict[str, Any], text: str, encoded: bytes) -> tuple[int | None, int | None]:
    """Where a segment lies in the text, in characters; the wire counts bytes, of all the text."""
    end = integer(segment.get("endIndex"))
    quoted = text_of(segment.get("text"))
    begin = integer(segment.get("startIndex")) or 0
    if end is not None and begin < end <= len(encoded):
        start, stop = (len(encoded[:at].decode("utf-8", "ignore")) for at in (begin, end))
        if not quoted or text[start:stop] == quoted:
            return start, stop
    found = text.find(quoted) if quoted else -1
    return (found, found + len(quoted)) if found >= 0 else (None, None)


def read_usage(data: dict[str, Any]) -> Usage:
    """A `usageMetadata`, in our terms: prompts of hosted tools are input, thoughts are output."""
    prompt = integer(data.get("promptTokenCount"))
    tools = integer(data.get("toolUsePromptTokenCount"))
    said = integer(data.get("candidatesTokenCount"))
    thoughts = integer(data.get("thoughtsTokenCount"))
    total = integer(data.get("totalTokenCount"))
    output = _sum(said, thoughts)
    if said and thoughts and total == (_sum(prompt, tools) or 0) + said:
        output = said  # a gateway that has counted them in already
    return Usage(
        input=_sum(prompt, tools),
        output=output,
        reasoning=thoughts,
        cached_input=integer(data.get("cachedContentTokenCount")),
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one + (other or 0)
