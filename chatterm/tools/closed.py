"""What rules close below a directory that a call reads whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from chatterm.permissions.rules import closing


class Closed:
    """The paths that rules deny or ask about, and how many were left out for that.

    Args:
        patterns: As rules write them.
        workspace: What relative ones are relative to.
    """

    def __init__(self, patterns: Iterable[str], workspace: Path | None) -> None:
        self._closing = [closing(each, workspace) for each in patterns]
        self._left_out = 0

    def __contains__(self, path: Path) -> bool:
        return any(closes(path) for closes in self._closing)

    def leaves_out(self, path: Path) -> bool:
        """Whether a path is closed; counts it if so."""
        closed = path in self
        self._left_out += closed
        return closed

    def notes(self, what: str) -> list[str]:
        """What to say of what was left out: nothing, or one note."""
        if not self._left_out:
            return []
        return [f"closed by a rule and so {what}: {self._left_out:,}"]
