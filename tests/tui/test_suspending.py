"""Ctrl+Z: the shell has its terminal back, and `fg` brings the app."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from program import Program
from terminals import Terminal


def _on(tmp_path: Path, command: list[str]) -> Terminal:
    program = Program(tmp_path / "home")
    program.config.write_text("", "utf-8")
    env = {**program.env, "TERM": "xterm-256color", "CHATTERM_CONFIG": str(program.config)}
    work = tmp_path / "work"
    work.mkdir()
    return Terminal(command, env, work)


def test_ctrl_z_gives_the_terminal_back_to_the_shell(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    # A shell with job control, which goes on when the app has stopped.
    shell = f'set -m; {sys.executable} -m chatterm; echo "stop""ped"; read -r; fg; echo "status $?"'
    with _on(tmp_path, ["/bin/bash", "-c", shell]) as terminal:
        terminal.read_until("the keys")
        terminal.read_until("confirm")
        terminal.type("half a thought")
        terminal.read_until("thought")
        terminal.type("\x1a")
        terminal.read_until("stopped")
        terminal.seen = b""
        terminal.type("\r")
        terminal.read_until("half a thought")
        terminal.type("\x03")
        terminal.read_until("cleared")
        terminal.type("\x04")
        terminal.read_until("status 0")
        assert terminal.wait() == 0


def test_without_a_shell_nothing_stops(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with _on(tmp_path, [sys.executable, "-m", "chatterm"]) as terminal:
        terminal.read_until("confirm")
        terminal.type("\x1a")
        terminal.read_until("there is no shell here to go back to")
        os.kill(terminal.pid, 0)
        terminal.type("\x04")
        assert terminal.wait() == 0
