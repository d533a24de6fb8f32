"""`ask` works costs out only where a limit needs them: their list takes long to load."""

from __future__ import annotations

from chatterm.config import Config, Limits, ProviderConfig, ResolvedModel
from chatterm.oneshot.ask import _price

OPENAI = ResolvedModel(
    "openai",
    ProviderConfig(protocol="responses", base_url="https://api.openai.com/v1"),
    "gpt-5",
    "named",
)


def test_without_a_limit_nothing_is_worked_out() -> None:
    assert _price(OPENAI, Config()) is None


def test_with_a_limit_costs_are_worked_out() -> None:
    assert _price(OPENAI, Config(limits=Limits(max_cost_usd=1.0))) is not None
