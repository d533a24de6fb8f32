"""Breaking plain text into lines while it arrives, for what stands beside the answer."""

from __future__ import annotations

import os
import re

_PIECE = re.compile(r"\n|[^\S\n]+|\S+")
WIDEST = 100  # columns: the width of prose, as in the answer


def width_of(stream: object) -> int:
    """The columns that text on a terminal is set to."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns  # type: ignore[attr-defined]
    except (AttributeError, ValueError, OSError):
        columns = 80
    return max(10, min(columns or 80, WIDEST))


class WordWrap:
    """Breaks lines between words; a word is written when it is whole.

    Args:
        width: Columns.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._column = 0
        self._space: list[str] = []  # in pieces, as they came
        self._word: list[str] = []

    def feed(self, text: str) -> str:
        """What can be written after this text."""
        parts = []
        for piece in _PIECE.findall(text):
            if not piece.isspace():
                self._word.append(piece)
                continue
            parts.append(self._place())
            if piece == "\n":
                parts.append("\n")
                self._column, self._space = 0, []
            else:
                self._space.append(piece)
        return "".join(parts)

    def finish(self) -> str:
        """The last word."""
        return self._place()

    def _place(self) -> str:
        from rich.cells import cell_len

        word, self._word = "".join(self._word), []
        if not word:
            return ""
        space, self._space = "".join(self._space), []
        size = cell_len(word)
        if self._column and self._column + len(space) + size > self._width:
            self._column = size
            return f"\n{word}"
        self._column += len(space) + size
        return space + word


def wrapped(text: str, width: int) -> str:
    """A whole text, broken into lines."""
    wrap = WordWrap(width)
    return wrap.feed(text) + wrap.finish()
