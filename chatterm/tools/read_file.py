"""The `read_file` tool: a file's lines with their numbers, or an image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatterm.permissions.places import Places
from chatterm.permissions.verdicts import Access, ReadAccess
from chatterm.steps import Attachment
from chatterm.tools.base import CallContext, Preview, ToolError, ToolResult, Workbench
from chatterm.tools.decoding import decode, image_type, is_binary
from chatterm.tools.locating import in_thread, located, named, summary_of
from chatterm.tools.opening import Opened, open_regular

WHOLE_BYTES = 10 * 1024 * 1024
"""A file up to this size is read whole, and what it held is remembered."""
_IMAGE_BYTES = 5 * 1024 * 1024
_SCANNED_BYTES = 1024 * 1024 * 1024  # how far into a large file a line is looked for
_BLOCK = 1 << 20
_LIMIT = 2000
_LINE_CHARS = 2000
_NOTE_ROOM = 300  # of the room for output, what is kept for the last line


class ReadFile:
    """Reads a file.

    Args:
        places: What may be read.
    """

    name = "read_file"
    description = (
        "Read a text file: its lines, each with its number and a tab before it. Images (PNG, JPEG, "
        "GIF, WebP) are shown. Of a long file a part is given; go on with offset."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "The file."},
            "offset": {
                "type": "integer",
                "minimum": 1,
                "description": "The number of the first line to read; 1 is the first.",
            },
            "limit": {
                "type": "integer",
                "minimum": 1,
                "description": f"How many lines to read; {_LIMIT} when it isn't given.",
            },
        },
        "required": ["path"],
        "additionalProperties": False,
    }
    independent = True

    def __init__(self, places: Places) -> None:
        self._places = places

    def summary(self, arguments: Mapping[str, Any]) -> str:
        """The file and the lines."""
        line = summary_of("read", arguments)
        offset, limit = arguments.get("offset"), arguments.get("limit")
        if offset:
            line += f" from line {offset}"
        return f"{line}, {limit} lines" if limit else line

    def access(self, arguments: Mapping[str, Any], bench: Workbench) -> tuple[Access, ...]:
        """The file."""
        return (ReadAccess(located(arguments["path"], bench, self._places)),)

    def preview(self, arguments: Mapping[str, Any], bench: Workbench) -> Preview:
        """Nothing."""
        return Preview()

    async def run(self, arguments: Mapping[str, Any], context: CallContext) -> ToolResult:
        """Read."""
        return await in_thread(lambda _check: self._read(arguments, context))

    def _read(self, arguments: Mapping[str, Any], context: CallContext) -> ToolResult:
        bench = context.bench
        path = located(arguments["path"], bench, self._places)
        name = named(path, bench)
        wanted = _Wanted(
            int(arguments.get("offset", 1)),
            int(arguments.get("limit", _LIMIT)),
            context.max_output_bytes,
        )
        with open_regular(path, self._places, context.approved_paths) as opened:
            data = opened.read(WHOLE_BYTES + 1)
            if kind := image_type(data):
                result = _image(data, kind, path, name)
            else:
                result = _text(data, opened, name, wanted)
        if len(data) <= WHOLE_BYTES:
            bench.seen[opened.path] = hashlib.sha256(data).hexdigest()
        return result


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which lines are wanted, and how many bytes they may take."""

    offset: int
    limit: int
    room: int


def _image(data: bytes, kind: str, path: Path, name: str) -> ToolResult:
    if len(data) > _IMAGE_BYTES:
        raise ToolError(
            f"{name} is an image of more than {_IMAGE_BYTES >> 20} MB; make it smaller first"
        )
    digest = hashlib.sha256(data).hexdigest()
    image = Attachment(path.name, kind, len(data), digest, data)
    return ToolResult(f"{name}: an image, {kind}, {len(data):,} bytes", attachments=(image,))


def _text(data: bytes, opened: Opened, name: str, wanted: _Wanted) -> ToolResult:
    if data.startswith(b"%PDF-"):
        raise ToolError(f"{name} is a PDF file; get its text with a program such as pdftotext")
    if is_binary(data):
        raise ToolError(f"{name} is a binary file, not text")
    if not data:
        return ToolResult(f"[{name} is empty]")
    if len(data) > WHOLE_BYTES:
        return _part_of_large(data, opened, name, wanted)
    decoded = decode(data)
    lines = decoded.text.split("\n")
    ends = "\r\n" if decoded.text.count("\r\n") == len(lines) - 1 > 0 else "\n"
    notes = [decoded.note] if decoded.note else []
    if ends == "\r\n":
        notes.append("its lines end with CR LF; \\n stands for that when it is edited")
    if lines[-1]:
        notes.append("there is no newline at its end")
    else:
        lines.pop()
    if wanted.offset > len(lines):
        raise ToolError(f"{name} has only {len(lines):,} lines: there is no line {wanted.offset:,}")
    page = _page((line.removesuffix("\r") for line in lines[wanted.offset - 1 :]), wanted)
    more = ""
    if page.last < len(lines) or wanted.offset > 1:
        more = f"lines {wanted.offset:,} to {page.last:,} of {len(lines):,}"
    if page.last < len(lines):
        more += f"; go on with offset {page.last + 1}"
    return page.result([more, *notes])


def _part_of_large(data: bytes, opened: Opened, name: str, wanted: _Wanted) -> ToolResult:
    if decode(data[:4]).encoding != "utf-8":
        raise ToolError(f"{name} is too large to be read in an encoding other than UTF-8")
    lines = _large_lines(data, opened)
    for number in range(1, wanted.offset):
        if next(lines, None) is None:
            raise ToolError(
                f"{name} has no line {wanted.offset:,} in its first gigabyte, only {number - 1:,}"
            )
    page = _page((line.decode("utf-8", "replace") for line in lines), wanted)
    if page.last < wanted.offset:
        raise ToolError(f"{name} has only {page.last:,} lines")
    note = f"the file is large; go on with offset {page.last + 1}" if page.more else ""
    return page.result([f"lines {wanted.offset:,} to {page.last:,}", note])


def _large_lines(data: bytes, opened: Opened) -> Iterator[bytes]:
    """The lines of a large file; of a very long one its beginning."""
    rest, scanned = bytearray(), 0
    while data:
        scanned += len(data)
        *whole, last = data.split(b"\n")
        for line in whole:
            yield bytes(rest + line[: 4 * _LINE_CHARS + 4]).removesuffix(b"\r")
            rest.clear()
        if len(rest) <= 4 * _LINE_CHARS:
            rest += last[: 4 * _LINE_CHARS + 4]
        if scanned > _SCANNED_BYTES:
            return
        data = opened.read(_BLOCK)
    if rest:
        yield bytes(rest)


@dataclass(frozen=True, slots=True)
class _Page:
    """Numbered lines.

    Attributes:
        lines: The lines.
        last: The number of the last one.
        more: Whether there are more.
        cut: How many lines were cut short.
        full: Whether more would have been given, had there been room.
    """

    lines: list[str]
    last: int
    more: bool
    cut: int
    full: bool

    def result(self, notes: list[str]) -> ToolResult:
        """The result, with what is to be said at its end."""
        if self.cut:
            notes.append(f"{self.cut} long lines are cut at …")
        said = "; ".join(note for note in notes if note)
        lines = [*self.lines, f"[{said}]"] if said else self.lines
        return ToolResult("\n".join(lines), truncated=self.full or self.cut > 0)


def _page(lines: Iterable[str], wanted: _Wanted) -> _Page:
    """As many lines as are wanted and as there is room for."""
    room = max(wanted.room - _NOTE_ROOM, wanted.room // 4)
    taken: list[str] = []
    number, cut = wanted.offset - 1, 0
    for line in lines:
        if number - wanted.offset + 1 == wanted.limit:
            return _Page(taken, number, more=True, cut=cut, full=wanted.limit == _LIMIT)
        text = f"{number + 1:>6}\t{line[:_LINE_CHARS]}"
        longer = len(line) > _LINE_CHARS
        if not taken and len(text.encode()) > room:  # there is always a line, if only its beginning
            text, longer = text.encode()[:room].decode("utf-8", "ignore"), True
        if longer:
            text += "…"
        room -= len(text.encode()) + 1
        if room < 0 and taken:
            return _Page(taken, number, more=True, cut=cut, full=True)
        taken.append(text)
        number += 1
        cut += longer
    return _Page(taken, number, more=False, cut=cut, full=False)
