"""A text in Markdown at its place in the pane: rendered as it streams, and a long one in slices."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from chatterm.render.lines import UNBROKEN, Line, Span, line_cells, line_text
from chatterm.render.sanitize import Sanitizer
from chatterm.tui.pane.items import Item
from chatterm.tui.pane.rendered import Rendered, is_label

# A text up to this long is wrapped at once when it is first seen or the width changes.
_AT_ONCE = 6000
_PIECE, _LONGEST_PIECE = 500, 2000
"""What is rendered at once of a long text: little at first, then more, as each piece costs what the
block takes that it stands in."""
_COPY = "copy"
_MOST_DEFINING = 60_000
"""In a longer text a link is looked up only among the definitions before it."""


def estimated_rows(length: int, width: int) -> int:
    """About how many rows a text in Markdown takes at a width."""
    return 1 + length // max(1, width * 2 // 3)


class MarkdownItem(Item):
    """A text in Markdown, which may still be streaming.

    Args:
        text: What there is of it already, as it came.
        done: Whether that is all.
    """

    __slots__ = (
        "_done",
        "_fresh",
        "_length",
        "_making",
        "_parts",
        "_references",
        "_sanitizer",
        "_shown",
        "_unshown",
    )

    def __init__(self, key: str, text: str = "", *, done: bool = False, gap: int = 1) -> None:
        super().__init__(key, gap=gap)
        # Until it is seen it is nothing but its text: there may be very many.
        self._parts: list[str] = []
        self._fresh: list[str] = [text] if text else []
        self._sanitizer: Sanitizer | None = None
        self._length = len(text)
        self._done = done
        self._shown: Rendered | None = None
        self._making: tuple[Rendered, Iterator[None]] | None = None
        self._references: Mapping[str, Any] | None = None
        self._unshown = ""  # what was taken for its text alone, such as to find words in it

    @property
    def source(self) -> str:
        """The text so far, sanitised."""
        self._take()
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    def feed(self, text: str) -> None:
        """Add what has come."""
        self._fresh.append(text)
        self._length += len(text)
        self.want()

    def finish(self) -> None:
        """Nothing more will come."""
        if not self._done:
            self._done = True
            self.want()

    def forget(self) -> None:
        """Render a whole text anew when it is seen again: its rows take twenty times the text."""
        if self._done and not self._fresh:
            self._shown = self._making = None
            self._unshown = ""

    def estimate(self, width: int) -> int:
        """By its length."""
        return estimated_rows(self._length, width)

    def rows(self, width: int) -> int:
        """What is rendered; a long text is rendered on by `work`."""
        self._turn_to(width)
        return len(self._shown) if self._shown is not None else 0

    def line(self, row: int, width: int) -> Line:
        """A row, as it was rendered last; on a code's label is what copies it."""
        line = self._row(row)
        if not is_label(line):
            return line
        blank = width - line_cells(line) - len(_COPY) - 1
        return (*line, Span(" " * blank), Span(_COPY, ("muted",))) if blank > 0 else line

    def text_line(self, row: int, width: int) -> Line:
        """A row, without what copies the code."""
        return self._row(row)

    def _row(self, row: int) -> Line:
        return self._shown.line(row) if self._shown is not None else ()

    def plain(self, width: int) -> str:
        """The text rendered without breaking prose."""
        from chatterm.render.markdown import render

        lines = render(self.source, UNBROKEN, references=self._found_references())
        return "\n".join(line_text(line).rstrip() for line in lines)

    def holds(self, words: str) -> bool:
        """Whether the source does."""
        return words in self.source.lower()

    def restate(self, text: str) -> None:
        """Be another text from now on, which is whole."""
        sanitizer = Sanitizer()
        clean = sanitizer.feed(text) + sanitizer.finish()
        if self._done and clean == self.source:
            return
        self._parts, self._fresh, self._sanitizer = [clean], [], None
        self._length, self._done, self._references = len(clean), True, None
        if self._shown is None:
            self.tell(0)
        else:
            self._make(self._shown.width)

    def action(self, row: int, column: int, width: int) -> str:
        """Copy the block of code whose label that row is."""
        if column < width - len(_COPY) - 1 or not is_label(self._row(row)):
            return ""
        labels = sum(1 for each in range(row) if is_label(self._row(each)))
        return f"copy_code:{labels}"

    def flush(self) -> int:
        """Render what has come."""
        if self._shown is None:  # it isn't near what is seen
            self.tell(0)
            return 0
        self._take()
        text, self._unshown = self._unshown, ""
        if self._making is None:  # what is being rendered anew takes it up itself
            self._tell(self._shown.add(text, done=self._done))
            self._resolve_links(self._shown)
        return len(text)

    def work(self, until: float) -> bool:
        """Render on at the new width."""
        if self._making is None:
            return False
        made, steps = self._making
        for _ in steps:
            if time.perf_counter() > until:
                return True
        turned = made is not self._shown
        self._shown, self._making, self._unshown = made, None, ""
        self.tell(0 if turned else max(0, len(made) - 1))
        self._resolve_links(made)
        return self._making is not None

    def _resolve_links(self, shown: Rendered) -> None:
        """Once the text is whole, render those links that had shown as text till now."""
        if self._done and self._references is None and self._found_references():
            self._make(shown.width)

    def _take(self) -> None:
        """Sanitise what has come since that was done last."""
        if not self._fresh and not (self._done and self._sanitizer is not None):
            return
        if self._sanitizer is None:
            self._sanitizer = Sanitizer()
        text = "".join(map(self._sanitizer.feed, self._fresh))
        self._fresh.clear()
        if self._done:
            text += self._sanitizer.finish()
            self._sanitizer = None
        if text:
            self._parts.append(text)
            if self._shown is not None:
                self._unshown += text

    def _turn_to(self, width: int) -> None:
        """See to it that the text is rendered, or being rendered, at a width."""
        at = self._making[0] if self._making is not None else self._shown
        if at is None or at.width != width:
            self._make(width)

    def _make(self, width: int) -> None:
        made = Rendered(width, self._found_references() if self._done else None)
        if self._length <= _AT_ONCE:
            made.add(self.source, done=self._done)
            changed, self._shown, self._making = self._shown is not None, made, None
            self._unshown = ""
            if changed:
                self.tell(0)
            return
        self._making = (made, self._rendering(made))
        if self._shown is None:  # nothing to show yet: what fills a screen comes at once
            self._shown = made
            next(self._making[1], None)
        self.want()

    def _found_references(self) -> Mapping[str, Any]:
        """The definitions of links, wherever they stand; those of a whole text are known then."""
        if self._references is not None:
            return self._references
        found: Mapping[str, Any] = {}
        source = self.source
        if "]:" in source and len(source) <= _MOST_DEFINING:
            from chatterm.render.markdown import references

            found = references(source)
        if self._done:
            self._references = found
        return found

    def _rendering(self, made: Rendered) -> Iterator[None]:
        at, piece = 0, _PIECE
        while at < len(source := self.source):
            text = source[at : at + piece]
            self._rendered(made, text)
            at += len(text)  # more may come before the next one
            piece = min(2 * piece, _LONGEST_PIECE)
            yield
        if self._done:
            self._rendered(made, "", done=True)

    def _rendered(self, made: Rendered, text: str, *, done: bool = False) -> None:
        row = made.add(text, done=done)
        if made is self._shown:
            self._tell(row)

    def _tell(self, row: int | None) -> None:
        if row is not None:
            self.tell(row)
