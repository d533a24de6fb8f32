"""Cutting the bytes of a body into events: event streams (SSE), and what is sent instead of them.

The rules are those of the WHATWG's event stream, read on bytes: lines end at LF, CR or CRLF and
nowhere else (`str.splitlines` would cut JSON text at U+2028), UTF-8 is decoded only once an event
is whole, so no character can be cut, and an event that the end of the body left unterminated is
kept. Every framer costs what the bytes are long, however they were split.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Protocol

from chatterm.errors import ErrorKind, Failure, ProviderError
from chatterm.providers.json_array import ArrayCutter

MAX_EVENT_BYTES = 8 * 1024 * 1024

Framed = tuple[str | None, str]

_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_MOST_BLANKS = 64  # bytes before an array, in a body that comes byte by byte


class EventTooLarge(ProviderError):  # noqa: N818 - says what is wrong, as the kinds do
    """A single event is longer than anything a provider sends on purpose."""

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        super().__init__(
            Failure(
                ErrorKind.STREAM_INVALID,
                f"the provider sent a single event of more than {limit // (1024 * 1024)} MiB",
                hint="the address may not be a chat endpoint: check base_url",
            )
        )


class Framer(Protocol):
    """Cuts a body into events."""

    @property
    def signs(self) -> int:
        """How many signs of life there were: events, and comments sent to keep a line open."""
        ...

    def feed(self, chunk: bytes) -> list[Framed]:
        """The events (name or None, data) that these bytes complete."""
        ...

    def finish(self) -> list[Framed]:
        """What the end of the body completes."""
        ...


class SseFramer:
    """Cuts an event stream into events.

    Attributes:
        signs: Events handed out and comment lines seen so far.

    Raises:
        EventTooLarge: From `feed` or `finish`, once every event before the large one was handed
            out.
    """

    def __init__(self, max_event: int = MAX_EVENT_BYTES) -> None:
        self.signs = 0
        self._max = max_event
        self._held = bytearray()  # the unfinished event, line ends already LF
        self._held_comments = 0  # of `signs`, those of comments in the unfinished event
        self._after_cr = False
        self._start: bytes | None = b""  # what may become a BOM, while the body only begins
        self._too_large = False

    def feed(self, chunk: bytes) -> list[Framed]:
        """The events (name or None, data) that these bytes complete."""
        if self._too_large:
            raise EventTooLarge(self._max)
        if self._start is not None:
            chunk = self._without_bom(chunk)
        if self._after_cr or b"\r" in chunk:
            chunk = self._with_lf(chunk)
        held = self._held
        if held:
            closes = b"\n\n" in chunk or (chunk.startswith(b"\n") and held.endswith(b"\n"))
            if not closes:
                self._hold(chunk)
                return self._checked([])
            chunk = bytes(held) + chunk
            held.clear()
        whole, _, rest = chunk.rpartition(b"\n\n")
        events = self._read_plain(whole) or self._read_blocks(whole.split(b"\n\n"))
        if rest and not self._too_large:
            self._hold(rest)
        return self._checked(events)

    def finish(self) -> list[Framed]:
        """The last event, when the body ended without the blank line that closes it."""
        if self._too_large:
            raise EventTooLarge(self._max)
        block = bytes(self._held)
        self._held.clear()
        return self._read_blocks([block])

    def _without_bom(self, chunk: bytes) -> bytes:
        start = (self._start or b"") + chunk
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._start = start
            return b""
        self._start = None
        return start.removeprefix(_BOM)

    def _with_lf(self, chunk: bytes) -> bytes:
        # A CR ends its line at once; the LF that may follow, in this chunk or the next, is its.
        if not chunk:
            return chunk
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            if not chunk:
                self._after_cr = False
                return chunk
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _hold(self, piece: bytes) -> None:
        # Comments are counted when they come, not when the event around them is whole: a server
        # may send them for minutes before that.
        held = self._held
        comments = piece.count(b"\n:")
        if piece.startswith(b":") and (not held or held.endswith(b"\n")):
            comments += 1
        if comments:
            self._held_comments += comments
            self.signs += comments
        held += piece
        self._too_large = len(held) > self._max

    def _checked(self, events: list[Framed]) -> list[Framed]:
        if self._too_large and not events:
            raise EventTooLarge(self._max)
        return events

    def _read_plain(self, whole: bytes) -> list[Framed]:
        # Most bodies are one `data: …` line an event: those are taken apart at once. No events:
        # it wasn't one of them.
        if not whole.startswith(b"data: ") or len(whole) > self._max or self._held_comments:
            return []
        texts = whole[6:].decode("utf-8", "replace").split("\n\ndata: ")
        if whole.count(b"\n") != 2 * len(texts) - 2:
            return []
        self.signs += len(texts)
        return [(None, text) for text in texts]

    def _read_blocks(self, blocks: list[bytes]) -> list[Framed]:
        events: list[Framed] = []
        counted, self._held_comments = self._held_comments, 0
        comments = 0
        for block in blocks:
            if not block:
                continue
            if len(block) > self._max:
                self._too_large = True
                break
            if block.startswith(b"event: "):
                name, found, data = block[7:].partition(b"\ndata: ")
                if found and name and b"\n" not in data and b"\n" not in name:
                    pair = (name.decode("utf-8", "replace"), data.decode("utf-8", "replace"))
                    events.append(pair)
                    continue
            comments += self._read_block(block, events)
        self.signs += len(events) + max(0, comments - counted)
        return events

    def _read_block(self, block: bytes, events: list[Framed]) -> int:
        # Appends the block's event, if it makes one, and returns how many comments it held.
        name = None
        data: list[bytes] = []
        comments = 0
        for line in block.split(b"\n"):
            field, _, value = line.partition(b":")
            if field == b"data":
                data.append(value.removeprefix(b" "))
            elif field == b"event":
                name = value.removeprefix(b" ").decode("utf-8", "replace") or None
            elif field == b"error" and value.lstrip().startswith(b"{"):  # llama.cpp's errors
                name = "error"
                data.append(value.removeprefix(b" "))
            elif not field and line:
                comments += 1
        if data:
            text = data[0] if len(data) == 1 else b"\n".join(data)
            events.append((name, text.decode("utf-8", "replace")))
        return comments


class JsonFramer:
    """Takes a body of JSON apart: one value a line (NDJSON), an array, or one value in all.

    An array shows in the first character, and its elements are handed out one by one; which of the
    others it is shows in the first line: it is a value of its own, or it isn't.

    Attributes:
        signs: Values handed out so far.

    Raises:
        EventTooLarge: From `feed`, when a value is larger than any a provider sends.
    """

    def __init__(self, max_event: int = MAX_EVENT_BYTES) -> None:
        self.signs = 0
        self._max = max_event
        self._held = bytearray()
        self._by_line: bool | None = None
        self._array: ArrayCutter | None = None
        self._too_large = False

    def feed(self, chunk: bytes) -> list[Framed]:
        """The values (their name is always None) that these bytes complete."""
        if self._too_large:
            raise EventTooLarge(self._max)
        if self._array is None and self._by_line is None:
            chunk = self._begin(chunk)
        values: list[bytes] = []
        if self._array is not None:
            values = self._array.feed(chunk)
        elif self._by_line is not False and b"\n" in chunk:
            values = self._cut(chunk)
        else:
            self._held += chunk
        events = self._framed(values)
        self._too_large = len(self._array.held if self._array else self._held) > self._max
        if self._too_large and not events:
            raise EventTooLarge(self._max)
        return events

    def finish(self) -> list[Framed]:
        """The last value, when no newline closed it."""
        if self._too_large:
            raise EventTooLarge(self._max)
        rest = self._array.finish() if self._array else bytes(self._held)
        self._held.clear()
        if self._by_line is False and not _is_json(rest):
            return self._framed(rest.split(b"\n"))  # lines whose first was damaged
        return self._framed([rest])

    def _begin(self, chunk: bytes) -> bytes:
        if len(self._held) <= _MOST_BLANKS:
            whole = (bytes(self._held) + chunk).removeprefix(_BOM).lstrip(_SPACE)
            if whole.startswith(b"["):
                self._held.clear()
                self._array = ArrayCutter()
                return whole
        return chunk

    def _cut(self, chunk: bytes) -> list[bytes]:
        whole = bytes(self._held) + chunk
        if self._by_line is None:
            whole = whole.removeprefix(_BOM).lstrip(_SPACE)
            line, newline, _ = whole.partition(b"\n")
            if newline:
                self._by_line = _is_json(line)
            if not self._by_line:
                self._held = bytearray(whole)
                return []
        *lines, rest = whole.split(b"\n")
        self._held = bytearray(rest)
        return lines

    def _framed(self, lines: list[bytes]) -> list[Framed]:
        kept = [line.removeprefix(_BOM).strip(_SPACE) for line in lines]
        events: list[Framed] = [(None, line.decode("utf-8", "replace")) for line in kept if line]
        self.signs += len(events)
        return events


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


class Shape(StrEnum):
    """What the first bytes of a body show it to be, whatever its content type says.

    An event stream can't begin with any of the characters by which the others are known.
    """

    EVENTS = "events"
    JSON = "json"
    PAGE = "page"
    TEXT = "text"  # the answer as it is: only for protocols that have such bodies


def shape_of(start: bytes) -> Shape | None:
    """The `Shape` of a body that begins with these bytes; None while they are only blanks."""
    seen = start.removeprefix(_BOM).lstrip(_SPACE)
    if not seen or _BOM.startswith(start):
        return None
    if seen[:1] in (b"{", b"["):
        return Shape.JSON
    return Shape.PAGE if seen[:1] == b"<" else Shape.EVENTS


# How the lines of an event stream begin.
_FIELDS = (b":", b"data:", b"event:", b"id:", b"retry:")


def text_shape_of(start: bytes) -> Shape | None:
    """The same for protocols with bodies that are only text: an event stream is known by a field.

    None also while the beginning of a field's name may become one.
    """
    seen = start.removeprefix(_BOM).lstrip(_SPACE)
    if not seen or _BOM.startswith(start):
        return None
    if seen[:1] in (b"{", b"<"):
        return shape_of(start)
    if seen.startswith(_FIELDS):
        return Shape.EVENTS
    return None if any(field.startswith(seen) for field in _FIELDS) else Shape.TEXT
