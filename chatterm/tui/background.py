"""Is the terminal's background dark? Asked of the terminal, before the app takes it over.

The question is OSC 11 (xterm's "dynamic colours"), followed by DA1, which every terminal answers:
once that answer has come, one to the first question won't. Asking and reading are apart, so that
the program can get ready in between:

    with ask() as question:
        import textual
        background = question.answer(0.3)

Meanwhile the terminal doesn't echo, and what the user types is kept.
"""

from __future__ import annotations

import atexit
import os
import re
import select
import termios
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from chatterm.tui.luminance import luminance

_QUESTION = b"\x1b]11;?\x07\x1b[c"
_COLOUR = re.compile(rb"\x1b\]11;([^\x07\x1b]*)(?:\x07|\x1b\\)")
_END = re.compile(rb"\x1b\[\?[0-9;]*c")
_LONGEST_END = 80
_PERHAPS = re.compile(rb"\x1b(?:\](?:1(?:1(?:;[^\x07\x1b]*\x1b?)?)?)?|\[(?:\?[0-9;]*)?)?\Z")
"""What may be the beginning of an answer."""
_BEGUN = re.compile(rb"\x1b(?:\]11(?:;[^\x07\x1b]*\x1b?)?|\[\?[0-9;]*)\Z")
"""What is one for certain: no key sends it."""
_GRACE_S = 0.1
"""How much longer the rest of an answer may take: it would come to the app as keys."""
_MOST = 65_536
"""More than this isn't read: nobody types so much meanwhile."""

_CHANNEL = "([0-9a-fA-F]{1,4})"
_RGB = re.compile(rf"rgba?:{_CHANNEL}/{_CHANNEL}/{_CHANNEL}(?:/[0-9a-fA-F]{{1,4}})?")
# Where black text and white text have the same contrast (WCAG 2.2's formula).
_MIDDLE = 0.179
NEVER_ASKED = frozenset({"", "dumb", "linux", "unknown"})
"""Kinds of terminals that would show the question."""


@dataclass(frozen=True, slots=True)
class Background:
    """What is known of the terminal's background.

    Attributes:
        dark: Whether it is dark; None where nobody says.
        typed: What the user typed meanwhile, as the terminal sent it: keys without a character are
            escape sequences, Enter is a line feed.
    """

    dark: bool | None
    typed: str = ""


def ask(environ: Mapping[str, str] | None = None, device: str = "/dev/tty") -> Question:
    """Ask the terminal, where there is one that may be asked.

    It isn't asked when standard output isn't a terminal, in the background of a shell (it would
    stop us), or where the question would be seen.

    Args:
        environ: The environment; None is the process's own.
        device: The terminal.
    """
    environ = os.environ if environ is None else environ
    told = _told(environ.get("COLORFGBG", ""))
    terminal = None
    if environ.get("TERM", "") not in NEVER_ASKED and os.isatty(1):
        terminal = opened(device)
    question = Question(terminal, told)
    if terminal is not None:
        question.put()
    return question


class Question:
    """A question to the terminal that may not have been answered yet; a context manager.

    The terminal is as it was before when `answer` has returned, and at the latest at the end of
    the block or of the process.

    Args:
        terminal: A descriptor of the terminal, which is closed at the end; None asks nobody.
        told: What is known without it.
    """

    def __init__(self, terminal: int | None, told: bool | None) -> None:
        self._terminal = terminal
        self._told = told
        self._before: list[int | list[bytes | int]] | None = None

    def put(self) -> None:
        """Stop the echo and ask."""
        if self._terminal is None:
            return
        atexit.register(self.close)
        try:
            before = termios.tcgetattr(self._terminal)
            changed = termios.tcgetattr(self._terminal)
            changed[3] &= ~(termios.ECHO | termios.ICANON)
            changed[6][termios.VMIN], changed[6][termios.VTIME] = 1, 0
            self._before = before
            # At once: to wait for the output, or to throw away the input, would be wrong.
            termios.tcsetattr(self._terminal, termios.TCSANOW, changed)
            os.write(self._terminal, _QUESTION)
        except (OSError, termios.error):
            self.close()
        except BaseException:
            self.close()
            raise

    def answer(self, timeout_s: float) -> Background:
        """Read until the terminal has answered, and give it back.

        Args:
            timeout_s: How long to wait, in seconds; what came already is read in any case.
        """
        data = b""
        try:
            if self._terminal is not None:
                data = read_answers(self._terminal, timeout_s)
        finally:
            self.close()
        dark, typed = understood(data)
        return Background(self._told if dark is None else dark, typed)

    def close(self) -> None:
        """Give the terminal back as it was; more than once does no harm."""
        terminal = self._terminal
        if terminal is None:
            return
        # In this order, so that an interrupted one can be done again.
        with suppress(OSError, termios.error):  # it is gone
            if self._before is not None:
                termios.tcsetattr(terminal, termios.TCSANOW, self._before)
        self._terminal = None
        os.close(terminal)
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def understood(data: bytes) -> tuple[bool | None, str]:
    """Tell the terminal's answers from what was typed.

    Args:
        data: Everything that came.

    Returns:
        Whether the background is dark, or None; and what was typed.
    """
    said = [_is_dark(found[1]) for found in _COLOUR.finditer(data)]
    typed = _BEGUN.sub(b"", _END.sub(b"", _COLOUR.sub(b"", data)))
    return next((dark for dark in said if dark is not None), None), typed.decode(errors="replace")


def opened(device: str) -> int | None:
    """A descriptor of the terminal, if we are in its foreground."""
    try:
        # Never waits: output may be stopped (Ctrl+S).
        flags = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
        terminal = os.open(device, flags)
    except OSError:
        return None
    try:
        if os.tcgetpgrp(terminal) == os.getpgrp():
            return terminal
    except OSError:  # not a terminal, or not ours
        pass
    os.close(terminal)
    return None


def read_answers(terminal: int, timeout_s: float) -> bytes:
    """Everything that comes until the terminal has answered, or for so long."""
    data, ended = _read_on(terminal, b"", timeout_s)
    if not ended and _PERHAPS.search(data):
        data, _ = _read_on(terminal, data, _GRACE_S)
    return data


def _read_on(terminal: int, data: bytes, timeout_s: float) -> tuple[bytes, bool]:
    """More of it, and whether the last answer is in it."""
    until = time.monotonic() + timeout_s
    ended = False
    while len(data) < _MOST:
        left = 0.0 if ended else max(0.0, until - time.monotonic())
        more = _more(terminal, left)
        if not more:
            break
        start = max(0, len(data) - _LONGEST_END)
        data += more
        ended = ended or _END.search(data, start) is not None
    return data, ended


def _more(terminal: int, seconds: float) -> bytes:
    """What comes within a time; nothing where nothing does or it is gone."""
    try:
        ready, _, _ = select.select([terminal], [], [], seconds)
        return os.read(terminal, 4096) if ready else b""
    except (OSError, ValueError):  # ValueError: a descriptor too high for select
        return b""


def _is_dark(colour: bytes) -> bool | None:
    """Whether a colour, as X11 writes it, is one that light text is read on."""
    found = _RGB.fullmatch(colour.decode("ascii", "replace"))
    if found is None:
        return None
    red, green, blue = (int(digits, 16) / (16 ** len(digits) - 1) for digits in found.groups())
    return luminance(red, green, blue) < _MIDDLE


def _told(colours: str) -> bool | None:
    """What COLORFGBG says: "15;0" or "0;default;15", of the sixteen colours."""
    background = colours.rpartition(";")[2]
    if not re.fullmatch("[0-9]{1,2}", background) or int(background) > 15:
        return None
    return int(background) in {0, 1, 2, 3, 4, 5, 6, 8}
