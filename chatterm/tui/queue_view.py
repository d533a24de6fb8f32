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
_EDIT, _REMOVE = ("edit_queued", "edit"), ("drop_queued", "remove")
_RUNNING = (_EDIT, ("raise_queued", "up"), _REMOVE)
_IDLE = (("send_waiting", "send"), _EDIT, _REMOVE)


class QueueView(Widget):
    """Shows the queue; nothing while nothing waits."""

    DEFAULT_CSS = """
    QueueView { height: auto; width: 100%; display: none; }
    """

    def __init__(self, palette: Palette = DARK) -> None:
        super().__init__(id="queue")
        self.palette = palette
        self._waiting: list[Queued] = []
        self._running = False

    def show(self, waiting: Sequence[Queued], *, running: bool) -> None:
        """Show what waits.

        Args:
            waiting: The messages.
            running: A turn is under way, after which they are sent by themselves.
        """
        waiting = list(waiting)
        if waiting == self._waiting and running == self._running:
            return
        self._waiting, self._running = waiting, running
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

    @property
    def _deeds(self) -> tuple[tuple[str, str], ...]:
        """What there is room for beside a message: a click on that edits it anyway."""
        deeds = _RUNNING if self._running else _IDLE
        kept = len(deeds)
        while kept and sum(len(words) + 3 for _, words in deeds[-kept:]) > self.size.width // 2:
            kept -= 1
        return deeds[len(deeds) - kept :]

    def _is_rest(self, y: int) -> bool:
        return y == _MOST - 1 and len(self._waiting) > _MOST

    def _line(self, y: int) -> Line:
        if y >= len(self._waiting):
            return ()
        if self._is_rest(y):
            left = len(self._waiting) - _MOST + 1
            return (Span(f"   and {left} more", ("muted",)),)
        message = self._waiting[y]
        when = "next: " if message.when == "round" else "queued: "
        if not self._running:
            when = "not sent: "
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
