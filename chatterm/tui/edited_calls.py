"""The calls that edited files, found by the files, so that a change costs what it changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from chatterm.talking.undoing import Digests

if TYPE_CHECKING:
    from chatterm.tui.steps.call import CallItem


class EditedCalls:
    """Those of a conversation.

    Attributes:
        due: The files of which something else may have to be told at their calls.
        told: What each file held when it was told last, as a digest.
        digests: Tells what files hold now.
        looking: Held while that is found out.
    """

    def __init__(self) -> None:
        self._by_path: dict[str, dict[str, CallItem]] = {}
        self.due: set[str] = set()
        self.told: dict[str, str | None] = {}
        self.digests = Digests()
        self.looking = asyncio.Lock()

    @property
    def paths(self) -> list[str]:
        """All files that were edited."""
        return list(self._by_path)

    def add(self, call: CallItem) -> None:
        """A call has edited something."""
        for path in paths_of(call):
            self._by_path.setdefault(path, {})[call.key] = call
        self.mark(call)

    def drop(self, call: CallItem) -> None:
        """A call isn't shown any more."""
        for path in paths_of(call):
            self._by_path.get(path, {}).pop(call.key, None)
        self.mark(call)

    def mark(self, call: CallItem) -> None:
        """Have it found out anew what has become of a call's files."""
        self.due |= paths_of(call)

    def of(self, paths: Iterable[str]) -> dict[str, CallItem]:
        """The calls that edited any of some files, by their keys."""
        found: dict[str, CallItem] = {}
        for path in paths:
            found |= self._by_path.get(path, {})
        return found


def paths_of(call: CallItem) -> set[str]:
    """The files that a call edited."""
    edits = call.result.edits if call.result is not None else None
    return {edit.path for edit in edits or ()}
