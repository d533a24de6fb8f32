"""The driver: Textual's own, but on standard output, and not stuck when the terminal is gone.

Nor does it take for keys what the terminal answers late: over a slow line the answer to our
question for the background (`chatterm.tui.background`) comes when nobody waits for it any more. Its
last character is that of Ctrl+G.
"""

from __future__ import annotations

import io
import os
import re
import select
import sys
from collections.abc import Iterable
from typing import Any

from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

_COLOUR = "rgba?:[0-9a-fA-F/]{1,24}"
_ANSWERS = re.compile(rf"\x1b\]11;{_COLOUR}(?:\x07|\x1b\\)|\x1b\[\?[0-9;]{{1,40}}c")
_BEGUN = re.compile(r"\x1b\]11;[rgba:0-9A-Fc-f/]{0,30}\x1b?\Z")


class TerminalDriver(LinuxDriver):
    """Drives the terminal of standard output, which was found to be one.

    Textual writes to standard error, which may lead to a file. And where a write fails, the thread
    that writes ends, its queue fills, and whoever paints next waits for ever: a terminal that was
    closed would leave a process behind.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._file = _Enduring()

    def run_input_thread(self) -> None:
        """Read what is typed."""
        setattr(linux_driver, "XTermParser", KeyParser)  # noqa: B010 - there is no other way in
        super().run_input_thread()


class KeyParser(XTermParser):
    """Makes keys of what comes from the terminal, but for its late answers."""

    def __init__(self, debug: bool = False) -> None:  # noqa: FBT002 - textual's own
        super().__init__(debug)
        self._held = ""

    def feed(self, data: str) -> Iterable[Message]:
        """The events in what has come; an empty text says that no more will."""
        if not data:
            return super().feed(data)
        data = _ANSWERS.sub("", self._held + data)
        begun = _BEGUN.search(data)
        self._held = begun[0] if begun else ""
        data = data.removesuffix(self._held) if begun else data
        return super().feed(data) if data else ()


class _Enduring(io.TextIOWrapper):
    """Standard output; what can't be written is dropped, and what it can't say replaced."""

    def __init__(self) -> None:
        encoding = getattr(sys.__stdout__, "encoding", None) or "utf-8"
        binary: Any = _Dropping(1)
        super().__init__(binary, encoding, errors="replace", newline="")


class _Dropping(io.BufferedIOBase):
    """A descriptor that takes everything; from the first error on it writes nothing any more."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lost = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: Any) -> int:
        left = memoryview(data)
        while left and not self._lost:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # whoever had the terminal before us left it so
                select.select([], [self._descriptor], [])
            except OSError:
                self._lost = True
        return len(data)
