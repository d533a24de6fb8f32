"""Running commands in a cage, for the tests of the sandbox and the shell tool."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from chatterm.permissions.sandbox.covered import Covered
from chatterm.permissions.sandbox.levels import Level
from chatterm.permissions.sandbox.probing import probe
from chatterm.tools.base import CallContext, ToolResult, Workbench
from chatterm.tools.shell import Shell

LEVELS = (Level.BUBBLEWRAP, Level.LANDLOCK, Level.NONE)


def skip_where_missing(level: Level) -> None:
    finding = probe().of(level)
    if not finding.works:
        pytest.skip(f"{level} doesn't work on this machine: {finding.reason}")


class Bench:
    """A workspace and a shell tool at one level.

    Args:
        base: A directory that is empty.
        level: How commands are caged.
    """

    def __init__(self, base: Path, level: Level, **options: Any) -> None:
        self.outside = base / "outside"
        self.root = base / "workspace"
        for directory in (self.outside, self.root):
            directory.mkdir()
        names = (".git/hooks", ".git/config", ".git/commondir", ".envrc")
        protected = tuple(self.root / name for name in names)
        hidden = (self.outside / "secret",)
        covered = Covered(protected, hidden)
        self.shell = Shell(level, lambda _workspace: covered, **options)
        self.bench = Workbench(self.root, self.root, lambda _data: "")
        self.live: list[str] = []

    async def run(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        timeout_s: float = 20,
        **context: Any,
    ) -> ToolResult:
        options = {"max_output_bytes": 30_000} | context
        made = CallContext(self.bench, timeout_s, output=self.live.append, **options)
        return await self.shell.run({"command": command, **(arguments or {})}, made)


def wait_until(done: Callable[[], bool], seconds: float = 10) -> bool:
    """Wait for what another process does; whether it was done in time."""
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def processes_of(mark: str) -> list[int]:
    """The processes that have a word in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found
