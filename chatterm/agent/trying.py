"""Trying a model out: one tiny request, and how it went."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from chatterm.assembly import StepWriter
from chatterm.config import ProviderConfig, Stream, is_loopback
from chatterm.errors import ChattermError, ErrorKind, Failure, ProviderError
from chatterm.providers.base import ModelRequest, Provider, RoundEnd, Settings
from chatterm.providers.registry import open_named
from chatterm.steps import Turn, UserInput

LIMIT_S = 30.0
"""How long an answer may take."""
LOCAL_LIMIT_S = 120.0
"""How long one of this machine may: the model may have to be loaded first."""
_CONNECT_S = 8.0
_TOKENS = 16  # less is refused by some
_WORDS = "Reply with the word ok."


@dataclass(frozen=True, slots=True)
class Trial:
    """How a request went.

    Attributes:
        seconds: How long it took.
        failure: What went wrong; None where it was answered.
    """

    seconds: float
    failure: Failure | None = None


async def try_out(
    name: str,
    settings: ProviderConfig,
    model: str,
    limits: Stream,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Trial:
    """Ask a model for one word, once. Raises nothing for what a provider does.

    Args:
        name: The provider's name.
        settings: Its settings; its key is found as always.
        model: The model, in the provider's words.
        limits: How long a provider is waited for.
        clock: Tells seconds.
    """
    limits = replace(limits, retries=0, connect_timeout_s=min(limits.connect_timeout_s, _CONNECT_S))
    limit = LOCAL_LIMIT_S if is_loopback(settings.base_url) else LIMIT_S
    began = clock()
    failure: Failure | None
    try:
        async with asyncio.timeout(limit):
            # The key may come from a command, or from a keyring that asks to be unlocked.
            provider = await asyncio.to_thread(open_named, name, settings, limits)
            try:
                failure = await _asked(provider, model)
            finally:
                await provider.aclose()
    except TimeoutError:
        failure = Failure(
            ErrorKind.TIMEOUT, f"no answer within {limit:g} s", hint="try again, or another one"
        )
    except ProviderError as error:
        failure = error.failure
    except ChattermError as error:
        failure = error.as_failure()
    return Trial(clock() - began, failure)


async def _asked(provider: Provider, model: str) -> Failure | None:
    turn = Turn("trial", UserInput(_WORDS), f"{provider.name}/{model}")
    settings = Settings(max_output_tokens=_TOKENS, thinking=False)
    request = ModelRequest(model, (turn,), settings=settings)
    async with aclosing(provider.stream(request, StepWriter(turn.id))) as items:
        async for item in items:
            if isinstance(item, RoundEnd):
                return item.failure
    return Failure(ErrorKind.STREAM_CUT, "the answer has no end")
