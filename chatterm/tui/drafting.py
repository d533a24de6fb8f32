"""What is typed and where one reads, kept for this directory and brought back."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.errors import ChattermError
from chatterm.talking.drafts import Draft

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat


async def keep(chat: Chat) -> None:
    """Keep what is typed, what waits, and the place on the screen."""
    session = chat.talk.session
    draft = Draft(
        text=chat.prompt.message,
        queue=tuple(message.input.text for message in session.queue),
        conversation=session.id if session.head else None,
        place=chat.pane.place if session.head else None,
        commands=chat.talk.guiding.unsent(session),
    )
    with suppress(ChattermError, OSError):
        await asyncio.to_thread(chat.drafts.save, str(Path.cwd()), draft)


async def keep_typed(chat: Chat) -> None:
    """Keep what was typed a while ago; before it is known what was left, that has to wait."""
    if chat.drafts.looked:
        await keep(chat)
    else:
        chat.on_prompt_typed()


async def bring_back(chat: Chat) -> None:
    """Bring back what was typed when this directory's last session ended."""
    draft = await asyncio.to_thread(chat.drafts.load, str(Path.cwd()))
    if draft is None:
        return
    for command in reversed(draft.commands):
        chat.remember(command)
    if draft.commands:
        chat.say(draft.said_of_commands)
    if draft.first and chat.prompt.empty:
        chat.prompt.put_back(draft.first)
    elif draft.text:  # something was typed meanwhile
        chat.remember(draft.text)
    await _bring_queue_back(chat, draft)
    if draft.place is not None and draft.conversation == chat.talk.session.id:
        chat.wanted_place = draft.place
        go_to_wanted_place(chat)
    await keep(chat)  # as it is now: were it gone until somebody types, a crash would lose it


async def _bring_queue_back(chat: Chat, draft: Draft) -> None:
    """What waited goes on waiting in its own conversation; in another one it isn't meant."""
    from chatterm.tui.sending import message_of

    if not draft.queue:
        return
    session = chat.talk.session
    if draft.conversation == session.id:
        for text in draft.queue:
            session.enqueue(await message_of(chat, text, text))
        chat.say("messages still wait: they go after the next turn; /send-waiting sends them now")
        return
    for text in draft.queue:
        chat.remember(text)
    chat.say("messages that waited in another conversation weren't sent; Up brings them back")


def go_to_wanted_place(chat: Chat) -> None:
    """Go to where one read, as soon as that is there."""
    wanted = chat.wanted_place
    if wanted is not None and chat.pane.item(wanted[0]) is not None:
        chat.wanted_place = None
        chat.pane.put_at_top(*wanted)
