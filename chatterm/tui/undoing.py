"""Taking back what a call edited, from within the app."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.agent.edits import Edited
from chatterm.errors import StoreError
from chatterm.tools.replacing import digest_of
from chatterm.tools.undoing import plan, undo
from chatterm.tui.steps.call import CallItem, Edits

if TYPE_CHECKING:
    from chatterm.steps import FileEdit
    from chatterm.tui.chat import Chat
    from chatterm.tui.pane.items import Item

_MOST_BYTES = 16 * 1024 * 1024
"""A larger file isn't read just to be looked at."""


async def undo_edit(chat: Chat) -> None:
    """Take back what the call at the cursor edited; without one, the last call that did.

    Raises:
        UndoError: A file has changed since; nothing was undone.
    """
    await _look(chat, _edited(chat))  # they may have changed since
    item: Item | None = chat.pane.cursor
    if not isinstance(item, CallItem):
        item = next((each for each in reversed(_edited(chat)) if each.can_undo), None)
        if item is None:
            chat.say("there is no edit to undo")
            return
    edits = item.result.edits if item.result is not None else None
    if not edits:
        chat.say("this call edited nothing that can be undone")
        return
    if item.edits is Edits.UNDONE:
        chat.say("it is undone already")
        return
    paths = await _undo(chat, edits)
    chat.undone.add(item.key)
    chat.say(f"undone: {', '.join(path.name for path in paths)}")
    await _look(chat, _edited(chat))


async def undo_calls(chat: Chat, calls: Sequence[Edited]) -> None:
    """Take back what several calls edited.

    Raises:
        UndoError: A file has changed since; nothing was undone.
    """
    await _undo(chat, [edit for each in calls for edit in each.edits])
    items = (chat.transcript.call(each.call.id) for each in calls)
    chat.undone |= {item.key for item in items if item is not None}
    await _look(chat, _edited(chat))


def look_at_edits(chat: Chat) -> None:
    """Find out what has become of the edits that are shown, and tell it at their calls."""
    calls = _edited(chat)
    if calls:
        chat.begin_again("edits", partial(_look, chat, calls))


async def _look(chat: Chat, calls: Sequence[CallItem]) -> None:
    edits = [call.result.edits or () for call in calls if call.result is not None]
    undone = [call.key in chat.undone for call in calls]
    found = await asyncio.to_thread(states_of, edits, undone)
    with chat.pane.at_once():
        for call, state in zip(calls, found, strict=True):
            call.tell_edits(state)


def _edited(chat: Chat) -> list[CallItem]:
    """The calls that are shown and edited something."""
    return [
        item
        for item in chat.pane.items
        if isinstance(item, CallItem) and item.result is not None and item.result.edits
    ]


def states_of(
    calls: Sequence[Sequence[FileEdit]], undone: Sequence[bool] | None = None
) -> list[Edits]:
    """What has become of what calls edited; each file is read once. Blocks.

    Args:
        calls: The edits of each call, the oldest first.
        undone: Which of them are known to have been taken back: a file that holds again what such
            a call had made of it holds what an earlier one did.
    """
    taken_back = undone or [False] * len(calls)
    held: dict[str, list[str | None]] = {}  # what each file held, one after the other
    ends: list[dict[str, int]] = []  # after which of these each call stands
    for edits, is_undone in zip(calls, taken_back, strict=True):
        end: dict[str, int] = {}
        for edit in () if is_undone else edits:
            versions = held.setdefault(edit.path, [])
            if not versions or versions[-1] != edit.before:
                versions.append(edit.before)
            versions.append(edit.after)
            end[edit.path] = len(versions) - 1
        ends.append(end)
    now = {path: _last(versions, _digest(Path(path))) for path, versions in held.items()}
    return [
        Edits.UNDONE if is_undone else _state([(now[path], at) for path, at in end.items()])
        for end, is_undone in zip(ends, taken_back, strict=True)
    ]


def _last(versions: Sequence[str | None], digest: str | None) -> int | None:
    """Which version a file holds, the last one that it may be; None where it holds another."""
    found = [place for place, version in enumerate(versions) if version == digest]
    return found[-1] if found else None


def _state(places: Sequence[tuple[int | None, int]]) -> Edits:
    """What has become of a call's edits, by where its files are and where it left them."""
    if all(now == then for now, then in places):
        return Edits.THERE
    if all(now is not None and now < then for now, then in places):
        return Edits.UNDONE
    return Edits.CHANGED


def _digest(path: Path) -> str | None:
    """The digest of a file; None where there is none, an empty text where it can't be told."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            return ""
        return digest_of(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError:
        return ""


async def _undo(chat: Chat, edits: Sequence[FileEdit]) -> list[Path]:
    tooling = chat.talk.tooling
    if tooling is None:
        return []
    places = tooling.ground.places

    def kept(digest: str) -> bytes | None:
        try:
            return None if chat.talk.store is None else chat.talk.store.blob(digest)
        except StoreError:
            return None

    def done() -> list[Path]:
        return list(undo(plan(edits, kept, places), places))

    paths = await asyncio.to_thread(done)
    for path in paths:
        tooling.bench.seen.pop(path, None)
    return paths
