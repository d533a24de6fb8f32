"""The terminal, one line after the other: what is written is text, what is read is lines.

Lines are edited by the library that shells use, told that the terminal knows nothing but text: it
then writes characters, backspaces and returns, and no control sequence. Where there isn't even a
carriage return to rely on, the terminal's own line editing is all there is.
"""

from __future__ import annotations

import os
import re
import select
import sys
import termios
import time
from contextlib import suppress
from typing import Any

from chatterm.linear.told import Ended, Signals
from chatterm.render.encoding import encode
from chatterm.render.sanitize import sanitize_line
from chatterm.render.wordwrap import wrapped

_GRACE_S = 0.3
"""Keys that were pressed before a question could be read are no answer to it."""
_PASTED_S = 0.03
"""Lines that come so soon after another weren't typed."""
_NEVER = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_NARROWEST = 20
_WIDEST = 100  # prose is no easier to read beyond
_BLOCK = 65_536


class Terminal:
    """Where lines are written and read.

    Args:
        signals: Tells what is to happen while a line is waited for.
        editing: Lines can be edited, and earlier ones be had again.

    Attributes:
        gone: It is closed: nothing can be written or read any more.
    """

    def __init__(self, signals: Signals, *, editing: bool) -> None:
        self.gone = False
        self._signals = signals
        self._in_line = False
        self._pending = b""
        self._editor: Any = _line_editor() if editing else None

    # --- writing ---

    @property
    def width(self) -> int:
        """Columns that prose is set to."""
        try:
            columns = os.get_terminal_size(1).columns
        except OSError:
            columns = 0
        return max(_NARROWEST, min(columns or 80, _WIDEST))

    def write(self, text: str) -> None:
        """Write text that is sanitised; no control character comes through but a newline."""
        text = _NEVER.sub("", text)
        if not text:
            return
        self._in_line = not text.endswith("\n")
        view = memoryview(encode(text))
        while view and not self.gone:
            try:
                view = view[os.write(1, view) :]
            except BlockingIOError:
                select.select([], [1], [])
            except OSError:  # the window was closed
                self.gone = True

    def say(self, text: str) -> None:
        """Write lines, broken between words."""
        self.end_line()
        self.write(f"{wrapped(text, self.width)}\n")

    def exact(self, text: str) -> None:
        """Write lines as they are, however long."""
        self.end_line()
        self.write(f"{text}\n")

    def end_line(self) -> None:
        """End a line that is being written."""
        if self._in_line:
            self.write("\n")

    # --- reading ---

    def read(self, prompt: str, filled: str = "") -> str | None:
        """Ask for a line.

        Args:
            prompt: What is asked.
            filled: What stands there already, where lines can be edited.

        Returns:
            The line without its end; None at the end of input.

        Raises:
            KeyboardInterrupt: Ctrl+C.
            Ended: The process was told to end.
        """
        self.end_line()
        if self.gone:
            return None
        try:
            with self._signals.waiting():
                if self._editor is not None and b"\n" not in self._pending:
                    typed, self._pending = _text(self._pending), b""
                    line = self._edited(prompt, filled + sanitize_line(typed))
                else:
                    line = self._plain(prompt)
        except (KeyboardInterrupt, Ended):
            self.write("\n")
            raise
        if line is None:
            self.write("\n")
        self._in_line = False
        return line

    def ask(self, prompt: str, filled: str = "") -> str | None:
        """Ask for a line that decides something: nothing that was typed before is an answer."""
        time.sleep(_GRACE_S)
        self.forget_typed()
        return self.read(prompt, filled)

    def forget_typed(self) -> None:
        """Throw away what was typed and not read yet."""
        self._pending = b""
        with suppress(termios.error, OSError):
            termios.tcflush(0, termios.TCIFLUSH)

    def came_along(self) -> list[str]:
        """The lines that came at once with the last one: nobody types so quickly.

        What of a line came, and isn't ended, stands in the next one that is asked for.
        """
        while select.select([0], [], [], _PASTED_S)[0]:
            try:
                data = os.read(0, _BLOCK)
            except OSError:
                break
            if not data:
                break
            self._pending += data
        return self._whole_lines()

    def typed_meanwhile(self) -> list[str] | None:
        """The lines that came without being asked for; None at the end of input. Doesn't wait."""
        try:
            if not select.select([0], [], [], 0)[0]:
                return []
            data = os.read(0, _BLOCK)
        except OSError:
            data = b""
        if not data:
            return None
        self._pending += data
        self._in_line = False  # the terminal has shown the line's end
        return self._whole_lines()

    def _whole_lines(self) -> list[str]:
        # What came while the editor still had the terminal ends with a return.
        data = self._pending.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, self._pending = data.split(b"\n")
        return [_text(line) for line in lines]

    def remember(self, text: str) -> None:
        """Have Up bring a line back."""
        if self.can_fill(text):
            self._editor.add_history(text)

    def can_fill(self, text: str) -> bool:
        """Whether a text can stand in a line to be edited: it fits one, and all of it is seen."""
        return self._editor is not None and bool(text) and sanitize_line(text) == text

    @property
    def draft(self) -> str:
        """What stands in the line that is being edited."""
        return "" if self._editor is None else _clean(self._editor.get_line_buffer())

    def _edited(self, prompt: str, filled: str) -> str | None:
        editor = self._editor
        editor.set_startup_hook((lambda: editor.insert_text(filled)) if filled else None)
        cooked = _attributes()
        raw: list[Any] = []

        def give_back() -> None:
            raw[:] = [_attributes()]
            _set_attributes(cooked)

        def take_again() -> None:
            _set_attributes(raw[0])
            self.write(f"\n{prompt}{editor.get_line_buffer()}")

        try:
            with self._signals.stopping(give_back, take_again):
                return _clean(input(prompt))
        except EOFError:
            return None
        finally:
            editor.set_startup_hook(None)

    def _plain(self, prompt: str) -> str | None:
        self.write(prompt)
        while b"\n" not in self._pending:
            select.select([0], [], [])
            try:
                data = os.read(0, _BLOCK)
            except OSError:  # the window was closed
                self.gone = True
                return None
            if not data:
                rest, self._pending = self._pending, b""
                return _text(rest) if rest else None
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return _text(line)


def _line_editor() -> Any:
    """The library that edits lines, told of a terminal that has nothing but text."""
    term = os.environ.get("TERM")
    os.environ["TERM"] = "dumb"  # it is asked once, when it is loaded
    try:
        import readline
    except ImportError:  # a Python without it
        return None
    finally:
        if term is None:
            del os.environ["TERM"]
        else:
            os.environ["TERM"] = term
    sys.stdin.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    for setting in ("enable-bracketed-paste off", "bell-style none", "disable-completion on"):
        readline.parse_and_bind(f"set {setting}")
    readline.set_auto_history(False)
    return readline


def _attributes() -> Any:
    with suppress(termios.error, OSError):
        return termios.tcgetattr(0)
    return None


def _set_attributes(attributes: Any) -> None:
    if attributes is not None:
        with suppress(termios.error, OSError):
            termios.tcsetattr(0, termios.TCSANOW, attributes)


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")


def _clean(line: str) -> str:
    return line.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
