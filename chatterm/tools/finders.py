"""What finds the lines that match a pattern: ripgrep, or a process of our own in its place.

Neither decides what is searched, and nothing that they say is shown: they name the numbers of lines
in files that they are given, and the lines are read by us, from files opened as any other.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from chatterm.tools import matching
from chatterm.tools.base import ToolError
from chatterm.tools.patterns import for_python

_BLOCK = 1 << 18
_LONGEST = 64 * 1024 * 1024  # bytes of one of ripgrep's messages
_SAID = 1000
_ARGUMENT_BYTES = 100_000  # of a command line


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for.

    Attributes:
        pattern: The pattern.
        ignore_case: Whether capitals and small letters are the same.
        most: How many lines of one file are enough.
    """

    pattern: str
    ignore_case: bool
    most: int


class Finder(Protocol):
    """Finds lines."""

    async def find(self, directory: Path, names: Sequence[str]) -> dict[str, list[int]]:
        """The numbers of the lines that match, by file, of files below a directory."""
        ...


def ripgrep(avoid: Path | None) -> str | None:
    """Where ripgrep is installed; None where it isn't, or only in the workspace `avoid`."""
    found = shutil.which("rg")
    if found is None or not os.path.isabs(found):  # noqa: PTH117 - "" in PATH is where we are
        return None
    inside = avoid is not None and Path(os.path.realpath(found)).is_relative_to(avoid)
    return None if inside else found


@contextlib.asynccontextmanager
async def by_ripgrep(program: str, wanted: Wanted) -> AsyncIterator[Finder]:
    """A finder that runs ripgrep.

    Raises:
        ToolError: The pattern is wrong.
    """
    finder = _Ripgrep(program, wanted)
    await finder.check()
    yield finder


@contextlib.asynccontextmanager
async def by_ourselves(
    wanted: Wanted, text_of: Callable[[Path], str | None]
) -> AsyncIterator[Finder]:
    """A finder where there is no ripgrep; its process ends with the context.

    Args:
        wanted: What is looked for.
        text_of: The text of a file; None where it has none. Called in a thread.

    Raises:
        ToolError: The pattern is wrong, or isn't understood.
    """
    pattern = for_python(wanted.pattern)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", matching.__file__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        cwd="/",
        limit=_LONGEST,
    )
    try:
        finder = _Ourselves(process, text_of)
        await finder.begin(pattern, wanted)
        yield finder
    except BaseException:
        _kill(process)
        raise
    finally:
        await _end(process)


class _Ripgrep:
    def __init__(self, program: str, wanted: Wanted) -> None:
        self._argv = [
            *(program, "--no-config", "--json", "--no-messages", "--no-ignore", "--hidden"),
            *("--crlf", "--no-mmap", f"--max-count={wanted.most}"),
            "--ignore-case" if wanted.ignore_case else "--case-sensitive",
            *("-e", wanted.pattern),  # "--regexp=" would swallow a "=" at the beginning
        ]

    async def check(self) -> None:
        """Have the pattern read.

        Raises:
            ToolError: It is wrong; quotes what ripgrep says of it.
        """
        process = await self._start(["-"], Path("/"), asyncio.subprocess.PIPE)
        try:
            _, said = await process.communicate()
        except BaseException:
            _kill(process)
            raise
        finally:
            await _end(process)
        if process.returncode not in (0, 1):
            words = said.decode("utf-8", "replace").strip()[:_SAID]
            raise ToolError(f"pattern: {words or 'ripgrep refused it'}")

    async def find(self, directory: Path, names: Sequence[str]) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for some in _fitting(names):
            await self._find(directory, some, found)
        return found

    async def _find(
        self, directory: Path, names: Sequence[str], found: dict[str, list[int]]
    ) -> None:
        process = await self._start(names, directory, asyncio.subprocess.DEVNULL)
        try:
            async for message in _messages(process):
                if message.get("type") == "match":
                    data = message["data"]
                    name = _name(data["path"]).removeprefix("./")
                    found.setdefault(name, []).append(data["line_number"])
        except BaseException:
            _kill(process)
            raise
        finally:
            await _end(process)

    async def _start(
        self, names: Sequence[str], directory: Path, errors: int
    ) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *(*self._argv, "--", *names),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env={},
                cwd=directory,
            )
        except OSError as error:
            raise ToolError(f"ripgrep can't be started: {error}") from None
        except ValueError:  # no program can be given such an argument
            raise ToolError(
                "pattern: a zero byte or half a character can't be looked for"
            ) from None


class _Ourselves:
    def __init__(
        self, process: asyncio.subprocess.Process, text_of: Callable[[Path], str | None]
    ) -> None:
        self._process = process
        self._text_of = text_of

    async def begin(self, pattern: str, wanted: Wanted) -> None:
        """Have the pattern read.

        Raises:
            ToolError: It is wrong; quotes what Python says of it.
        """
        asked = {"pattern": pattern, "ignore_case": wanted.ignore_case, "most": wanted.most}
        answer = await self.ask(json.dumps(asked).encode())
        if "error" in answer:
            raise ToolError(f"pattern: {answer['error']}")

    async def find(self, directory: Path, names: Sequence[str]) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for name in names:
            text = await asyncio.to_thread(self._text_of, directory / name)
            if text and (lines := await self.ask(text.encode("utf-8", "replace"))):
                found[name] = lines
        return found

    async def ask(self, data: bytes) -> Any:
        """Give a piece, and get the answer to it.

        Raises:
            ToolError: The process has ended: it took too much.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise AssertionError("started with both")
        with contextlib.suppress(ConnectionError):
            stdin.write(matching.HEAD.pack(len(data)) + data)
            await stdin.drain()
        answer = await stdout.readline()
        if not answer.endswith(b"\n"):
            raise ToolError("pattern: matching it takes too much memory or time; make it simpler")
        return json.loads(answer)


async def _messages(process: asyncio.subprocess.Process) -> AsyncIterator[dict[str, Any]]:
    """Messages of ripgrep, one a line; a line may be as long as a file."""
    if process.stdout is None:
        raise AssertionError("started with it")
    rest = bytearray()
    while block := await process.stdout.read(_BLOCK):
        *whole, last = block.split(b"\n")
        for piece in whole:
            rest += piece
            if rest:
                yield json.loads(rest)
            rest.clear()
        rest += last
        if len(rest) > _LONGEST:
            raise ToolError("a line that matches is too long; give a glob that leaves it out")


def _fitting(names: Sequence[str]) -> Iterator[list[str]]:
    """Names in parts that fit into a command line; none can be taken for anything but a file."""
    part: list[str] = []
    size = 0
    for name in names:
        size += len(os.fsencode(name)) + 16
        if part and size > _ARGUMENT_BYTES:
            yield part
            part, size = [], len(os.fsencode(name)) + 16
        part.append(f"./{name}")
    if part:
        yield part


def _name(path: dict[str, str]) -> str:
    """A file's name, which ripgrep encodes where it isn't UTF-8."""
    if "text" in path:
        return path["text"]
    return os.fsdecode(base64.b64decode(path["bytes"]))


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Wait for the end of a process, which comes by itself when it has no more input."""
    if process.stdin is not None:
        process.stdin.close()
    await asyncio.shield(process.wait())
