"""Messages made of what the user typed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.steps import UserInput

if TYPE_CHECKING:
    from chatterm.permissions.places import Places
    from chatterm.talking.talk import Talk


async def message_of(talk: Talk, text: str, typed: str) -> tuple[UserInput, list[str]]:
    """A message with the files that it mentions, and a sentence for each that can't go along.

    Args:
        talk: The conversation.
        text: The message.
        typed: What of it was typed, and may mention files: not what was pasted.
    """
    if "@" not in typed:
        return UserInput(text), []
    from chatterm.talking.attachments import attach, mentioned_files

    await talk.ready()  # before that it isn't known which files are sensitive
    tooling = talk.tooling
    directory = talk.directory

    def gathered() -> tuple[UserInput, list[str]]:
        places = tooling.ground.places if tooling is not None else _places()
        attachments, problems = attach(mentioned_files(typed, directory), places)
        return UserInput(text, tuple(attachments)), problems

    return await asyncio.to_thread(gathered)


def _places() -> Places:
    """What is where, when there are no tools that know it."""
    from chatterm.config import workspace
    from chatterm.permissions.opening import Ground

    return Ground.of(workspace(Path.cwd().resolve())).places
