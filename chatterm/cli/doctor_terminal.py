"""What the terminal can do: what it answers when it is asked, and what is known of its kind.

The questions are the kitty keyboard protocol's, the kitty graphics protocol's and XTVERSION,
followed by DA1, which every terminal answers: what has no answer by then will get none. A terminal
that would show a question isn't asked.
"""

from __future__ import annotations

import os
import re
import termios
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chatterm.tui.background import NEVER_ASKED, opened, read_answers

_KEYBOARD = b"\x1b[?u"
_GRAPHICS = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
_NAME = b"\x1b[>q"
_END = b"\x1b[c"
_WAIT_S = 0.5
_SHOWS_GRAPHICS = "Apple_Terminal"  # it prints the question

_ATTRIBUTES = re.compile(rb"\x1b\[\?([0-9;]*)c")
_NAMED = re.compile(rb"\x1bP>\|([^\x1b]{1,80})\x1b\\")
_SIXEL, _CLIPBOARD = 4, 52

# Those that are known to follow links (OSC 8), by how they call themselves.
_LINKED = (
    *("kitty", "wezterm", "iterm", "foot", "ghostty", "alacritty", "contour", "konsole"),
    *("vscode", "windows terminal", "rio", "mintty", "vte"),
)
_PATIENT_VTE = 5000


@dataclass(frozen=True, slots=True)
class Answers:
    """What a terminal answered.

    Attributes:
        answered: Whether it did at all.
        name: What it calls itself; may be empty.
        keyboard: It tells every key apart.
        kitty_images: It shows images of the kitty protocol.
        attributes: Those of DA1.
    """

    answered: bool = False
    name: str = ""
    keyboard: bool = False
    kitty_images: bool = False
    attributes: frozenset[int] = frozenset()


def asked(environ: Mapping[str, str], device: str = "/dev/tty") -> Answers:
    """Ask the terminal, where there is one that may be asked.

    Args:
        environ: The environment variables.
        device: The terminal.
    """
    if environ.get("TERM", "") in NEVER_ASKED or not os.isatty(1):
        return Answers()
    terminal = opened(device)
    if terminal is None:
        return Answers()
    graphics = b"" if environ.get("TERM_PROGRAM") == _SHOWS_GRAPHICS else _GRAPHICS
    try:
        return understood(_answers(terminal, _KEYBOARD + graphics + _NAME + _END))
    except (OSError, termios.error):
        return Answers()
    finally:
        os.close(terminal)


def _answers(terminal: int, questions: bytes) -> bytes:
    """What comes back; the terminal echoes nothing meanwhile, and is as before when it has."""
    before = termios.tcgetattr(terminal)
    quiet = termios.tcgetattr(terminal)
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    quiet[6][termios.VMIN], quiet[6][termios.VTIME] = 1, 0
    termios.tcsetattr(terminal, termios.TCSANOW, quiet)
    try:
        os.write(terminal, questions)
        return read_answers(terminal, _WAIT_S)
    finally:
        with suppress(OSError, termios.error):
            termios.tcsetattr(terminal, termios.TCSANOW, before)


def understood(data: bytes) -> Answers:
    """What a terminal's answers mean.

    Args:
        data: Everything that came.
    """
    end = _ATTRIBUTES.search(data)
    named = _NAMED.search(data)
    return Answers(
        answered=end is not None,
        name=named[1].decode("utf-8", "replace") if named else "",
        keyboard=re.search(rb"\x1b\[\?[0-9]+u", data) is not None,
        kitty_images=b"\x1b_Gi=31;OK" in data,
        attributes=frozenset(int(n) for n in end[1].split(b";") if n) if end else frozenset(),
    )


def abilities(environ: Mapping[str, str], answers: Answers) -> dict[str, Any]:
    """What a terminal can do, as plain data; None is what isn't known.

    Args:
        environ: The environment variables.
        answers: What it answered.
    """
    from chatterm.talking.clipboard import tool

    found = tool(environ)
    return {
        "name": answers.name or environ.get("TERM_PROGRAM") or None,
        "asked": answers.answered,
        "links": _links(environ, answers),
        "clipboard": {
            "tool": found[0] if found else None,
            "terminal": True if _CLIPBOARD in answers.attributes else None,
        },
        "images": _images(environ, answers),
        "keyboard": answers.keyboard if answers.answered else None,
    }


def _links(environ: Mapping[str, str], answers: Answers) -> bool | None:
    """Whether it follows links: nothing asks for that, so it goes by the terminal's kind."""
    program = environ.get("TERM_PROGRAM", "")
    if program == _SHOWS_GRAPHICS or environ.get("TERM", "") in NEVER_ASKED:
        return False
    vte = environ.get("VTE_VERSION", "")
    if (vte.isdigit() and int(vte) >= _PATIENT_VTE) or environ.get("WT_SESSION"):
        return True
    names = f"{answers.name} {program} {environ.get('TERM', '')}".lower()
    return True if any(each in names for each in _LINKED) else None


def _images(environ: Mapping[str, str], answers: Answers) -> str | None:
    if answers.kitty_images:
        return "kitty"
    if _SIXEL in answers.attributes:
        return "sixel"
    program = f"{answers.name} {environ.get('TERM_PROGRAM', '')}".lower()
    return "iterm" if "iterm" in program or "wezterm" in program else None
