"""What moves while a turn is under way: marks that turn, times that are told; nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.timer import Timer

    from chatterm.tui.chat import Chat

_TICK_S = 0.125
_SIDE_TICKS = 4


class Ticking:
    """Tells that time has passed, while a turn is under way.

    Args:
        chat: The screen.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._timer: Timer | None = None
        self._frame = 0

    def start(self) -> None:
        """A turn is under way."""
        if self._timer is None:
            self._timer = self._chat.set_interval(_TICK_S, self._tick)

    def _tick(self) -> None:
        chat = self._chat
        self._frame += 1
        chat.transcript.tick(self._frame)
        chat.waiting.tick(self._frame)
        chat.telling.tick()
        if chat.side is not None and self._frame % _SIDE_TICKS == 0:
            chat.side.update_bars()
        if not chat.talk.running and self._timer is not None:
            self._timer.stop()
            self._timer = None
            chat.telling.refresh()
