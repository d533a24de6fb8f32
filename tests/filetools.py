"""A workspace with things around it, for the tests of the file tools."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from chatterm.permissions.places import Places
from chatterm.tools.base import CallContext, Tool, ToolResult, Workbench

SECRET = "the secret outside"


class Desk:
    """A workspace in a home directory, a secret outside, and a bench.

    Args:
        base: A directory that is empty.
    """

    def __init__(self, base: Path) -> None:
        base = base.resolve()
        self.home = base / "home"
        self.root = self.home / "work"
        self.outside = base / "outside"
        for directory in (self.root, self.outside):
            directory.mkdir(parents=True)
        self.secret = self.outside / "secret.txt"
        self.secret.write_text(SECRET)
        self.places = Places.of(self.root, self.home)
        self.kept: dict[str, bytes] = {}
        self.bench = Workbench(self.root, self.root, self.keep)

    def keep(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self.kept[digest] = data
        return digest

    def write(self, name: str, content: str | bytes = "") -> Path:
        """A file in the workspace, with the directories that lead to it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    async def run(
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        *,
        approved: Iterable[Path] = (),
        closed: Iterable[str] = (),
        room: int = 30_000,
        timeout_s: float = 30,
        cancelled: asyncio.Event | None = None,
    ) -> ToolResult:
        context = CallContext(
            self.bench,
            timeout_s,
            room,
            lambda _text: None,
            approved_paths=frozenset(approved),
            closed_paths=frozenset(closed),
            cancelled=cancelled,
        )
        return await tool.run(arguments, context)
