"""What the terminal answers when nobody waits for it any more isn't typed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from textual.events import Key

from chatterm.tui.driver import KeyParser
from program import Program
from terminals import Terminal

ANSWERS = [
    "\x1b]11;rgb:1010/1010/1010\x07",
    "\x1b]11;rgb:ffff/ffff/ffff\x1b\\",
    "\x1b]11;rgba:00/00/00/ff\x07",
    "\x1b[?62;22c",
    "\x1b]11;rgb:1010/1010/1010\x07\x1b[?1;2c",
]


def keys(*pieces: str) -> list[str]:
    """The keys in what comes from a terminal, piece by piece."""
    parser = KeyParser()
    found = [event for piece in pieces for event in parser.feed(piece)]
    return [event.key for event in found if isinstance(event, Key)]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_is_no_key(answer: str) -> None:
    assert keys(answer) == []
    assert keys(f"a{answer}b") == ["a", "b"]
    assert keys("a", answer, "\x1b[A") == ["a", "up"]


@pytest.mark.parametrize("cut", [7, 12, 20, 24])
def test_an_answer_in_two_pieces_is_none_either(cut: int) -> None:
    answer = "\x1b]11;rgb:1010/1010/1010\x1b\\"
    assert keys(f"a{answer[:cut]}", f"{answer[cut:]}b") == ["a", "b"]


@pytest.mark.parametrize("typed", ["plain", "\x1b[A\x1b[1;5F\x07", "\t\r\x7f"])
def test_keys_are_keys(typed: str) -> None:
    assert keys(typed)


def test_a_late_answer_opens_no_editor(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    program = Program(home)
    program.configure("")
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\ntouch {tmp_path}/opened\n")
    editor.chmod(0o755)
    env = {**program.env, "TERM": "xterm-256color", "VISUAL": str(editor)}
    with Terminal([sys.executable, "-m", "chatterm"], env, tmp_path) as terminal:
        terminal.read_until("confirm")
        terminal.type("early\x1b]11;rgb:1010/1010/1010\x07\x1b[?62;22clate")
        terminal.read_until("earlylate")
        terminal.type("\x03")
        terminal.read_until("cleared")
        terminal.type("\x04")
        assert terminal.wait() == 0
        assert "rgb" not in terminal.text
    assert not (tmp_path / "opened").exists()
