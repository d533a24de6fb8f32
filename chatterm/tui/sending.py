"""What is typed and sent: a command of ours, a command of the shell, or a message."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from chatterm.agent.queue import When
from chatterm.steps import UserInput
from chatterm.talking.branches import with_content
from chatterm.talking.messages import message_of as made
from chatterm.tui.deeds.every import BY_NAME

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat


def submit(chat: Chat, *, later: bool) -> None:
    """Do what was typed: it is gone from the prompt when this returns.

    Args:
        chat: The screen.
        later: A message waits for the turn's end, when one is under way.
    """
    typed = chat.prompt.text
    text = chat.prompt.take()
    chat.remember(text)
    command = typed.strip()
    if command.startswith("/") and _is_command(command):
        name, _, given = command[1:].partition(" ")
        chat.do(f"{name}:{given.strip()}")
    elif command.startswith("!") and len(command) > 1:
        from chatterm.tui.own_commands import run_typed

        chat.begin(run_typed(chat, command))
    elif "@" not in typed and chat.editing is None and not chat.carried:
        chat.send_message(UserInput(text), When.TURN if later else When.ROUND)
    else:
        chat.begin(_send(chat, text, typed, When.TURN if later else When.ROUND))


async def _send(chat: Chat, text: str, typed: str, when: When) -> None:
    """Send a message that has to be made ready first."""
    carried, chat.carried = chat.carried, ()
    message = await message_of(chat, text, typed)
    if carried:
        carried = await asyncio.to_thread(with_content, chat.talk.store, carried)
        message = replace(message, attachments=(*carried, *message.attachments))
    if chat.editing is not None:
        from chatterm.tui.branching import send_edited

        await send_edited(chat, message)
    else:
        chat.send_message(message, when)


def _is_command(text: str) -> bool:
    """Whether a text is meant as a command: a path, say, is not."""
    name = text[1:].split(" ", 1)[0]
    return name in BY_NAME or ("/" not in name and name.replace("-", "").isalpha())


async def message_of(chat: Chat, text: str, typed: str) -> UserInput:
    """The message with the files that it mentions.

    Args:
        chat: The screen.
        text: The message.
        typed: What of it was typed, and may mention files: not what was pasted.
    """
    message, problems = await made(chat.talk, text, typed)
    for problem in problems:
        chat.say(problem)
    return message
