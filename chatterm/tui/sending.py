"""What is typed and sent: a command of ours, a command of the shell, or a message."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from chatterm.agent.queue import When
from chatterm.steps import UserInput
from chatterm.talking.branches import with_content
from chatterm.talking.messages import message_of as made
from chatterm.talking.templates import is_named
from chatterm.tui.deeds.every import BY_NAME
from chatterm.tui.templating import use

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
    when = When.TURN if later else When.ROUND
    name, _, given = command.removeprefix("/").partition(" ")
    deed = BY_NAME.get(name) if command.startswith("/") else None
    if deed is not None:
        whole = text.strip().partition(" ")[2].strip()  # with what was pasted
        if deed.name == "queue":
            send_text(chat, whole, given.strip(), When.TURN)
        else:
            chat.do(f"{name}:{whole}")
    elif command.startswith("!") and len(command) > 1:
        from chatterm.tui.own_commands import run_typed

        chat.begin(run_typed(chat, command))
    else:
        send_text(chat, text, typed, when)


def send_text(chat: Chat, text: str, typed: str, when: When) -> None:
    """Send a message, or what a template makes of a text."""
    command = typed.strip()
    if not text:
        return
    if command.startswith("/") and is_named(command):
        chat.begin(use(chat, text.strip(), command, when))
    elif "@" not in typed and chat.editing is None and not chat.carried:
        chat.send_message(UserInput(text), when)
    else:
        chat.begin(send_made(chat, text, typed, when))


async def send_made(
    chat: Chat, text: str, typed: str, when: When, tools: frozenset[str] | None = None
) -> None:
    """Send a message that has to be made ready first.

    Args:
        chat: The screen.
        text: The message.
        typed: What of it was typed, and may mention files.
        when: When it is sent, while a turn is under way.
        tools: The only tools that its turn has; None leaves them as they are.
    """
    carried, chat.carried = chat.carried, ()
    message = await message_of(chat, text, typed)
    if carried:
        carried = await asyncio.to_thread(with_content, chat.talk.store, carried)
        message = replace(message, attachments=(*carried, *message.attachments))
    if tools is not None:
        chat.talk.guiding.limit(message, tools)
    if chat.editing is not None:
        from chatterm.tui.branching import send_edited

        await send_edited(chat, message)
    else:
        chat.send_message(message, when)


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
