"""The terminal lent to another program, and taken back: for the user's editor, for `top`.

The program gets a process group of its own in the terminal's foreground, as a shell would give
it: what is typed for it (Ctrl+C, Ctrl+Z) hits it alone. Meanwhile the event loop goes on, so that
a turn that is under way is recorded; what the app would paint is dropped, and painted later.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import subprocess
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from textual.app import App, SuspendNotSupported

from chatterm.errors import ChattermError
from chatterm.tui.terminal import can_stop, driver_of, is_leaving

_GRACE_S = 1.0  # between SIGTERM and SIGKILL
# A program begins when the terminal is its own: what is typed in between would hit us.
_BEGINS = ("/bin/sh", "-c", 'kill -STOP $$; exec "$@"', "sh")


async def lend(
    app: App[Any],
    argv: Sequence[str],
    *,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run a program that has the terminal until it ends.

    When the task is cancelled the program is ended before the CancelledError goes on.

    Args:
        app: Whose terminal it is.
        argv: The program and its arguments.
        directory: Where it runs; None is our own directory.
        environment: All of its environment; None is our own.

    Returns:
        Its exit status; less than zero: the number of the signal that ended it.

    Raises:
        ChattermError: It can't be started, or this terminal can't be given away.
    """
    caught: BaseException | None = None
    status = 0
    try:
        with app.suspend():
            # Textual takes the terminal back only where nothing is raised inside.
            try:
                with _unpainted(app), _uninterrupted():
                    status = await _run(argv, directory, environment)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - raised below
                caught = error
            if is_leaving(app):  # it would have the terminal again, and nobody to give it back
                raise caught or asyncio.CancelledError
    except SuspendNotSupported:
        raise ChattermError("this terminal can't be given to another program") from None
    if isinstance(caught, OSError):
        name = Path(argv[0]).name
        raise ChattermError(f"{name} can't be started: {caught.strerror}") from caught
    if caught is not None:
        raise caught
    return status


@contextmanager
def _unpainted(app: App[Any]) -> Iterator[None]:
    """Drop what the app writes: the thread that would take it has ended, and nobody else would."""
    driver: Any = driver_of(app)
    driver.write = lambda _data: None
    try:
        yield
    finally:
        del driver.write


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl+C pass by in the moments in which the terminal is neither the app's nor lent."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGQUIT):
            # A handler, not SIG_IGN: that would be the program's, too.
            before[number] = signal.signal(number, lambda _number, _frame: None)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _run(
    argv: Sequence[str], directory: Path | None, environment: Mapping[str, str] | None
) -> int:
    with _Terminal() as terminal:
        job = _Job(terminal, argv, directory, environment)
        waiting = asyncio.ensure_future(asyncio.to_thread(job.wait))
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            job.signal(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(waiting), _GRACE_S)
            job.signal(signal.SIGKILL)
            await waiting
            raise


class _Terminal:
    """The controlling terminal: who has its foreground, and its modes; as before in the end."""

    def __init__(self) -> None:
        self._ours = os.getpgrp()
        self._file = -1
        self._modes: list[Any] | None = None

    def __enter__(self) -> Self:
        with suppress(OSError):  # there is none
            self._file = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
            with suppress(termios.error):
                self._modes = termios.tcgetattr(self._file)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._file < 0:
            return
        self.give(self._ours)
        with suppress(termios.error):  # a program that was killed leaves its modes behind
            if self._modes is not None:
                termios.tcsetattr(self._file, termios.TCSADRAIN, self._modes)
        os.close(self._file)

    def give(self, group: int) -> None:
        """Put a process group in the foreground."""
        if self._file < 0:
            return
        # Who isn't in the foreground, as we aren't when we take it back, would be stopped for it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        try:
            with suppress(OSError):  # the group has ended
                os.tcsetpgrp(self._file, group)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def stop_us(self) -> None:
        """Stop ourselves, as the user wants it, where there is a shell to go on from."""
        if not can_stop():
            return
        self.give(self._ours)
        os.killpg(self._ours, signal.SIGSTOP)


class _Job:
    """A program with the terminal."""

    def __init__(
        self,
        terminal: _Terminal,
        argv: Sequence[str],
        directory: Path | None,
        environment: Mapping[str, str] | None,
    ) -> None:
        if shutil.which(argv[0], path=(environment or os.environ).get("PATH")) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
        self._terminal = terminal
        self._process = subprocess.Popen(
            (*_BEGINS, *argv),
            cwd=directory,
            env=None if environment is None else dict(environment),
            process_group=0,
        )

    def wait(self) -> int:
        """Wait until it ends; its exit status, or the signal that ended it."""
        begun = False
        while True:
            _, status = os.waitpid(self._process.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                break
            if begun:
                self._terminal.stop_us()
            begun = True
            self._terminal.give(self._process.pid)
            self.signal(signal.SIGCONT)
        self._process.returncode = code = os.waitstatus_to_exitcode(status)
        self.signal(signal.SIGHUP)  # what it left behind: it has no terminal any more
        return code

    def signal(self, number: int) -> None:
        """Send a signal to all of it."""
        with suppress(OSError):  # it has ended
            os.killpg(self._process.pid, number)
