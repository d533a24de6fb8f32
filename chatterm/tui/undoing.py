"""Taking back what a call edited, from within the app."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.agent.edits import Edited
from chatterm.talking.undoing import Edits, states_of, take_back
from chatterm.tools.undoing import UndoError
from chatterm.tui.edited_calls import EditedCalls, paths_of
from chatterm.tui.steps.call import CallItem

if TYPE_CHECKING:
    from chatterm.steps import FileEdit
    from chatterm.tui.chat import Chat
    from chatterm.tui.pane.items import Item


async def undo_edit(chat: Chat) -> None:
    """Take back what the call at the cursor edited; only without a cursor, the last call that did.

    Who reads means the step at the cursor, and no other: that wouldn't be seen.

    Raises:
        UndoError: A file has changed since; nothing was undone.
    """
    await _look(chat)  # they may have changed since
    item: Item | None = chat.pane.cursor
    if item is None and not chat.pane.has_focus:
        item = next((each for each in reversed(_edited(chat)) if each.can_undo), None)
        if item is None:
            chat.say("there is no edit to undo")
            return
    result = item.result if isinstance(item, CallItem) else None
    if not isinstance(item, CallItem) or result is None or not result.edits:
        chat.say("nothing to undo at the cursor")
        return
    if item.edits is Edits.UNDONE:
        chat.say("it is undone already")
        return
    paths = await _undo(chat, result.edits)
    _note_undone(chat, [item])
    chat.say(f"undone: {', '.join(path.name for path in paths)}")
    await _look(chat)


async def undo_calls(chat: Chat, calls: Sequence[Edited]) -> None:
    """Take back what several calls edited.

    Raises:
        UndoError: A file has changed since; nothing was undone.
    """
    await _undo(chat, [edit for each in calls for edit in each.edits])
    items = (chat.transcript.call(each.call.id) for each in calls)
    _note_undone(chat, [item for item in items if item is not None])
    await _look(chat)


def _note_undone(chat: Chat, calls: Sequence[CallItem]) -> None:
    for call in calls:
        chat.undone.add(call.key)
        chat.transcript.edited.mark(call)


def look_at_edits(chat: Chat, *, everywhere: bool = False) -> None:
    """Find out what has become of the edits that are shown, and tell it at their calls.

    Args:
        chat: The screen.
        everywhere: Any file may have changed, not only those that calls edited since.
    """
    edited = chat.transcript.edited
    if edited.due or (everywhere and edited.paths):
        chat.begin(_look(chat, everywhere=everywhere))


async def _look(chat: Chat, *, everywhere: bool = True) -> None:
    edited = chat.transcript.edited
    async with edited.looking:
        due, edited.due = edited.due, set()
        now = await asyncio.to_thread(_digests, edited, edited.paths if everywhere else due)
        if edited is not chat.transcript.edited:
            return  # another conversation is shown by now
        due |= {path for path in now if path not in edited.told or edited.told[path] != now[path]}
        calls = edited.of(due)
        if not calls:
            return
        # What a call's files held depends on all calls that edited them.
        around = _in_order(chat, edited.of(set().union(*map(paths_of, calls.values()))))
        edits = [call.result.edits or () for call in around if call.result is not None]
        undone = [call.key in chat.undone for call in around]
        found = await asyncio.to_thread(states_of, edits, undone, edited.digests)
        edited.told |= now
        with chat.pane.at_once():
            for call, state in zip(around, found, strict=True):
                if call.key in calls:
                    call.tell_edits(state)


def _digests(edited: EditedCalls, paths: Iterable[str]) -> dict[str, str | None]:
    return {path: edited.digests(path) for path in paths}


def _in_order(chat: Chat, calls: Mapping[str, CallItem]) -> list[CallItem]:
    return sorted(calls.values(), key=lambda call: chat.pane.index_of(call.key))


def _edited(chat: Chat) -> list[CallItem]:
    """The calls that are shown and edited something."""
    edited = chat.transcript.edited
    return _in_order(chat, edited.of(edited.paths))


async def _undo(chat: Chat, edits: Sequence[FileEdit]) -> list[Path]:
    tooling = chat.talk.tooling
    if tooling is None:
        raise UndoError("nothing was undone: the tools aren't open")
    return await asyncio.to_thread(take_back, edits, tooling, chat.talk.store)
