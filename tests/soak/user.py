"""Somebody who talks to the program for an hour: sends, stops, scrolls, resizes, looks around."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ
from typing import Any

from terminals import Terminal

CHILD = Path(__file__).with_name("app_child.py")
PATIENCE_S = float(os.environ.get("CHATTERM_SOAK_PATIENCE", "90"))
_TICK_S = 0.01
_QUESTION = b"\x1b]11;?"
_ANSWER = "\x1b]11;rgb:1010/1010/1010\x07\x1b[?62;22c"
_MOST_SEEN = 1 << 16
ESC = "\x1b"
UP, DOWN, PAGE_UP, PAGE_DOWN = "\x1b[A", "\x1b[B", "\x1b[5~", "\x1b[6~"
WHEEL_UP, WHEEL_DOWN = "\x1b[<64;40;10M", "\x1b[<65;40;10M"


class User(Terminal):
    """The program with its door open, on a terminal; a context manager.

    Args:
        base: A directory with the configuration `config.toml`; the home and the store are in it.
        arguments: Those of the program.
        shell: Have a shell with job control above it, which says `stopped` when the program has
            stopped, goes on with it at Enter, and says its exit status.
        env: What its environment has beside that.

    Attributes:
        turns: How many turns have ended.
        ended: How many of them ended how.
        deeds: How often each thing was done that has a name.
        running: Whether a turn is under way.
        covered: Whether another screen lies above the conversation.
        waiting: How many messages wait.
        model: Who is asked.
        conversation: The id of the conversation of the last turn.
    """

    def __init__(
        self,
        base: Path,
        arguments: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        *,
        shell: bool = False,
    ) -> None:
        self.base = base
        self.door = base / f"door-{time.monotonic_ns()}.jsonl"
        self.door.touch()
        self._lines = self.door.open("rb")
        self._half = b""
        self.turns = self.waiting = self.began = 0
        self.ended: Counter[str] = Counter()
        self.deeds: Counter[str] = Counter()
        self.running = self.covered = False
        self.model = self.conversation = ""
        self._sample: dict[str, Any] | None = None
        work = base / "work"
        work.mkdir(exist_ok=True)
        around = environment(base) | {"CHATTERM_SOAK": str(self.door)} | (env or {})
        command = [sys.executable, str(CHILD), *arguments]
        if shell:
            told = 'echo "stop""ped"; read -r; fg; echo "status $?"'
            command = ["/bin/bash", "-c", f"set -m; {shlex.join(command)}; {told}"]
        super().__init__(command, around, work, columns=100, rows=30)

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        self._lines.close()

    # --- looking ---

    def pump(self, seconds: float) -> None:
        """Let the program go on for a time, and read all that comes."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._read(min(left, _TICK_S))
        self._listen()

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Let the program go on until something holds; fails when it never does."""
        until = time.monotonic() + PATIENCE_S
        self._listen()
        while not condition():
            assert time.monotonic() < until, f"{what}: it never came to that; {self._waits()}"
            assert self._status is None, f"{what}: it ended with {self._status}; {self._said()}"
            if not self._read(_TICK_S) and self._look():
                continue
            self._listen()

    @property
    def app(self) -> int:
        """The program's process, below a shell."""
        (found,) = children_of(self.pid)
        return found

    def sample(self) -> dict[str, Any]:
        """What the program holds, as it says itself."""
        self._sample = None
        os.kill(self.pid, signal.SIGUSR1)
        self.until(lambda: self._sample, "a sample")
        assert self._sample is not None
        return self._sample

    def quiet(self) -> None:
        """Wait until it does nothing."""
        self.until(lambda: not self.running, "the turn's end")
        before = -1.0
        while (now := self.cpu()) - before > 0.005:
            before = now
            self.pump(0.2)

    def cpu(self) -> float:
        """CPU seconds of the program so far, its threads included that have ended."""
        return time.clock_gettime(~self.pid << 3 | 2)  # as clock_getcpuclockid(3) makes it

    # --- doing ---

    def say(self, text: str) -> None:
        """Type a line and send it."""
        self.type(text)
        self.pump(0.03)
        self.type("\r")

    def command(self, text: str) -> None:
        """Do something by its name: the blank ends the completion."""
        self.say(f"/{text} ")
        self.pump(0.05)

    def send(self, text: str) -> None:
        """Send a message, and wait until its turn is under way."""
        began = self.began
        self.say(text)
        self.until(lambda: self.began > began, f"{text!r} to begin")

    def ask(self, text: str) -> None:
        """Send a message, and wait until nothing is under way."""
        self.send(text)
        self.done()

    def done(self) -> None:
        """Wait until nothing is under way."""
        self.until(lambda: not self.running, "the turn's end")

    def escape(self) -> None:
        """Press Esc, and wait until it has done what it does here.

        Until then nothing else may be typed: together with it, it would be another key.
        """
        before = self.deeds["escape"]
        self.type(ESC)
        self.until(lambda: self.deeds["escape"] > before, "Esc to be taken")

    def stop(self) -> None:
        """Press Esc, and wait until nothing is under way."""
        self.escape()
        self.done()

    def look_at(self, key: str) -> None:
        """Open another screen with a key, and leave it."""
        self.type(key)
        self.until(lambda: self.covered, f"a screen to open with {key!r}")
        self.pump(0.05)
        self.type(ESC)
        self.until(lambda: not self.covered, f"the screen of {key!r} to close")

    def choose(self, model: str) -> None:
        """Ask another model from now on."""
        self.command(f"model {model}")
        self.until(lambda: self.model == model, f"{model} to be chosen")

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        ioctl(self._terminal, TIOCSWINSZ, pack("HHHH", rows, columns, 0, 0))

    def _waits(self) -> str:
        """What it waits for, and what it said last."""
        self._sample = None
        os.kill(self.pid, signal.SIGUSR1)
        self.pump(2.0)
        waits = (self._sample or {"waits": ["it is too busy to say"]})["waits"]
        return "\n".join([*waits, self._said()])

    def _said(self) -> str:
        """The end of what came to the screen, without its colours."""
        return re.sub(r"\x1b\[[0-9;:]*m", "", self.text[-8000:])[-2000:]

    # --- hearing ---

    def _read(self, seconds: float) -> bool:
        before = len(self.seen)
        more = super()._read(seconds)
        if _QUESTION in self.seen[max(0, before - len(_QUESTION)) :]:
            self.type(_ANSWER)
        if len(self.seen) > 2 * _MOST_SEEN:
            del self.seen[:-_MOST_SEEN]
        return more

    def _listen(self) -> None:
        *lines, self._half = (self._half + self._lines.read()).split(b"\n")
        for line in lines:
            self._hear(json.loads(line))

    def _hear(self, told: dict[str, Any]) -> None:
        if "began" in told:
            self.began += 1
            self.running = True
            self.conversation = told["conversation"]
        elif "ended" in told:
            self.turns += 1
            self.ended[told["ended"]] += 1
        elif "running" in told:
            self.running, self.waiting = told["running"], told["waiting"]
            self.model = told["model"]
        elif "covered" in told:
            self.covered = told["covered"]
        elif "deed" in told:
            self.deeds[told["deed"]] += 1
        elif "sample" in told:
            self._sample = told


def environment(base: Path) -> dict[str, str]:
    """The environment of a program whose home, configuration and store are in a directory."""
    root = Path(__file__).parents[2]
    found = {
        "PATH": os.environ["PATH"],
        "HOME": str(base),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "CHATTERM_CONFIG": str(base / "config.toml"),
        "CHATTERM_DATA_DIR": str(base / "data"),
        "PYTHONPATH": str(root),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        found[f"XDG_{name}_HOME"] = str(base / f"xdg-{name.lower()}")
    return found


def files_of(process: int) -> list[str]:
    """What a process has open, by the names of the files; what has none by its kind."""
    found = []
    for each in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            found.append(str(each.readlink()).partition(":[")[0])
    return sorted(found)


def children_of(process: int) -> list[int]:
    """The processes that a process has started and that are there still."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found


def processes_in(directory: Path) -> list[int]:
    """The processes whose directory is this one."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (each / "cwd").readlink() == directory:
                found.append(int(each.name))
    return found


def memory_of(process: int) -> int:
    """The memory of a process that is its own and in use, in kilobytes."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    sizes = dict(line.split(":", 1) for line in lines[1:])
    return int(sizes["Anonymous"].split()[0])
