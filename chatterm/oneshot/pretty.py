"""The answer on a terminal: Markdown rendered while it streams."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from chatterm.oneshot.output import Output
from chatterm.render.console import wants_colour
from chatterm.render.lines import Line, Span, wrap
from chatterm.render.markdown import MarkdownStream
from chatterm.render.sanitize import Sanitizer, sanitize_line
from chatterm.render.terminal import LiveTerminal
from chatterm.steps import Citation

# Redrawing more often than this shows nothing more and costs the terminal as much as us.
_FRAME_S = 1 / 30


def source_lines(citations: Sequence[Citation], width: int) -> list[Line]:
    """The sources of a text, numbered, their real addresses shown."""
    lines: list[Line] = [()]
    for number, citation in enumerate(citations, start=1):
        spans = [Span(f"[{number}] ", ("muted",))]
        if citation.title:
            spans.append(Span(sanitize_line(citation.title)))
        if citation.url:
            dash = " — " if citation.title else ""
            spans.append(Span(dash + sanitize_line(citation.url), ("address",)))
        lines += wrap(spans, width)
    return lines


class _Stream:
    """The output as the file that the screen writes to."""

    def __init__(self, output: Output) -> None:
        self.write = output.write

    def flush(self) -> None:
        """Every write is out already."""


class PrettySink:
    """Renders an answer's texts, each a document of its own, at most once a frame.

    Args:
        output: The terminal.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._screen = LiveTerminal(_Stream(output), self._size, color=wants_colour(sys.stdout))
        self._sanitizer = Sanitizer()
        self._document: MarkdownStream | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._drawn_at = float("-inf")
        self._error: Exception | None = None

    def begin_text(self, *, apart: bool) -> None:
        """A text is a document of its own, so that an open fence doesn't swallow the next."""
        self.end_text()
        if apart:
            self._screen.update([()], [])

    def write(self, text: str) -> None:
        """Take a piece of the answer."""
        self._raise_late_error()
        if self._document is None:
            self._document = MarkdownStream(self._screen.width, wrap_code=False)
        self._document.feed(self._sanitizer.feed(text))
        self._draw_in_time()

    def pause(self) -> None:
        """Take the unfinished lines off the screen, so that others can be written there."""
        self._raise_late_error()
        if self._document is not None:
            self._stop_timer()
            self._draw(with_tail=False)

    def end_text(self, citations: Sequence[Citation] = ()) -> None:
        """A text of the answer is whole; the sources it names are listed below it."""
        self._raise_late_error()
        self._stop_timer()
        document, self._document = self._document, None
        if document is not None:
            document.feed(self._sanitizer.finish())
            self._screen.update(document.finish().frozen, [])
        if citations:
            self._screen.update(source_lines(citations, self._screen.width), [])

    def close(self) -> None:
        """The answer is over: what is there stays."""
        self.end_text()
        self._screen.close()

    def _size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._output.number)
        except OSError:
            return 80, 24
        return size.columns or 80, size.lines or 24

    def _draw_in_time(self) -> None:
        """Draw now, or when the frame is over, so that the last piece is shown too."""
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        wait = self._drawn_at + _FRAME_S - loop.time()
        if wait <= 0:
            self._draw()
        else:
            self._timer = loop.call_later(wait, self._draw_late)

    def _draw_late(self) -> None:
        self._timer = None
        try:
            self._draw()
        except Exception as error:  # noqa: BLE001 - told to whoever writes next
            self._error = error

    def _draw(self, *, with_tail: bool = True) -> None:
        if self._document is None:
            return
        self._document.width = self._screen.width
        update = self._document.flush()
        self._screen.update(update.frozen, update.tail if with_tail else [])
        self._drawn_at = asyncio.get_running_loop().time()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _raise_late_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error
