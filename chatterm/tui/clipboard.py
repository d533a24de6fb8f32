"""Copying: through the terminal (OSC 52), and to the system's clipboard where it has a tool."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatterm.talking.clipboard import give, tool
from chatterm.tools.capture import plain

if TYPE_CHECKING:
    from textual.app import App

MOST_BYTES = 100_000
"""Terminals drop a longer sequence whole, or take it for text."""


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
    data = plain(text).encode("utf-8", "replace")
    argv = tool(environ)
    fits = len(data) <= MOST_BYTES
    if argv is not None:
        give(argv, data)
    if fits or argv is None:  # half of it must not come after the whole
        app.copy_to_clipboard(data[:MOST_BYTES].decode("utf-8", "ignore"))
    return fits or argv is not None
