"""Token counts in OpenAI's forms (Chat Completions, its dialects, Responses), normalised.

Our `output` always includes reasoning and our `input` always includes cached tokens. Most dialects
count so too; xAI and some gateways leave reasoning out of `completion_tokens`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from chatterm.providers.decoding import integer, mapping, number
from chatterm.steps import Usage

# xAI counts cost in ten-billionths of a dollar.
_TICKS_PER_USD = 10_000_000_000

_LARGEST = sys.float_info.max


def read_usage(data: Mapping[str, Any]) -> Usage:
    """A usage object, in our terms."""
    prompt = mapping(data.get("prompt_tokens_details") or data.get("input_tokens_details"))
    completion = mapping(data.get("completion_tokens_details") or data.get("output_tokens_details"))
    sent = _first(data.get("prompt_tokens"), data.get("input_tokens"))
    generated = _first(data.get("completion_tokens"), data.get("output_tokens"))
    reasoning = _first(completion.get("reasoning_tokens"), data.get("reasoning_tokens"))
    if generated is not None and reasoning and _excludes(data, sent, generated, reasoning):
        generated += reasoning
    return Usage(
        input=sent,
        output=generated,
        reasoning=reasoning,
        cached_input=_first(
            prompt.get("cached_tokens"),
            data.get("prompt_cache_hit_tokens"),
            data.get("cache_read_input_tokens"),
            data.get("cached_tokens"),
        ),
        cache_write=_first(
            prompt.get("cache_write_tokens"),
            prompt.get("cache_creation_tokens"),
            data.get("cache_creation_input_tokens"),
        ),
        cost_usd=_cost(data),
    )


def _excludes(data: Mapping[str, Any], sent: int | None, generated: int, reasoning: int) -> bool:
    """Whether `completion_tokens` leaves reasoning out."""
    if reasoning > generated:
        return True
    total = integer(data.get("total_tokens"))
    return total is not None and total == (sent or 0) + generated + reasoning


def _cost(data: Mapping[str, Any]) -> float | None:
    cost = data.get("cost")
    if isinstance(cost, dict):
        cost = cost.get("total_cost")
    if _bounded(cost) and (amount := number(cost)) is not None:
        return amount
    ticks = data.get("cost_in_usd_ticks")
    amount = number(ticks) if _bounded(ticks) else None
    return None if amount is None else amount / _TICKS_PER_USD


def _first(*values: Any) -> int | None:
    counts = (integer(value) for value in values if _bounded(value))
    return next((count for count in counts if count is not None), None)


def _bounded(value: Any) -> bool:
    """Whether a value is a number that a float can hold: not NaN, infinite or of 400 digits."""
    return isinstance(value, int | float) and -_LARGEST <= value <= _LARGEST
