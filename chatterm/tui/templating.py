"""`/name` for templates: the message that one makes is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatterm.errors import ChattermError
from chatterm.talking.templates import NoSuchCommandError

if TYPE_CHECKING:
    from chatterm.agent.queue import When
    from chatterm.tui.chat import Chat


async def use(chat: Chat, text: str, typed: str, when: When) -> None:
    """Send what a template makes of a text; what names none is a message, or is told.

    Args:
        chat: The screen.
        text: The text, from its slash on.
        typed: The same without what was pasted.
        when: When it is sent, while a turn is under way.
    """
    from chatterm.tui.sending import send_made

    try:
        made = await chat.templates.made(text, typed)
    except NoSuchCommandError as error:
        chat.say(error.message)
        return
    except ChattermError as error:
        chat.on_trouble(error)
        if chat.prompt.empty and not chat.writing_line:
            chat.prompt.put_back(text)
        return
    if made.told:
        chat.say(made.told)
    await send_made(chat, made.text, made.typed, when, made.tools)
