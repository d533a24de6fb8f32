"""The `edit_file` tool: replaces a passage, which must be given exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from chatterm.permissions.places import Places
from chatterm.permissions.verdicts import Access, WriteAccess
from chatterm.tools.base import CallContext, Preview, ToolError, ToolResult, Workbench
from chatterm.tools.changing import Change, changed, previewed, refuse_stale
from chatterm.tools.decoding import decode, is_binary
from chatterm.tools.locating import located, named, summary_of
from chatterm.tools.replacing import MOST_BYTES, Current

_MOST_NAMED = 10
_MOST_COUNTED = 1000
_NUMBERED = re.compile(r"\s*\d+\t")


class EditFile:
    """Changes parts of files.

    Args:
        places: What may be written.
    """

    name = "edit_file"
    description = (
        "Replace a passage of a text file. `old` must be in the file exactly as given, spaces and "
        "line ends included, and only once, unless replace_all is set. Leave line numbers out."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "The file."},
            "old": {"type": "string", "minLength": 1, "description": "The passage to replace."},
            "new": {"type": "string", "description": "What is to stand there; may be empty."},
            "replace_all": {
                "type": "boolean",
                "description": "Replace every occurrence; the file must have been read.",
            },
        },
        "required": ["path", "old", "new"],
        "additionalProperties": False,
    }
    independent = False

    def __init__(self, places: Places) -> None:
        self._places = places

    def summary(self, arguments: Mapping[str, Any]) -> str:
        """The file."""
        every = " (every occurrence)" if arguments.get("replace_all") else ""
        return summary_of("edit", arguments) + every

    def access(self, arguments: Mapping[str, Any], bench: Workbench) -> tuple[Access, ...]:
        """The file."""
        return (WriteAccess(located(arguments["path"], bench, self._places)),)

    def preview(self, arguments: Mapping[str, Any], bench: Workbench) -> Preview:
        """The difference it makes."""
        path = located(arguments["path"], bench, self._places)
        return previewed(path, bench, self._places, lambda now: _plan(now, path, arguments, bench))

    async def run(self, arguments: Mapping[str, Any], context: CallContext) -> ToolResult:
        """Edit."""
        bench = context.bench
        path = located(arguments["path"], bench, self._places)
        return await changed(
            path, context, self._places, lambda now: _plan(now, path, arguments, bench)
        )


@dataclass(frozen=True, slots=True)
class _Passage:
    """A passage and what replaces it, with the line ends that the file has."""

    old: str
    new: str


def _plan(current: Current, path: Path, arguments: Mapping[str, Any], bench: Workbench) -> Change:
    name, every = named(path, bench), bool(arguments.get("replace_all"))
    if current.data is None:
        raise ToolError(f"there is no {name}; write_file creates files")
    if is_binary(current.data):
        raise ToolError(f"{name} is a binary file, not text")
    refuse_stale(current, bench, path)
    form = decode(current.data)
    body = current.data[len(form.mark) :]
    # Bytes that are no UTF-8 stay what they are.
    text = form.text if form.exact else _lossless(body, form.encoding, name)
    passage = _passage(text, str(arguments["old"]), str(arguments["new"]))
    if passage.old == passage.new:
        raise ToolError("`old` and `new` are the same: nothing would change")
    found = _places_of(passage.old, text)
    if not found:
        raise ToolError(_missing(text, passage.old, name))
    if len(found) > 1 and not every:
        raise ToolError(
            f"`old` is in {name} {_count(found)} times, at lines {_lines_of(found, text)}; give "
            "more of what is around the one that is meant, or set replace_all"
        )
    if len(found) > 1 and current.path not in bench.seen:
        raise ToolError(f"{name} wasn't read yet; read it before replacing all occurrences")
    replaced = text.replace(passage.old, passage.new)
    try:
        data = form.mark + replaced.encode(form.encoding, _errors(form.encoding, exact=form.exact))
    except UnicodeEncodeError:
        raise ToolError("`new` holds half a character, which can't be written") from None
    if len(data) > MOST_BYTES:
        raise ToolError(f"{name} would become larger than {MOST_BYTES >> 20} MB")
    count = text.count(passage.old)
    where = f"at line {_lines_of(found, text)}" if count == 1 else f"{count:,} times"
    return Change(data, f"edited {name} {where}")


def _lossless(body: bytes, encoding: str, name: str) -> str:
    if encoding != "utf-8":
        raise ToolError(f"{name} isn't valid {encoding.upper()}; edit it with a command")
    return body.decode(encoding, "surrogateescape")


def _errors(encoding: str, *, exact: bool) -> str:
    return "strict" if exact or encoding != "utf-8" else "surrogateescape"


def _passage(text: str, old: str, new: str) -> _Passage:
    """The passage as the file would have it: a model writes LF for whatever ends a line."""
    if "\r\n" not in text or (old in text and "\n" in old):
        return _Passage(old, new)
    with_cr = _Passage(_crlf(old), _crlf(new))
    if text.count("\n") == text.count("\r\n") or old not in text:
        return with_cr
    return _Passage(old, new)


def _crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _places_of(old: str, text: str) -> list[int]:
    """Where a passage begins, overlapping ones too; no more than are worth counting."""

    def found() -> Any:
        at = text.find(old)
        while at >= 0:
            yield at
            at = text.find(old, at + 1)

    return list(islice(found(), _MOST_COUNTED))


def _count(found: list[int]) -> str:
    return f"{len(found):,}{' or more' if len(found) == _MOST_COUNTED else ''}"


def _lines_of(found: list[int], text: str) -> str:
    numbers = dict.fromkeys(text.count("\n", 0, at) + 1 for at in found[:_MOST_NAMED])
    listed = ", ".join(str(number) for number in numbers)
    return f"{listed} …" if len(found) > _MOST_NAMED else listed


def _missing(text: str, old: str, name: str) -> str:
    """What to say of a passage that isn't there, with what may be the reason."""
    lines = old.split("\n")
    if all(_NUMBERED.match(line) for line in lines if line):
        return f"`old` isn't in {name}; leave out the line numbers and the tabs after them"
    first = next((line.strip() for line in lines if line.strip()), "")
    numbers = [
        str(number)
        for number, line in enumerate(text.split("\n"), 1)
        if first and line.strip() == first
    ]
    if not numbers:
        return f"`old` isn't in {name}; read it again, and give the passage exactly"
    listed = ", ".join(numbers[:_MOST_NAMED])
    return (
        f"`old` isn't in {name} exactly so; its first line is at line {listed}, perhaps with other "
        "spaces, or followed by something else"
    )
