"""The `write_file` tool: creates a file, or replaces one that was read before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatterm.permissions.places import Places
from chatterm.permissions.verdicts import Access, WriteAccess
from chatterm.tools.base import CallContext, Preview, ToolError, ToolResult, Workbench
from chatterm.tools.changing import Change, changed, previewed, refuse_stale
from chatterm.tools.decoding import Decoded, decode, is_binary
from chatterm.tools.locating import located, named, summary_of
from chatterm.tools.replacing import MOST_BYTES, Current


class WriteFile:
    """Writes whole files.

    Args:
        places: What may be written.
    """

    name = "write_file"
    description = (
        "Create a file with the given content, and the directories that lead to it. A file that "
        "exists is replaced; it must have been read first. To change a part, use edit_file."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "The file."},
            "content": {"type": "string", "description": "All that is to be in it."},
        },
        "required": ["path", "content"],
        "additionalProperties": False,
    }
    independent = False

    def __init__(self, places: Places) -> None:
        self._places = places

    def summary(self, arguments: Mapping[str, Any]) -> str:
        """The file and how much is written."""
        lines = str(arguments.get("content", "")).count("\n")
        return f"{summary_of('write', arguments)} ({lines:,} lines)"

    def access(self, arguments: Mapping[str, Any], bench: Workbench) -> tuple[Access, ...]:
        """The file."""
        return (WriteAccess(located(arguments["path"], bench, self._places)),)

    def preview(self, arguments: Mapping[str, Any], bench: Workbench) -> Preview:
        """The difference it makes."""
        path = located(arguments["path"], bench, self._places)
        return previewed(path, bench, self._places, lambda now: _plan(now, path, arguments, bench))

    async def run(self, arguments: Mapping[str, Any], context: CallContext) -> ToolResult:
        """Write."""
        bench = context.bench
        path = located(arguments["path"], bench, self._places)
        return await changed(
            path, context, self._places, lambda now: _plan(now, path, arguments, bench)
        )


def _plan(current: Current, path: Path, arguments: Mapping[str, Any], bench: Workbench) -> Change:
    text, name = str(arguments["content"]), named(path, bench)
    if current.data is not None and current.path not in bench.seen:
        raise ToolError(f"{name} exists and wasn't read yet; read it first")
    refuse_stale(current, bench, path)
    like, notes = Decoded(""), ""
    if current.data and not is_binary(current.data):
        like = decode(current.data)
        if "\n" in like.text and _all_crlf(like.text) and "\r" not in text:
            text = text.replace("\n", "\r\n")
            notes = "; its line ends are CR LF, as before"
    try:
        data = like.encode(text)
    except UnicodeEncodeError:
        raise ToolError("the content holds half a character, which can't be written") from None
    if len(data) > MOST_BYTES:
        raise ToolError(f"the content is larger than {MOST_BYTES >> 20} MB")
    if data == current.data:
        raise ToolError(f"{name} holds just that already")
    what = "created" if current.data is None else "replaced"
    return Change(data, f"{what} {name}: {len(data):,} bytes{notes}")


def _all_crlf(text: str) -> bool:
    return text.count("\r\n") == text.count("\n")
