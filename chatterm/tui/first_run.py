"""The first run on a machine: where nobody can be asked, the demo plays, then the setup comes.

It comes once: a mark is left before anything is shown. Where none can be left, nothing comes
unasked.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chatterm.config import data_dir
from chatterm.config.newness import leave_mark
from chatterm.errors import ChattermError
from chatterm.tui import demoing
from chatterm.tui.servers import has_no_model
from chatterm.tui.setup.flow import set_up

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat

SEEN_S = 6.0
"""How long the end of the demo stays, unless a key is pressed."""
_GO_ON = "any key goes on to the setup"


async def begin(chat: Chat) -> None:
    """Show what is to be seen on the first run, unless somebody types already."""
    if not await asyncio.to_thread(leave_mark, data_dir()) or not has_no_model(chat):
        return
    if not chat.prompt.empty or chat.talk.running or chat.talk.session.head is not None:
        return
    await _play(chat)
    outcome = await set_up(chat, unasked=True)
    chat.say(outcome.said)


async def _play(chat: Chat) -> None:
    """Play the short demo until its end was seen or a key is pressed, and forget it."""
    skipped = asyncio.Event()
    tooling = chat.talk.tooling
    # Outside of a workspace a call would ask, and nobody asked for it.
    asks = tooling is None or tooling.ground.workspace is None
    said, chat.prompt.placeholder = chat.prompt.placeholder, _GO_ON
    chat.skipped = skipped.set
    waiting = asyncio.create_task(skipped.wait())
    tasks: set[asyncio.Task[Any]] = {waiting}
    shown = None
    try:
        with suppress(ChattermError):
            shown = await demoing.begin(chat, "demo/words" if asks else "demo/glance")
            playing = asyncio.create_task(demoing.see_out(chat, shown))
            tasks.add(playing)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(waiting), SEEN_S)
            await chat.talk.stop()
            await playing
        chat.prompt.take()  # what was stopped before it was sent is given back: nobody typed it
    finally:
        chat.skipped = None
        chat.prompt.placeholder = said
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if shown is None or chat.talk.session.id != shown.session:
        return
    await demoing.leave(chat)
    store = chat.talk.store
    if store is not None:
        with suppress(ChattermError):
            await asyncio.to_thread(store.delete, shown.session)
