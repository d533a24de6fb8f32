"""Which models there are: whom to ask for them, asking, and putting the answers together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from chatterm.config import Config, ProviderConfig, Stream, all_providers, ready_providers
from chatterm.providers.base import ModelInfo
from chatterm.providers.registry import IMPLEMENTED, open_named


def ready(config: Config, environ: Mapping[str, str]) -> dict[str, ProviderConfig]:
    """The providers that can be asked, as far as is told without asking a keyring.

    The configuration's own come first, then the known ones whose key is in the environment, then
    the local one where a model and what runs it are installed.
    """
    from chatterm.providers.local.models import missing

    providers = all_providers(config)
    local = () if missing() else ("local",)
    known = (each.name for each in ready_providers(environ))
    names = dict.fromkeys([*config.providers, *known, *local])
    return {n: providers[n] for n in names if providers[n].protocol in IMPLEMENTED}


async def listed(name: str, settings: ProviderConfig, limits: Stream) -> list[ModelInfo]:
    """The models that a provider lists.

    Raises:
        ConfigError: A setting doesn't fit.
        ProviderError: Its key is missing, or it doesn't list them.
    """
    # The key may be fetched by a command, or from a keyring that asks to be unlocked.
    provider = await asyncio.to_thread(open_named, name, settings, limits)
    try:
        return await provider.models()
    finally:
        await provider.aclose()


def merged(own: Iterable[str], found: Iterable[ModelInfo]) -> list[ModelInfo]:
    """Models that are known by name first, each once, then the others that were listed, sorted."""
    others = {model.id: model for model in found}
    first = [others.pop(name, ModelInfo(name)) for name in dict.fromkeys(own)]
    return [*first, *sorted(others.values(), key=lambda model: model.id)]
