"""Who is asked: one model at a time. A provider is closed when nobody uses it any more."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatterm.errors import ConfigError

if TYPE_CHECKING:
    from chatterm.config import Config, ResolvedModel
    from chatterm.providers.base import Provider
    from chatterm.session import Prompt

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Chosen:
    """Who is asked.

    Attributes:
        resolved: The model, as it was named.
        provider: The provider, ready to be asked.
        users: How many use it just now.
        left: Another one was chosen since.
    """

    resolved: ResolvedModel
    provider: Provider
    users: int = 0
    left: bool = False

    @property
    def name(self) -> str:
        """`provider/model`."""
        return f"{self.resolved.provider_name}/{self.resolved.model}"


class Asked:
    """Chooses who is asked, and closes who isn't asked any more.

    Args:
        config: Tells the configuration.

    Attributes:
        chosen: Who is asked; None until that is known, or where nobody can be.
    """

    def __init__(self, config: Callable[[], Config]) -> None:
        self._config = config
        self.chosen: Chosen | None = None
        self._choosing = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def choose(self, name: str | None) -> None:
        """Ask another model; of several that are chosen at once the last one counts.

        Raises:
            ChattermError: It can't be asked; who was asked before stays.
        """
        async with self._choosing:
            chosen = await asyncio.to_thread(self._opened, name)
            before, self.chosen = self.chosen, chosen
        if before is not None:
            self._leave(before)

    @contextmanager
    def using(self, chosen: Chosen) -> Iterator[Provider]:
        """Use a provider: it isn't closed meanwhile."""
        self.hold(chosen)
        try:
            yield chosen.provider
        finally:
            self.release(chosen)

    def hold(self, chosen: Chosen) -> None:
        """Use a provider until it is released."""
        chosen.users += 1

    def release(self, chosen: Chosen) -> None:
        """Use it no longer."""
        chosen.users -= 1
        if chosen.left:
            self._leave(chosen)

    async def aclose(self) -> None:
        """Close everything, whoever uses it."""
        if self.chosen is not None:
            await self.chosen.provider.aclose()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _leave(self, chosen: Chosen) -> None:
        chosen.left = True
        if not chosen.users:
            task = asyncio.create_task(chosen.provider.aclose())
            self._closing.add(task)
            task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("a provider couldn't be closed", exc_info=task.exception())

    def _opened(self, name: str | None) -> Chosen:
        """Open a model. Blocks where a key is fetched."""
        from chatterm.config import resolve_model
        from chatterm.providers.registry import IMPLEMENTED, open_provider

        config = self._config()
        try:
            resolved = resolve_model(name, config, os.environ, IMPLEMENTED)
        except ConfigError:
            if name is not None or config.model is not None:
                raise
            resolved = resolve_model("demo", config, os.environ, IMPLEMENTED)
        still = config.ui.reduced_motion  # a demo that types nothing out
        return Chosen(resolved, open_provider(resolved, config, pace=0.0 if still else 1.0))


def prompt_of(chosen: Chosen, config: Config, effort: str | None) -> Prompt:
    """How somebody is asked: all but what the user sent, and the system text."""
    from chatterm.agent.pricing import price_for
    from chatterm.providers.base import Settings
    from chatterm.session import Prompt
    from chatterm.steps import UserInput

    generation = config.generation
    return Prompt(
        input=UserInput(""),
        provider=chosen.provider,
        model=chosen.resolved.model,
        settings=Settings(
            temperature=generation.temperature,
            max_output_tokens=generation.max_output_tokens,
            effort=effort,
            thinking=None if generation.thinking else False,
        ),
        max_rounds=config.limits.max_rounds,
        max_cost_usd=config.limits.max_cost_usd,
        price=price_for(chosen.resolved.model, chosen.resolved.provider),
    )
