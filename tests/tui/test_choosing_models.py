"""Choosing a model: what is known at once, what comes as servers answer, what can't be had."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatterm.config import KNOWN, Config, all_providers, parse_config, resolve_model
from chatterm.providers.base import ModelInfo
from chatterm.providers.finding import FoundServer
from chatterm.providers.registry import IMPLEMENTED
from chatterm.tui import choosing_models, servers
from chatterm.tui.choosing_models import pick
from chatterm.tui.screens.picker import Choice, Picker
from faultserver import Answer, FaultServer, Stall, unused_port
from tui.screens_app import HOSTILE, ScreensApp, is_clean, shows, wait_until
from tui.stand_in import FakeChat, FakeTalk, keys, until_found, until_shown


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for known in KNOWN:
        if known.key_env:
            monkeypatch.delenv(known.key_env, raising=False)
    choosing_models.forget()
    yield
    choosing_models.forget()


def models(*rows: str | tuple[str, int]) -> Answer:
    """A list of models, some with their windows."""
    data = [
        {"id": row} if isinstance(row, str) else {"id": row[0], "context_length": row[1]}
        for row in rows
    ]
    body = json.dumps({"data": data}).encode()
    return Answer(body, headers={"Content-Type": "application/json"})


def configured(*providers: tuple[str, str], more: str = "", models: str = "") -> Config:
    """A configuration with providers at these addresses."""
    tables = "".join(
        f'[providers.{name}]\nprotocol = "chat"\nbase_url = "{url}"\nauth = "none"\n{models}\n'
        for name, url in providers
    )
    return parse_config(more + tables, Path("config.toml"))


def chat_with(config: Config, model: str | None = None) -> FakeChat:
    chosen = None
    if model is not None:
        chosen = SimpleNamespace(resolved=resolve_model(model, config, {}, IMPLEMENTED))
    return FakeChat(ScreensApp(), FakeTalk(config=config, chosen=chosen))


async def test_what_is_known_is_there_at_once_and_what_servers_list_comes(
    server: FaultServer,
) -> None:
    server.script(Answer([Stall()]))
    with FaultServer() as quick:
        quick.script(models(("large", 400_000), "small"))
        config = configured(
            ("slow", server.url),
            ("quick", quick.url),
            more='[aliases]\nbest = "quick/large"\n',
            models='models = ["mine"]',
        )
        chat = chat_with(config, "slow/mine")
        async with chat.app.run_test(size=(100, 30)) as pilot:
            chat.begin(pick(chat))
            await until_shown(pilot, Picker)
            known = ["best", "slow/mine", "quick/mine"]
            assert [key for key in keys(pilot) if key in known] == known
            wanted = [*known, "quick/large", "quick/small"]
            await until_found(pilot, lambda found: found == wanted)
            for text in ("Aliases", "quick/large  400k", "asking slow", "400k"):
                assert shows(chat.app, text)
            await pilot.press("escape")
            await wait_until(pilot, lambda: chat.over)
            assert chat.results == [None]


async def test_typing_finds_and_enter_picks(server: FaultServer) -> None:
    server.script(models("alpha", "beta"))
    chat = chat_with(configured(("p", server.url)))
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, lambda found: "p/beta" in found)
        await pilot.press(*"bet", "enter")
        await wait_until(pilot, lambda: chat.over)
        assert chat.results == ["p/beta"]


async def test_the_cursor_stays_on_its_choice_while_others_come(server: FaultServer) -> None:
    server.script(Answer([Stall()]))
    chat = chat_with(configured(("p", server.url), models='models = ["one", "two"]'), "p/two")
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await until_shown(pilot, Picker)
        picker = chat.app.screen
        assert isinstance(picker, Picker)
        choices = [Choice(name, name) for name in ("a", "p/one", "b", "p/two")]
        picker.renew(choices)
        await pilot.press("enter")
        await wait_until(pilot, lambda: chat.over)
        assert chat.results == ["p/two"]


async def test_a_server_that_is_not_there_holds_nothing_up(server: FaultServer) -> None:
    server.script(models("alpha"))
    gone = f"http://127.0.0.1:{unused_port()}"
    chat = chat_with(configured(("gone", gone), ("p", server.url)))
    async with chat.app.run_test(size=(120, 30)) as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, lambda found: found == ["gone/", "p/alpha"])
        assert shows(chat.app, "gone")
        await pilot.press("home", "enter")
        await wait_until(pilot, lambda: shows(chat.app, "its models aren't known"))
        assert not chat.over
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: chat.over)
        assert chat.results == ["p/alpha"]


async def test_a_server_that_does_not_answer_is_given_up(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing_models, "LIMIT_S", 0.05)
    server.script(Answer([Stall()]))
    chat = chat_with(configured(("p", server.url), models='models = ["mine"]'))
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, lambda found: found == ["p/mine", "p/"])
        assert shows(chat.app, "p doesn't answer")


async def test_answers_are_kept_until_they_are_asked_for_again(server: FaultServer) -> None:
    server.script(models("old"), models("new"))
    chat = chat_with(configured(("p", server.url)))
    async with chat.app.run_test() as pilot:
        for count in (1, 2):
            chat.begin(pick(chat))
            await until_found(pilot, lambda found: found == ["p/old"])
            if count == 1:
                await pilot.press("enter")
                await wait_until(pilot, lambda: chat.over)
        assert len(server.requests) == 1
        await pilot.press("ctrl+r")
        await until_found(pilot, lambda found: found == ["p/new"])


async def test_a_model_in_use_is_listed_and_marked_though_nobody_lists_it(
    server: FaultServer,
) -> None:
    server.script(models("listed"))
    chat = chat_with(configured(("p", server.url)), "p/own")
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, lambda found: found == ["p/own", "p/listed"])
        assert shows(chat.app, "• p/own")


async def test_without_any_provider_there_is_the_demo() -> None:
    chat = chat_with(Config())
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, lambda found: "demo/demo" in found)


async def test_an_alias_that_can_not_be_asked_says_why_and_is_not_picked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatterm.providers.registry.IMPLEMENTED", frozenset({"chat"}))
    config = parse_config('[aliases]\nold = "local/smollm2"\n', Path("config.toml"))
    chat = chat_with(config)
    async with chat.app.run_test(size=(120, 30)) as pilot:
        chat.begin(pick(chat))
        await until_shown(pilot, Picker)
        await pilot.press("home", "enter")
        await wait_until(pilot, lambda: shows(chat.app, "speaks the protocol local"))
        assert not chat.over


async def test_hostile_names_are_shown_and_not_obeyed(server: FaultServer) -> None:
    server.script(models(HOSTILE))
    chat = chat_with(configured(("p", server.url)))
    async with chat.app.run_test(size=(100, 30)) as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, lambda found: found == [f"p/{HOSTILE}"])
        assert shows(chat.app, "p/a red")
        assert is_clean(chat.app)


async def test_prices_are_told_where_they_are_known() -> None:
    config = configured(("o", "https://api.openai.com/v1"))
    listed = [ModelInfo("gpt-4o", context_window=128_000), ModelInfo("nobody-knows-it")]
    choosing_models._KEPT["o"] = (config.providers["o"], listed)
    chat = chat_with(config)
    async with chat.app.run_test(size=(100, 30)) as pilot:
        chat.begin(pick(chat))
        await until_shown(pilot, Picker)
        await wait_until(pilot, lambda: shows(chat.app, "$2.50/$10  128k"))
        await pilot.press("escape")
        await wait_until(pilot, lambda: chat.over)


async def test_servers_that_were_found_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    config = parse_config("", Path("config.toml"))
    found = FoundServer("Ollama", "http://127.0.0.1:11434", ("llama3:8b",))
    monkeypatch.setattr(servers, "_FOUND", [found])
    choosing_models._KEPT["ollama"] = (all_providers(config)["ollama"], [ModelInfo("llama3:8b")])
    chat = chat_with(config)
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, lambda found: found == ["ollama/llama3:8b"])
        await pilot.press("enter")
        await wait_until(pilot, lambda: chat.over)
        assert chat.results == ["ollama/llama3:8b"]
