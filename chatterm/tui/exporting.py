"""Writing a conversation to a file, in the format that the file's name ends with."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.errors import OutputError, UsageError
from chatterm.render.lines import Span
from chatterm.render.sanitize import sanitize_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatterm.store import Conversation, Store
    from chatterm.tui.chat import Chat

_NAME_CHARS = 60
"""How long a name made of a title may be, without its suffix."""


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
    if (wrong := _wrong(name, chat.directory)) is not None:
        raise UsageError(wrong)
    path = _placed(name, chat.directory)
    there = path.exists()
    if there and not await _may_replace(chat, path):
        return
    missing = await asyncio.to_thread(_write, store, found, path, replaced=there)
    also = f"; {missing} of its attachments aren't kept any more" if missing else ""
    chat.say(f"written to {sanitize_line(str(path))}{also}")


def default_name(title: str) -> str:
    """The name of a file for a conversation, made of its title."""
    words = re.sub(r"[^\w.-]+", "-", title.lower())[:_NAME_CHARS].strip("-._")
    return f"{words or 'conversation'}.md"


async def _asked(chat: Chat, found: Conversation) -> str | None:
    from chatterm.tui.screens.entry import Entry

    name = await chat.app.push_screen_wait(
        Entry(
            chat.palette,
            "Write the conversation to (.md, .txt, .html, .jsonl)",
            default_name(found.title),
            validate=lambda text: _wrong(text.strip(), chat.directory),
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


def _placed(name: str, directory: Path) -> Path:
    return directory / Path(name).expanduser()


def _wrong(name: str, directory: Path) -> str | None:
    """Why no file can be written under a name, if none can."""
    from chatterm.transcripts.exporting import FORMATS

    if not name or "\0" in name:
        return "give the name of a file"
    try:
        path = _placed(name, directory)
        if path.suffix.removeprefix(".").lower() not in FORMATS:
            return "the name says the format: let it end with .md, .txt, .html or .jsonl"
        if not path.parent.is_dir():
            return f"there is no directory {sanitize_line(str(path.parent))}"
        if path.exists() and not path.is_file():
            return f"{sanitize_line(str(path))} is no file that can be replaced"
    except RuntimeError:
        return "the ~ stands for no home directory"
    except OSError as error:
        return f"can't write there: {(error.strerror or str(error)).lower()}"
    return None


def _write(store: Store, found: Conversation, path: Path, *, replaced: bool) -> int:
    """Write the file; how many contents are missing in it."""
    from chatterm.transcripts.exporting import exported

    missing: list[str] = []
    pieces = exported(store, found, path.suffix.removeprefix(".").lower(), missing.append)
    try:
        if replaced:
            _replace(path, pieces)
        else:
            _create(path, pieces)
    except OSError as error:
        where = sanitize_line(str(path))
        raise OutputError(
            f"can't write {where}: {(error.strerror or str(error)).lower()}"
        ) from error
    return len(missing)


def _create(path: Path, pieces: Iterator[bytes]) -> None:
    with path.open("xb") as file:
        try:
            file.writelines(pieces)
            file.flush()
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise


def _replace(path: Path, pieces: Iterator[bytes]) -> None:
    """Put a new file in the place of one, which is as it was until the new one is whole."""
    target = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(prefix=".chatterm-", dir=target.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            os.fchmod(file.fileno(), target.stat().st_mode & 0o777)
        beside.replace(target)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
