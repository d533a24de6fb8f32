"""How the app asks: with what works out a cost, where one is charged."""

from __future__ import annotations

import pytest

from chatterm.agent import pricing
from chatterm.config import Config, ProviderConfig, ResolvedModel
from chatterm.providers.demo import DemoProvider
from chatterm.steps import Usage
from chatterm.talking.asked import Chosen, prompt_of
from tui.app_driver import Place, place

__all__ = ["place"]


def chosen(model: str, **provider: str) -> Chosen:
    resolved = ResolvedModel("mine", ProviderConfig(**provider), model, "named")
    return Chosen(resolved, DemoProvider("mine"))


def test_what_a_turn_costs_is_worked_out_in_the_app() -> None:
    asked = chosen("gpt-5", protocol="responses", base_url="https://api.openai.com/v1")
    price = prompt_of(asked, Config(), None).price
    assert price is not None
    assert price(Usage(1_000_000, 0)) == pytest.approx(1.25)


def test_nothing_is_worked_out_for_a_server_on_this_machine() -> None:
    asked = chosen("gpt-5", protocol="chat", base_url="http://127.0.0.1:8080/v1")
    assert prompt_of(asked, Config(), None).price is None


async def test_a_cost_that_was_worked_out_is_shown(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pricing, "price_for", lambda model, provider: lambda usage: 0.37)
    async with place.app() as app:
        await app.ask("hello")
        assert app.lines()[-1].count("$0.37") == 1  # the status row
        assert app.text().count("$0.37") == 2  # and the turn's closing line


async def test_no_cost_is_shown_where_none_is_known(place: Place) -> None:
    async with place.app() as app:
        await app.ask("hello")
        assert "$" not in app.text()
