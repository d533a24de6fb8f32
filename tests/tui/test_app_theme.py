"""A theme that is wrong keeps nobody out of the app: it says why it looks otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatterm.config import Config
from chatterm.tui.start import _theme
from program import COMMAND, Program
from terminals import Terminal

UNREADABLE = 'inherits = "dark"\n[colours]\nbackground = "#10151a"\ntext = "#202020"\n'


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("drak", "config.toml: theme: there is no theme named 'drak'; did you mean dark?"),
        ("bad", "bad.toml: line 4: colours.text: has a contrast of 1.1 to background, and needs"),
    ],
)
def test_it_looks_as_auto_and_names_file_and_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.setenv("CHATTERM_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / "bad.toml").write_text(UNREADABLE)
    theme, trouble = _theme(Config(theme=name), dark=False)
    assert theme.name == "light"
    assert trouble is not None
    assert said in trouble.message


def test_the_app_starts_with_it(program: Program) -> None:
    program.configure('theme = "drak"\n')
    env = program.env | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    with Terminal([*COMMAND, "-m", "demo/glance"], env, program.home, columns=200) as terminal:
        terminal.read_until("the theme 'drak' can't be used", seconds=60)
