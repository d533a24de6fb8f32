"""Leaving: what runs is stopped, what was typed is kept, and the terminal is told how to go on."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.config import data_dir, log_dir
from chatterm.errors import ChattermError
from chatterm.render.sanitize import sanitize_line

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat


async def leave(chat: Chat) -> None:
    """Leave the app, whatever goes wrong with what has to be closed before."""
    line = ""
    try:
        line = await _close(chat)
    finally:
        chat.app.exit(line)


async def _close(chat: Chat) -> str:
    """Keep what is typed and close what is open; what is left on the terminal."""
    from chatterm.tui.prompt.drafts import Draft, Drafts

    talk = chat.talk
    await talk.stop()  # what that gives back is kept, too
    text = chat.prompt.message
    waiting = tuple(message.input.text for message in talk.session.queue)
    drafts = Drafts(data_dir() / "drafts")
    draft = Draft(text, (), waiting, talk.session.id if talk.session.head else None)
    with suppress(ChattermError, OSError):
        await asyncio.to_thread(drafts.save, str(Path.cwd()), draft)
    line = ""
    if talk.session.head is not None or talk.running:
        title = sanitize_line(talk.title) or "this conversation"
        line = f"{title}: chatterm -r {talk.session.id[:6]}"
    with suppress(ChattermError):
        await talk.close()
    if chat.notifier is not None:
        chat.notifier.clear()
    if chat.profile is not None:
        trace = log_dir() / "trace.json"
        with suppress(OSError):
            await asyncio.to_thread(chat.profile.write, trace)
            line = f"{line}\ntrace: {trace}".strip()
    return line
