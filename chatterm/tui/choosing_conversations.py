"""Choosing a conversation: found by its title or by what was said, looked at, gone on with.

Those of this directory come first. A conversation can also be forked, renamed, deleted and written
to a file from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.errors import StoreError
from chatterm.talking.finding import found_conversations
from chatterm.talking.resources import NONE_KEPT
from chatterm.tui.screens.painting import shown

if TYPE_CHECKING:
    from chatterm.render.lines import Line
    from chatterm.store import Conversation, ConversationRow, Hit, Store
    from chatterm.tui.chat import Chat
    from chatterm.tui.screens.choices import Action, Choice, Run
    from chatterm.tui.screens.picker import Prose


async def pick(chat: Chat, words: str = "") -> None:
    """Ask for a conversation and go on with it, or with a fork of it.

    Args:
        chat: The screen.
        words: What is typed already.

    Raises:
        StoreError: It can't be read.
    """
    from chatterm.tui.screens.picker import Picker

    store = chat.talk.store
    if store is None:
        chat.say(NONE_KEPT)
        return
    finder = Finder(store, _here())
    picker = Picker(
        chat.palette,
        "Conversations",
        finder.find,
        preview=_previewing(chat, store, finder),
        actions=_actions(chat, store),
        current=chat.talk.session.id,
        query=words,
        placeholder="words of a title, or of what was said",
        nothing="no conversation",
    )
    picked = await chat.app.push_screen_wait(picker)
    if picked is None:
        return
    id_ = picked.choice.key
    if picked.action == "fork":
        forked = await asyncio.to_thread(store.fork, id_)
        await chat.resume(forked.id)
        chat.say("this is the fork; the other conversation is as it was")
        return
    if id_ != chat.talk.session.id:
        await chat.resume(id_)
    hit = finder.hits.get(id_)
    if hit is not None:
        from chatterm.tui.found_place import go_to_hit

        go_to_hit(chat, hit, finder.query)


def _here() -> str:
    """The directory that a conversation begun now would belong to."""
    try:
        return str(Path.cwd())
    except OSError:  # it was removed
        return ""


class Finder:
    """Finds conversations for what is typed.

    Args:
        store: Where they are kept.
        here: The directory whose conversations come first.

    Attributes:
        hits: Where the words stand that were typed last, by conversation.
        query: What was typed.
    """

    def __init__(self, store: Store, here: str) -> None:
        self._store = store
        self._here = here
        self.hits: dict[str, Hit] = {}
        self.query = ""
        self._rows: dict[str, ConversationRow] = {}

    async def find(self, query: str) -> list[Choice]:
        """Conversations whose titles have the words, then those in which they were said.

        Those of this directory come before all others, and else the newest first.

        Raises:
            StoreError: They can't be read.
        """
        rows, hits = await asyncio.to_thread(found_conversations, self._store, self._here, query)
        self._rows = {row.conversation.id: row for row in rows}
        self.hits, self.query = hits, query.strip()
        return [self._choice(row) for row in rows]

    def row(self, id_: str) -> ConversationRow | None:
        """A conversation that was found."""
        return self._rows.get(id_)

    def _choice(self, row: ConversationRow) -> Choice:
        from chatterm.transcripts.words import title_of
        from chatterm.tui.screens.picker import Choice

        conversation = row.conversation
        group = "Here" if conversation.directory == self._here else "Elsewhere"
        return Choice(conversation.id, title_of(conversation), _detail(row), group)


def _detail(row: ConversationRow) -> str:
    from chatterm.render.amounts import when

    return shown(when(row.conversation.updated_at))


def _previewing(
    chat: Chat, store: Store, finder: Finder
) -> Callable[[Choice], Awaitable[list[Line | Prose]]]:
    from chatterm.tui.conversation_preview import PREVIEWED, preview

    async def look(choice: Choice) -> list[Line | Prose]:
        row = finder.row(choice.key)
        if row is None:
            return []
        path = await asyncio.to_thread(store.path, choice.key)
        turns = await asyncio.to_thread(store.turns, path[-PREVIEWED:])
        signs = chat.setting.looks.signs
        return preview(row, turns, finder.hits.get(choice.key), signs)

    return look


# --- what else can be done with a conversation ---


def _actions(chat: Chat, store: Store) -> list[Action]:
    from chatterm.tui.screens.picker import Action

    def on(do: Callable[[Chat, Store, str], Awaitable[None]]) -> Run:
        async def run(choice: Choice) -> None:
            await do(chat, store, choice.key)

        return run

    return [
        Action("ctrl+f", "fork", "fork"),
        Action("ctrl+r", "rename", "rename", on(_rename)),
        Action("ctrl+d", "delete", "delete", on(_delete)),
        Action("ctrl+e", "export", "export", on(_export)),
    ]


async def _rename(chat: Chat, store: Store, id_: str) -> None:
    from chatterm.tui.screens.entry import Entry

    found = await asyncio.to_thread(store.find, id_)
    entered = await chat.app.push_screen_wait(
        Entry(chat.palette, "Title", found.title, validate=_title_problem)
    )
    title = " ".join((entered or "").split())
    if not title:
        return
    if id_ == chat.talk.session.id:
        await chat.talk.rename(title)  # its title stands elsewhere on the screen, too
    else:
        await asyncio.to_thread(store.set_title, id_, title, "user")


def _title_problem(text: str) -> str | None:
    return None if text.strip() else "a title has at least one word"


async def _delete(chat: Chat, store: Store, id_: str) -> None:
    from chatterm.fetching import kept_elsewhere
    from chatterm.tui.screens.entry import Confirm

    if id_ == chat.talk.session.id:
        raise StoreError("this is the open conversation; open another one first")
    found = await asyncio.to_thread(store.find, id_)
    place = await asyncio.to_thread(kept_elsewhere, store, id_)
    asked = Confirm(chat.palette, _question(found, place), yes="delete it for good", no="keep it")
    yes = await chat.app.push_screen_wait(asked)
    if yes:
        await asyncio.to_thread(store.delete, id_)


def _question(found: Conversation, place: tuple[str, str] | None) -> str:
    from chatterm.transcripts.words import title_of

    stays = f" {shown(place[0])} keeps it still." if place is not None else ""
    return f"Delete “{title_of(found)}”?{stays}"


async def _export(chat: Chat, _: Store, id_: str) -> None:
    from chatterm.tui.exporting import export

    await export(chat, "", id_)
