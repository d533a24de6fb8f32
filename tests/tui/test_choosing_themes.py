"""Choosing a theme: worn at once, kept when it is picked, given back when not."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatterm.config import load_config
from chatterm.errors import ConfigError
from chatterm.tui.choosing_themes import pick
from chatterm.tui.screens.picker import Picker
from tui.screens_app import is_clean, shows, wait_until
from tui.stand_in import FakeChat, FakeTalk, LooksApp, keys, until_shown


@pytest.fixture(autouse=True)
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "chatterm" / "config.toml"
    monkeypatch.setenv("CHATTERM_CONFIG", str(path))
    return path


def own_theme(config_file: Path, name: str, text: str) -> None:
    """A theme of the user's."""
    themes = config_file.parent / "themes"
    themes.mkdir(parents=True, exist_ok=True)
    (themes / f"{name}.toml").write_text(text)


def write(config_file: Path, text: str) -> None:
    config_file.parent.mkdir()
    config_file.write_text(text)


def text_of(config_file: Path) -> str | None:
    """What the configuration says; None where there is none."""
    return config_file.read_text() if config_file.exists() else None


def chat_in(app: LooksApp) -> FakeChat:
    return FakeChat(app, FakeTalk())


async def test_the_theme_under_the_cursor_is_worn_and_the_picked_one_kept(
    config_file: Path,
) -> None:
    own_theme(config_file, "mine", 'inherits = "dark"\n[colours]\nuser = "bold red"\n')
    app = LooksApp()
    chat = chat_in(app)
    async with app.run_test(size=(100, 40)) as pilot:
        chat.begin(pick(chat, ""))
        await until_shown(pilot, Picker)
        await wait_until(pilot, lambda: app.worn == ["dark"])
        assert shows(app, "• auto")
        assert text_of(config_file) is None
        await pilot.press(*"mine")
        await wait_until(pilot, lambda: app.worn[-1] == "mine")
        picker = app.screen
        assert isinstance(picker, Picker)
        assert picker.palette.roles["user"] == "bold red"
        await pilot.press("enter")
        await wait_until(pilot, lambda: chat.over)
        assert app.theme == "mine"
        assert load_config(config_file).theme == "mine"
        assert chat.talk.config.theme == "mine"
        assert chat.said == ["theme: mine"]


async def test_escape_gives_the_one_before_back(config_file: Path) -> None:
    app = LooksApp()
    chat = chat_in(app)
    async with app.run_test() as pilot:
        chat.begin(pick(chat, "light"))
        await wait_until(pilot, lambda: chat.over)
        chat.results.clear()
        chat.begin(pick(chat, ""))
        await until_shown(pilot, Picker)
        await pilot.press("home")
        await wait_until(pilot, lambda: app.worn[-1] == "dark")
        await pilot.press("escape")
        await wait_until(pilot, lambda: chat.over)
        assert app.worn[-1] == "light"
        assert load_config(config_file).theme == "light"


async def test_a_named_theme_is_kept_and_the_rest_of_the_file_stays(config_file: Path) -> None:
    text = '# mine\nmodel = "openai/gpt-5"  # the best\n\n# the screen\n[ui]\nfps = 20\n'
    write(config_file, text)
    app = LooksApp()
    chat = chat_in(app)
    async with app.run_test() as pilot:
        chat.begin(pick(chat, "light"))
        await wait_until(pilot, lambda: chat.over)
        assert text_of(config_file) == text.replace("best\n", 'best\ntheme = "light"\n')
        chat.results.clear()
        chat.begin(pick(chat, "auto"))
        await wait_until(pilot, lambda: chat.over)
        assert text_of(config_file) == text.replace("best\n", 'best\ntheme = "auto"\n')
        assert app.worn == ["light", "dark"]


async def test_an_unknown_name_changes_nothing(config_file: Path) -> None:
    app = LooksApp()
    chat = chat_in(app)
    async with app.run_test() as pilot:
        chat.begin(pick(chat, "drak"))
        await wait_until(pilot, lambda: chat.over)
        (error,) = chat.troubles
        assert isinstance(error, ConfigError)
        assert "did you mean dark" in error.message
        assert app.worn == []
        assert text_of(config_file) is None


async def test_a_theme_that_cannot_be_read_is_marked(config_file: Path) -> None:
    own_theme(config_file, "faint", 'inherits = "dark"\n[colours]\ntext = "#303030"\n')
    app = LooksApp()
    chat = chat_in(app)
    async with app.run_test(size=(160, 40)) as pilot:
        chat.begin(pick(chat, ""))
        await until_shown(pilot, Picker)
        assert shows(app, "faint  line 3: colours.text: has a contrast of 1.")


async def test_a_broken_theme_shows_its_problem_and_is_not_picked(config_file: Path) -> None:
    own_theme(config_file, "broken", 'inherits = "dark"\n[colours]\nuser = "blod red"\n')
    app = LooksApp()
    chat = chat_in(app)
    async with app.run_test(size=(160, 40)) as pilot:
        chat.begin(pick(chat, ""))
        await until_shown(pilot, Picker)
        assert "broken" in keys(pilot)
        assert shows(app, "broken  line 3: colours.user")
        await pilot.press(*"broken")
        before = list(app.worn)
        await pilot.press("enter")
        await wait_until(pilot, lambda: shows(app, "broken: line 3: colours.user"))
        assert not chat.over
        assert app.worn == before
        assert is_clean(app)
        await pilot.press("escape")
        await wait_until(pilot, lambda: chat.over)


async def test_a_choice_that_can_not_be_kept_is_told_and_worn_all_the_same(
    config_file: Path,
) -> None:
    write(config_file, "model = 3\n")
    app = LooksApp()
    chat = chat_in(app)
    async with app.run_test() as pilot:
        chat.begin(pick(chat, "light"))
        await wait_until(pilot, lambda: chat.over)
        (error,) = chat.troubles
        assert "model" in error.message
        assert app.worn == ["light"]
        assert text_of(config_file) == "model = 3\n"
