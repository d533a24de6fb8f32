"""What a click does: what the item, or the row, says that it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

from chatterm.tui.pane.reading import ReadingPane

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat

_RIGHT = 3


def step_clicked(chat: Chat, event: ReadingPane.Clicked) -> None:
    """A step was clicked: with the right button for its menu."""
    pane = chat.pane
    if event.button == _RIGHT:
        pane.set_cursor(event.item.key, seen=False)
        chat.do(f"menu:{event.at[0]},{event.at[1]}")
    elif event.action:
        pane.marks.cursor = event.item.key
        chat.do(event.action)
        if not pane.has_focus:
            pane.set_cursor(None)
    elif pane.cursor is not None:
        pane.set_cursor(event.item.key, seen=False)


def row_clicked(chat: Chat, event: events.Click) -> None:
    """A part of the status row, or of the queue, was clicked."""
    act = ""
    if event.widget is chat.status:
        act = chat.status.act_at(event.x)
    elif event.widget is chat.queue_view:
        act = chat.queue_view.act_at(event.x, event.y)
    if act:
        chat.do(act)
