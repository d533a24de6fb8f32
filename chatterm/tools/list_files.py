"""The `list_files` tool: the names in a directory, or below it."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from typing import Any

from chatterm.permissions.places import Places
from chatterm.permissions.verdicts import Access, ReadAccess
from chatterm.tools.base import CallContext, Preview, ToolResult, Workbench
from chatterm.tools.closed import Closed
from chatterm.tools.globbing import Glob
from chatterm.tools.locating import in_thread, located, named, summary_of
from chatterm.tools.opening import Opened, kind_of, open_directory, shown
from chatterm.tools.walking import DEEPEST, Entry, ignored_below, walk

_MOST_LISTED = 1000
_MOST_COUNTED = 50_000
_NOTE_ROOM = 200


class ListFiles:
    """Lists directories.

    Args:
        places: What may be listed.
    """

    name = "list_files"
    description = (
        "List a directory: directories end with /, links show where they lead. What .gitignore "
        "leaves out is left out. With glob, the files below it that fit, such as **/*.py."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "path": {
                "type": "string",
                "description": "The directory; the working directory when it isn't given.",
            },
            "glob": {"type": "string", "description": "Only files that fit, at any depth."},
            "depth": {
                "type": "integer",
                "minimum": 1,
                "maximum": DEEPEST,
                "description": "How deep to go; 1 without glob is the directory itself.",
            },
        },
        "additionalProperties": False,
    }
    independent = True

    def __init__(self, places: Places) -> None:
        self._places = places

    def summary(self, arguments: Mapping[str, Any]) -> str:
        """The directory and the glob."""
        line = summary_of("list", arguments)
        return f"{line}: {shown(str(arguments['glob']))}" if arguments.get("glob") else line

    def access(self, arguments: Mapping[str, Any], bench: Workbench) -> tuple[Access, ...]:
        """The directory and what is below it: their names, not what is in files."""
        path = located(arguments.get("path") or ".", bench, self._places)
        return (ReadAccess(path, recursive=True),)

    def preview(self, arguments: Mapping[str, Any], bench: Workbench) -> Preview:
        """Nothing."""
        return Preview()

    async def run(self, arguments: Mapping[str, Any], context: CallContext) -> ToolResult:
        """List."""
        return await in_thread(lambda check: self._list(arguments, context, check))

    def _list(
        self, arguments: Mapping[str, Any], context: CallContext, check: Callable[[], None]
    ) -> ToolResult:
        bench = context.bench
        path = located(arguments.get("path") or ".", bench, self._places)
        with open_directory(path, self._places, context.approved_paths) as root:
            listing = _Listing(arguments, root, self._places, context)
            listing.fill(check)
        return listing.result(named(path, bench))


class _Listing:
    """The lines of one call."""

    def __init__(
        self, arguments: Mapping[str, Any], root: Opened, places: Places, context: CallContext
    ) -> None:
        room = context.max_output_bytes
        glob = str(arguments.get("glob") or "")
        self._glob = Glob(glob) if glob else None
        self._depth = int(arguments.get("depth") or (DEEPEST if glob else 1))
        self._root = root
        self._places = places
        self._ignored = ignored_below(root.path, places.workspace)
        self._closed = Closed(context.closed_paths, places.workspace)
        self._room = max(room - _NOTE_ROOM, room // 2)
        self._lines: list[str] = []
        self._left_out = self._skipped = self._seen = 0

    def fill(self, check: Callable[[], None]) -> None:
        for entry in walk(self._root, self._skips, self._enters):
            check()
            self._seen += 1
            if self._seen > _MOST_COUNTED:
                break
            if self._glob is None or (not _is_directory(entry) and self._glob.fits(entry.relative)):
                self._add(_line(entry))

    def result(self, name: str) -> ToolResult:
        notes = []
        if self._left_out or self._seen > _MOST_COUNTED:
            more = " or more" if self._seen > _MOST_COUNTED else ""
            notes.append(
                f"{self._left_out:,}{more} entries left out here; list a directory below, or give "
                "a glob"
            )
        if self._skipped and self._glob is None:
            notes.append(f"{self._skipped:,} ignored by .gitignore")
        notes += self._closed.notes("not listed")
        if not self._lines:
            nothing = "no file fits" if self._glob else "there is nothing"
            notes.insert(0, f"{nothing} in {name}")
        said = [f"[{'; '.join(notes)}]"] if notes else []
        return ToolResult("\n".join([*self._lines, *said]), truncated=self._left_out > 0)

    def _add(self, line: str) -> None:
        size = len(line.encode()) + 1
        if self._left_out or len(self._lines) == _MOST_LISTED or size > self._room:
            self._left_out += 1
            return
        self._room -= size
        self._lines.append(line)

    def _skips(self, entry: Entry) -> bool:
        if self._closed.leaves_out(entry.path):
            return True
        if not self._ignored.skips(entry.path, directory=_is_directory(entry)):
            return False
        self._skipped += 1
        return True

    def _enters(self, entry: Entry) -> bool:
        if entry.depth >= self._depth or entry.name == ".git":
            return False
        return self._places.sensitive_name(entry.path) is None


def _is_directory(entry: Entry) -> bool:
    return stat.S_ISDIR(entry.status.st_mode)


def _line(entry: Entry) -> str:
    name, mode = shown(entry.relative), entry.status.st_mode
    if stat.S_ISDIR(mode):
        return f"{name}/"
    if stat.S_ISLNK(mode):
        return f"{name} -> {shown(entry.target)}"
    return name if stat.S_ISREG(mode) else f"{name} ({kind_of(mode)})"
