"""Taking back what a call edited, from within the app."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.agent.edits import Edited
from chatterm.errors import StoreError
from chatterm.tools.undoing import plan, undo
from chatterm.tui.steps.call import CallItem

if TYPE_CHECKING:
    from chatterm.steps import FileEdit
    from chatterm.tui.chat import Chat


async def undo_edit(chat: Chat) -> None:
    """Take back what the call at the cursor edited; without one, the last call that did.

    Raises:
        UndoError: A file has changed since; nothing was undone.
    """
    item = chat.pane.cursor
    if not (isinstance(item, CallItem) and _can_undo(item)):
        if item is not None and isinstance(item, CallItem):
            chat.say("this call edited nothing that can be undone")
            return
        item = next((each for each in reversed(chat.pane.items) if _can_undo(each)), None)
    if not isinstance(item, CallItem) or item.result is None:
        chat.say("there is no edit to undo")
        return
    paths = await _undo(chat, item.result.edits or ())
    item.mark_undone()
    chat.say(f"undone: {', '.join(path.name for path in paths)}")


async def undo_calls(chat: Chat, calls: Sequence[Edited]) -> None:
    """Take back what several calls edited.

    Raises:
        UndoError: A file has changed since; nothing was undone.
    """
    await _undo(chat, [edit for each in calls for edit in each.edits])
    for each in calls:
        item = chat.transcript.call(each.call.id)
        if item is not None:
            item.mark_undone()


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


def _can_undo(item: object) -> bool:
    return (
        isinstance(item, CallItem)
        and item.result is not None
        and bool(item.result.edits)
        and not item.undone
    )
