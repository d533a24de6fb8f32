"""Titles of conversations: from the first message at once, better ones from the model later."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from chatterm.assembly import StepWriter
from chatterm.errors import ChattermError
from chatterm.events import StepFinished
from chatterm.providers.base import ModelRequest, Provider, RoundEnd, Settings
from chatterm.steps import TextStep, Turn, UserInput

if TYPE_CHECKING:
    from chatterm.config import Config, ResolvedModel
    from chatterm.store import Store

log = logging.getLogger(__name__)

LONGEST = 60  # characters of a title
_EXCERPT = 2000  # characters of question and answer that a title is made from
_WISH = (
    "Give this conversation a title of two to six words, in its own language. "
    "Reply with the title alone: no quotation marks, no final stop."
)


def title_of(user_input: UserInput) -> str:
    """A title from what the user sent first: its first line that says something, shortened."""
    for line in user_input.text.splitlines():
        words = " ".join(line.strip(" \t#>*-`").split())
        if words and not words.startswith("<"):
            return _shortened(words)
    names = ", ".join(attachment.name for attachment in user_input.attachments)
    return _shortened(names) if names else "untitled"


async def improved_title(provider: Provider, model: str, turn: Turn) -> str | None:
    """A title that the model gives a conversation by its first turn, or None where it doesn't.

    Never raises for what a provider does: a conversation without a better title keeps its own.

    Args:
        provider: Who is asked, once.
        model: The model's name, as the provider knows it.
        turn: The conversation's first turn, finished.
    """
    answer = "".join(step.text for step in turn.steps if isinstance(step, TextStep))
    question = turn.input.text[:_EXCERPT]
    text = "\n\n".join(
        (
            _WISH,
            f"<question>\n{question}\n</question>",
            f"<answer>\n{answer[:_EXCERPT]}\n</answer>",
        )
    )
    request = ModelRequest(
        model,
        (replace(turn, input=UserInput(text), steps=()),),
        settings=Settings(thinking=False),
    )
    texts: list[str] = []
    async with aclosing(provider.stream(request, StepWriter(turn.id))) as items:
        async for item in items:
            if isinstance(item, StepFinished) and isinstance(item.step, TextStep):
                texts.append(item.step.text)
            elif isinstance(item, RoundEnd) and item.failure is not None:
                return None
    return _plain_title("".join(texts))


class Titler:
    """Gives conversations better titles in the background, after their first turn.

    Nobody waits for a title, and nothing that goes wrong with one is told but in the log file. What
    the request takes is counted nowhere: it belongs to no turn, and usage is the turns'. `ask`
    makes no titles.

    Args:
        store: Where titles are kept. A title that the user gave, or that changed meanwhile, stays.
        config: Says whether and by whom titles are made.
        changed: Is told a conversation's id and its new title.
    """

    def __init__(
        self, store: Store, config: Config, changed: Callable[[str, str], None] | None = None
    ) -> None:
        self._store = store
        self._config = config
        self._changed = changed
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, conversation: str, provider: Provider, turn: Turn) -> asyncio.Task[None] | None:
        """Have a title made from a first turn that is over; returns at once.

        Args:
            conversation: The conversation's id.
            provider: The conversation's own, which is asked unless the setting names another.
            turn: The turn. One without an answer makes no title, and a tiny model neither.

        Returns:
            What makes it, for who wants to know when the provider isn't used any more.
        """
        answered = any(isinstance(step, TextStep) and step.text for step in turn.steps)
        asked = self._config.titles.model
        if asked == "off" or not answered:
            return None
        if asked == "same" and not getattr(provider, "makes_titles", True):
            return None
        task = asyncio.create_task(self._improve(conversation, provider, turn))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def aclose(self) -> None:
        """Give up what isn't done, and wait until nothing runs any more."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _improve(self, conversation: str, provider: Provider, turn: Turn) -> None:
        try:
            title = await self._asked(provider, turn)
            if title is not None and await asyncio.to_thread(self._keep, conversation, title):
                log.debug("a conversation got a title from its model")
                if self._changed is not None:
                    self._changed(conversation, title)
        except ChattermError as error:
            log.info("no title was made: %s", type(error).__name__)
        except Exception:  # at the edge: nobody waits for this task, and no turn may fail for it
            log.exception("no title was made")

    async def _asked(self, provider: Provider, turn: Turn) -> str | None:
        name = self._config.titles.model
        if name == "same":
            return await improved_title(provider, turn.model.partition("/")[2], turn)
        chosen, other = await asyncio.to_thread(self._opened, name)
        try:
            return await improved_title(other, chosen.model, turn)
        finally:
            await other.aclose()

    def _opened(self, name: str) -> tuple[ResolvedModel, Provider]:
        """The provider that the setting names. Blocks where a key is fetched."""
        from chatterm.config import resolve_model
        from chatterm.providers.registry import IMPLEMENTED, open_provider

        chosen = resolve_model(name, self._config, os.environ, IMPLEMENTED)
        return chosen, open_provider(chosen, self._config)

    def _keep(self, conversation: str, title: str) -> bool:
        return self._store.set_title(conversation, title, "model", instead_of="first_message")


def _plain_title(reply: str) -> str | None:
    """The first line of a reply as a title, without the marks that models put around one."""
    lines = [line.strip() for line in reply.strip().splitlines() if line.strip()]
    if not lines:
        return None
    words = re.sub(r"^(?:#+\s*|title:\s*)", "", lines[0], flags=re.IGNORECASE)
    words = " ".join(words.strip(" \t\"'*_`“”«»").rstrip(".").split())
    return _shortened(words) if words else None


def _shortened(words: str) -> str:
    if len(words) <= LONGEST:
        return words
    cut = words[: LONGEST - 1]
    return f"{cut.rsplit(' ', 1)[0] if ' ' in cut[LONGEST // 2 :] else cut}…"
