"""Runs of the real program in processes of their own that start at once.

A Python process that has loaded the program's modules waits at a socket and forks for every run:
the fork has an environment, a directory, descriptors 1 and 2 and a session of its own, runs the
program's own entry with its arguments, and ends with its exit status. Beside that it tells what the
run left behind: descriptors, threads, tasks. Its parent, which was forked for this run alone and
adopts orphans, tells of processes that outlive it. A run may have a terminal, which is its
controlling one then.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSCTTY
from typing import Any, Protocol, Self

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE_S = 2.0  # for children that are ending


@dataclass(frozen=True, slots=True)
class Ran:
    """A run of the program.

    Attributes:
        status: Its exit status, or minus the signal that ended it.
        out: What it wrote to standard output.
        err: The same of standard error.
        left: What it left behind, in words.
        late: It had to be killed.
    """

    status: int
    out: bytes
    err: str
    left: tuple[str, ...]
    late: bool

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of `--format jsonl`."""
        return [json.loads(line) for line in self.out.split(b"\n") if line]


class Seated:
    """A run of the program at a terminal.

    Attributes:
        pid: The program's process.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._said = b""
        told = None
        while told is None:
            told = self._next()
        self.pid: int = told["pid"]
        line.setblocking(False)

    def status(self) -> int | None:
        """Its exit status, or minus the signal that ended it; None while it runs."""
        told = self._next()
        return None if told is None else told["status"]

    def close(self) -> None:
        """Hear no more of it; it goes on."""
        self._line.close()

    def _next(self) -> dict[str, Any] | None:
        if b"\n" not in self._said:
            try:
                piece = self._line.recv(65536)
            except BlockingIOError:
                return None
            if not piece:
                raise RuntimeError("a run in the nursery was lost")
            self._said += piece
        line, newline, rest = self._said.partition(b"\n")
        if not newline:
            return None
        self._said = rest
        told: dict[str, Any] = json.loads(line)
        return told


class Runner(Protocol):
    """Runs the program."""

    def run(
        self, arguments: Sequence[str], env: dict[str, str], cwd: Path, *, seconds: float = 60
    ) -> Ran:
        """Run the program to its end, or for so many seconds."""
        ...


class Started:
    """Runs the program as users do: a Python of its own each time. It can't tell what is left."""

    def run(
        self, arguments: Sequence[str], env: dict[str, str], cwd: Path, *, seconds: float = 60
    ) -> Ran:
        """Run the program to its end, or for so many seconds."""
        command = [sys.executable, "-m", "chatterm", *arguments]
        try:
            done = subprocess.run(
                command, capture_output=True, env=env, cwd=cwd, timeout=seconds, check=False,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            return Ran(-9, error.stdout or b"", "", (), late=True)
        return Ran(
            done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"), (), late=False
        )


class Nursery:
    """The process that forks; a context manager. `run` may be called from several threads."""

    def __enter__(self) -> Self:
        self._place = tempfile.TemporaryDirectory(prefix="nursery-")
        self._address = str(Path(self._place.name) / "socket")
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nursery", self._address], env=env, stdin=subprocess.PIPE
        )
        until = time.monotonic() + 60
        while not Path(self._address).exists():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the nursery doesn't start")
            time.sleep(0.02)
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._place.cleanup()

    def run(
        self,
        arguments: Sequence[str],
        env: dict[str, str],
        cwd: Path,
        *,
        seconds: float = 60,
        stdin: int | None = None,
    ) -> Ran:
        """Run the program to its end, or for so many seconds.

        Its standard input is a descriptor, which stays open here, or none at all.
        """
        job = {"arguments": list(arguments), "env": env, "cwd": str(cwd), "seconds": seconds}
        with (
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            Path(os.devnull).open("rb") as nowhere,
            socket.socket(socket.AF_UNIX) as line,
        ):
            line.settimeout(seconds + 30)
            line.connect(self._address)
            given = nowhere.fileno() if stdin is None else stdin
            socket.send_fds(line, [b"."], [given, out.fileno(), err.fileno()])
            line.sendall(json.dumps(job).encode() + b"\n")
            said = b""
            while not said.endswith(b"\n"):
                piece = line.recv(65536)
                if not piece:
                    raise RuntimeError("a run in the nursery was lost")
                said += piece
            told = json.loads(said)
            for file in (out, err):
                file.seek(0)
            words = err.read().decode("utf-8", "replace")
            return Ran(told["status"], out.read(), words, tuple(told["left"]), told["late"])

    def seat(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        terminal: int,
        *,
        stdout: int | None = None,
    ) -> Seated:
        """Start the program at a terminal, and leave it running.

        Args:
            arguments: Its command line, without its name.
            env: Its environment.
            cwd: Its directory.
            terminal: The descriptor of its terminal; stays open here.
            stdout: One for its standard output instead.
        """
        job = {"arguments": list(arguments), "env": dict(env), "cwd": str(cwd), "seconds": None}
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(60)
        line.connect(self._address)
        out = terminal if stdout is None else stdout
        socket.send_fds(line, [b"."], [terminal, out, terminal])
        line.sendall(json.dumps(job).encode() + b"\n")
        return Seated(line)


# --- in the process that forks ----------------------------------------------------------------


def _serve(address: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address + ".new")
    listener.listen(64)
    Path(address + ".new").rename(address)
    while True:
        line, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            try:
                _keep(line)
            finally:
                os._exit(0)
        line.close()


def _keep(line: socket.socket) -> None:
    """Fork for one run, wait for its end, and see who is left."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _, standard, _, _ = socket.recv_fds(line, 1, 3)
    with line.makefile("rb") as reader:
        job = json.loads(reader.readline())
    report_from, report_to = os.pipe()
    pid = os.fork()
    if pid == 0:
        line.close()
        os.close(report_from)
        _be_the_program(job, standard, report_to)
    for each in (*standard, report_to):
        os.close(each)
    if job["seconds"] is None:
        line.sendall(json.dumps({"pid": pid}).encode() + b"\n")
    status, late = _wait(pid, job["seconds"])
    with os.fdopen(report_from, "rb") as report:
        os.set_blocking(report.fileno(), False)
        said = report.read() or b"[]"
    left = [*json.loads(said), *_orphans()]
    with suppress(BrokenPipeError):  # nobody waits for it any more
        line.sendall(json.dumps({"status": status, "left": left, "late": late}).encode() + b"\n")


def _wait(pid: int, seconds: float | None) -> tuple[int, bool]:
    if seconds is None:  # it is at a terminal, and ends when that is closed
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), False
    until, late = time.monotonic() + seconds, False
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), late
        if not late and time.monotonic() > until:
            late = True
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.004)


def children(pid: int) -> list[int]:
    """The processes that a process has started and that go on."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(word) for word in task.read_text().split()]
    return [each for each in found if _state(each) != "Z"]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return "Z"


def _orphans() -> list[str]:
    until = time.monotonic() + _PATIENCE_S
    while left := children(os.getpid()):
        if time.monotonic() > until:
            break
        time.sleep(0.02)
    words = []
    for pid in left:
        with suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
            words.append(f"a process that goes on: {command.decode('utf-8', 'replace')}")
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return words


# --- in the fork that is the program ----------------------------------------------------------


def _be_the_program(job: dict[str, Any], standard: Sequence[int], report: int) -> None:
    status = 70
    try:
        os.setsid()
        if os.isatty(standard[0]):
            ioctl(standard[0], TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(job["env"])
        time.tzset()
        os.chdir(job["cwd"])
        sys.argv = ["chatterm", *job["arguments"]]
        for number, each in enumerate(standard):
            os.dup2(each, number)
            os.close(each)
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1, closefd=False)
        sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
        warnings.simplefilter("always", ResourceWarning)
        status = _run(job["arguments"], report)
    except BaseException:  # noqa: BLE001 - it ends here, whatever it is, and is told
        import traceback

        traceback.print_exc()
    finally:
        import atexit

        with suppress(BaseException):
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _run(arguments: list[str], report: int) -> int:
    import threading
    from asyncio import runners

    from chatterm.cli.entry import run

    tasks: list[str] = []
    cancel_all = runners._cancel_all_tasks  # type: ignore[attr-defined]

    def note_tasks(loop: Any) -> None:
        tasks.extend(f"a task that goes on: {task!r}" for task in runners.tasks.all_tasks(loop))  # type: ignore[attr-defined]
        cancel_all(loop)

    runners._cancel_all_tasks = note_tasks  # type: ignore[attr-defined]
    before = _descriptors()
    status = int(run(arguments))
    gc.collect()
    left = list(tasks)
    for number, target in _descriptors().items():
        if number not in before and not target.endswith("chatterm.log"):
            left.append(f"a descriptor that is open: {target}")
    left += [
        f"a thread that goes on: {thread.name}"
        for thread in threading.enumerate()
        if thread is not threading.main_thread()
    ]
    left += [f"a child that goes on: {pid}" for pid in children(os.getpid())]
    os.write(report, json.dumps(left).encode()[:60_000])
    return status


def _descriptors() -> dict[int, str]:
    found = {}
    for link in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError):
            found[int(link.name)] = str(link.readlink())
    return {number: target for number, target in found.items() if "/proc/" not in target}


def _load() -> None:
    """What runs need, so that forks have it: no thread, no loop and no descriptor comes of it."""
    from importlib import import_module

    from chatterm.tui.loading import OPENING, SENDING, SHOWING

    for name in (
        "chatterm.cli.entry",
        "chatterm.cli.main",
        "chatterm.cli.ask",
        "chatterm.cli.history",
        "chatterm.oneshot.ask",
        "chatterm.oneshot.tooling",
        "chatterm.providers.http",
        "chatterm.providers.registry",
        "chatterm.store",
        "chatterm.transcripts.exporting",
        "chatterm.transcripts.jsonl",
        "chatterm.tools.shell",
        "httpx",
        "httpcore",
        "anyio._backends._asyncio",
        "certifi",
        "email.utils",
        "concurrent.futures.thread",
        "chatterm.linear.start",
        "chatterm.tui.app",
        *OPENING,
        *SHOWING,
        *SENDING,
    ):
        import_module(name)
    for protocol in (
        "chat",
        "responses",
        "anthropic",
        "gemini",
        "ollama",
        "lightspeed",
        "luxx",
        "enclava",
    ):
        from chatterm.providers.registry import wire_protocol

        wire_protocol(protocol)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _load()
    _serve(sys.argv[1])
