"""Copying: through the terminal, and by the system's tool where there is one."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest
from textual.app import App

from chatterm.talking import clipboard
from chatterm.talking.clipboard import tool
from chatterm.tui.clipboard import MOST_BYTES, copy
from tui.lending_app import program


def settle() -> None:
    """Wait for the threads that copy."""
    for thread in threading.enumerate():
        if thread.name == "clipboard":
            thread.join()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A system with a tool that writes down what it is given."""
    program(tmp_path, "xclip", f'cat >>"{tmp_path}/copied"; printf "|" >>"{tmp_path}/copied"')
    return {"DISPLAY": ":0", "PATH": f"{tmp_path}:{os.environ['PATH']}"}


@pytest.fixture(autouse=True)
def path_of_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def test_a_text_goes_to_the_terminal_and_to_the_tool(
    environ: dict[str, str], tmp_path: Path
) -> None:
    app = App[None]()
    assert copy(app, "zwei\n\tZeilen", environ)
    settle()
    assert app.clipboard == "zwei\n\tZeilen"
    assert (tmp_path / "copied").read_text() == "zwei\n\tZeilen|"


def test_control_characters_stay_behind() -> None:
    app = App[None]()
    assert copy(app, "a\x1b[201~\x1b]52;c;eA==\x07b\x9bc\x00\r\nc\ud800", {})
    assert app.clipboard == "ab\nc?"


def test_a_long_text_is_cut_only_where_no_tool_takes_it(
    environ: dict[str, str], tmp_path: Path
) -> None:
    text = "ü" * MOST_BYTES
    app = App[None]()
    assert not copy(app, "x" + text, {})
    assert app.clipboard == "x" + "ü" * (MOST_BYTES // 2 - 1)
    other = App[None]()
    assert copy(other, text, environ)
    settle()
    assert other.clipboard == ""
    assert (tmp_path / "copied").read_text() == text + "|"


def test_the_last_that_was_copied_stays(environ: dict[str, str], tmp_path: Path) -> None:
    with clipboard._one_by_one:  # a tool takes its time
        for n in range(5):
            copy(App[None](), f"text {n}", environ)
    settle()
    assert (tmp_path / "copied").read_text() == "text 4|"


def test_a_tool_that_fails_is_only_logged(
    environ: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program(tmp_path, "xclip", "echo no display >&2; exit 1")
    with caplog.at_level(logging.WARNING):
        assert copy(App[None](), "secret", environ)
        settle()
    assert "xclip can't copy" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("environ", "platform", "tools", "chosen"),
    [
        ({"WAYLAND_DISPLAY": "w", "DISPLAY": ":0"}, "linux", "wl-copy xclip", "wl-copy"),
        ({"WAYLAND_DISPLAY": "w", "DISPLAY": ":0"}, "linux", "xsel", "xsel"),
        ({"DISPLAY": ":0"}, "linux", "wl-copy xclip xsel", "xclip"),
        ({"DISPLAY": ":0"}, "linux", "", None),
        ({}, "linux", "wl-copy xclip xsel pbcopy", None),
        ({}, "darwin", "pbcopy", "pbcopy"),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "1 2 3 4"}, "linux", "xclip", None),
        ({"SSH_TTY": "/dev/pts/1"}, "darwin", "pbcopy", None),
    ],
)
def test_the_tool_is_that_of_the_display(
    tmp_path: Path, environ: dict[str, str], platform: str, tools: str, chosen: str | None
) -> None:
    place = tmp_path / "tools"
    place.mkdir()
    for name in tools.split():
        program(place, name, "")
    found = tool({**environ, "PATH": str(place)}, platform)
    assert (found[0] if found else None) == chosen
