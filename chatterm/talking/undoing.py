"""What has become of the files that calls edited, and taking such edits back."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.errors import StoreError

if TYPE_CHECKING:
    from chatterm.agent.tooling import Tooling
    from chatterm.steps import FileEdit
    from chatterm.store import Store

_MOST_BYTES = 16 * 1024 * 1024
"""A larger file isn't read just to be looked at."""
_SETTLED_NS = 1_000_000_000
"""How long ago a file must have changed for its next change to be seen in its times."""


class Edits(Enum):
    """What has become of what a call edited; the value is what is said at its head."""

    THERE = "undo"  # the files are as it left them
    UNDONE = "undone"  # they are as it found them
    CHANGED = "changed since"  # they are otherwise


def take_back(edits: Sequence[FileEdit], tooling: Tooling, store: Store | None) -> list[Path]:
    """Take edits back; the files that are as they were before. Blocks.

    Raises:
        UndoError: A file has changed since; nothing was undone.
    """
    from chatterm.tools.undoing import plan, undo

    places = tooling.ground.places

    def kept(digest: str) -> bytes | None:
        try:
            return None if store is None else store.blob(digest)
        except StoreError:
            return None

    paths = list(undo(plan(edits, kept, places), places))
    for path in paths:
        tooling.bench.seen.pop(path, None)
    return paths


def states_of(
    calls: Sequence[Sequence[FileEdit]],
    undone: Sequence[bool] | None = None,
    digest: Callable[[str], str | None] | None = None,
) -> list[Edits]:
    """What has become of what calls edited; each file is read once. Blocks.

    Args:
        calls: The edits of each call, the oldest first.
        undone: Which of them are known to have been taken back: a file that holds again what such
            a call had made of it holds what an earlier one did.
        digest: Tells what a file holds, as `Digests` do; by default each is read.
    """
    digest = digest or Digests()
    known = undone or [False] * len(calls)
    held: dict[str, list[str | None]] = {}  # what each file held, one after the other
    ends: list[dict[str, int | None]] = []  # after which of these each call stands
    back = _taken_back(calls, known)
    for number, (edits, is_undone) in enumerate(zip(calls, known, strict=True)):
        end: dict[str, int | None] = {}
        for place, edit in () if is_undone else enumerate(edits):
            end[edit.path] = None
            if (number, place) in back:
                continue
            versions = held.setdefault(edit.path, [])
            if not versions or versions[-1] != edit.before:
                versions.append(edit.before)
            versions.append(edit.after)
            end[edit.path] = len(versions) - 1
        ends.append(end)
    now = {path: _last(versions, digest(path)) for path, versions in held.items()}
    return [
        Edits.UNDONE if is_undone else _state([(now.get(path), at) for path, at in end.items()])
        for end, is_undone in zip(ends, known, strict=True)
    ]


def _taken_back(calls: Sequence[Sequence[FileEdit]], known: Sequence[bool]) -> set[tuple[int, int]]:
    """The edits that a later one shows to have been taken back: their calls, their places there."""
    from chatterm.tools.undoing import taken_back

    chains: dict[str, list[tuple[int, int]]] = {}
    for number, edits in enumerate(calls):
        for place, edit in () if known[number] else enumerate(edits):
            chains.setdefault(edit.path, []).append((number, place))
    return {
        at
        for chain in chains.values()
        for at, back in zip(chain, taken_back([calls[n][p] for n, p in chain]), strict=True)
        if back
    }


def _last(versions: Sequence[str | None], digest: str | None) -> int | None:
    """Which version a file holds, the last one that it may be; None where it holds another."""
    found = [place for place, version in enumerate(versions) if version == digest]
    return found[-1] if found else None


def _state(places: Sequence[tuple[int | None, int | None]]) -> Edits:
    """What has become of a call's edits, by where its files are and where it left them.

    Where it left one is None for a file that was as it found it before a later edit.
    """
    if all(then is not None and now == then for now, then in places):
        return Edits.THERE
    if all(then is None or (now is not None and now < then) for now, then in places):
        return Edits.UNDONE
    return Edits.CHANGED


class Digests:
    """Tells what files hold; one that is still as it was when it was read isn't read again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, ...], str]] = {}

    def __call__(self, path: str) -> str | None:
        """The digest of a file; None where there is none, an empty text where it can't be told.

        Blocks.
        """
        from chatterm.tools.replacing import digest_of

        try:
            status = Path(path).lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
                return ""
            times = status.st_mtime_ns, status.st_ctime_ns
            now = (*times, status.st_size, status.st_ino)
            before, digest = self._known.get(path, ((), ""))
            if now != before:
                digest = digest_of(Path(path).read_bytes())
                if time.time_ns() - max(times) > _SETTLED_NS:
                    self._known[path] = now, digest
        except FileNotFoundError:
            return None
        except OSError:
            return ""
        return digest
