"""The user's own commands, typed after `!`.

They run in the user's own shell with the user's own environment, in no cage and behind no gate:
whoever typed them could type them next door as well. A model can't bring any of this about. What
such a command starts ends with it all the same, as with the model's commands; and it has no
terminal, unless it is known to need one or was typed after `!!`: then it gets ours meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chatterm.errors import ChattermError
from chatterm.permissions.sandbox.levels import Cage, Level
from chatterm.talking.own_programs import needs_terminal
from chatterm.tools.capture import Capture
from chatterm.tools.processes import HARD_CAP_BYTES, Command, Stopped, run
from chatterm.tools.scratch import Scratch

KEPT_BYTES = 1_000_000
_NO_LIMIT_S = 7 * 86_400.0
_INTERRUPTED = 128 + signal.SIGINT


@dataclass(frozen=True, slots=True)
class Typed:
    """A command as it was typed.

    Attributes:
        line: What the shell gets.
        terminal: It gets the terminal.
        waits: What it leaves on the terminal stays until the user has read it.
    """

    line: str
    terminal: bool
    waits: bool


def typed(command: str) -> Typed:
    """What is meant by what stands after the `!`."""
    asked = command.startswith("!")
    line = command.removeprefix("!").strip()
    known = needs_terminal(line)
    return Typed(line, asked or known, waits=not known)


async def captured(
    line: str, directory: Path, output: Callable[[str], None], cancelled: asyncio.Event | None
) -> tuple[str, int]:
    """Run a command line without a terminal.

    When the task is cancelled everything is stopped before the CancelledError goes on.

    Args:
        line: What the shell gets.
        directory: Where it runs.
        output: Takes the output as it comes, in its colours; not sanitised.
        cancelled: Stops it and all that it started, when it is set.

    Returns:
        Its output as plain text, of very much the head and the tail, and its exit status, as a
        shell counts it.

    Raises:
        ChattermError: It can't be started.
        OSError: There is no room for its output.
    """
    scratch = Scratch()
    place = scratch.path
    try:
        # The level `none` is no cage: it only sees to it that nothing is left in the end.
        command = Command(
            shell(line), directory, dict(os.environ), Level.NONE, Cage(temporary=place)
        )
        capture = Capture(place / "output", KEPT_BYTES, output)
        try:
            answer, stopped = await run(
                command, capture, timeout_s=_NO_LIMIT_S, cancelled=cancelled
            )
        finally:
            capture.close()
        text = capture.text("the rest isn't kept")
    finally:
        await asyncio.to_thread(scratch.close)
    if stopped is Stopped.CANCELLED:
        return text, _INTERRUPTED
    if stopped is Stopped.TOO_MUCH:
        text += f"\n[stopped: it wrote more than {HARD_CAP_BYTES // 1024**2} MB]"
    if not answer.started and stopped is None:
        raise ChattermError(f"the command can't be started: {answer.why or 'no reason is known'}")
    return text, _status(answer.exit_code, answer.killed_by)


def shell(line: str) -> tuple[str, ...]:
    """What runs a command line: the user's own shell, where there is one."""
    own = os.environ.get("SHELL", "")
    return (own if os.access(own, os.X_OK) else "/bin/sh", "-c", line)


def _status(exit_code: int | None, killed_by: str | None) -> int:
    """An exit status as a shell counts it."""
    if exit_code is not None:
        return exit_code
    number = getattr(signal, killed_by or "", None)
    return 128 + (number if isinstance(number, int) else signal.SIGKILL)
