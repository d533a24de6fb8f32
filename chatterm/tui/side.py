"""The timeline beside the conversation, where the screen has room for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatterm.tui.looking import go_to_step, turn_bars
from chatterm.tui.steps.signs import ASCII
from chatterm.tui.timeline import TimelineView

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat

WIDE = 150
"""From so many cells on there is room beside the conversation."""


class TimelineSide(TimelineView):
    """Shows where the time goes of the turn at the cursor, or of the last."""

    def __init__(self, chat: Chat) -> None:
        super().__init__(chat.palette, ascii=chat.setting.looks.signs is ASCII, id="side")
        self._turn = ""
        self._chat = chat

    def update_bars(self) -> None:
        """Show how the turn stands that is under way."""
        live = self._chat.live_turn
        if live.turn:
            self._turn = live.turn
            self.show(live.bars, now=live.now)

    async def show_turn(self) -> None:
        """Show the turn at the cursor, or the last."""
        self._turn, bars, now = await turn_bars(self._chat)
        self.show(bars, now=now)

    def on_timeline_view_chosen(self, event: TimelineView.Chosen) -> None:
        """A step was chosen: the cursor goes there."""
        event.stop()
        go_to_step(self._chat, self._turn, event.step_id)


async def switch_side(chat: Chat) -> None:
    """Show the timeline beside the conversation, or no longer."""
    if chat.side is not None:
        side, chat.side = chat.side, None
        await side.remove()
        return
    chat.side = TimelineSide(chat)
    await chat.query_one("#middle").mount(chat.side)
    await chat.side.show_turn()
