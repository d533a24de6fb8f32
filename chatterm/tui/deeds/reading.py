"""Deeds about reading: scrolling, the cursor, folding, finding, the timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatterm.tui.deeds.deed import Deed

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat
    from chatterm.tui.pane.items import Item


def _scroll(chat: Chat, pages: float) -> None:
    rows = max(1, chat.pane.scrollable_content_region.height - 2)
    chat.pane.scroll_rows(round(rows * pages))


def page_up(chat: Chat, _: str) -> None:
    """Scroll up by a screen."""
    _scroll(chat, -1)


def page_down(chat: Chat, _: str) -> None:
    """Scroll down by a screen."""
    _scroll(chat, 1)


def first(chat: Chat, _: str) -> None:
    """Go to the beginning."""
    chat.pane.scroll_rows(-1_000_000_000)


def last(chat: Chat, _: str) -> None:
    """Go to the end, and follow it."""
    chat.pane.set_cursor(None)
    chat.pane.follow()


def _move(chat: Chat, steps: int, kind: str = "") -> None:
    def wanted(item: Item) -> bool:
        found = getattr(item, "kind", "")
        return found == kind if kind else found not in {"", "end", "welcome"}

    chat.pane.focus()
    if not chat.pane.move_cursor(steps, wanted) and chat.pane.cursor is None:
        chat.say("there is nothing there")


def step_up(chat: Chat, _: str) -> None:
    """The cursor to the step before."""
    _move(chat, -1)


def step_down(chat: Chat, _: str) -> None:
    """The cursor to the next step."""
    _move(chat, 1)


def turn_up(chat: Chat, _: str) -> None:
    """The cursor to the message before."""
    _move(chat, -1, "user")


def turn_down(chat: Chat, _: str) -> None:
    """The cursor to the next message."""
    _move(chat, 1, "user")


def _like(chat: Chat, steps: int) -> None:
    item = chat.pane.cursor
    _move(chat, steps, getattr(item, "kind", "") if item is not None else "")


def same_up(chat: Chat, _: str) -> None:
    """The cursor to the step of the same kind before."""
    _like(chat, -1)


def same_down(chat: Chat, _: str) -> None:
    """The cursor to the next step of the same kind."""
    _like(chat, 1)


def toggle(chat: Chat, _: str) -> None:
    """Fold or unfold the step at the cursor."""
    item = chat.chosen_item
    fold = getattr(item, "fold", None)
    if fold is not None:
        fold(unfolded=not getattr(item, "unfolded", False))


def fold_all(chat: Chat, _: str) -> None:
    """Unfold all steps, or fold all again."""
    foldable = [item for item in chat.pane.items if hasattr(item, "fold")]
    unfold = not any(getattr(item, "unfolded", False) for item in foldable)
    with chat.pane.at_once():
        for item in foldable:
            getattr(item, "fold")(unfolded=unfold)  # noqa: B009 - not every item has it


def find(chat: Chat, given: str) -> None:
    """Find words in the conversation."""

    def shown(words: str) -> None:
        chat.show_found(words)

    def done(words: str | None) -> None:
        if words is None:
            chat.back_to_prompt()
        else:
            chat.show_found(words)
            chat.pane.focus()

    if given:
        done(given)
    else:
        chat.write_line("find", chat.pane.marks.words, done, changed=shown)


def find_next(chat: Chat, _: str) -> None:
    """The next place that was found."""
    chat.show_found(chat.pane.marks.words, beside=True)


def find_previous(chat: Chat, _: str) -> None:
    """The place before that was found."""
    chat.show_found(chat.pane.marks.words, back=True, beside=True)


async def timeline(chat: Chat, _: str) -> None:
    """Where the turn's time went."""
    from chatterm.tui.looking import show_timeline
    from chatterm.tui.side import WIDE, switch_side

    if chat.side is not None or chat.size.width >= WIDE:
        await switch_side(chat)
    else:
        await show_timeline(chat)


def mouse(chat: Chat, _: str) -> None:
    """Hand the mouse to the terminal, or take it again."""
    from chatterm.tui.terminal import switch_mouse

    ours = switch_mouse(chat.app)
    chat.say("the mouse is the app's" if ours else "the mouse is the terminal's")


_G = "Reading"
READING = (
    Deed("page_up", "up by a screen", _G, page_up, "pageup"),
    Deed("page_down", "down by a screen", _G, page_down, "pagedown"),
    Deed("first", "to the beginning", _G, first, "ctrl+home"),
    Deed("last", "to the end, and follow it", _G, last, "ctrl+end"),
    Deed("step_up", "cursor to the step before", _G, step_up, "ctrl+up"),
    Deed("step_down", "cursor to the next step", _G, step_down, "ctrl+down"),
    Deed("read_up", "step before", _G, step_up, "up,k", reading=True, hidden=True),
    Deed("read_down", "next step", _G, step_down, "down,j", reading=True, hidden=True),
    Deed("turn_up", "message before", _G, turn_up, "shift+up,K", reading=True),
    Deed("turn_down", "next message", _G, turn_down, "shift+down,J", reading=True),
    Deed("same_up", "step of the same kind before", _G, same_up, "P", reading=True),
    Deed("same_down", "next step of the same kind", _G, same_down, "p", reading=True),
    Deed("fold", "fold or unfold the step", _G, toggle, "enter,space", reading=True),
    Deed("fold_all", "fold or unfold all", _G, fold_all, "ctrl+t"),
    Deed("find", "find in the conversation", _G, find, "ctrl+f", takes="WORDS"),
    Deed("find_here", "find", _G, find, "slash", reading=True, hidden=True),
    Deed("find_next", "next place found", _G, find_next, "n", reading=True),
    Deed("find_previous", "place found before", _G, find_previous, "N", reading=True),
    Deed("timeline", "where the time went", _G, timeline, "f4"),
    Deed("mouse", "hand the mouse to the terminal, or take it", _G, mouse, "f9"),
)
