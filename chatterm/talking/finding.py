"""Finding a conversation by its title, or by what was said in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatterm.store import ConversationRow, Hit, Store

_MOST_FOUND = 500
"""How many conversations are found."""
_MOST_HITS = 200
"""In how many places words are looked for; the newest ones."""
_FEWEST_CHARS = 2
"""Fewer aren't looked for in what was said: they are nearly everywhere."""


def found_conversations(
    store: Store, here: str, query: str
) -> tuple[list[ConversationRow], dict[str, Hit]]:
    """Conversations whose titles have the words, then those in which they were said. Blocks.

    Args:
        store: Where they are kept.
        here: The directory whose conversations come before all others; else the newest come first.
        query: The words; none find all.

    Returns:
        The conversations, and where the words stand in them, by conversation.

    Raises:
        StoreError: They can't be read.
    """
    rows = store.list()
    hits: dict[str, Hit] = {}
    words = query.split()
    if words:
        if len(query.strip()) >= _FEWEST_CHARS:
            unfinished = not query.endswith(" ")
            for hit in store.search(query, limit=_MOST_HITS, unfinished=unfinished):
                hits.setdefault(hit.conversation.id, hit)
        titled = [row for row in rows if _is_titled(row, words)]
        known = {row.conversation.id for row in titled}
        said = [
            row for row in rows if row.conversation.id in hits and row.conversation.id not in known
        ]
        rows = titled + said
    rows.sort(key=lambda row: row.conversation.directory != here)
    return rows[:_MOST_FOUND], hits


def _is_titled(row: ConversationRow, words: list[str]) -> bool:
    """Whether a title has all of the words, or the id begins with the only one."""
    title = row.conversation.title.casefold()
    if len(words) == 1 and row.conversation.id.startswith(words[0]):
        return True
    return all(word.casefold() in title for word in words)
