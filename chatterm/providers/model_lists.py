"""The models that a server lists: page by page, and what has to be asked for one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from chatterm.errors import ProviderError
from chatterm.providers.base import ModelInfo
from chatterm.providers.wire import (
    DescribedModels,
    Endpoint,
    HttpRequest,
    PagedModels,
    WireProtocol,
)

MOST_MODEL_PAGES = 50
DESCRIBING_TIMEOUT_S = 3.0
DESCRIBED_AT_ONCE = 4

Fetch = Callable[[HttpRequest], Awaitable[Any]]


async def listed(protocol: WireProtocol, endpoint: Endpoint, fetch: Fetch) -> list[ModelInfo]:
    """The models that a server lists, all pages of them.

    Args:
        protocol: How to ask, and how to read the answer.
        endpoint: Where the server is.
        fetch: Asks, and returns the answer's data.

    Raises:
        ProviderError: It can't be asked.
    """
    models: list[ModelInfo] = []
    request: HttpRequest | None = protocol.models_request(endpoint)
    for _ in range(MOST_MODEL_PAGES):
        if request is None:
            break
        page = await fetch(request)
        models += protocol.read_models(page)
        request = (
            protocol.more_models(page, endpoint) if isinstance(protocol, PagedModels) else None
        )
    return models


async def described(
    models: list[ModelInfo], protocol: WireProtocol, endpoint: Endpoint, fetch: Fetch
) -> list[ModelInfo]:
    """The models with what has to be asked for one by one, as far as that is told soon.

    Args:
        models: Those that are listed.
        protocol: How to ask, and how to read the answer.
        endpoint: Where the server is.
        fetch: Asks, and returns the answer's data.
    """
    if not isinstance(protocol, DescribedModels):
        return models
    found: dict[str, ModelInfo | None] = {model.id: model for model in models}
    waiting = list(models)

    async def ask() -> None:
        while waiting:
            model = waiting.pop(0)
            with suppress(ProviderError):
                data = await fetch(protocol.model_request(model, endpoint))
                found[model.id] = protocol.read_model(model, data, endpoint)

    with suppress(TimeoutError):
        async with asyncio.timeout(DESCRIBING_TIMEOUT_S), asyncio.TaskGroup() as group:
            for _ in range(DESCRIBED_AT_ONCE):
                group.create_task(ask())
    return [model for model in found.values() if model is not None]
