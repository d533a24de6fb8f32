"""Starting the supervisor of a command, and reading its answer.

Nothing here waits: an event loop, or a probe without one, follows the two descriptors.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import chatterm
from chatterm.permissions.sandbox.levels import Cage, Level, Plan
from chatterm.permissions.sandbox.supervisor import BOOT

_LAST_WAIT_S = 1.0  # for a supervisor that nobody listens to any more
_MARK = "CHATTERM_CALL"  # every process of a command has it in its environment


@dataclass(frozen=True, slots=True)
class Launched:
    """A command that was started.

    Attributes:
        control: The socket to its supervisor: takes the plan, then `t` to end the command politely;
            gives the answer and ends. Closing it kills everything.
        output: Where to read what the command writes.
        plan: What to send first.
    """

    control: socket.socket
    output: int
    plan: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a supervisor says at the end.

    Attributes:
        started: Whether the command is known to have run.
        why: Why it couldn't be started, as far as is known.
        exit_code: Its exit status; None when a signal ended it, or nobody knows.
        killed_by: The name of the signal that ended it.
        left: How many background processes were killed when it had ended.
        directory: The working directory it ended in; None when it isn't known.
        put_back: Protected paths that it changed, and that were put back.
    """

    started: bool = True
    why: str = ""
    exit_code: int | None = None
    killed_by: str | None = None
    left: int = 0
    directory: Path | None = None
    put_back: tuple[str, ...] = ()


@contextlib.contextmanager
def launch(
    argv: tuple[str, ...],
    directory: Path,
    environment: Mapping[str, str],
    level: Level,
    cage: Cage,
) -> Iterator[Launched]:
    """Start a command; when the context ends, nothing of it is left.

    Args:
        argv: The program and its arguments.
        directory: Where it runs.
        environment: All of its environment.
        level: How it is caged.
        cage: What it may do.

    Raises:
        OSError: No process can be started.
    """
    mark = os.urandom(8).hex()
    control, theirs = socket.socketpair()
    output, writing = os.pipe()
    with contextlib.ExitStack() as ours:
        ours.callback(os.close, output)
        ours.callback(control.close)
        try:
            process = subprocess.Popen(
                _supervisor(),
                stdin=theirs.fileno(),
                stdout=writing,
                stderr=writing,
                env={**environment, _MARK: mark},
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(writing)
            theirs.close()
        plan = _plan(argv, directory, environment, level, cage)
        try:
            yield Launched(control, output, plan)
        finally:
            control.close()  # the supervisor then kills what is left
            _awaited(process, mark)


def parsed(answer: bytes) -> Answer:
    """A supervisor's answer (`supervisor` says what is in it)."""
    fields = answer.split(b"\0")
    if len(fields) < 4:
        return Answer(started=False, why="the process that watches over it was killed")
    status, left, directory, why, *touched = fields
    put_back = tuple(map(os.fsdecode, touched))
    if not status:
        return Answer(started=bool(put_back), why=os.fsdecode(why), put_back=put_back)
    code = os.waitstatus_to_exitcode(int(status))
    return Answer(
        exit_code=code if code >= 0 else None,
        killed_by=_signal_name(-code) if code < 0 else None,
        left=int(left),
        directory=Path(os.fsdecode(directory)) if directory else None,
        put_back=put_back,
    )


def _supervisor() -> list[str]:
    # Not the virtual environment's interpreter: the one it points to starts faster.
    return [_interpreter(), "-I", "-S", "-c", f"{BOOT}main()", str(_package().parent)]


def _interpreter() -> str:
    return os.path.realpath(sys.executable)


def _package() -> Path:
    return Path(chatterm.__file__).resolve().parent


def _plan(
    argv: tuple[str, ...],
    directory: Path,
    environment: Mapping[str, str],
    level: Level,
    cage: Cage,
) -> bytes:
    needed = {os.path.realpath(sys.base_prefix), _interpreter(), str(_package())}
    if virtual := environment.get("VIRTUAL_ENV"):
        needed.add(virtual)
    plan = Plan(
        level=level.value,
        temporary=str(cage.temporary),
        writable=list(dict.fromkeys(map(str, (*cage.roots, cage.temporary)))),
        protected=[str(path) for path in cage.protected],
        hidden=[str(path) for path in cage.hidden],
        network=cage.network,
        argv=list(argv),
        directory=str(directory),
        needed=sorted(needed),
    )
    data = marshal.dumps(dict(plan))
    return len(data).to_bytes(4, "big") + data


def _awaited(process: subprocess.Popen[bytes], mark: str) -> None:
    """Wait for a supervisor; if it doesn't end, or was killed, end everything ourselves."""
    try:
        if process.wait(_LAST_WAIT_S) == 0:
            return
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    sought = f"{_MARK}={mark}".encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if sought in entry.read_bytes().split(b"\0"):
                os.kill(int(entry.parent.name), signal.SIGKILL)
        except OSError:  # it has ended, or isn't ours
            continue


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
