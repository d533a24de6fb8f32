"""Token counts in OpenAI's forms, normalised."""

from __future__ import annotations

from typing import Any

import pytest

from chatterm.providers.openai_usage import read_usage
from chatterm.steps import Usage

CASES: dict[str, tuple[dict[str, Any], Usage]] = {
    "nothing": ({}, Usage()),
    "chat": (
        {
            "prompt_tokens": 10,
            "completion_tokens": 20,
            "total_tokens": 30,
            "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 12},
        },
        Usage(10, 20, 12, 4),
    ),
    "responses": (
        {
            "input_tokens": 10,
            "output_tokens": 20,
            "total_tokens": 30,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
        Usage(10, 20, 0, 0),
    ),
    "details that are null": (
        {
            "prompt_tokens": 1,
            "completion_tokens": 2,
            "prompt_tokens_details": None,
            "completion_tokens_details": None,
        },
        Usage(1, 2),
    ),
    "xai leaves reasoning out": (
        {
            "prompt_tokens": 12,
            "completion_tokens": 1,
            "total_tokens": 303,
            "completion_tokens_details": {"reasoning_tokens": 290},
            "cost_in_usd_ticks": 1_466_250,
        },
        Usage(12, 291, 290, cost_usd=0.000146625),
    ),
    "less reasoning than text, left out all the same": (
        {
            "prompt_tokens": 10,
            "completion_tokens": 50,
            "total_tokens": 80,
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
        Usage(10, 70, 20),
    ),
    "reasoning beside the details": (
        {"prompt_tokens": 1, "completion_tokens": 9, "reasoning_tokens": 3},
        Usage(1, 9, 3),
    ),
    "deepseek": (
        {
            "prompt_tokens": 10,
            "completion_tokens": 2,
            "total_tokens": 12,
            "prompt_cache_hit_tokens": 8,
            "prompt_cache_miss_tokens": 2,
        },
        Usage(10, 2, cached_input=8),
    ),
    "moonshot": ({"prompt_tokens": 10, "cached_tokens": 6}, Usage(10, cached_input=6)),
    "litellm": (
        {"prompt_tokens": 9, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 3},
        Usage(9, cached_input=5, cache_write=3),
    ),
    "openrouter": (
        {"prompt_tokens": 9, "completion_tokens": 1, "cost": 0.25, "is_byok": False},
        Usage(9, 1, cost_usd=0.25),
    ),
    "perplexity": (
        {"prompt_tokens": 9, "completion_tokens": 1, "cost": {"total_cost": 0.006}},
        Usage(9, 1, cost_usd=0.006),
    ),
    "counts as floats": ({"prompt_tokens": 9.0}, Usage(9)),
    "an unknown total": (
        {
            "completion_tokens": 5,
            "total_tokens": None,
            "completion_tokens_details": {"reasoning_tokens": 5},
        },
        Usage(output=5, reasoning=5),
    ),
}


@pytest.mark.parametrize(("data", "usage"), CASES.values(), ids=CASES)
def test_usage_is_read_in_our_terms(data: dict[str, Any], usage: Usage) -> None:
    assert read_usage(data) == usage


ODD = [None, "12", [], {}, [7], True, -1, float("nan"), float("inf"), -float("inf"), 10**400]


@pytest.mark.parametrize("value", ODD, ids=lambda value: f"{value!r:.12}")
def test_what_is_no_count_is_not_known(value: Any) -> None:
    names = ["prompt_tokens", "completion_tokens", "total_tokens", "reasoning_tokens"]
    details = {"cached_tokens": value, "reasoning_tokens": value, "cache_write_tokens": value}
    data = dict.fromkeys(names, value)
    data |= {"prompt_tokens_details": details, "completion_tokens_details": value}
    assert read_usage(data) == Usage()


@pytest.mark.parametrize("value", [v for v in ODD if v != -1], ids=lambda value: f"{value!r:.12}")
@pytest.mark.parametrize("name", ["cost", "cost_in_usd_ticks"])
def test_what_is_no_amount_is_not_known(name: str, value: Any) -> None:
    assert read_usage({name: value}) == Usage()
    assert read_usage({name: {"total_cost": value}}) == Usage()
