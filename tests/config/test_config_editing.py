"""A setting changed in the configuration file: the rest stays as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatterm.config import ProviderConfig, load_config
from chatterm.config.editing import save_choices, save_theme
from chatterm.config.example import example_toml
from chatterm.errors import ConfigError


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'theme = "light"\n'),
        ('theme = "dark"  # mine\n', 'theme = "light"  # mine\n'),
        ("# mine\n\n[ui]\nfps = 20\n", '# mine\n\ntheme = "light"\n\n[ui]\nfps = 20\n'),
        ("# the screen\n[ui]\nfps = 20\n", 'theme = "light"\n\n# the screen\n[ui]\nfps = 20\n'),
        (
            'model = "openai/a" # best\n\n# the screen\n[ui]\nfps = 20\n',
            'model = "openai/a" # best\ntheme = "light"\n\n# the screen\n[ui]\nfps = 20\n',
        ),
        ('model = "openai/a"', 'model = "openai/a"\ntheme = "light"\n'),
        ("ui.fps = 20\n[store]\n", 'theme = "light"\n\nui.fps = 20\n[store]\n'),
        ("\ufeff[ui]\nfps = 20", '\ufefftheme = "light"\n\n[ui]\nfps = 20'),
    ],
)
def test_the_theme_stands_where_it_belongs(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(before)
    save_theme(path, "light")
    assert path.read_text() == after
    assert load_config(path).theme == "light"


def test_a_missing_file_is_made_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    save_theme(path, "light")
    assert path.read_text() == 'theme = "light"\n'
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_in_use_already_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    save_theme(path, "auto")
    assert not path.exists()


def test_a_wrong_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("theme = 3\n")
    with pytest.raises(ConfigError, match="must be a string"):
        save_theme(path, "light")
    assert path.read_text() == "theme = 3\n"


def test_choices_make_a_file_with_every_key_and_its_comment(tmp_path):
    path = tmp_path / "new" / "config.toml"
    box = ProviderConfig(protocol="chat", base_url="http://127.0.0.1:8000/v1")
    save_choices(path, model="box/big", theme="light", providers={"box": box})
    config = load_config(path)
    assert (config.model, config.theme, config.providers["box"]) == ("box/big", "light", box)
    text = path.read_text()
    plain = example_toml().splitlines()
    assert [line for line in text.splitlines() if line and line not in plain] == [
        'model = "box/big"',
        'theme = "light"',
        "[providers.box]",
        'protocol = "chat"',
        'base_url = "http://127.0.0.1:8000/v1"',
    ]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'model = "box/b"\n\n[providers.box]\nprotocol = "ollama"\n'),
        ("# mine\n[ui]\nfps = 20\n", None),
        ('[providers.p]\nprotocol = "ollama"  # old\n', None),
    ],
)
def test_choices_change_nothing_else_in_a_file_that_exists(tmp_path, before, after):
    path = tmp_path / "config.toml"
    path.write_text(before)
    box = ProviderConfig(protocol="ollama")
    save_choices(path, model="box/b", providers={"box": box})
    config = load_config(path)
    assert config.model == "box/b"
    assert config.providers["box"].protocol == "ollama"
    text = path.read_text()
    assert after is None or text == after
    assert all(line in text.splitlines() for line in before.splitlines())
    save_choices(path, model="box/b", providers={"box": box})
    assert path.read_text() == text
