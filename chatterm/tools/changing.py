"""What `write_file` and `edit_file` share: the preview, the before-image, the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chatterm.permissions.places import Places
from chatterm.steps import FileEdit, Outcome
from chatterm.tools.base import CallContext, Preview, ToolError, ToolResult, Workbench
from chatterm.tools.decoding import decode, is_binary
from chatterm.tools.diffing import unified
from chatterm.tools.locating import in_thread, named
from chatterm.tools.opening import real_path, shown
from chatterm.tools.replacing import Current, digest_of, look, replace


@dataclass(frozen=True, slots=True)
class Change:
    """A file as it is to be.

    Attributes:
        data: Its content.
        said: What was done, for the model.
    """

    data: bytes
    said: str


Planner = Callable[[Current], Change]


def previewed(path: Path, bench: Workbench, places: Places, plan: Planner) -> Preview:
    """The difference that a change would make.

    A file that may not be touched unasked is looked at all the same: the user is going to be asked
    and has to see. But then no error may tell the model what is in it.

    Raises:
        ToolError: It can't be done.
    """
    try:
        current, unasked = look(path, places), True
    except ToolError as error:
        if error.outcome is not Outcome.DENIED:
            raise
        current, unasked = look(path, places, frozenset({real_path(path)})), False
    try:
        change = plan(current)
    except ToolError:
        if unasked:
            raise
        return Preview()
    name = named(path, bench)
    before = current.data or b""
    if is_binary(before) or is_binary(change.data):
        return Preview(f"the binary file {name} would be replaced\n")
    created = current.data is None
    texts = decode(before).text, decode(change.data).text
    return Preview(unified(*texts, name, created=created) or f"{name} would be created, empty\n")


async def changed(path: Path, context: CallContext, places: Places, plan: Planner) -> ToolResult:
    """Change a file: what it held is kept before it is written.

    Raises:
        ToolError: It can't be done; nothing has changed.
    """

    def work(check: Callable[[], None]) -> ToolResult:
        bench = context.bench
        current = look(path, places, context.approved_paths)
        change = plan(current)
        before = None if current.data is None else bench.keep(current.data)
        replace(current, change.data, places, context.approved_paths, check)
        after = digest_of(change.data)
        bench.seen[current.path] = after
        return ToolResult(change.said, edits=(FileEdit(str(current.path), before, after),))

    return await in_thread(work)


def refuse_stale(current: Current, bench: Workbench, path: Path) -> None:
    """Refuse to change a file that isn't any more what was read.

    Raises:
        ToolError: It has changed.
    """
    seen = bench.seen.get(current.path)
    if current.data is not None and seen is not None and seen != current.digest:
        raise ToolError(f"{shown(path)} has changed since it was read; read it again first")
