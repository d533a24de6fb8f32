"""Writing a conversation to a file, in the format that the file's name ends with."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.errors import UsageError
from chatterm.render.lines import Span
from chatterm.render.sanitize import sanitize_line
from chatterm.talking.exporting import default_name, placed, write, wrong_name

if TYPE_CHECKING:
    from chatterm.store import Conversation
    from chatterm.tui.chat import Chat


async def export(chat: Chat, given: str, conversation: str | None = None) -> None:
    """Write a conversation to a file; what is there already is replaced only after a yes.

    Args:
        chat: Where to ask, and to say what was done.
        given: The file's name; it is asked for where there is none.
        conversation: Which conversation; None is the open one.

    Raises:
        UsageError: No file can be written under that name.
        OutputError: It can't be written.
        StoreError: The conversation can't be read.
    """
    store, session = chat.talk.store, chat.talk.session
    if store is None or (conversation is None and session.head is None):
        chat.say("there is no conversation to write yet")
        return
    found = await asyncio.to_thread(store.find, conversation or session.id)
    name = given.strip() or await _asked(chat, found)
    if name is None:
        return
    if (wrong := wrong_name(name, chat.directory)) is not None:
        raise UsageError(wrong)
    path = placed(name, chat.directory)
    there = path.exists()
    if there and not await _may_replace(chat, path):
        return
    missing = await asyncio.to_thread(write, store, found, path, replaced=there)
    also = f"; {missing} of its attachments aren't kept any more" if missing else ""
    chat.say(f"written to {sanitize_line(str(path))}{also}")


async def _asked(chat: Chat, found: Conversation) -> str | None:
    from chatterm.tui.screens.entry import Entry

    name = await chat.app.push_screen_wait(
        Entry(
            chat.palette,
            "Write the conversation to (.md, .txt, .html, .jsonl)",
            default_name(found.title),
            validate=lambda text: wrong_name(text.strip(), chat.directory),
        )
    )
    return name.strip() if name is not None else None


async def _may_replace(chat: Chat, path: Path) -> bool:
    from chatterm.tui.screens.entry import Confirm

    detail = (Span(sanitize_line(str(path)), ("muted",)),)
    question = f"Replace {sanitize_line(path.name)}, which is there already?"
    asked = Confirm(chat.palette, question, detail=[detail], yes="replace it", no="leave it")
    yes = await chat.app.push_screen_wait(asked)
    return yes is True
