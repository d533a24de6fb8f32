"""The first run: the demo and the setup come once, to whoever has no model, and never again."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chatterm.config import KNOWN
from chatterm.config.newness import MARK, STORE, is_new, leave_mark
from chatterm.providers import finding
from chatterm.store.database import FILE_NAME
from chatterm.tui import first_run
from chatterm.tui.setup import panels
from keyrings import no_keyring
from program import Program
from terminals import Terminal
from tui.app_driver import Driver, Place, place

__all__ = ["place"]

SOON_S = panels.GRACE_S + 2
"""When the setup has come of itself for so long, it takes keys."""


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No key is set, no server runs here, and there is no keyring."""
    for known in KNOWN:
        if known.key_env:
            monkeypatch.delenv(known.key_env, raising=False)
    monkeypatch.setattr(finding, "PORTS", ())
    monkeypatch.setattr(panels, "GRACE_S", 0)
    with no_keyring():
        yield


@asynccontextmanager
async def first(place: Place, **options: Any) -> AsyncIterator[Driver]:
    """The app as on a machine that has never seen it."""
    place.config.write_text("")
    async with place.app(is_new=True, **options) as app:
        yield app


async def setup_shown(app: Driver) -> None:
    await app.until(lambda: app.says("Which model?"))


async def test_the_demo_plays_until_a_key_and_the_setup_comes(place: Place) -> None:
    async with first(place) as app:
        await app.until(lambda: app.says("This is a demo, not a model."))
        assert app.says("any key goes on to the setup")
        await app.press("q")
        await setup_shown(app)
        assert (place.data / MARK).exists()
        await app.press("escape")
        await app.until(lambda: app.says("nothing was changed; /setup"))
        assert app.chat.prompt.empty
        assert app.says("type /setup")
        store = app.chat.talk.store
        assert store is not None
        assert store.list(limit=5) == []


@pytest.mark.parametrize("key", ["q", "escape", "enter"])
async def test_a_key_that_comes_as_the_setup_does_was_meant_to_go_on_to_it(
    place: Place, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(first_run, "SEEN_S", 0.01)
    monkeypatch.setattr(panels, "GRACE_S", 1000)
    async with first(place) as app:
        await setup_shown(app)
        await app.press(key)
        assert app.says("Which model?")
        assert app.says("type to find a provider")


async def test_ctrl_c_is_heard_as_soon_as_the_setup_has_come(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_run, "SEEN_S", 0.01)
    monkeypatch.setattr(panels, "GRACE_S", 1000)
    async with first(place) as app:
        await setup_shown(app)
        await app.press("ctrl+c")
        await app.until(lambda: app.says("nothing was changed"))
        assert app.app.screen is app.chat


async def test_soon_the_setup_takes_keys(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_run, "SEEN_S", 0.01)
    monkeypatch.setattr(panels, "GRACE_S", 0.1)
    async with first(place) as app:
        await setup_shown(app)
        await app.until(lambda: app.app.focused is not None)
        await app.type("mistral")
        await app.until(lambda: app.says("1 of"))
        await app.press("escape")
        await app.until(lambda: app.says("nothing was changed"))


@pytest.mark.parametrize("key", ["escape", "ctrl+c", "enter", "f1"])
async def test_any_key_skips_the_demo_and_does_nothing_else(place: Place, key: str) -> None:
    async with first(place) as app:
        await app.until(lambda: app.chat.skipped is not None and app.chat.talk.running)
        await app.press(key)
        await setup_shown(app)


async def test_the_demo_ends_by_itself(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_run, "SEEN_S", 0.01)
    place.config.write_text("")
    async with place.app(is_new=True) as app:
        await setup_shown(app)


async def test_with_reduced_motion_nothing_is_typed_out(place: Place) -> None:
    place.config.write_text("[ui]\nreduced_motion = true\n")
    async with place.app(is_new=True) as app:
        await app.until(lambda: app.says("That was a real call"))
        await app.press("x")
        await setup_shown(app)


async def test_outside_of_a_workspace_no_call_asks(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(os.environ["HOME"])
    place.config.write_text("[ui]\nreduced_motion = true\n")
    async with place.app(is_new=True) as app:
        await app.until(lambda: app.says('return f"hello'))
        await app.until(lambda: not app.chat.talk.running)
        assert not app.says("list_files")
        await app.press("x")
        await setup_shown(app)


async def test_who_types_already_is_left_alone(place: Place) -> None:
    place.config.write_text("")
    async with place.app(is_new=True, opened=False) as app:
        app.chat.prompt.write("hel")
        await app.until((place.data / MARK).exists)
        await app.until(lambda: app.chat.talk.opened and app.says("type /setup"))
        assert app.chat.prompt.text == "hel"
        assert app.chat.demo is None


async def test_with_a_key_it_goes_straight_to_the_prompt(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-0123456789abcdefghijklmnop")
    async with first(place) as app:
        await app.until(lambda: app.says("openai/gpt-5"))
        assert app.says("/demo")
        await app.until((place.data / MARK).exists)
        assert app.chat.demo is None
        assert app.app.screen is app.chat


async def test_where_no_mark_can_be_left_nothing_comes_unasked(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_run, "leave_mark", lambda _: False)
    async with first(place) as app:
        await app.until(lambda: app.says("type /setup"))
        await app.idle()
        assert app.chat.demo is None


def test_a_machine_is_new_until_a_mark_a_store_or_a_configuration_is_there(tmp_path: Path) -> None:
    config, data = tmp_path / "config.toml", tmp_path / "data"
    assert STORE == FILE_NAME
    assert is_new(config, data)
    assert leave_mark(data)
    assert not is_new(config, data)
    (data / MARK).unlink()
    (data / STORE).touch()
    assert not is_new(config, data)
    (data / STORE).unlink()
    config.touch()
    assert not is_new(config, data)


def test_no_mark_is_left_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not leave_mark(tmp_path / "file" / "data")


# The real program, on a terminal.


def terminal(program: Program, *arguments: str) -> Terminal:
    return program.terminal(*arguments, env={"COLORTERM": "truecolor"}, columns=90, rows=30)


def leave(shown: Terminal) -> None:
    shown.type("\x04")
    assert shown.wait() == 0


def test_it_comes_once_and_never_again(program: Program) -> None:
    with terminal(program) as shown:
        shown.read_until("key goes on")
        shown.type("x")
        shown.read_until("setup 1/5")
        shown.read_for(SOON_S)
        shown.type("\x1b")
        shown.read_until("nothing was changed")
        leave(shown)
    with terminal(program) as shown:
        shown.read_until("type /setup", seconds=60)
        shown.read_for(2)
        leave(shown)
        assert "key goes on" not in shown.text
        assert "setup 1/5" not in shown.text


def test_a_home_that_cant_be_written_is_no_reason_to_nag_or_to_fail(program: Program) -> None:
    (program.home / "file").touch()
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        program.env[name] = str(program.home / "file" / "x")
    with terminal(program) as shown:
        shown.read_until("type /setup", seconds=60)
        shown.read_for(2)
        leave(shown)
        assert "key goes on" not in shown.text


def test_config_init_shows_the_setup_again_and_ends_with_it(program: Program) -> None:
    program.configure('# mine\ntheme = "dark"\n')
    with terminal(program, "config", "init") as shown:
        shown.read_until("setup 1/5")
        shown.type("\t")
        shown.read_until("setup 4/5")
        shown.type("paper")
        shown.read_until("1 of ")
        shown.type("\r")
        shown.read_until("setup 5/5")
        shown.type("\r")
        assert shown.wait() == 0
        assert "written: ~/config.toml\r\n`chatterm config init` repeats it\r\n" in shown.text
    assert program.config.read_text() == '# mine\ntheme = "paper"\n'


def test_config_init_asks_nothing_with_defaults_or_without_a_terminal(program: Program) -> None:
    target = program.home / "xdg-config" / "chatterm" / "config.toml"
    with terminal(program, "config", "init", "--defaults") as shown:
        assert shown.wait() == 0
    assert "# chatterm's configuration." in target.read_text()
    target.unlink()
    assert program.run("config", "init").text == f"{target}\n"
