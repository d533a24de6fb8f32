"""Showing a conversation out of the log: its end at once, what was before it by and by."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from chatterm.tui.drafting import go_to_wanted_place
from chatterm.tui.found_place import look_for_hit
from chatterm.tui.greeting import greet
from chatterm.tui.undoing import look_at_edits

if TYPE_CHECKING:
    from chatterm.store import RecordedTurn
    from chatterm.tui.chat import Chat

_EARLIER = 50
"""How many turns of a long conversation are added at once before those that are shown."""


async def show_recorded(chat: Chat, recorded: Sequence[RecordedTurn]) -> None:
    """Show a conversation.

    Args:
        chat: The screen.
        recorded: Its last turns.
    """
    # What is shown stays: looking through it for garbage would be felt. What was before may go.
    gc.unfreeze()
    chat.welcome = None
    chat.editing = None
    chat.wanted_hit = None
    chat.transcript.show([(turn.id, turn.events) for turn in recorded])
    if not recorded:
        greet(chat)
    chat.telling.turns_shown(recorded)
    first = recorded[0] if recorded else None
    chat.all_shown = first is None or first.parent is None
    if first is not None and not chat.all_shown:
        chat.begin_again("earlier", partial(_show_earlier, chat, first.id))
    else:
        gc.freeze()
    look_at_edits(chat)
    await chat.branches.read()


async def _show_earlier(chat: Chat, first: str) -> None:
    session = chat.talk.session
    while recorded := await asyncio.to_thread(session.recorded, _EARLIER, before=first):
        turns = [(turn.id, turn.events) for turn in recorded]
        made = await asyncio.to_thread(chat.transcript.made, turns)
        if session is not chat.talk.session:
            return
        chat.transcript.prepend(made)
        chat.telling.earlier_shown(recorded)
        first = recorded[0].id
        go_to_wanted_place(chat)
        look_for_hit(chat)
        await asyncio.sleep(0.01)
    if session is chat.talk.session:
        gc.freeze()
        chat.all_shown = True
        look_for_hit(chat)
        look_at_edits(chat)
        chat.branches.tell()
