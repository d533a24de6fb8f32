"""Running the user's own commands from within the app, which may have to lend its terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from textual.app import App

from chatterm.errors import ChattermError
from chatterm.talking.own_commands import Typed, captured, shell, typed
from chatterm.tui.lending import lend

# What a program printed stays until it was read. Ctrl+C ends the program, not the waiting.
_WAITS = 'trap : INT; "$@"; s=$?; printf "\\n[%s] Enter goes back " "$s"; read -r _; exit "$s"'


class Desk(Protocol):
    """What running a command needs of the screen."""

    @property
    def app(self) -> App[Any]:
        """Whose terminal it is."""

    @property
    def directory(self) -> Path:
        """Where commands run now."""

    def on_trouble(self, error: ChattermError) -> None:
        """Show what can't be done."""


async def run_own(
    chat: Desk,
    command: str,
    output: Callable[[str], None] = lambda _text: None,
    cancelled: asyncio.Event | None = None,
) -> tuple[str, int] | None:
    """Run a command that the user typed.

    When the task is cancelled everything is stopped before the CancelledError goes on.

    Args:
        chat: The screen.
        command: What stands after the `!`; after another one it gets the terminal.
        output: Takes the output as it comes, in its colours; not sanitised.
        cancelled: Stops it and all that it started, when it is set.

    Returns:
        Its output as plain text, of very much the head and the tail, and its exit status, as a
        shell counts it; no output where it had the terminal. None when it can't be run; the user
        was told.
    """
    wanted = typed(command)
    if not wanted.line:
        return None
    try:
        if wanted.terminal:
            return "", await _on_terminal(chat, wanted)
        return await captured(wanted.line, chat.directory, output, cancelled)
    except ChattermError as error:
        chat.on_trouble(error)
    except OSError as error:
        chat.on_trouble(ChattermError(f"the command can't be run: {error.strerror or error}"))
    return None


async def _on_terminal(chat: Desk, wanted: Typed) -> int:
    argv = shell(wanted.line)
    if wanted.waits:
        argv = ("/bin/sh", "-c", _WAITS, "sh", *argv)
    status = await lend(chat.app, argv, directory=chat.directory)
    return status if status >= 0 else 128 - status
