"""What the terminal is told of a conversation: its title, and that the user is wanted.

A notification is a bell, and where the terminal is known to understand one of the three sequences
for it, a text. Who doesn't report focus is taken to have it, and isn't told anything.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from textual.app import App

from chatterm.render.lines import cells, split_cells
from chatterm.render.sanitize import sanitize_line
from chatterm.tui.terminal import write

_MOST_CELLS = 120
_NO_TITLE = frozenset({"", "dumb", "linux"})
_BELL = "\a"
_PUSH_TITLE, _POP_TITLE = "\x1b[22;2t", "\x1b[23;2t"
# In tmux and screen TERM_PROGRAM is their own; these are the terminal's that they began in.
_OSC_99 = ("KITTY_WINDOW_ID",)
_OSC_9 = ("ITERM_SESSION_ID", "WEZTERM_PANE", "GHOSTTY_RESOURCES_DIR")
_OSC_777 = ("VTE_VERSION",)
_PROGRAMS = {"iterm.app": 9, "wezterm": 9, "ghostty": 9, "kitty": 99}


class Notifier:
    """Tells the terminal.

    Args:
        app: Whose terminal it is.
        setting: Whether the user wants notifications (`ui.notifications`).
        environ: Tells which terminal it is.
    """

    def __init__(
        self, app: App[Any], setting: bool, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._app = app
        self._setting = setting
        self._titles = environ.get("TERM", "") not in _NO_TITLE
        self._in_tmux = bool(environ.get("TMUX"))
        self._code = code_of(environ)
        self._title: str | None = None

    def title(self, text: str) -> None:
        """Call the terminal's window this from now on."""
        title = fit(text)
        if not self._titles or title == self._title:
            return
        if self._title is None:
            # What was there before comes back in the end, where a terminal can keep it.
            write(self._app, _PUSH_TITLE)
            if self._app.is_running:
                self._app.app_resume_signal.subscribe(self._app, lambda _app: self._show())
        self._title = title
        self._show()

    def clear(self) -> None:
        """Give the window back the title it had."""
        if self._title is not None:
            self._title = None
            write(self._app, _titled("") + _POP_TITLE)

    def notify(self, text: str) -> None:
        """Say that the user is wanted, unless they are looking."""
        if self._setting and not self._app.app_focus:
            write(self._app, notification(self._code, text, in_tmux=self._in_tmux) + _BELL)

    def _show(self) -> None:
        """Another program that had the terminal may have called it something else."""
        if self._title is not None:
            write(self._app, _titled(self._title))


def code_of(environ: Mapping[str, str]) -> int:
    """The number of the sequence (OSC) that a terminal takes for a notification; 0: none."""
    term = environ.get("TERM", "")
    program = environ.get("TERM_PROGRAM", "").lower()
    if program in _PROGRAMS:
        return _PROGRAMS[program]
    if term == "xterm-kitty":
        return 99
    if term.startswith(("rxvt", "foot")):
        return 777
    for code, names in ((99, _OSC_99), (9, _OSC_9), (777, _OSC_777)):
        if any(environ.get(name) for name in names):
            return code
    return 9 if term in {"xterm-ghostty", "wezterm"} else 0


def notification(code: int, text: str, *, in_tmux: bool = False) -> str:
    """The sequence for a notification; empty where there is none."""
    said = fit(text)
    match code:
        case 9:  # begun with a number and a semicolon it would mean something else
            sequence = f"\x1b]9;chatterm: {said}\x1b\\"
        case 99:
            sequence = f"\x1b]99;;chatterm: {said}\x1b\\"
        case 777:  # the semicolon parts the title from the text
            sequence = f"\x1b]777;notify;chatterm;{said.replace(';', ',')}\x1b\\"
        case _:
            return ""
    if in_tmux:
        return f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\"
    return sequence


def fit(text: str) -> str:
    """A stranger's text as one line for a terminal's own places, not longer than they have room."""
    line = " ".join(sanitize_line(" ".join(text.split())).split())
    if cells(line) <= _MOST_CELLS:
        return line
    return split_cells(line, _MOST_CELLS - 1)[0].rstrip() + "…"


def _titled(title: str) -> str:
    return f"\x1b]2;{title}\x1b\\"
