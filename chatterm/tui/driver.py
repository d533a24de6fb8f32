"""The driver: Textual's own, but on standard output, and not stuck when the terminal is gone."""

from __future__ import annotations

import io
import os
import select
import sys
from typing import Any

from textual.drivers.linux_driver import LinuxDriver


class TerminalDriver(LinuxDriver):
    """Drives the terminal of standard output, which was found to be one.

    Textual writes to standard error, which may lead to a file. And where a write fails, the thread
    that writes ends, its queue fills, and whoever paints next waits for ever: a terminal that was
    closed would leave a process behind.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._file = _Enduring()


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
