"""Commands about who is asked: choosing a model by name, or out of a numbered list."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from chatterm.errors import ChattermError
from chatterm.steps import UserInput

if TYPE_CHECKING:
    from chatterm.config import ProviderConfig
    from chatterm.linear.conversation import Conversation
    from chatterm.providers.base import ModelInfo
    from chatterm.providers.finding import FoundServer

_LIMIT_S = 6.0
"""How long a provider may take to list its models, its key included."""
_LISTED = 50

FOUND: list[FoundServer] = []
"""The servers of this machine, as far as they were looked for."""


def model(here: Conversation, given: str) -> None:
    """Who is asked; another one, by name.

    Raises:
        ChattermError: It can't be asked; who was asked before stays.
    """
    if given:
        here.wait(here.talk.choose(given))
        here.say(f"From now on: {here.talk.model_name}")
    else:
        here.say(f"model: {here.talk.model_name or 'none'}")
        here.say("/model PROVIDER/MODEL asks another one; /models lists them.")


def models(here: Conversation, given: str) -> None:
    """Choose one of the models that have some words in their names."""
    words = given.casefold().split()
    names, problems = here.wait(_listed(here))
    for problem in problems:
        here.say(f"notice: {problem}")
    found = [name for name in names if all(word in name.casefold() for word in words)]
    if not found:
        here.say("No such model is listed; /model PROVIDER/MODEL takes any.")
        return
    if len(found) > _LISTED:
        here.say(f"The first {_LISTED} of {len(found)}; /models WORDS lists those with words.")
    chosen = here.choose(found[:_LISTED], "model")
    if chosen is not None:
        model(here, found[chosen])


def demo(here: Conversation, _: str) -> None:
    """Play the demo: what an answer can hold, without a model."""
    before = here.talk.model_name
    here.wait(here.talk.choose("demo"))
    if before and before != here.talk.model_name:
        here.say(f"The demo answers from now on; /model {before} goes back.")
    here.send(UserInput("Show me what you can do."))


async def _listed(here: Conversation) -> tuple[list[str], list[str]]:
    """The aliases and the models of every provider that is ready, and who doesn't answer."""
    from chatterm.config import all_providers
    from chatterm.providers.listing import ready

    config, chosen = here.talk.config, here.talk.chosen
    providers = ready(config, os.environ)
    if chosen is not None:
        providers.setdefault(chosen.resolved.provider_name, chosen.resolved.provider)
    for server in FOUND:
        name = server.provider_in(config.providers)
        if name is not None:
            providers.setdefault(name, all_providers(config)[name])
    answers = await asyncio.gather(
        *(_models_of(here, name, settings) for name, settings in providers.items())
    )
    names = [*config.aliases]
    for models_, _ in answers:
        names += models_
    return names, [problem for _, problem in answers if problem]


async def _models_of(
    here: Conversation, name: str, settings: ProviderConfig
) -> tuple[list[str], str]:
    from chatterm.config import default_model
    from chatterm.providers.listing import listed, merged

    found: Iterable[ModelInfo] = ()
    problem = ""
    try:
        async with asyncio.timeout(_LIMIT_S):
            found = await listed(name, settings, here.talk.config.stream)
    except TimeoutError:
        problem = f"{name} doesn't answer"
    except (ChattermError, OSError) as error:
        problem = f"{name}: {error}"
    own = [*settings.models, default_model(name, settings)]
    chosen = here.talk.chosen
    if chosen is not None and chosen.resolved.provider_name == name:
        own.append(chosen.resolved.model)
    return [f"{name}/{each.id}" for each in merged(filter(None, own), found)], problem
