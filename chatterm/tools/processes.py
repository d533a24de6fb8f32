"""Running a command in the cage: its output is captured, its time is limited, and all of it ends.

The command is started by a `supervisor` in a process of its own (`chatterm.permissions.sandbox`),
which ends with everything that the command started. It is spoken to through a socket, and that
socket's end is what is waited for: never the pipe that the output comes through, which a background
process may hold open.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from chatterm.permissions.sandbox.levels import Cage, Level
from chatterm.permissions.sandbox.starting import Answer, Launched, launch, parsed
from chatterm.tools.capture import LIVE_INTERVAL_S, Capture

HARD_CAP_BYTES = 64 * 1024 * 1024
_BLOCK = 65_536
_DRAIN_S = 0.2  # how long the pipe is read on when everything has ended
_ANSWER_S = 8.0  # how long the supervisor may take to end everything
_PR_SET_DUMPABLE = 4


class Stopped(StrEnum):
    """Why a command was stopped."""

    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    TOO_MUCH = "too much output"


@dataclass(frozen=True, slots=True)
class Command:
    """A command to run.

    Attributes:
        argv: The program and its arguments.
        directory: Where it runs.
        environment: All of its environment.
        level: How it is caged.
        cage: What it may do.
    """

    argv: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]
    level: Level
    cage: Cage


def protect_self() -> None:
    """Keep other processes of the same user from looking into this one.

    A command could otherwise read keys from its parent's environment in /proc, whatever its own
    holds. To be called once, before the first command runs. Core dumps go with it.
    """
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


async def run(
    command: Command,
    capture: Capture,
    *,
    timeout_s: float,
    cancelled: asyncio.Event | None = None,
    hard_cap: int = HARD_CAP_BYTES,
) -> tuple[Answer, Stopped | None]:
    """Run a command to its end, and see to it that nothing of it is left.

    When the task is cancelled everything is stopped before the CancelledError goes on.

    Args:
        command: The command.
        capture: Takes its output.
        timeout_s: Seconds before it is stopped.
        cancelled: Stops it when it is set.
        hard_cap: How many bytes of output it may write before it is stopped.

    Returns:
        How it ended, and why it was stopped, if it was.

    Raises:
        OSError: No process can be started, or its output can't be kept.
    """
    with launch(
        command.argv, command.directory, command.environment, command.level, command.cage
    ) as launched:
        running = _Running(launched, capture, hard_cap)
        try:
            stopped = await running.until_over(timeout_s, cancelled)
            if stopped is not None:
                await running.stop()
        except asyncio.CancelledError:
            await running.stop()
            raise
        finally:
            running.let_go()
        if running.failure is not None:
            raise running.failure
        return parsed(running.answer), stopped


class _Running:
    """A command that runs, and the two descriptors through which it is followed."""

    def __init__(self, launched: Launched, capture: Capture, hard_cap: int) -> None:
        self.answer = b""
        self.failure: OSError | None = None
        self._control = launched.control
        self._output = launched.output
        self._to_send = launched.plan
        self._capture = capture
        self._hard_cap = hard_cap
        self._answered = asyncio.Event()
        self._drained = asyncio.Event()
        self._over_cap = asyncio.Event()
        self._flushing: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        os.set_blocking(self._output, False)
        self._control.setblocking(False)  # noqa: FBT003 - likewise
        self._loop.add_reader(self._output, self._read_output)
        self._loop.add_reader(self._control, self._read_answer)
        self._write()

    async def until_over(self, timeout_s: float, cancelled: asyncio.Event | None) -> Stopped | None:
        """Wait for the end, or for a reason to stop."""
        reasons: dict[asyncio.Event, Stopped] = {self._over_cap: Stopped.TOO_MUCH}
        if cancelled is not None:
            reasons[cancelled] = Stopped.CANCELLED
        waits = [asyncio.ensure_future(event.wait()) for event in (self._answered, *reasons)]
        try:
            await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self._answered.is_set():
            await self._drain()
            return Stopped.TOO_MUCH if self._over_cap.is_set() else None
        return next((why for event, why in reasons.items() if event.is_set()), Stopped.TIMEOUT)

    async def stop(self) -> None:
        """Stop everything: politely, and after a second not."""
        self._to_send += b"t"
        self._write()
        # When there is no answer, closing the socket does it the hard way.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ANSWER_S):
                await self._answered.wait()
        await self._drain()

    def let_go(self) -> None:
        """Follow the command no longer."""
        if self._flushing is not None:
            self._flushing.cancel()
        self._loop.remove_reader(self._output)
        self._loop.remove_reader(self._control)
        self._loop.remove_writer(self._control)

    def _write(self) -> None:
        try:
            while self._to_send:
                self._to_send = self._to_send[self._control.send(self._to_send) :]
        except BlockingIOError:
            self._loop.add_writer(self._control, self._write)
            return
        except OSError:  # the supervisor has ended
            self._to_send = b""
        self._loop.remove_writer(self._control)

    def _read_answer(self) -> None:
        try:
            data = self._control.recv(_BLOCK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.answer += data
        if not data:
            self._loop.remove_reader(self._control)
            self._answered.set()

    def _read_output(self) -> None:
        try:
            data = os.read(self._output, _BLOCK)
        except BlockingIOError:
            return
        if not data:
            self._loop.remove_reader(self._output)
            self._drained.set()
        elif not self._over_cap.is_set():  # what comes after that is read and thrown away
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        room = self._hard_cap - self._capture.size
        try:
            self._capture.feed(data[:room])
        except OSError as error:  # a full disk, say
            self.failure = error
        if len(data) > room or self.failure:
            self._over_cap.set()
        if self._flushing is None:
            self._flushing = self._loop.call_later(LIVE_INTERVAL_S, self._flush)

    def _flush(self) -> None:
        self._flushing = None
        self._capture.flush()

    async def _drain(self) -> None:
        """Read what is still in the pipe; don't wait for whoever holds it open."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                await self._drained.wait()
