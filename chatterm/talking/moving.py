"""Going to another conversation, or to another turn of it: what runs is stopped before.

Who moves holds `Talk.moving` meanwhile, until what was come to is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.errors import ChattermError, ConfigError

if TYPE_CHECKING:
    from chatterm.session import Session
    from chatterm.store import Conversation, RecordedTurn, Store
    from chatterm.talking.options import AppOptions
    from chatterm.talking.talk import Talk

_FIRST_TURNS = 40
"""How many turns of a long conversation are shown at once; the others follow."""


def asked_for(store: Store, options: AppOptions) -> Conversation | None:
    """The conversation that the command line goes on with; None for a new one. Blocks.

    Raises:
        ChattermError: There is no such conversation, or it can't be read.
    """
    if options.resume is not None:
        return store.find(options.resume)
    if not options.go_on:
        return None
    here = str(Path.cwd())
    found = store.newest(directory=here, origin="app")
    if found is None:
        raise ConfigError(
            f"no conversation was begun in {here}",
            hint="`chatterm -r` shows all conversations to choose from",
        )
    return found


def resumed(store: Store, found: Conversation) -> tuple[Session, list[RecordedTurn]]:
    """A conversation to be gone on with, and its last turns. Blocks.

    Raises:
        StoreError: It can't be read.
    """
    from chatterm.session import Session

    session = Session.resume(store, found)
    return session, session.recorded(_FIRST_TURNS)


def begun(store: Store | None, origin: str = "app") -> Session:
    """A new conversation, which is kept from its first turn on."""
    from chatterm.session import Session

    return Session(store, origin=origin, directory=str(Path.cwd()))


async def resume(talk: Talk, id_: str) -> list[RecordedTurn]:
    """Go on with another conversation; its last turns.

    Raises:
        StoreError: There is none, or it can't be read.
    """
    store = talk.where_kept()
    found = await asyncio.to_thread(store.find, id_)
    return await _go_on_with(talk, store, found)


async def go_to(talk: Talk, turn: str) -> list[RecordedTurn]:
    """Go on after another turn, of any branch; the last turns up to it.

    Raises:
        StoreError: It can't be read.
    """
    store = talk.where_kept()
    await talk.stop()
    id_ = talk.session.id
    await asyncio.to_thread(store.set_head, id_, turn)
    found = await asyncio.to_thread(store.find, id_)
    return await _go_on_with(talk, store, found)


async def rewind(talk: Talk, turn: str | None) -> None:
    """Have the next message follow a turn, or begin the conversation anew.

    Raises:
        StoreError: It can't be recorded.
        ValueError: The turn isn't on the way to the head.
    """
    await talk.stop()
    await asyncio.to_thread(talk.session.rewind, turn)


async def begin_anew(talk: Talk, origin: str = "app") -> None:
    """Begin another conversation."""
    await talk.stop()
    talk.go_on_in(begun(talk.store, origin))


async def ask_who_answered(talk: Talk, recorded: Sequence[RecordedTurn]) -> None:
    """Ask the model that answered last; another one where that can't be had any more.

    Raises:
        ChattermError: It can't; who is asked instead was chosen, as far as there is anybody.
    """
    if not recorded:
        return
    name = recorded[-1].turn().model
    try:
        await talk.choose(name)
    except ChattermError as error:
        if talk.chosen is None:
            await talk.choose(None)
        instead = talk.model_name
        raise ConfigError(
            f"{name} answered here before, and can't be asked now: {error.message}",
            hint=f"{instead} is asked from now on; /model chooses another one",
        ) from error


async def _go_on_with(talk: Talk, store: Store, found: Conversation) -> list[RecordedTurn]:
    await talk.stop()
    session, recorded = await asyncio.to_thread(resumed, store, found)
    talk.go_on_in(session, found.title)
    return recorded
