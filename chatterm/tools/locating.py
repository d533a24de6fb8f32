"""What the file tools share: paths as the model writes them, and work in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from chatterm.permissions.places import Places
from chatterm.steps import Outcome
from chatterm.tools.base import ToolError, Workbench
from chatterm.tools.opening import real_path, shown

_SUMMARY_CHARS = 200
_T = TypeVar("_T")


def located(written: Any, bench: Workbench, places: Places) -> Path:
    """The absolute path that a model means: relative to the working directory; `~` is the home.

    It is without detours, where these change nothing.

    Raises:
        ToolError: It can't be a path.
    """
    text = str(written)
    if not text:
        raise ToolError("the path is empty")
    if "\0" in text:
        raise ToolError("the path holds a zero byte, which no path can")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise ToolError("the path holds half a character, which can't be looked up") from None
    if text == "~" or text.startswith("~/"):
        if places.home is None:
            raise ToolError("there is no home directory that ~ could stand for")
        text = str(places.home) + text[1:]
    path = Path(os.path.join(bench.directory, text))  # noqa: PTH118 - pathlib drops "." and "/"
    plain = Path(os.path.normpath(path))
    return plain if real_path(plain) == real_path(path) else path


def named(path: Path, bench: Workbench) -> str:
    """A path for the model: relative to the working directory, where it is below that."""
    if path != bench.directory and path.is_relative_to(bench.directory):
        path = path.relative_to(bench.directory)
    return shown(path)


def summary_of(verb: str, arguments: Mapping[str, Any], name: str = "path") -> str:
    """A line for people on a call that is about one path; also of arguments not yet complete."""
    line = f"{verb} {shown(str(arguments.get(name) or '.'))}"
    return line if len(line) <= _SUMMARY_CHARS else line[: _SUMMARY_CHARS - 1] + "…"


async def in_thread(work: Callable[[Callable[[], None]], _T]) -> _T:
    """Do something in a thread, and wait for its end even when the task is cancelled.

    Args:
        work: Does it. It is given a function to call now and then, and before what can't be taken
            back, which raises a ToolError when the task was cancelled meanwhile.

    Raises:
        ToolError: As `work` does.
    """
    stop = threading.Event()

    def check() -> None:
        if stop.is_set():
            raise ToolError("stopped", Outcome.CANCELLED)

    task = asyncio.ensure_future(asyncio.to_thread(work, check))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        with contextlib.suppress(ToolError):
            await task
        raise
