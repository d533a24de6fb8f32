"""A text in Markdown rendered at a width, as far as it has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatterm.render.lines import Line

if TYPE_CHECKING:
    from chatterm.render.markdown import MarkdownStream


class Rendered:
    """A text rendered at a width: lines that don't change any more, and a tail that may."""

    __slots__ = ("_frozen", "_stream", "_tail", "width")

    def __init__(self, width: int, references: Mapping[str, Any] | None = None) -> None:
        from chatterm.render.markdown import MarkdownStream  # the first frame needs none

        self.width = width
        self._frozen: list[Line] = []
        self._tail: list[Line] = []
        self._stream: MarkdownStream | None = MarkdownStream(width, references=references)

    def __len__(self) -> int:
        return len(self._frozen) + len(self._tail)

    def line(self, row: int) -> Line:
        """A row; empty where there is none."""
        if row < len(self._frozen):
            return self._frozen[row]
        row -= len(self._frozen)
        return self._tail[row] if row < len(self._tail) else ()

    def add(self, text: str, *, done: bool) -> int | None:
        """Add text; the first row that looks different, or None where none does."""
        if self._stream is None:
            return None
        self._stream.feed(text)
        before, old = len(self._frozen), self._tail
        if done:
            update, self._stream = self._stream.finish(), None
        else:
            update = self._stream.flush()
        self._frozen += update.frozen
        self._tail = update.tail
        now = [*update.frozen, *update.tail]
        same = 0
        for was, line in zip(old, now, strict=False):
            if was != line:
                break
            same += 1
        return None if same == len(old) == len(now) else before + same


def is_label(line: Line) -> bool:
    """Whether a row tells a code's language."""
    return any("code.label" in span.style for span in line[:4])
