"""Leaving: what runs is stopped, what was typed is kept, and the terminal is told how to go on."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from chatterm.config import log_dir
from chatterm.errors import ChattermError
from chatterm.render.sanitize import sanitize_line
from chatterm.tui.drafting import keep

if TYPE_CHECKING:
    from chatterm.store import Store
    from chatterm.tui.chat import Chat


async def leave(chat: Chat, said: str = "") -> None:
    """Leave the app, whatever goes wrong with what has to be closed before.

    Args:
        chat: The screen.
        said: What is left on the terminal, where there is nothing to go on with.
    """
    line = said
    try:
        line = await _close(chat) or said
    finally:
        chat.app.exit(line)


async def _close(chat: Chat) -> str:
    """Keep what is typed and close what is open; what is left on the terminal."""
    talk = chat.talk
    await talk.stop()  # what that gives back is kept, too
    await keep(chat)
    chat.drafts.close()
    line = ""
    if await asyncio.to_thread(_is_kept, talk.store, talk.session.id):
        title = sanitize_line(talk.title).strip() or "this conversation"
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


def _is_kept(store: Store | None, conversation: str) -> bool:
    """Whether there is a conversation to go on with: what was only shown can't be found again."""
    if store is None:
        return False
    try:
        return store.find(conversation).id == conversation
    except ChattermError:
        return False
