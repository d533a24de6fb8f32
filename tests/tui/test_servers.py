"""Model servers on this machine, offered where no model is set up."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from chatterm.config import KNOWN, ProviderConfig
from chatterm.providers import finding
from chatterm.providers.finding import FoundServer
from chatterm.tui import servers
from faultserver import Answer, FaultServer, Received
from tui.app_driver import Place, place

__all__ = ["place"]

OLLAMA = "http://127.0.0.1:11434"


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No key is set, and what was found counts for one test."""
    for known in KNOWN:
        if known.key_env:
            monkeypatch.delenv(known.key_env, raising=False)
    yield
    servers._FOUND.clear()


def test_each_model_is_offered_up_to_three_of_a_server_and_the_picker_has_the_rest() -> None:
    found = [FoundServer("Ollama", OLLAMA, ("llama3:8b", "qwen3", "b", "c", "d"))]
    assert servers.offers(found, {}) == [
        ("ollama/llama3:8b  Ollama", "model:ollama/llama3:8b"),
        ("ollama/qwen3  Ollama", "model:ollama/qwen3"),
        ("ollama/b  Ollama", "model:ollama/b"),
        ("and 2 more", "model:"),
    ]


def test_a_server_that_no_known_provider_asks_comes_with_its_configuration() -> None:
    ((said, act),) = servers.offers([FoundServer("vLLM", "http://127.0.0.1:8000", ("m",))], {})
    assert "providers.vllm" in said
    assert not act


def test_a_server_without_models_is_told() -> None:
    assert servers.offers([FoundServer("Ollama", OLLAMA)], {}) == [
        (f"Ollama at {OLLAMA}, which has no models yet", "")
    ]


def test_a_server_is_offered_as_the_provider_that_asks_it_whatever_that_is_called() -> None:
    mine = {"work": ProviderConfig(protocol="chat", base_url="http://localhost:8000/v1")}
    assert servers.offers([FoundServer("vLLM", "http://127.0.0.1:8000", ("m",))], mine) == [
        ("work/m  vLLM", "model:work/m")
    ]


def test_a_known_name_that_asks_elsewhere_is_not_offered_for_it() -> None:
    elsewhere = {"ollama": ProviderConfig(protocol="ollama", base_url="https://far.example")}
    ((said, act),) = servers.offers([FoundServer("Ollama", OLLAMA, ("m",))], elsewhere)
    assert OLLAMA in said
    assert not act


async def test_the_greeting_of_who_has_no_model_offers_those_of_this_machine(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def found(_: object) -> list[FoundServer]:
        return [FoundServer("Ollama", OLLAMA, ("llama3:8b",))]

    monkeypatch.setattr(finding, "find_servers", found)
    place.config.write_text("")
    async with place.app() as app:
        await app.until(lambda: app.says("On this machine"))
        row = next(n for n, line in enumerate(app.lines()) if "ollama/llama3:8b" in line)
        await app.pilot.click(offset=(6, row))
        await app.until(lambda: app.chat.model_name == "ollama/llama3:8b")


async def test_who_configured_a_model_is_asked_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def found(_: object) -> list[FoundServer]:
        raise AssertionError("nobody asked for it")

    monkeypatch.setattr(finding, "find_servers", found)
    async with place.app() as app:
        await app.ask("hello")
        assert not app.says("On this machine")


async def test_a_real_server_that_nobody_configured_is_found_and_told(
    place: Place, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give(received: Received) -> Answer:
        rows = {"data": [{"id": "m", "object": "model", "owned_by": "vllm"}]}
        status = 200 if received.path == "/v1/models" else 404
        kind = {"Content-Type": "application/json"}
        return Answer(json.dumps(rows).encode(), status=status, headers=kind, framing="length")

    server.script(give)
    monkeypatch.setattr(finding, "PORTS", (server.port,))
    place.config.write_text("")
    async with place.app() as app:
        await app.until(lambda: app.says("vLLM at http://127.0.0.1"))
