"""The messages that wait, above the prompt: each a row, with what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.strip import Strip
from textual.widget import Widget

from chatterm.render.lines import Line, Span, line_cells
from chatterm.render.sanitize import sanitize_line
from chatterm.tui.pane.palette import DARK, Palette
from chatterm.tui.pane.stacked import shortened
from chatterm.tui.screens.painting import paint

if TYPE_CHECKING:
    from chatterm.agent.queue import Queued

_MOST = 4
_DEEDS = (("edit_queued", "edit"), ("raise_queued", "up"), ("drop_queued", "remove"))


class QueueView(Widget):
    """Shows the queue; nothing while nothing waits."""

    DEFAULT_CSS = """
    QueueView { height: auto; width: 100%; display: none; }
    """

    def __init__(self, palette: Palette = DARK) -> None:
        super().__init__(id="queue")
        self.palette = palette
        self._waiting: list[Queued] = []

    def show(self, waiting: Sequence[Queued]) -> None:
        """Show what waits."""
        waiting = list(waiting)
        if waiting == self._waiting:
            return
        self._waiting = waiting
        self.display = bool(waiting)
        self.refresh(layout=True)

    def get_content_height(self, *_: object) -> int:
        """A row a message, up to a few."""
        return min(len(self._waiting), _MOST)

    def render_line(self, y: int) -> Strip:
        """A message and what can be done about it."""
        return paint(self._line(y), self.size.width, self.rich_style, self.palette)

    def act_at(self, x: int, y: int) -> str:
        """What a click at a cell does."""
        if y >= len(self._waiting) or self._is_rest(y):
            return ""
        at = self.size.width - 1
        for name, words in reversed(self._deeds):
            if at - len(words) <= x < at:
                return f"{name}:{self._waiting[y].id}"
            at -= len(words) + 3
        return f"edit_queued:{self._waiting[y].id}"

    def _is_rest(self, y: int) -> bool:
        return y == _MOST - 1 and len(self._waiting) > _MOST

    @property
    def _deeds(self) -> tuple[tuple[str, str], ...]:
        """What there is room for beside a message: a click on that edits it anyway."""
        kept = len(_DEEDS)
        while kept and sum(len(words) + 3 for _, words in _DEEDS[-kept:]) > self.size.width // 2:
            kept -= 1
        return _DEEDS[len(_DEEDS) - kept :]

    def _line(self, y: int) -> Line:
        if y >= len(self._waiting):
            return ()
        if self._is_rest(y):
            left = len(self._waiting) - _MOST + 1
            return (Span(f"   and {left} more", ("muted",)),)
        message = self._waiting[y]
        when = "next: " if message.when == "round" else "queued: "
        text = sanitize_line(" ".join(message.input.text.split())) or "files"
        width = self.size.width
        deeds: list[Span] = []
        for number, (_, words) in enumerate(self._deeds):
            if number:
                deeds.append(Span(" · ", ("muted",)))
            deeds.append(Span(words, ("accent",)))
        room = width - line_cells(deeds) - 6
        left_line = shortened((Span(f"   {when}", ("muted",)), Span(text)), max(1, room))
        blank = width - line_cells(left_line) - line_cells(deeds) - 1
        if blank < 1 or room < 12:
            return shortened(left_line, width)
        return (*left_line, Span(" " * blank), *deeds)
