"""Taking back what tools changed in files, as long as nobody else has changed them since."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from chatterm.errors import ChattermError, ExitStatus
from chatterm.permissions.places import Places
from chatterm.steps import FileEdit
from chatterm.tools.base import ToolError
from chatterm.tools.opening import real_path, shown
from chatterm.tools.replacing import Current, digest_of, look, remove, replace


class UndoError(ChattermError):
    """Edits can't be taken back."""

    exit_status = ExitStatus.USAGE


@dataclass(frozen=True, slots=True)
class Restoring:
    """What taking edits back does to one file.

    Attributes:
        path: The file.
        found: The digest of what it must hold now.
        data: What it held before; None where it didn't exist, so that it is removed.
    """

    path: Path
    found: str
    data: bytes | None


def plan(
    edits: Iterable[FileEdit], fetch: Callable[[str], bytes | None], places: Places
) -> tuple[Restoring, ...]:
    """What it takes to undo edits; nothing is changed yet.

    Args:
        edits: The edits, the oldest first.
        fetch: Gives content by its digest; None where it isn't kept any more.
        places: What is where.

    Raises:
        UndoError: They can't be undone, and why; names every file that stands against it.
    """
    chains: dict[str, list[FileEdit]] = {}
    for edit in edits:
        chains.setdefault(edit.path, []).append(edit)
    steps, problems = [], []
    for whole in chains.values():
        back = taken_back(whole)
        chain = [edit for edit, is_back in zip(whole, back, strict=True) if not is_back]
        try:
            step = _restoring(chain, fetch)
            _current(step, places)
        except UndoError as error:
            problems.append(error.message)
        else:
            steps.append(step)
    if problems:
        raise UndoError(f"nothing was undone: {'; '.join(problems)}")
    return tuple(steps)


def taken_back(edits: Sequence[FileEdit]) -> list[bool]:
    """Which edits of one file were taken back before a later one was made.

    The later one tells: it found what the file held before them.

    Args:
        edits: The edits of the file, the oldest first.
    """
    standing: list[int] = []
    for number, edit in enumerate(edits):
        if standing and edits[standing[-1]].after != edit.before:
            found = [n for n, each in enumerate(standing) if edits[each].before == edit.before]
            del standing[found[-1] if found else len(standing) :]
        standing.append(number)
    return [number not in standing for number in range(len(edits))]


def undo(
    steps: Iterable[Restoring], places: Places, seen: MutableMapping[Path, str] | None = None
) -> tuple[Path, ...]:
    """Undo what was planned: all of it, or nothing if a file has changed meanwhile.

    Args:
        steps: What `plan` gave.
        places: What is where.
        seen: `Workbench.seen`, to be brought up to date.

    Returns:
        The files that were put back or removed.

    Raises:
        UndoError: A file has changed, or can't be written; says which were put back before that.
    """
    ready = [(step, _current(step, places)) for step in steps]
    done: list[Path] = []
    for step, current in ready:
        approved = frozenset({step.path})
        try:
            if step.data is None:
                remove(current, places, approved)
            else:
                replace(current, step.data, places, approved)
        except ToolError as error:
            before = ", ".join(shown(path) for path in done) or "nothing"
            raise UndoError(f"{error.message}; undone before that: {before}") from None
        done.append(step.path)
        if seen is not None:
            seen.pop(step.path, None)
            if step.data is not None:
                seen[step.path] = digest_of(step.data)
    return tuple(done)


def _restoring(chain: list[FileEdit], fetch: Callable[[str], bytes | None]) -> Restoring:
    """One step back over all edits of a file.

    Raises:
        UndoError: Something else changed the file between them, or what it held isn't kept.
    """
    first, last = chain[0], chain[-1]
    path = Path(first.path)
    for edit, following in pairwise(chain):
        if edit.after != following.before:
            raise UndoError(f"{shown(path)} was changed by something else between the edits")
    if first.before is None:
        return Restoring(path, last.after, None)
    data = fetch(first.before)
    if data is None or digest_of(data) != first.before:
        raise UndoError(f"what {shown(path)} held before isn't kept any more")
    return Restoring(path, last.after, data)


def _current(step: Restoring, places: Places) -> Current:
    """The file as it is, when that is what the edits left.

    Raises:
        UndoError: It isn't.
    """
    if not os.path.lexists(step.path):
        raise UndoError(f"{shown(step.path)} is gone")
    try:
        if real_path(step.path) != step.path:
            raise UndoError(f"{shown(step.path)} is reached through a link now")
        # The user asks for it, so no place is closed.
        current = look(step.path, places, frozenset({step.path}))
    except ToolError as error:
        raise UndoError(error.message) from None
    if current.digest != step.found:
        raise UndoError(f"{shown(step.path)} has changed since it was edited")
    return current
