"""Going to what a search over all conversations has found, once the conversation is shown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatterm.store import Hit
    from chatterm.tui.chat import Chat
    from chatterm.tui.pane.items import Item

_LOOK_S = 0.02
_MOST_LOOKS = 500


async def go_to_hit(chat: Chat, hit: Hit, words: str) -> None:
    """Put the cursor at the step that has the words, which are marked.

    What was before the end of a long conversation comes by and by: it is waited for, until a key
    has moved the cursor elsewhere.

    Args:
        chat: The screen, with the conversation that was found.
        hit: What was found.
        words: By what.
    """
    session, cursor = chat.talk.session, chat.pane.cursor
    for _ in range(_MOST_LOOKS if chat.pane.items else 0):
        if chat.talk.session is not session or chat.pane.cursor is not cursor:
            return
        item = _shown(chat, hit)
        if item is not None:
            chat.pane.focus()
            chat.pane.set_cursor(item.key)
            chat.show_found(_as_written(item, hit, words))
            return
        await asyncio.sleep(_LOOK_S)


def _shown(chat: Chat, hit: Hit) -> Item | None:
    if hit.step is None:
        return chat.transcript.message(hit.turn)
    return chat.transcript.step(hit.turn, hit.step)


def _as_written(item: Item, hit: Hit, words: str) -> str:
    """What to mark: the words together, or else the first of them as it stands there."""
    if item.holds(words.lower()) or not hit.matched:
        return words
    start, end = hit.matched[0]
    return hit.snippet[start:end]
