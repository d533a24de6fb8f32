"""Model servers on this machine are told by what they answer, never by their port."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from chatterm.config import ProviderConfig
from chatterm.providers import finding
from chatterm.providers.finding import FoundServer, find_servers
from faultserver import Answer, FaultServer, Received, Stall, unused_port

JSON = {"Content-Type": "application/json"}
NOTHING = Answer(b"not found", status=404)


def listing(*ids: str, **row: str) -> Answer:
    rows = [{"id": each} | row for each in ids]
    return Answer(json.dumps({"object": "list", "data": rows}).encode(), headers=JSON)


def answers(pages: dict[str, Answer]) -> Callable[[Received], Answer]:
    return lambda asked: pages.get(asked.path, NOTHING)


KINDS = {
    "Ollama": {
        "/v1/models": listing("m", owned_by="library"),
        "/": Answer(b"Ollama is running"),
    },
    "LM Studio": {"/v1/models": listing("m", owned_by="organization_owner")},
    "llama.cpp": {"/v1/models": listing("m", owned_by="llamacpp")},
    "vLLM": {"/v1/models": listing("m", owned_by="vllm")},
    "OpenAI-compatible": {"/v1/models": listing("m", owned_by="somebody")},
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_is_what_it_answers(server: FaultServer, kind: str) -> None:
    server.script(answers(KINDS[kind]))
    assert await find_servers([server.port]) == [FoundServer(kind, server.url, ("m",))]


WITHOUT_MODELS = {
    "Ollama": {"/v1/models": listing(), "/": Answer(b"Ollama is running")},
    "LM Studio": {"/v1/models": listing(), "/api/v0/models": listing()},
    "llama.cpp": {"/v1/models": Answer(b"{}", status=503, headers={"Server": "llama.cpp"})},
    "OpenAI-compatible": {"/v1/models": listing()},
}


@pytest.mark.parametrize("kind", WITHOUT_MODELS)
async def test_a_server_without_models_is_told_too(server: FaultServer, kind: str) -> None:
    server.script(answers(WITHOUT_MODELS[kind]))
    assert await find_servers([server.port]) == [FoundServer(kind, server.url)]


@pytest.mark.parametrize(
    "answer",
    [
        NOTHING,
        Answer(b"<h1>It works!</h1>"),
        Answer(b'{"data": 7}', headers=JSON),
        Answer(b"[" * 100_000, headers=JSON),
        Answer(b"", status=302, headers={"Location": "http://example.org/"}),
        Answer(b"not HTTP at all\r\n\r\n", raw=True),
    ],
    ids=["404", "a page", "other JSON", "deep JSON", "a redirect", "noise"],
)
async def test_who_is_no_model_server_is_left_out(server: FaultServer, answer: Answer) -> None:
    server.script(answer)
    assert await find_servers([server.port]) == []


async def test_who_does_not_answer_is_left_out(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "LIMIT_S", 0.05)
    server.script(Answer(before=[Stall()]))
    assert await find_servers([server.port, unused_port()]) == []


async def test_no_key_is_sent(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    server.script(answers(KINDS["vLLM"]))
    await find_servers([server.port])
    assert all("authorization" not in asked.headers for asked in server.requests)


async def test_rows_that_are_none_are_left_out(server: FaultServer) -> None:
    rows: list[Any] = [7, {}, {"id": 3}, {"id": "m"}]
    body = json.dumps({"data": rows}).encode()
    server.script(answers({"/v1/models": Answer(body, headers=JSON)}))
    (found,) = await find_servers([server.port])
    assert found.models == ("m",)


@pytest.mark.parametrize(
    ("kind", "port", "provider"),
    [
        ("Ollama", 11434, "ollama"),
        ("LM Studio", 1234, "lmstudio"),
        ("llama.cpp", 8080, "llamacpp"),
        ("llama.cpp", 8000, None),
        ("vLLM", 8000, None),
        ("OpenAI-compatible", 8080, None),
    ],
)
def test_who_is_at_home_can_be_asked_at_once(kind: str, port: int, provider: str | None) -> None:
    assert FoundServer(kind, f"http://127.0.0.1:{port}").provider == provider


@pytest.mark.parametrize("kind", KINDS)
def test_what_to_configure_is_a_provider(kind: str) -> None:
    read = tomllib.loads(FoundServer(kind, "http://127.0.0.1:9").table)
    (table,) = read["providers"].values()
    assert ProviderConfig(**table).base_url.startswith("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://127.0.0.1:8000/v1", "work"),
        ("http://localhost:8000/v1/", "work"),
        ("http://[::1]:8000", "work"),
        ("http://127.0.0.1:8001/v1", None),
        ("http://example.org:8000/v1", None),
    ],
)
def test_a_server_is_known_by_its_address_whatever_it_is_called(url: str, name: str | None) -> None:
    found = FoundServer("OpenAI-compatible", "http://127.0.0.1:8000")
    assert found.provider_in({"work": ProviderConfig(protocol="chat", base_url=url)}) == name


def test_a_known_name_that_is_configured_elsewhere_does_not_ask_it() -> None:
    found = FoundServer("Ollama", "http://127.0.0.1:11434")
    elsewhere = ProviderConfig(protocol="ollama", base_url="http://example.org:11434")
    assert found.provider_in({}) == "ollama"
    assert found.provider_in({"ollama": elsewhere}) is None
