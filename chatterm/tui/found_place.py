"""Going to what a search over all conversations has found, once the conversation is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatterm.tui.steps.step_item import StepItem
from chatterm.tui.steps.user import UserItem

if TYPE_CHECKING:
    from chatterm.store import Hit
    from chatterm.tui.chat import Chat
    from chatterm.tui.pane.items import Item


@dataclass(frozen=True, slots=True)
class WantedHit:
    """A hit that is to be gone to.

    Attributes:
        hit: What was found.
        words: By what.
        cursor: Where the cursor was then: elsewhere, the user has gone on reading.
    """

    hit: Hit
    words: str
    cursor: Item | None


def go_to_hit(chat: Chat, hit: Hit, words: str) -> None:
    """Put the cursor at the item that shows the words, open, and mark them.

    What was before the end of a long conversation comes by and by: `look_for_hit` is told of it,
    and goes there, unless the cursor has been moved.

    Args:
        chat: The screen, with the conversation that was found.
        hit: What was found.
        words: By what.
    """
    chat.wanted_place = None
    chat.wanted_hit = WantedHit(hit, words, chat.pane.cursor)
    look_for_hit(chat)


def look_for_hit(chat: Chat) -> None:
    """Go to the wanted hit if its turn is shown by now."""
    wanted = chat.wanted_hit
    if wanted is None:
        return
    is_there = wanted.hit.turn in chat.transcript.turns
    if chat.pane.cursor is not wanted.cursor:
        chat.wanted_hit = None
    elif is_there or chat.all_shown:
        chat.wanted_hit = None
        item = chat.transcript.showing(wanted.hit.turn, wanted.hit.step)
        if item is not None:
            _show(chat, item, wanted)
        elif not is_there:
            chat.say("what was found is in another branch of this conversation")


def _show(chat: Chat, item: Item, wanted: WantedHit) -> None:
    if isinstance(item, StepItem | UserItem):
        item.fold(unfolded=True)
    chat.pane.focus()
    chat.pane.set_cursor(item.key)
    words = _as_written(item, wanted.hit, wanted.words)
    if item.holds(words.lower()):
        chat.show_found(words)
    else:  # such as what a tool told the model of an edit, whose lines are shown in its stead
        chat.say(f"it is in this step; {chat.keys_of('open')} opens it in full")


def _as_written(item: Item, hit: Hit, words: str) -> str:
    """What to mark: the words together, or else the first of them as it stands there."""
    if item.holds(words.lower()) or not hit.matched:
        return words
    start, end = hit.matched[0]
    return hit.snippet[start:end]
