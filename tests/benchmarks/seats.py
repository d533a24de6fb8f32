"""Programs on a pseudo-terminal of 120 by 40, watched by somebody with a stopwatch.

The terminal answers what programs ask of one, as real ones do. Figures are taken from outside, so
that nothing is added to the program.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ

from harness import HERE
from paced_server import LAST_WORD

sys.path.insert(0, str(HERE.parent))
from terminals import Terminal

TOKENS = 20_000
__all__ = ["KEYS", "LAST_WORD", "TOKENS", "Seat", "Server", "serving"]
KEYS = 0x100  # letters from here on: neither an answer nor a control sequence has them
_QUESTION = b"\x1b]11;?"
_ANSWER = "\x1b]11;rgb:1010/1010/1010\x07\x1b[?62;22c"
_PATIENCE_S = 60
_MOST_SEEN = 1 << 16


class Seat(Terminal):
    """A program on a terminal; a context manager.

    Args:
        command: The program and its arguments.
        env: What its environment has beside ours.
        cwd: Its directory.

    Attributes:
        written: How many bytes came to the screen.
    """

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path | None = None
    ) -> None:
        around = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        around |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | env
        super().__init__(command, around, cwd or Path.cwd(), columns=120, rows=40)
        self.written = 0

    def until(self, *words: str, seconds: float = _PATIENCE_S) -> float:
        """Read until one of some words comes that wasn't there before; the time when it did."""
        sought = [word.encode() for word in words]
        until = time.perf_counter() + seconds
        while not any(word in self.seen for word in sought):
            left = until - time.perf_counter()
            if left <= 0 or not self._read(left):
                raise SystemExit(f"none of {words} came, but: {self.seen[-2000:]!r}")
        now = time.perf_counter()
        self.forget()
        return now

    def forget(self) -> None:
        """What has come isn't looked at again."""
        self.seen = b""

    def echo(self, key: str) -> float:
        """Type a key; milliseconds until it is on the screen."""
        self.forget()
        began = time.perf_counter()
        self.type(key)
        return 1000 * (self.until(key, seconds=10) - began)

    def cpu(self) -> float:
        """CPU seconds of the program so far, its threads included that have ended."""
        return time.clock_gettime(~self.pid << 3 | 2)  # as clock_getcpuclockid(3) makes it

    def peak_mb(self) -> float:
        """The most memory that it had so far."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024

    def wakes(self) -> int:
        """How often its threads have gone to sleep so far, and so been woken."""
        found = 0
        for each in Path(f"/proc/{self.pid}/task").glob("*/status"):
            line = next(x for x in each.read_text().splitlines() if x.startswith("voluntary"))
            found += int(line.split()[1])
        return found

    def resize(self, columns: int, rows: int) -> None:
        """Be of another size."""
        ioctl(self._terminal, TIOCSWINSZ, pack("HHHH", rows, columns, 0, 0))

    def _read(self, seconds: float) -> bool:
        before = len(self.seen)
        more = super()._read(seconds)
        self.written += len(self.seen) - before
        if _QUESTION in self.seen[max(0, before - len(_QUESTION)) :]:
            self.seen = self.seen.replace(_QUESTION, b"")
            self.type(_ANSWER)
        if len(self.seen) > 2 * _MOST_SEEN:  # what is sought is looked for at every read
            self.seen = self.seen[-_MOST_SEEN:]
        return more


class Server:
    """A Chat Completions server in a process of its own.

    Attributes:
        url: Its address.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._out = process.stdout
        self.url = self._line()

    def sent_at(self) -> float:
        """When the last byte of the next answer was sent."""
        return float(self._line())

    def _line(self) -> str:
        assert self._out is not None
        return self._out.readline().strip()


@contextmanager
def serving(pace: int, characters: int = 4 * TOKENS) -> Iterator[Server]:
    """A server that answers so many characters, so many tokens a second; 0: all at once."""
    command = [sys.executable, str(HERE / "paced_server.py"), str(characters), str(pace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process)
        finally:
            process.terminate()
