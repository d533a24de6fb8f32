"""The `search` tool: the lines that match a pattern, in a file or in all below a directory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import threading
from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from chatterm.permissions.places import Places
from chatterm.permissions.verdicts import Access, ReadAccess
from chatterm.steps import Outcome
from chatterm.tools.base import CallContext, Preview, ToolError, ToolResult, Workbench
from chatterm.tools.closed import Closed
from chatterm.tools.decoding import decode
from chatterm.tools.finders import Finder, Wanted, by_ourselves, by_ripgrep, ripgrep
from chatterm.tools.globbing import Glob
from chatterm.tools.locating import in_thread, located, named, summary_of
from chatterm.tools.opening import Opened, open_directory, open_regular, real_path, shown
from chatterm.tools.walking import Entry, ignored_below, walk

MOST_BYTES = 10 * 1024 * 1024
"""Larger files are not searched."""
_BATCH = 400  # files that are looked through at a time
_RESULTS, _MOST_RESULTS, _MOST_CONTEXT = 100, 1000, 20
_LINE_CHARS = 400
_NOTE_ROOM = 300
_UTF16 = ("utf-16-le", "utf-16-be")


class Search:
    """Searches files.

    Args:
        places: What may be read.
        use_ripgrep: Whether ripgrep is used where it is installed.
    """

    name = "search"
    description = (
        "Find the lines that match a regular expression, in a file or in all files below a "
        "directory, ordered by path. Hidden, binary and sensitive files and what .gitignore leaves "
        "out are not searched. No look-around and no back-references; lines are matched one by one."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "minLength": 1, "description": "What to look for."},
            "path": {
                "type": "string",
                "description": "A file or directory; the working directory when it isn't given.",
            },
            "glob": {
                "type": "string",
                "description": "Only files that fit, such as *.py or src/**/*.ts.",
            },
            "ignore_case": {"type": "boolean", "description": "Capitals don't matter."},
            "context": {
                "type": "integer",
                "minimum": 0,
                "maximum": _MOST_CONTEXT,
                "description": "How many lines around each match are shown.",
            },
            "max_results": {
                "type": "integer",
                "minimum": 1,
                "maximum": _MOST_RESULTS,
                "description": f"How many matching lines at most; {_RESULTS} when not given.",
            },
        },
        "required": ["pattern"],
        "additionalProperties": False,
    }
    independent = True

    def __init__(self, places: Places, *, use_ripgrep: bool = True) -> None:
        self._places = places
        self._use_ripgrep = use_ripgrep

    def summary(self, arguments: Mapping[str, Any]) -> str:
        """The pattern and where."""
        pattern = shown(str(arguments.get("pattern", "")))
        where = shown(str(arguments["glob"])) + " in " if arguments.get("glob") else ""
        return summary_of(f"search {pattern} in {where}".removesuffix(" "), arguments)

    def access(self, arguments: Mapping[str, Any], bench: Workbench) -> tuple[Access, ...]:
        """The file or directory, and all below it."""
        path = located(arguments.get("path") or ".", bench, self._places)
        return (ReadAccess(path, recursive=True),)

    def preview(self, arguments: Mapping[str, Any], bench: Workbench) -> Preview:
        """Nothing."""
        return Preview()

    async def run(self, arguments: Mapping[str, Any], context: CallContext) -> ToolResult:
        """Search."""
        bench = context.bench
        path = located(arguments.get("path") or ".", bench, self._places)
        results = _Results(
            bench,
            int(arguments.get("max_results", _RESULTS)),
            int(arguments.get("context", 0)),
            max(context.max_output_bytes - _NOTE_ROOM, context.max_output_bytes // 2),
        )
        # One more than is shown, so that it is known whether there are more.
        wanted = Wanted(
            str(arguments["pattern"]), bool(arguments.get("ignore_case")), results.most + 1
        )
        scope = _Scope(self._places, context, str(arguments.get("glob") or ""))
        try:
            async with asyncio.timeout(context.timeout_s):
                await self._search(path, scope, wanted, results, context.cancelled)
        except TimeoutError:
            results.outcome = Outcome.TIMED_OUT
            results.notes.append(
                f"stopped after {context.timeout_s:g} s, the time limit: there may be more; search "
                "a directory below, or with a simpler pattern"
            )
        results.notes += scope.notes()
        return results.result(named(path, bench))

    async def _search(
        self,
        path: Path,
        scope: _Scope,
        wanted: Wanted,
        results: _Results,
        cancelled: asyncio.Event | None,
    ) -> None:
        with contextlib.ExitStack() as closing:
            directory, files = await in_thread(lambda _check: scope.begin(path, closing))
            async with self._finder(wanted, scope) as finder:
                while batch := await scope.next(files):
                    found = await finder.find(directory, batch)
                    for name in (name for name in batch if name in found):
                        text = await asyncio.to_thread(scope.text_of, directory / name)
                        if text is not None and not results.add(
                            directory / name, text, found[name]
                        ):
                            return
                    if cancelled is not None and cancelled.is_set():
                        results.outcome = Outcome.CANCELLED
                        results.notes.append("stopped: there may be more")
                        return

    @contextlib.asynccontextmanager
    async def _finder(self, wanted: Wanted, scope: _Scope) -> AsyncIterator[Finder]:
        program = ripgrep(self._places.workspace) if self._use_ripgrep else None
        finder = by_ripgrep(program, wanted) if program else by_ourselves(wanted, scope.text_of)
        async with finder as made:
            yield made


class _Scope:
    """What is searched."""

    def __init__(self, places: Places, context: CallContext, glob: str) -> None:
        self._places = places
        self._approved = context.approved_paths
        self._closed = Closed(context.closed_paths, places.workspace)
        self._glob = Glob(glob)
        self._within: Path | None = None
        self._sensitive: _Known | None = None
        self._stop = threading.Event()
        self._left_out = self._large = 0

    def begin(self, path: Path, closing: contextlib.ExitStack) -> tuple[Path, Iterator[str]]:
        """The directory, and the files below it that are searched, in order.

        Raises:
            ToolError: It may not be searched, or is neither a file nor a directory.
        """
        really = real_path(path)
        if not os.path.isdir(really):  # noqa: PTH112 - what is too long for a name is none, too
            # Whether it may be read, and what it is.
            with open_regular(path, self._places, self._approved) as opened:
                if opened.path in self._closed:
                    raise ToolError(f"a rule denies reading {shown(path)}, or asks about it")
                if opened.status.st_size > MOST_BYTES:
                    raise ToolError(
                        f"{shown(path)} is larger than {MOST_BYTES >> 20} MB, which isn't searched"
                    )
                if _text(opened) is None:
                    raise ToolError(f"{shown(path)} is a binary file, not text")
                return opened.path.parent, iter([opened.path.name])
        root = closing.enter_context(open_directory(path, self._places, self._approved))
        self._within = root.path
        files = self._below(root)
        closing.callback(files.close)
        return root.path, files

    async def next(self, files: Iterator[str]) -> list[str]:
        """The next files. The thread that looks for them has ended when this does."""
        looking = asyncio.ensure_future(asyncio.to_thread(lambda: list(islice(files, _BATCH))))
        try:
            return await asyncio.shield(looking)
        except asyncio.CancelledError:
            self._stop.set()
            await asyncio.wait([looking])
            raise

    def text_of(self, path: Path) -> str | None:
        """The text of a file; None where it has none or may not be read."""
        try:
            with open_regular(path, self._places, self._approved, within=self._within) as opened:
                return _text(opened)
        except ToolError:  # it has changed, or can't be read
            return None

    def notes(self) -> list[str]:
        """What was left out."""
        notes = []
        if self._left_out:
            notes.append(f"sensitive and so not searched: {self._left_out:,}")
        notes += self._closed.notes("not searched")
        if self._large:
            notes.append(f"larger than {MOST_BYTES >> 20} MB and so not searched: {self._large:,}")
        return notes

    def _below(self, root: Opened) -> Generator[str, None, None]:
        ignored = ignored_below(root.path, self._places.workspace)

        def skips(entry: Entry) -> bool:
            if entry.name == ".git" or (
                entry.name.startswith(".") and not self._glob.opens(entry.name)
            ):
                return True
            if ignored.skips(entry.path, directory=stat.S_ISDIR(entry.status.st_mode)):
                return True
            if self._closed.leaves_out(entry.path):
                return True
            if self._places.sensitive_name(entry.path):
                self._left_out += 1
                return True
            return False

        for entry in walk(root, skips, lambda _entry: True):
            if self._stop.is_set():
                return
            if not stat.S_ISREG(entry.status.st_mode) or not self._glob.fits(entry.relative):
                continue
            if entry.status.st_size > MOST_BYTES:
                self._large += 1
            elif self._is_sensitive(entry.status):
                self._left_out += 1
            else:
                yield entry.relative

    def _is_sensitive(self, status: os.stat_result) -> bool:
        """Whether a file is a sensitive one by another of its names."""
        if status.st_nlink < 2:
            return False
        if self._sensitive is None:
            self._sensitive = _Known(self._places.sensitive_files())
        known = self._sensitive.files
        return known is None or (status.st_dev, status.st_ino) in known


@dataclass(frozen=True, slots=True)
class _Known:
    """Device and number of the sensitive files; None where they are too many."""

    files: frozenset[tuple[int, int]] | None


def _text(opened: Opened) -> str | None:
    """The text of a file; None where it is too large or binary: a zero byte is anywhere in it."""
    data = opened.read(MOST_BYTES + 1)
    decoded = decode(data)
    if len(data) > MOST_BYTES or (decoded.encoding not in _UTF16 and b"\0" in data):
        return None
    return decoded.text


@dataclass(slots=True)
class _Results:
    """The lines of one call."""

    bench: Workbench
    most: int
    around: int
    room: int
    outcome: Outcome = Outcome.DONE
    notes: list[str] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)
    _count: int = 0
    _full: bool = False

    def add(self, path: Path, text: str, numbers: Sequence[int]) -> bool:
        """Add a file's lines; whether there is room for more."""
        lines = text.split("\n")
        if not lines[-1]:
            lines.pop()
        there = [number for number in sorted(set(numbers)) if 0 < number <= len(lines)]
        taken = there[: self.most - self._count]
        if not there:
            return True
        if not taken:
            return self._stop(f"more than {self.most:,} lines match, the rest is left out")
        shown_lines = [*([""] if self._lines else []), named(path, self.bench)]
        if not self._put(shown_lines):
            return False
        last = 0
        for number in self._shown(taken, len(lines)):
            gap = ["--"] if self.around and 0 < last < number - 1 else []
            mark = ":" if number in taken else "-"
            line = lines[number - 1].removesuffix("\r")
            cut = line if len(line) <= _LINE_CHARS else line[:_LINE_CHARS] + "…"
            if not self._put([*gap, f"{number}{mark}{cut}"]):
                return False
            last = number
            self._count += number in taken
        if len(taken) < len(there):
            return self._stop(f"more than {self.most:,} lines match, the rest is left out")
        return True

    def result(self, name: str) -> ToolResult:
        """The result."""
        notes = list(self.notes)
        if not self._count and self.outcome is Outcome.DONE:
            notes.insert(0, f"no line matches in {name}")
        said = [f"[{'; '.join(notes)}]"] if notes else []
        gap = [""] if said and self._lines else []
        content = "\n".join([*self._lines, *gap, *said])
        return ToolResult(content, self.outcome, truncated=self._full)

    def _shown(self, taken: Sequence[int], count: int) -> list[int]:
        near = {
            number
            for at in taken
            for number in range(max(1, at - self.around), min(count, at + self.around) + 1)
        }
        return sorted(near)

    def _put(self, lines: list[str]) -> bool:
        size = sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)
        if size > self.room:
            return self._stop("there is no room for the rest")
        self.room -= size
        self._lines += lines
        return True

    def _stop(self, why: str) -> bool:
        self._full = True
        self.notes.append(f"{why}; narrow the search")
        return False
