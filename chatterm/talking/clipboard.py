"""The system's clipboard, where a tool fills it."""

from __future__ import annotations

import itertools
import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping

log = logging.getLogger(__name__)

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


def give(argv: tuple[str, ...], data: bytes) -> None:
    """Have a tool fill the clipboard, in a thread; what goes wrong there is logged.

    Args:
        argv: The tool, as `tool` found it.
        data: What the clipboard is to hold; of several that come at once the last one counts.
    """
    global _newest  # noqa: PLW0603 - the clipboard is one for the whole process, too
    _newest = number = next(_numbers)
    threading.Thread(target=_give, args=(argv, data, number), name="clipboard", daemon=True).start()


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
