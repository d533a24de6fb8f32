"""Saving a text to a file: the user says where, and whether what is there may be replaced."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from textual.app import App

from chatterm.errors import OutputError
from chatterm.tui.pane.palette import Palette
from chatterm.tui.screens.entry import Confirm, Entry


async def save(
    app: App[Any], palette: Palette, text: str, directory: Path, offered: str = ""
) -> Path | None:
    """Save a text; to be called in a worker, since it waits for the user.

    Args:
        app: Shows what is asked.
        palette: What roles look like.
        text: The text.
        directory: Where a file is saved whose name doesn't say.
        offered: The name that is offered.

    Returns:
        Where it was saved; None when the user gave it up.

    Raises:
        OutputError: It can't be written.
    """

    def wrong(name: str) -> str | None:
        return wrong_name(name, directory)

    name = await app.push_screen_wait(Entry(palette, "Save as", offered, validate=wrong))
    if name is None:
        return None
    path = path_of(name, directory)
    try:
        try:
            await asyncio.to_thread(_write, path, text, "x")
        except FileExistsError:
            question = f"{path.name} exists. Replace it?"
            confirm = Confirm(palette, question, yes="replace", no="leave it")
            if not await app.push_screen_wait(confirm):
                return None
            await asyncio.to_thread(_write, path, text, "w")
    except OSError as error:
        raise OutputError(f"not saved: {error.strerror}") from error
    return path


def path_of(name: str, directory: Path) -> Path:
    """The file of a name that was typed."""
    return directory / Path(name.strip()).expanduser()


def wrong_name(name: str, directory: Path) -> str | None:
    """What is wrong with a name that was typed; None where nothing is."""
    if not name.strip():
        return "a file needs a name"
    try:
        path = path_of(name, directory)
        if path.is_dir():
            return "that is a directory"
        if not path.parent.is_dir():
            return "there is no such directory"
    except (OSError, RuntimeError, ValueError):  # too long; no such user; a null character
        return "that can't be the name of a file"
    return None


def _write(path: Path, text: str, mode: str) -> None:
    # Half a character, which a stream may have been cut in, can't be written.
    with path.open(mode, encoding="utf-8", errors="replace", newline="") as file:
        file.write(text)
