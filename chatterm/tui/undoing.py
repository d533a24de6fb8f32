"""Taking back what a call edited, from within the app."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.agent.edits import Edited
from chatterm.talking.undoing import Edits, states_of, take_back
from chatterm.tools.undoing import UndoError
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
    await _look(chat, _edited(chat))  # they may have changed since
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


async def _undo(chat: Chat, edits: Sequence[FileEdit]) -> list[Path]:
    tooling = chat.talk.tooling
    if tooling is None:
        raise UndoError("nothing was undone: the tools aren't open")
    return await asyncio.to_thread(take_back, edits, tooling, chat.talk.store)
