"""Copying: through the terminal (OSC 52), and to the system's clipboard where it has a tool."""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatterm.tools.capture import plain

if TYPE_CHECKING:
    from textual.app import App

log = logging.getLogger(__name__)

MOST_BYTES = 100_000
"""Terminals drop a longer sequence whole, or take it for text."""
_LIMIT_S = 3.0
_REMOTE = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
_TOOLS = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard", "-in")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
)

_numbers = itertools.count(1)
_one_by_one = threading.Lock()
_newest = 0


def copy(app: App[Any], text: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Copy a text; control characters stay behind: whoever pastes it into a shell runs nothing.

    Never waits: a tool is run in a thread, and what goes wrong there is logged.

    Args:
        app: Whose terminal it is.
        text: The text.
        environ: Tells of the display, and of a remote session.

    Returns:
        Whether all of it was copied, as far as can be told.
    """
    global _newest  # noqa: PLW0603 - the clipboard is one for the whole process, too
    data = plain(text).encode("utf-8", "replace")
    argv = tool(environ)
    fits = len(data) <= MOST_BYTES
    if argv is not None:
        _newest = number = next(_numbers)
        threading.Thread(
            target=_give, args=(argv, data, number), name="clipboard", daemon=True
        ).start()
    if fits or argv is None:  # half of it must not come after the whole
        app.copy_to_clipboard(data[:MOST_BYTES].decode("utf-8", "ignore"))
    return fits or argv is not None


def tool(environ: Mapping[str, str], platform: str = sys.platform) -> tuple[str, ...] | None:
    """The command that fills this system's clipboard; None without one, and on another's screen."""
    if any(environ.get(name) for name in _REMOTE):
        return None
    candidates: list[tuple[str, ...]]
    if platform == "darwin":
        candidates = [("pbcopy",)]
    else:
        candidates = [argv for display, argv in _TOOLS if environ.get(display)]
    path = environ.get("PATH")
    return next((argv for argv in candidates if shutil.which(argv[0], path=path)), None)


def _give(argv: tuple[str, ...], data: bytes, number: int) -> None:
    with _one_by_one:
        if number != _newest:
            return  # something else was copied meanwhile
        try:
            subprocess.run(
                argv,
                input=data,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_LIMIT_S,
                check=True,
                start_new_session=True,  # on X11 it goes on, to hand the text out
            )
        except (OSError, subprocess.SubprocessError) as error:
            log.warning("%s can't copy: %s", argv[0], error)
