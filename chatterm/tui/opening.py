"""What happens after the first frame: the conversation, the prompt's memory, what was left."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.config import data_dir
from chatterm.errors import ChattermError
from chatterm.providers.registry import get_ready
from chatterm.steps import UserInput
from chatterm.store import Filter
from chatterm.talking.under_way import unexpected
from chatterm.tui import loading
from chatterm.tui.drafting import bring_back
from chatterm.tui.servers import offer_servers
from chatterm.tui.trouble import TroubleItem

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat
    from chatterm.tui.early import Early

log = logging.getLogger(__name__)

_OFFERED = 5


async def open_all(chat: Chat, early: Early | None = None) -> None:
    """Open everything, and do what the command line asked for.

    Args:
        chat: The screen.
        early: Keeps what is typed for the list of conversations, where that was asked for.
    """
    # Nothing that is there by now will ever be garbage: it needn't be looked at again.
    gc.freeze()
    gc.enable()
    _remember_prompts(chat)
    _tell_terminal(chat)
    try:
        recorded = await chat.talk.open()
    except ChattermError as error:
        chat.app.exit(error)
        return
    except Exception as error:  # the edge: without a conversation nothing could be sent
        log.exception("the conversation can't be opened")
        chat.app.exit(unexpected(error))
        return
    options = chat.options
    if options.pick and early is not None:
        chat.do(f"conversations:{early.end()}")
    await asyncio.to_thread(loading.load, loading.SHOWING)
    if recorded:
        await asyncio.to_thread(loading.load_parser)
        # What was told meanwhile, of the store or of the model, stays below the conversation.
        told = [item for item in chat.pane.items if isinstance(item, TroubleItem)]
        await chat.show_recorded(recorded)
        chat.pane.extend(told)
    await bring_back(chat)
    chat.on_change()
    if options.pick:
        _put_in_prompt(chat)
    elif options.prompt or options.attachments:
        await chat.talk.ready()
        chat.send_message(UserInput(options.prompt, options.attachments))
    if chat.welcome is not None:
        await _offer(chat)
    await asyncio.to_thread(loading.load_markdown)
    await asyncio.to_thread(loading.load, loading.SENDING)
    await chat.talk.ready()
    await chat.templates.read()
    if options.set_up:
        return
    if options.is_new:
        from chatterm.tui import first_run

        await first_run.begin(chat)
    await offer_servers(chat)
    if chat.talk.chosen is not None:
        from chatterm.agent.pricing import load_list

        await asyncio.to_thread(get_ready, chat.talk.chosen.provider)
        await asyncio.to_thread(load_list, chat.talk.chosen.resolved.provider)


def _put_in_prompt(chat: Chat) -> None:
    """What the command line wants sent is in the prompt, for the conversation that is picked."""
    options = chat.options
    chat.carried = options.attachments
    if options.prompt:
        if not chat.prompt.empty:
            chat.remember(chat.prompt.take())
            chat.say("what you were writing here the last time gave way; Up brings it back")
        chat.prompt.put_back(options.prompt)


def _remember_prompts(chat: Chat) -> None:
    from chatterm.talking.past_prompts import PromptHistory

    chat.prompt.past = PromptHistory(data_dir() / "prompts.jsonl", str(Path.cwd()))
    if chat.talk.config.ui.keys.get("vim") == "on":
        from chatterm.tui.prompt.vim import Vim

        chat.prompt.vim = Vim()


def _tell_terminal(chat: Chat) -> None:
    from chatterm.tui.notifying import Notifier

    chat.notifier = Notifier(chat.app, chat.talk.config.ui.notifications, os.environ)
    chat.telling.refresh()


async def _offer(chat: Chat) -> None:
    """Conversations of this directory to pick up again."""
    store = chat.talk.store
    if store is None:
        return
    here = Filter(directory=str(Path.cwd()))
    with suppress(ChattermError):
        rows = await asyncio.to_thread(lambda: store.list(here, limit=_OFFERED))
        if chat.welcome is not None and rows:
            chat.welcome.offer(rows)
