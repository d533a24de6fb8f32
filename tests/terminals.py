"""A program on a terminal of its own, with somebody who reads and types."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ
from typing import Self

from nursery import Nursery, Seated


class Terminal:
    """A program in a pseudo-terminal that is its controlling one; a context manager.

    Args:
        command: The program and its arguments.
        env: Its environment.
        cwd: Its directory.
        stdout: A descriptor for its standard output, instead of the terminal.
        nursery: Where the program itself starts at once: `command` is its arguments alone then.
    """

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        *,
        columns: int = 100,
        rows: int = 30,
        stdout: int | None = None,
        nursery: Nursery | None = None,
    ) -> None:
        self.seen = bytearray()  # all bytes that came so far
        self.rows = rows
        self._status: int | None = None
        self._seated: Seated | None = None
        if nursery is not None:
            self._terminal, theirs = pty.openpty()
            ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            self._seated = nursery.seat(command, env, cwd, theirs, stdout=stdout)
            os.close(theirs)
            self.pid = self._seated.pid
            return
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd)
                if stdout is not None:
                    os.dup2(stdout, 1)
                os.execvpe(command[0], list(command), dict(env))
            finally:
                os._exit(127)
        ioctl(self._terminal, TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def text(self) -> str:
        """All that came to the screen so far."""
        return self.seen.decode("utf-8", "replace")

    def read_until(self, text: str, *, seconds: float = 30) -> None:
        """Read until a text has come; fails when it doesn't."""
        until = time.monotonic() + seconds
        wanted, start = text.encode(), 0
        while self.seen.find(wanted, start) < 0:
            start = max(0, len(self.seen) - len(wanted))
            left = until - time.monotonic()
            assert left > 0, f"{text!r} didn't come, but: {self.text!r}"
            assert self._read(left), f"it ended without {text!r}: {self.text!r}"

    def read_for(self, seconds: float) -> bool:
        """Read what comes within a time; whether anything did."""
        until = time.monotonic() + seconds
        before = len(self.seen)
        while (left := until - time.monotonic()) > 0 and self._read(left):
            pass
        return len(self.seen) > before

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._terminal, text.encode())

    def ends(self, *, seconds: float) -> bool:
        """Read on for a time; whether the program ended within it."""
        until = time.monotonic() + seconds
        while self._status is None and (left := until - time.monotonic()) > 0:
            if not self._read(min(left, 0.1)) and not self._look():
                time.sleep(0.005)
        while self._status is not None and self._read(0):
            pass
        return self._status is not None

    def wait(self, *, seconds: float = 30) -> int:
        """Read on until the program ends; its exit status. Fails when it doesn't end."""
        if not self.ends(seconds=seconds):
            raise AssertionError(f"it goes on after {seconds} s: {self.text[-2000:]!r}")
        assert self._status is not None
        return self._status

    def _look(self) -> bool:
        if self._seated is not None:
            self._status = self._seated.status()
            return self._status is not None
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        if ended:
            self._status = os.waitstatus_to_exitcode(status)
        return bool(ended)

    def hang_up(self, *, seconds: float = 30) -> int:
        """Close the terminal, as a window is closed, and wait for the program's end; its status."""
        os.close(self._terminal)
        self._terminal = -1
        until = time.monotonic() + seconds
        while self._status is None:
            assert time.monotonic() < until, "it goes on without a terminal"
            if not self._look():
                time.sleep(0.01)
        return self._status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._status is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            if self._seated is None:
                os.waitpid(self.pid, 0)
        if self._seated is not None:
            self._seated.close()
        if self._terminal >= 0:
            os.close(self._terminal)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._terminal, 65_536)
        except OSError:  # the other side is closed
            return False
        self.seen += data
        return bool(data)
