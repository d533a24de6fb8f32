"""Choosing a conversation that the provider's server keeps: looked at, fetched, gone on with.

The picker is there at once and fills when the server answers; a server that fails closes it. A
conversation can also be renamed and deleted on the server from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from chatterm.render.lines import Line, Span
from chatterm.talking.kept import LONGEST_TITLE, about, title_of, who_keeps
from chatterm.talking.resources import NONE_KEPT
from chatterm.tui.screens.painting import MUTED, shown

if TYPE_CHECKING:
    from chatterm.providers.keeper import Keeper
    from chatterm.providers.kept import KeptConversation, KeptTurn
    from chatterm.tui.chat import Chat
    from chatterm.tui.screens.choices import Action, Choice, Picked, Run
    from chatterm.tui.screens.picker import Picker, Prose


async def pick(chat: Chat) -> None:
    """Ask for one of the conversations that the server keeps, fetch it and go on with it.

    Raises:
        ChattermError: It can't be had.
    """
    from chatterm.fetching import fetch
    from chatterm.providers.keeper import keeper_of

    store = chat.talk.store
    if store is None:
        chat.say(NONE_KEPT)
        return
    with chat.talk.using(who_keeps(chat.talk)) as provider:
        shelf = _Shelf(keeper_of(provider))
        picked = await _asked(chat, shelf)
        if picked is None:
            return
        kept = shelf.found[picked.choice.key]
        chat.say(f"fetching “{title_of(kept)}”")
        fetched = await fetch(store, shelf.keeper, kept)
    if fetched.new or fetched.conversation.id != chat.talk.session.id:
        await chat.resume(fetched.conversation.id)
    chat.say(fetched.words)


async def _asked(chat: Chat, shelf: _Shelf) -> Picked | None:
    """What is picked; None for nothing.

    Raises:
        ChattermError: The server doesn't list them.
    """
    from chatterm.tui.screens.picker import Picker

    name = shown(shelf.keeper.name)
    picker = Picker(
        chat.palette,
        f"Conversations on {name}",
        [],
        preview=_previewing(chat, shelf),
        actions=_actions(chat, shelf),
        placeholder="words of a title",
        nothing=f"no such conversation on {name}",
    )
    answered: asyncio.Future[Picked | None] = asyncio.get_running_loop().create_future()
    # A failure closes the picker: that takes one that is there already.
    await chat.app.push_screen(picker, answered.set_result)
    listing = asyncio.create_task(_list(shelf, picker))
    try:
        picked = await answered
    finally:
        listing.cancel()
        (failure,) = await asyncio.gather(listing, return_exceptions=True)
    if isinstance(failure, Exception):
        raise failure
    return picked


async def _list(shelf: _Shelf, picker: Picker) -> None:
    picker.renew([], "asking")
    try:
        await shelf.look()
    except Exception:
        picker.answer(None)
        raise
    picker.renew(shelf.choices())


class _Shelf:
    """What the server keeps, as far as it has told.

    Attributes:
        keeper: Asks the server.
        found: The conversations, by their ids there.
    """

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.found: dict[str, KeptConversation] = {}
        self._turns: dict[str, list[KeptTurn]] = {}

    async def look(self) -> None:
        """Ask which conversations there are."""
        self.found = {each.id: each for each in await self.keeper.conversations()}

    async def turns(self, id_: str) -> list[KeptTurn]:
        """What was said in a conversation, asked for once."""
        if id_ not in self._turns:
            self._turns[id_] = await self.keeper.turns(id_)
        return self._turns[id_]

    def choices(self) -> list[Choice]:
        """The conversations, to choose from."""
        return [_choice(kept) for kept in self.found.values()]


def _choice(kept: KeptConversation) -> Choice:
    from chatterm.tui.screens.picker import Choice

    label: Line = (Span(title_of(kept), () if kept.title else MUTED),)
    return Choice(kept.id, label, about(kept), search=kept.id)


def _previewing(chat: Chat, shelf: _Shelf) -> Callable[[Choice], Awaitable[list[Line | Prose]]]:
    from chatterm.fetching import as_recorded
    from chatterm.tui.conversation_preview import PREVIEWED, preview

    async def look(choice: Choice) -> list[Line | Prose]:
        kept = shelf.found[choice.key]
        turns = await shelf.turns(kept.id)
        if not turns:
            return [(Span("nothing was said in it", MUTED),)]
        row, recorded = await asyncio.to_thread(as_recorded, shelf.keeper, kept, turns)
        row = replace(row, conversation=replace(row.conversation, id=kept.id))
        return preview(row, recorded[-PREVIEWED:], None, chat.setting.looks.signs)

    return look


# --- what else can be done with a conversation there ---


def _actions(chat: Chat, shelf: _Shelf) -> list[Action]:
    from chatterm.tui.screens.choices import Action

    def on(do: Callable[[Chat, _Shelf, KeptConversation], Awaitable[None]]) -> Run:
        async def run(choice: Choice) -> Sequence[Choice]:
            await do(chat, shelf, shelf.found[choice.key])
            return shelf.choices()

        return run

    return [
        Action("ctrl+r", "rename there", "rename", on(_rename)),
        Action("ctrl+d", "delete there", "delete", on(_delete)),
    ]


async def _rename(chat: Chat, shelf: _Shelf, kept: KeptConversation) -> None:
    from chatterm.tui.screens.entry import Entry

    title = kept.title[:LONGEST_TITLE]
    entered = await chat.app.push_screen_wait(Entry(chat.palette, "Title", title))
    words = " ".join((entered or "").split())
    if words:
        await shelf.keeper.rename(kept.id, words)
        await shelf.look()


async def _delete(chat: Chat, shelf: _Shelf, kept: KeptConversation) -> None:
    from chatterm.tui.screens.entry import Confirm

    name = shown(shelf.keeper.name)
    question = f"Delete “{title_of(kept)}” on {name}? What was fetched of it stays here."
    asked = Confirm(chat.palette, question, yes="delete it there for good", no="keep it")
    if await chat.app.push_screen_wait(asked):
        await shelf.keeper.delete(kept.id)
        await shelf.look()
