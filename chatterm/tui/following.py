"""What an event of the conversation changes on the screen; it is recorded already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatterm.events import StepFinished, TurnFinished, TurnStarted
from chatterm.steps import ToolResultStep
from chatterm.tui.greeting import take_away

if TYPE_CHECKING:
    from chatterm.events import Event
    from chatterm.tui.chat import Chat


def show_event(chat: Chat, event: Event) -> None:
    """Show what has happened."""
    if isinstance(event, TurnStarted):
        take_away(chat)
    chat.waiting.event(event)
    chat.transcript.event(event)
    chat.live_turn.event(event)
    match event:
        case TurnStarted():
            _begin_turn(chat, event)
        case TurnFinished():
            chat.telling.turn_ended(event)
        case _:
            chat.telling.event(event)
    match event:
        case StepFinished(ToolResultStep(edits=edits)) if edits:
            _look_at_edits(chat)
        case TurnFinished():  # a command may have changed the files, too
            _look_at_edits(chat, everywhere=True)


def _begin_turn(chat: Chat, event: TurnStarted) -> None:
    chat.pane.follow()
    chat.ticking.start()
    chat.telling.turn_began(event)
    chat.on_change()
    chat.branches.begin(event.turn, event.parent)


def _look_at_edits(chat: Chat, *, everywhere: bool = False) -> None:
    from chatterm.tui.undoing import look_at_edits

    look_at_edits(chat, everywhere=everywhere)
