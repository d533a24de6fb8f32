"""`chatterm history compact`: a summary in place of older turns, and its undoing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing

from chatterm.cli.opening import open_store
from chatterm.cli.saying import say
from chatterm.config import Config, config_path, load_config, resolve_model
from chatterm.errors import ErrorKind, ExitStatus, UsageError
from chatterm.events import Event, StepFinished, TurnFinished
from chatterm.providers.registry import IMPLEMENTED, open_provider
from chatterm.render.console import print_error
from chatterm.render.sanitize import sanitize
from chatterm.session import Prompt, Session
from chatterm.steps import NoticeStep, UserInput


def compact_conversation(conversation: str, model: str | None) -> int:
    """Summarise a conversation's older turns, print the summary, and return the exit status.

    Args:
        conversation: Its id, or a unique prefix.
        model: Who is asked; by default the model of its last turn.

    Raises:
        ChattermError: There is no such conversation, nothing to summarise, or nobody to ask.
    """
    where = config_path()
    config = load_config(where.path, required=where.explicit)
    with open_store(config) as store:
        session = Session.resume(store, store.find(conversation))
        if not session.turns:
            raise UsageError("there is nothing to summarise in this conversation yet")
        return asyncio.run(_compacted(session, config, model or session.turns[-1].model))


def expand_conversation(conversation: str) -> int:
    """Undo the summary of a conversation's older turns, and return the exit status.

    Raises:
        ChattermError: There is no such conversation, or it isn't compacted.
    """
    with open_store() as store:
        session = Session.resume(store, store.find(conversation))
        status = asyncio.run(_told(session.expand()))
    if status is None:
        raise UsageError("nothing in this conversation is summarised")
    return status


async def _compacted(session: Session, config: Config, model: str) -> int:
    chosen = resolve_model(model, config, os.environ, IMPLEMENTED)
    provider = open_provider(chosen, config)
    try:
        prompt = Prompt(UserInput(""), provider, chosen.model)
        use = await session.context_use(prompt, config.context)
        status = await _told(session.compact(prompt, window=use.window))
    finally:
        await provider.aclose()
    if status is None:
        raise UsageError("there is nothing to summarise: what there is fits as it is")
    return status


async def _told(act: AsyncGenerator[Event, None]) -> int | None:
    """Run a turn to its end and tell what it did; its exit status, None when there was no turn."""
    status: int | None = None
    async with aclosing(act) as events:
        async for event in events:
            match event:
                case StepFinished(NoticeStep() as notice):
                    say(sanitize(notice.text))
                    if notice.summary:
                        say(f"\n{sanitize(notice.summary)}")
                case TurnFinished(error=None) as end:
                    whole = end.finish_reason.turn_status == "completed"
                    status = ExitStatus.COMPLETED if whole else ExitStatus.INCOMPLETE
                case TurnFinished(error=error):
                    kind = error.kind if error else ErrorKind.INTERNAL
                    status = kind.exit_status
                    if error is not None:
                        print_error(error.message, error.hint)
    return status
