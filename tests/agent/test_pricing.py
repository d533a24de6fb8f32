"""What models cost by the price list: cached tokens, tiers, and what isn't known."""

from __future__ import annotations

import re

import pytest

from chatterm.agent.pricing import (
    brief_price,
    cost_of,
    dated,
    dollars,
    listed_model,
    price_for,
    priced_at,
)
from chatterm.config import ProviderConfig
from chatterm.steps import Usage

OPENAI = "https://api.openai.com/v1"
MILLION = 1_000_000


def test_a_round_costs_what_its_tokens_cost() -> None:
    assert cost_of("gpt-5", OPENAI, Usage(MILLION, 0)) == pytest.approx(1.25)
    assert cost_of("gpt-5", OPENAI, Usage(0, MILLION)) == pytest.approx(10)


def test_a_provider_may_be_named() -> None:
    assert cost_of("gpt-5", "openai", Usage(MILLION, 0)) == pytest.approx(1.25)


def test_tokens_from_the_cache_are_a_part_of_those_sent_and_cost_less() -> None:
    usage = Usage(MILLION, 0, cached_input=MILLION // 2)
    assert cost_of("gpt-5", OPENAI, usage) == pytest.approx(0.5 * 1.25 + 0.5 * 0.125)


def test_tokens_written_to_the_cache_have_a_price_of_their_own() -> None:
    usage = Usage(100_000, 0, cached_input=40_000, cache_write=50_000)
    by_hand = (10_000 * 3 + 40_000 * 0.3 + 50_000 * 3.75) / MILLION
    assert cost_of("claude-sonnet-4-5", "anthropic", usage) == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("no-such-model-at-all", OPENAI),
        ("gpt-5", "https://gateway.example/v1"),
        ("gpt-5", "nobody"),
        ("gpt-5", "http://127.0.0.1:8080/v1"),
        ("gpt-5", "http://localhost/v1"),
        ("gpt-5", "ollama"),
        ("smollm2", "local"),
        ("demo", "demo"),
        ("gpt-5", ""),
    ],
)
def test_what_is_not_in_the_list_is_unknown_and_not_free(model: str, provider: str) -> None:
    assert cost_of(model, provider, Usage(MILLION, MILLION)) is None
    assert brief_price(model, provider) == ""
    assert listed_model(model, provider).input_usd_per_mtok is None


@pytest.mark.parametrize("usage", [Usage(), Usage(input=3), Usage(output=3)])
def test_a_usage_that_is_not_whole_has_no_cost(usage: Usage) -> None:
    assert cost_of("gpt-5", OPENAI, usage) is None


def test_counts_that_contradict_each_other_have_no_cost() -> None:
    assert cost_of("gpt-5", OPENAI, Usage(10, 1, cached_input=20)) is None


def test_prices_in_words() -> None:
    assert brief_price("gpt-5", OPENAI) == "$1.25/$10"


def test_prices_that_depend_on_the_length_are_told_for_the_shortest() -> None:
    assert brief_price("claude-sonnet-4-5", "anthropic") == "$3/$15"


@pytest.mark.parametrize(
    ("amount", "words"),
    [(10.0, "$10"), (1.25, "$1.25"), (0.5, "$0.50"), (0.075, "$0.075"), (0.0, "$0")],
)
def test_dollars(amount: float, words: str) -> None:
    assert dollars(amount) == words


def test_a_list_says_which_it_is_and_how_new_at_least() -> None:
    assert re.fullmatch(r"genai-prices [\d.]+, newest change \d{4}-\d\d-\d\d", dated())
    assert priced_at() in dated()


def test_what_runs_here_is_never_looked_up() -> None:
    here = ProviderConfig(protocol="chat", base_url="http://127.0.0.1:1/v1")
    assert price_for("gpt-5", here) is None
    assert price_for("demo", ProviderConfig(protocol="demo")) is None


def test_a_provider_is_known_by_its_address_whatever_it_is_called() -> None:
    price = price_for("gpt-5", ProviderConfig(protocol="responses", base_url=OPENAI))
    assert price is not None
    assert price(Usage(MILLION, 0)) == pytest.approx(1.25)
