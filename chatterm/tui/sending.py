"""What is typed and sent: a command of ours, a command of the shell, or a message."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.agent.queue import When
from chatterm.steps import UserInput
from chatterm.tui.deeds.every import BY_NAME

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat


async def submit(chat: Chat, text: str, *, later: bool) -> None:
    """Do what was typed.

    Args:
        chat: The screen.
        text: What was typed, long pastes put back.
        later: A message waits for the turn's end, when one is under way.
    """
    typed = chat.prompt.text
    command = typed.strip()
    if command.startswith("/") and _is_command(command):
        chat.prompt.take()
        chat.remember(command)
        name, _, given = command[1:].partition(" ")
        chat.do(f"{name}:{given.strip()}")
        return
    if command.startswith("!") and len(command) > 1:
        from chatterm.tui.own_commands import run_typed

        chat.prompt.take()
        chat.remember(command)
        await run_typed(chat, command)
        return
    message = await _message(chat, text, typed)
    if message is None:
        return
    chat.remember(text)
    chat.prompt.take()
    chat.prompt.folded.clear()
    if chat.editing is not None:
        from chatterm.tui.branching import send_edited

        await send_edited(chat, message)
        return
    chat.send_message(message, When.TURN if later else When.ROUND)


def _is_command(text: str) -> bool:
    """Whether a text is meant as a command: a path, say, is not."""
    name = text[1:].split(" ", 1)[0]
    return name in BY_NAME or ("/" not in name and name.replace("-", "").isalpha())


async def _message(chat: Chat, text: str, typed: str) -> UserInput | None:
    """The message with the files that it mentions; None where one of them can't be sent."""
    if "@" not in typed:
        return UserInput(text)
    from chatterm.tui.prompt.attachments import attach, mentioned_files

    tooling = chat.talk.tooling
    places = tooling.ground.places if tooling is not None else None
    directory = Path(chat.directory)

    def gathered() -> tuple[UserInput, list[str]]:
        files = mentioned_files(typed, directory)
        attachments, problems = attach(files, places)
        return UserInput(text, tuple(attachments)), problems

    message, problems = await asyncio.to_thread(gathered)
    for problem in problems:
        chat.say(problem)
    return message
