"""Choosing a model: the configuration's aliases, then what each provider offers.

The picker is there at once with what is known without asking; what the servers list comes as they
answer, each with a time limit. Answers are kept as long as the process runs.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from chatterm.errors import ChattermError
from chatterm.render.lines import Line, Span
from chatterm.tui.screens.painting import MUTED, shown
from chatterm.tui.servers import found_providers

if TYPE_CHECKING:
    from chatterm.config import ProviderConfig
    from chatterm.providers.base import ModelInfo
    from chatterm.tui.chat import Chat
    from chatterm.tui.screens.choices import Choice
    from chatterm.tui.screens.picker import Picker

log = logging.getLogger(__name__)

LIMIT_S = 6.0
"""How long a provider may take to list its models, its key included."""

# What providers listed, with the settings that they were asked with.
_KEPT: dict[str, tuple[ProviderConfig, list[ModelInfo]]] = {}


def forget() -> None:
    """Ask all providers again the next time."""
    _KEPT.clear()


async def pick(chat: Chat) -> str | None:
    """Ask for a model.

    Returns:
        An alias or `provider/model`, or None where none was picked.
    """
    from chatterm.tui.screens.picker import Action, Picker

    offer = _Offer(chat)
    asking: list[asyncio.Task[None]] = []

    async def again(_: Choice) -> Sequence[Choice]:
        forget()
        await _end(asking)
        asking.append(asyncio.create_task(offer.ask(picker)))
        return offer.choices()

    picker = Picker(
        chat.palette,
        "Model",
        offer.choices(),
        actions=[Action("ctrl+r", "ask the servers again", "again", again)],
        current=chat.model_name or None,
        placeholder="provider, model or alias",
        nothing="no such model is listed; /model PROVIDER/MODEL takes any",
    )
    asking.append(asyncio.create_task(offer.ask(picker)))
    try:
        picked = await chat.app.push_screen_wait(picker)
    finally:
        await _end(asking)
    return picked.choice.key if picked is not None else None


async def _end(asking: list[asyncio.Task[None]]) -> None:
    for task in asking:
        task.cancel()
    for result in await asyncio.gather(*asking, return_exceptions=True):
        if isinstance(result, Exception):
            log.error("listing models failed", exc_info=result)
    asking.clear()


class _Offer:
    """What can be chosen, as far as it is known."""

    def __init__(self, chat: Chat) -> None:
        from chatterm.config import all_providers
        from chatterm.providers.listing import ready

        self._config = chat.talk.config
        self._providers = ready(self._config, os.environ)
        chosen = chat.talk.chosen
        self._current = chosen.resolved if chosen is not None else None
        if self._current is not None:
            # Its key may be in a keyring, which isn't asked just to look.
            self._providers.setdefault(self._current.provider_name, self._current.provider)
        for name in found_providers(self._config.providers):
            self._providers.setdefault(name, all_providers(self._config)[name])
        if not self._providers:
            self._providers["demo"] = all_providers(self._config)["demo"]
        self._prices: dict[str, str] = {}
        self._waiting: set[str] = set()
        self._failed: dict[str, str] = {}

    def choices(self) -> list[Choice]:
        """The aliases, then the models by provider, then what can't be told."""
        return [*self._aliases(), *(c for name in self._providers for c in self._models(name))]

    async def ask(self, picker: Picker) -> None:
        """Ask who hasn't answered yet, all at once, and show what they answer as it comes."""
        asked = [name for name in self._providers if self._kept(name) is None]
        self._waiting, self._failed = set(asked), {}
        picker.renew(self.choices(), self._note())
        async with asyncio.TaskGroup() as group:
            for name in self._providers.keys() - asked:
                group.create_task(self._price(name, picker))
            for name in asked:
                group.create_task(self._ask_one(name, picker))

    async def _price(self, name: str, picker: Picker) -> None:
        """Look prices up; a long list takes a while, and the first look loads them."""
        from chatterm.agent.pricing import brief_price

        address = self._providers[name].base_url or ""
        models = [model.id for model in self._offered(name)]
        found = await asyncio.to_thread(lambda: [brief_price(each, address) for each in models])
        self._prices |= {f"{name}/{id_}": price for id_, price in zip(models, found, strict=True)}
        picker.renew(self.choices(), self._note())

    async def _ask_one(self, name: str, picker: Picker) -> None:
        from chatterm.providers.listing import listed

        settings = self._providers[name]
        try:
            async with asyncio.timeout(LIMIT_S):
                _KEPT[name] = settings, await listed(name, settings, self._config.stream)
        except TimeoutError:
            self._failed[name] = f"{name} doesn't answer"
        except (ChattermError, OSError) as error:
            self._failed[name] = str(error)
        self._waiting.discard(name)
        picker.renew(self.choices(), self._note())
        await self._price(name, picker)

    def _note(self) -> str:
        return f"asking {', '.join(self._waiting_in_order())}" if self._waiting else ""

    def _waiting_in_order(self) -> list[str]:
        return [shown(name) for name in self._providers if name in self._waiting]

    def _kept(self, name: str) -> list[ModelInfo] | None:
        settings, found = _KEPT.get(name, (None, []))
        return found if settings == self._providers[name] else None

    def _aliases(self) -> Iterator[Choice]:
        from chatterm.config import resolve_model
        from chatterm.providers.registry import IMPLEMENTED
        from chatterm.tui.screens.picker import Choice

        for alias, target in self._config.aliases.items():
            blocked, detail = "", target
            try:
                name = resolve_model(alias, self._config, {}, IMPLEMENTED).name
                detail = "  ".join(filter(None, (target, self._window_of(name))))
            except ChattermError as error:
                blocked = error.message
            yield Choice(alias, alias, detail, "Aliases", target, blocked)

    def _models(self, name: str) -> Iterator[Choice]:
        from chatterm.tui.screens.picker import Choice

        for model in self._offered(name):
            price = self._prices.get(f"{name}/{model.id}")
            detail = "  ".join(filter(None, (price, _window(model))))
            yield Choice(f"{name}/{model.id}", _label(name, model.id), detail, name, model.name)
        if name in self._failed:
            reason = self._failed[name]
            yield Choice(f"{name}/", reason, "", name, name, f"its models aren't known: {reason}")

    def _offered(self, name: str) -> list[ModelInfo]:
        from chatterm.config import default_model
        from chatterm.providers.listing import merged

        settings = self._providers[name]
        own = [*settings.models, default_model(name, settings)]
        if self._current is not None and self._current.provider_name == name:
            own.append(self._current.model)
        return merged(filter(None, own), self._kept(name) or [])

    def _window_of(self, name: str) -> str:
        provider, _, id_ = name.partition("/")
        found = self._kept(provider) if provider in self._providers else None
        return next((_window(model) for model in found or () if model.id == id_), "")


def _label(provider: str, model: str) -> Line:
    return (Span(f"{shown(provider)}/", MUTED), Span(shown(model)))


def _window(model: ModelInfo) -> str:
    """How much a model takes, in few characters."""
    from chatterm.render.amounts import tokens

    return tokens(model.context_window) if model.context_window else ""
