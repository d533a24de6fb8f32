"""Branches: a message edited or asked again begins one; each can be shown and gone on with."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from chatterm.agent.edits import edited, not_covered
from chatterm.errors import ChattermError
from chatterm.render.lines import Span
from chatterm.render.sanitize import sanitize_line
from chatterm.steps import UserInput
from chatterm.talking import moving
from chatterm.talking.branches import Tree, with_content
from chatterm.tui.moving import give_back, send_at_once, unmentioned

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat


def edit_turn(chat: Chat, turn: str | None) -> None:
    """Put the message of a turn into the prompt, to be sent anew; None gives that up.

    What was being typed gives way to it, and is there again when that is given up.
    """
    if turn is None:
        chat.editing, chat.carried = None, ()
        chat.remember(chat.prompt.take())
        chat.prompt.put_back(chat.bottom.aside)
        chat.telling.refresh()
        return
    item = chat.transcript.message(turn)
    if item is None:
        chat.say("that turn has no message")
        return
    if chat.editing is None:
        chat.bottom.aside = chat.prompt.message
    if not chat.prompt.empty:
        chat.remember(chat.prompt.message)
    chat.editing, chat.carried = turn, unmentioned(item.sent)
    chat.back_to_prompt()
    chat.prompt.put_back(item.text)
    chat.telling.refresh()


async def send_edited(chat: Chat, message: UserInput) -> None:
    """Send the message that was edited, as a branch beside the old one."""
    turn, chat.editing = chat.editing, None
    left = False
    async with chat.talk.moving:
        try:
            left = turn is not None and await _leave(chat, turn)
        finally:
            if not left:
                give_back(chat, message)
        if left:
            send_at_once(chat, message)


async def ask_again(chat: Chat, turn: str) -> None:
    """Send the message of a turn again, as a branch beside it."""
    async with chat.talk.moving:
        turns = await chat.talk.turns()
        found = next((each for each in turns if each.id == turn), None)
        if found is None:
            chat.say("that turn isn't over yet")
            return
        sent, store = found.input, chat.talk.store
        attachments = await asyncio.to_thread(with_content, store, sent.attachments)
        if await _leave(chat, turn):
            send_at_once(chat, replace(sent, attachments=attachments))


async def switch(chat: Chat, steps: int) -> None:
    """Show the branch before or after that of the message at the cursor."""
    async with chat.talk.moving:
        await _switch(chat, steps)


async def _switch(chat: Chat, steps: int) -> None:
    item = chat.chosen_item
    turn = getattr(item, "turn", "")
    tree = Tree(await chat.talk.tree())
    siblings = tree.siblings(turn)
    if len(siblings) < 2:
        chat.say("there is one branch only")
        return
    at = (siblings.index(turn) + steps) % len(siblings)
    chosen = siblings[at]
    if not await _offer_to_restore(chat, turn):
        return
    await chat.show_recorded(await moving.go_to(chat.talk, tree.newest_leaf(chosen)))
    item = chat.transcript.message(chosen)
    if item is not None:
        chat.pane.set_cursor(item.key)
        chat.pane.focus()


async def _leave(chat: Chat, turn: str) -> bool:
    """Go back to before a turn; whether that was wanted, files and all."""
    if chat.talk.running:
        await chat.talk.stop()
    if not await _offer_to_restore(chat, turn):
        return False
    try:
        parent = chat.talk.session.before(turn)
        await moving.rewind(chat.talk, parent)
    except ValueError:
        chat.say("that turn isn't part of this branch")
        return False
    chat.transcript.cut(turn)
    chat.pane.set_cursor(None)
    return True


async def _offer_to_restore(chat: Chat, turn: str) -> bool:
    """Offer to take back what the turns from one on changed in files; False to stay here."""
    turns = await chat.talk.turns()
    ids = [each.id for each in turns]
    if turn not in ids:
        return True
    later = turns[ids.index(turn) :]
    edits = edited(later)
    if not edits:
        return True
    from chatterm.tui.screens.entry import Confirm
    from chatterm.tui.undoing import undo_calls

    files = sorted({edit.path for each in edits for edit in each.edits})
    commands = len(not_covered(later))
    more = f" {commands} shell commands ran, too: what they changed stays." if commands else ""
    wanted = await chat.app.push_screen_wait(
        Confirm(
            chat.palette,
            f"Put {len(files)} files back as they were before?{more}",
            detail=[(Span(sanitize_line(path)),) for path in files[:12]],
            yes="put them back",
            no="leave the files",
        )
    )
    if wanted:
        try:
            await undo_calls(chat, edits)
        except ChattermError as error:
            chat.on_trouble(error)
    return True
