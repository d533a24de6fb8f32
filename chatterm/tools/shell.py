"""The `shell` tool: runs a line through bash, in the cage.

The working directory persists from call to call; environment, functions and background processes
don't. The model gets the output as plain text (`capture.plain`); the whole is kept raw.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chatterm.permissions.sandbox.covered import Covered, usual
from chatterm.permissions.sandbox.levels import Cage, Level
from chatterm.permissions.sandbox.starting import Answer
from chatterm.permissions.verdicts import Access, ShellAccess
from chatterm.steps import Outcome
from chatterm.tools import processes
from chatterm.tools.base import CallContext, Preview, ToolError, ToolResult, Workbench
from chatterm.tools.capture import Capture
from chatterm.tools.environment import for_command
from chatterm.tools.processes import HARD_CAP_BYTES, Stopped
from chatterm.tools.scratch import Scratch

MAX_TIMEOUT_S = 3600.0
_MAX_COMMAND_BYTES = 100_000  # one argument of a program can't be much longer on Linux
_SUMMARY_CHARS = 200


class Shell:
    """Runs commands.

    Args:
        level: How commands are caged, as `probing.choose` found it to work.
        covered: What is protected and hidden in a workspace; the usual, when it isn't given.
        hard_cap: How many bytes a command may write before it is stopped.
    """

    name = "shell"
    description = (
        "Run a command line with bash and get its output (standard output and error together) and "
        "exit status. There is no terminal and no input. The working directory persists between "
        "calls; variables don't. When the command ends, its background processes are stopped. "
        "It may run in a cage: writing only in the workspace and $TMPDIR, without network."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "command": {"type": "string", "description": "The command line."},
            "timeout_s": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": MAX_TIMEOUT_S,
                "description": "Seconds before it is stopped.",
            },
            "workdir": {
                "type": "string",
                "description": "The directory to run it in, instead of the current one.",
            },
            "network": {
                "type": "boolean",
                "description": "It needs the network; the user is asked for it.",
            },
            "writable": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Paths outside the workspace it has to write; the user is asked.",
            },
        },
        "required": ["command"],
        "additionalProperties": False,
    }
    independent = False

    def __init__(
        self,
        level: Level,
        covered: Callable[[Path | None], Covered] | None = None,
        hard_cap: int = HARD_CAP_BYTES,
    ) -> None:
        self.level = level
        self._covered = covered or _usual
        self._hard_cap = hard_cap
        self._base: Scratch | None = None
        self._making = threading.Lock()
        self._numbers = itertools.count(1)

    def summary(self, arguments: Mapping[str, Any]) -> str:
        """The command on one line, shortened."""
        line = " ".join(str(arguments.get("command", "")).split())
        return line if len(line) <= _SUMMARY_CHARS else line[: _SUMMARY_CHARS - 1] + "…"

    def access(self, arguments: Mapping[str, Any], bench: Workbench) -> tuple[Access, ...]:
        """The line and where it would run."""
        directory = _directory(arguments, bench)
        writable = tuple(
            _real(directory, str(path), home=True) for path in arguments.get("writable") or ()
        )
        network = bool(arguments.get("network"))
        return (ShellAccess(_command(arguments), directory, network, writable),)

    def preview(self, arguments: Mapping[str, Any], bench: Workbench) -> Preview:
        """Nothing: the line says it all."""
        return Preview()

    async def run(self, arguments: Mapping[str, Any], context: CallContext) -> ToolResult:
        """Run the line."""
        line, bench = _command(arguments), context.bench
        directory = _directory(arguments, bench)
        timeout_s = min(
            float(arguments.get("timeout_s", context.timeout_s)),
            max(context.timeout_s, MAX_TIMEOUT_S),
        )
        level = self.level if context.caged else Level.NONE
        number = next(self._numbers)
        temporary, spool = await asyncio.to_thread(self._places, number)
        covered = self._covered(bench.workspace).without(context.approved_paths)
        cage = Cage(
            temporary,
            bench.workspace,
            context.writable,
            covered.protected,
            covered.hidden,
            context.network,
        )
        command = processes.Command(
            (*_shell(), line), directory, self._environment(level, cage, context), level, cage
        )
        capture = Capture(spool, context.max_output_bytes, context.output)
        begun = time.monotonic()
        try:
            answer, stopped = await processes.run(
                command,
                capture,
                timeout_s=timeout_s,
                cancelled=context.cancelled,
                hard_cap=self._hard_cap,
            )
        except OSError as error:
            raise ToolError(f"the command can't be run: {error}") from None
        finally:
            capture.close()
        took = time.monotonic() - begun
        where = "the whole is not kept"
        if not capture.whole:
            copy = temporary / f"output-{number}.txt"
            await asyncio.to_thread(shutil.copyfile, spool, copy)
            where = f"the whole is in $TMPDIR/{copy.name}"
        if not answer.started and stopped is None:
            text = capture.text(where).strip()
            raise ToolError(f"the command can't be started: {answer.why or text or 'no reason'}")
        notes = [_ending(answer, stopped, took, timeout_s, self._hard_cap)]
        notes += _notes(answer, _follow(answer, bench, directory, arguments, cage))
        return ToolResult(
            "\n".join([*notes, "", capture.text(where) if capture.size else "(no output)"]),
            _outcome(stopped, answer),
            exit_code=answer.exit_code,
            whole=None if capture.whole else spool,
            truncated=not capture.whole,
        )

    def close(self) -> None:
        """Remove the temporary directory of this conversation's commands."""
        if self._base is not None:
            self._base.close()
            self._base = None

    def _places(self, number: int) -> tuple[Path, Path]:
        """The private temporary directory, the same for all commands, and a file for the output."""
        with self._making:  # two commands may begin at once, each in a thread
            if self._base is None:
                self._base = Scratch()
            base = self._base.path
        for name in ("tmp", "spool"):
            (base / name).mkdir(mode=0o700, exist_ok=True)
        return base / "tmp", base / "spool" / f"{number}"

    @staticmethod
    def _environment(level: Level, cage: Cage, context: CallContext) -> dict[str, str]:
        temporary = "/tmp" if level.own_temporary else str(cage.temporary)  # noqa: S108
        own = {"TMPDIR": temporary}
        if level.caged:  # the user's own caches can't be written
            own["XDG_CACHE_HOME"] = f"{temporary}/cache"
        network = context.network or not level.caged
        return for_command(network=network, more={**context.environment, **own})


def _usual(workspace: Path | None) -> Covered:
    from chatterm.config.paths import own_places

    try:
        home = Path.home()
    except RuntimeError:
        home = None
    return usual(workspace, home, own_places())


def _command(arguments: Mapping[str, Any]) -> str:
    command = str(arguments["command"])
    if not command.strip():
        raise ToolError("the command is empty")
    if "\0" in command:
        raise ToolError("the command holds a zero byte, which no argument of a program can")
    try:
        size = len(os.fsencode(command))
    except UnicodeEncodeError:
        raise ToolError("the command holds half a character, which can't be run") from None
    if size > _MAX_COMMAND_BYTES:
        raise ToolError(
            f"the command is longer than {_MAX_COMMAND_BYTES:,} bytes; write a script and run that"
        )
    return command


def _directory(arguments: Mapping[str, Any], bench: Workbench) -> Path:
    directory = _real(bench.directory, str(arguments.get("workdir") or "."))
    if not os.path.isdir(directory):  # noqa: PTH112 - what is too long for a name is none, too
        raise ToolError(f"there is no directory {str(directory)!r} to run the command in")
    return directory


def _real(base: Path, written: str, *, home: bool = False) -> Path:
    try:
        path = Path(written).expanduser() if home else Path(written)
        return Path(os.path.realpath(base / path))
    except (ValueError, RuntimeError):  # a zero byte, half a character, the home of nobody
        raise ToolError(f"{written[:200]!a} can't be a path") from None


def _shell() -> tuple[str, ...]:
    bash = shutil.which("bash")
    if bash is not None and os.path.isabs(bash):  # noqa: PTH117 - "" in PATH is where we are
        return (bash, "--noprofile", "--norc", "-c")
    return ("/bin/sh", "-c")


def _follow(
    answer: Answer,
    bench: Workbench,
    directory: Path,
    arguments: Mapping[str, Any],
    cage: Cage,
) -> str:
    """Go where the command went, unless that is outside; what is to be said about it."""
    if answer.directory is None or arguments.get("workdir"):
        return ""  # a directory given for one call is left again
    to = answer.directory
    if to == directory:
        return ""
    allowed = any(to.is_relative_to(root) for root in cage.roots)
    if not allowed or not to.is_dir():
        return f"it ended in {to}, which is outside the workspace: back in {bench.directory}"
    bench.directory = to
    return f"now in {to}"


def _ending(
    answer: Answer, stopped: Stopped | None, took: float, timeout_s: float, hard_cap: int
) -> str:
    match stopped:
        case Stopped.TIMEOUT:
            return f"stopped after {timeout_s:g} s, its time limit"
        case Stopped.CANCELLED:
            return f"stopped by the user after {took:.1f} s"
        case Stopped.TOO_MUCH:
            return f"stopped: its output passed {hard_cap:,} bytes"
    if answer.killed_by:
        return f"killed by {answer.killed_by} after {took:.1f} s"
    if answer.exit_code is None:
        return f"stopped after {took:.1f} s"
    return f"exit status {answer.exit_code}, {took:.1f} s"


def _notes(answer: Answer, moved: str) -> list[str]:
    notes = [moved] if moved else []
    if answer.left:
        processes_left = "1 process" if answer.left == 1 else f"{answer.left} processes"
        notes.append(f"{processes_left} in the background stopped with it")
    if answer.put_back:
        notes.append(f"stopped and put back, as it is protected: {', '.join(answer.put_back)}")
    return notes


def _outcome(stopped: Stopped | None, answer: Answer) -> Outcome:
    match stopped:
        case Stopped.TIMEOUT:
            return Outcome.TIMED_OUT
        case Stopped.CANCELLED:
            return Outcome.CANCELLED
        case Stopped.TOO_MUCH:
            return Outcome.FAILED
    return Outcome.DONE if answer.exit_code == 0 else Outcome.FAILED
