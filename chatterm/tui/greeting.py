"""The greeting of an empty conversation: shown, kept true, taken away once there is more to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatterm.talking.offering import NO_MODEL
from chatterm.tui.servers import has_no_model
from chatterm.tui.welcome import WelcomeItem

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat


def greet(chat: Chat) -> None:
    """Show an empty conversation."""
    keys = [
        (chat.keys_of("help") or "/help", "the keys"),
        ("/", "commands"),
        (chat.keys_of("conversations") or "/conversations", "earlier conversations"),
    ]
    if chat.options.is_new:
        keys.insert(2, ("/demo", "what an answer can hold"))
    chat.welcome = WelcomeItem(keys)
    tell_whether_a_model_is_set_up(chat)
    chat.pane.replace([chat.welcome], at_end=False)


def tell_whether_a_model_is_set_up(chat: Chat) -> None:
    """Say in the greeting that the demo plays, as long as nothing else was named."""
    if chat.welcome is not None:
        chat.welcome.tell_hint(NO_MODEL.format("type /setup") if has_no_model(chat) else "")


def take_away(chat: Chat) -> None:
    """The conversation isn't empty any more; what was told meanwhile stays."""
    if chat.welcome is not None:
        welcome, chat.welcome = chat.welcome, None
        chat.pane.replace([item for item in chat.pane.items if item is not welcome])
