"""The process outside the cage that starts a command, and makes sure that all of it ends.

It is started in a fresh interpreter for each command, and is told what to do through a socket on
its standard input: four bytes of length and a `Plan` written by `marshal`, then one byte to end the
command politely. When the socket closes, whoever asked is gone: everything is killed at once.

It answers once, at the end, with fields separated by zero bytes: what `waitpid` said of the
command (empty: it never started), how many processes it left behind, its last working directory,
why it couldn't be started, then the protected paths that it changed and that were put back.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

from chatterm.permissions.sandbox import inner, processes
from chatterm.permissions.sandbox.guarding import Guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from chatterm.permissions.sandbox.levels import Plan

_GRACE_S = 1.0  # between SIGTERM and SIGKILL
_WATCH_S = 0.02  # between two looks at what is protected but can't be locked
_CONTROL = 0

# How an interpreter that has been told nothing finds this module; the first argument is the
# directory that the package is in.
BOOT = (
    "import sys; sys.path.append(sys.argv[1]);"
    "from chatterm.permissions.sandbox import supervisor; supervisor."
)


def main() -> None:
    """Run one command; how it ended is written to the socket."""
    for caught in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(caught, signal.SIG_IGN)  # a command's `kill 0` isn't for us
    plan = _read_plan()
    if plan is None:
        return
    processes.adopt_orphans()
    guard = Guard(plan)
    run = _Run(plan)
    try:
        run.start(guard)
        run.wait(guard)
    finally:
        killed = processes.kill_all(run.child)
        touched = guard.release()
    run.answer(killed, touched)


def enter(plan_file: int, report: int) -> None:
    """Run the command in this process's cage: how bubblewrap starts us again inside it."""
    with os.fdopen(plan_file, "rb") as file:
        inner.run(_loaded(file.read()), report)


def _loaded(data: bytes) -> Plan:
    import marshal

    plan: Plan = marshal.loads(data)  # noqa: S302 - from the program that started us
    return plan


def _read_plan() -> Plan | None:
    size = int.from_bytes(_read(4), "big")
    data = _read(size)
    return _loaded(data) if size and len(data) == size else None


def _read(size: int) -> bytes:
    data = b""
    while len(data) < size and (more := os.read(_CONTROL, size - len(data))):
        data += more
    return data


class _Run:
    """A command that runs."""

    def __init__(self, plan: Plan) -> None:
        self.child = 0
        self._plan = plan
        self._report = -1
        self._said = b""
        self._kill_at: float | None = None

    def start(self, guard: Guard) -> None:
        """Start it."""
        self._report, inside = os.pipe()
        self.child = _start(self._plan, guard, inside)
        os.close(inside)

    def wait(self, guard: Guard) -> None:
        """Wait until the command has ended, or has to."""
        watched = select.poll()
        watched.register(_CONTROL, select.POLLIN)
        watched.register(self._report, select.POLLIN)
        while True:
            for descriptor, _ in watched.poll(self._pause_ms(guard)):
                if descriptor == self._report:
                    if not (more := os.read(self._report, 65536)):
                        return
                    self._said += more
                elif os.read(_CONTROL, 1):
                    processes.terminate(sparing=self.child)
                    self._kill_at = time.monotonic() + _GRACE_S
                else:
                    return
            if self._kill_at is not None and time.monotonic() >= self._kill_at:
                return
            if guard.disturbed():
                return

    def answer(self, killed: int, touched: list[str]) -> None:
        """Say how it ended."""
        status, left, directory, why = b"", b"0", b"", b""
        if self._said.startswith(b"!"):
            why = self._said[1:]
        elif self._said:
            status, left, directory = self._said.split(b"\0", 2)
            if left == b"-1":
                left = b"%d" % killed
        fields = [status, left, directory, why, *map(os.fsencode, touched)]
        data = b"\0".join(fields)
        try:
            while data:
                data = data[os.write(_CONTROL, data) :]
        except OSError:  # whoever asked is gone
            pass

    def _pause_ms(self, guard: Guard) -> float | None:
        pauses = [_WATCH_S] if guard.watches else []
        if self._kill_at is not None:
            pauses.append(max(0.0, self._kill_at - time.monotonic()))
        return 1 + 1000 * min(pauses) if pauses else None


def _start(plan: Plan, guard: Guard, report: int) -> int:
    child = os.fork()
    if child:
        return child
    try:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, _CONTROL)
        if plan["level"] in {"bubblewrap", "sandbox-exec"}:
            _enter_anew(plan, guard, report)
        inner.run(plan, report)
    except OSError as error:
        os.write(report, f"!{error}".encode("utf-8", "surrogateescape"))
    finally:
        os._exit(1)


def _enter_anew(plan: Plan, guard: Guard, report: int) -> None:
    """Become a program that makes the cage and starts us again inside it."""
    import marshal

    plan_file = os.memfd_create("plan") if hasattr(os, "memfd_create") else _unnamed(plan)
    os.write(plan_file, marshal.dumps(dict(plan)))
    os.lseek(plan_file, 0, os.SEEK_SET)
    for kept in (plan_file, report):
        os.set_inheritable(kept, True)  # noqa: FBT003 - named by the function
    if plan["level"] == "bubblewrap":
        from chatterm.permissions.sandbox import bubblewrap

        command = bubblewrap.arguments(plan, guard.locked)
    else:
        from chatterm.permissions.sandbox import seatbelt

        command = seatbelt.arguments(plan)
    code = f"{BOOT}enter({plan_file}, {report})"
    command += [sys.executable, "-I", "-S", "-c", code, sys.argv[1]]
    os.execvp(command[0], command)


def _unnamed(plan: Plan) -> int:
    """A file without a name, where the system has none in memory."""
    path = os.path.join(plan["temporary"], f".plan-{os.getpid()}")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.unlink(path)
    return descriptor
