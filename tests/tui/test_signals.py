"""Told to end by the system: the terminal comes back, and nothing is lost."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatterm.store import Store
from program import Program
from terminals import Terminal

_SLOW = "pace 1 50\ntext: One two three four five six seven eight nine ten eleven twelve.\n"


def _env(home: Path) -> dict[str, str]:
    home.mkdir()
    program = Program(home)
    (home / "slow.demo").write_text(_SLOW, "utf-8")
    program.config.write_text(
        f'model = "s/x"\n[providers.s]\nprotocol = "demo"\nscript = "{home}/slow.demo"\n'
        'models = ["x"]\n',
        "utf-8",
    )
    return {
        **program.env,
        "TERM": "xterm-256color",
        "CHATTERM_CONFIG": str(program.config),
        "CHATTERM_DATA_DIR": str(home / "data"),
    }


def _kept(home: Path) -> str:
    with Store.open(home / "data") as store:
        (row,) = store.list()
        (turn,) = store.turns([row.conversation.head or ""])
        return turn.turn().steps[0].text  # type: ignore[union-attr]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_app_in_order(tmp_path: Path, number: signal.Signals) -> None:
    home = tmp_path / "home"
    env = _env(home)
    with Terminal([sys.executable, "-m", "chatterm", "count"], env, tmp_path) as terminal:
        terminal.read_until("three")
        terminal.type("half a thought")
        terminal.read_until("thought")
        os.kill(terminal.pid, number)
        terminal.read_until("chatterm -r ")
        assert terminal.wait() == 128 + number
        assert "\x1b[?1049l" in terminal.text
    assert "One two three" in _kept(home)
    assert "half a thought" in next((home / "data" / "drafts").iterdir()).read_text("utf-8")


def test_a_terminal_that_is_closed_leaves_no_process_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Terminal([sys.executable, "-m", "chatterm", "count"], _env(home), tmp_path) as terminal:
        terminal.read_until("three")
        assert terminal.hang_up() == 128 + signal.SIGHUP
    assert "One two three" in _kept(home)


def test_what_goes_to_stderr_is_no_part_of_the_screen(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = f"{sys.executable} -m chatterm 2>{tmp_path}/errors"
    with Terminal(["/bin/sh", "-c", command], _env(home), tmp_path) as terminal:
        terminal.read_until("Ask something")
        terminal.type("\x04")
        assert terminal.wait() == 0
    assert not (tmp_path / "errors").read_text("utf-8")


def test_a_draft_stays_with_the_app_that_runs_and_is_offered_once_it_was_killed(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    env = _env(home)
    argv = [sys.executable, "-m", "chatterm"]
    kept = home / "data" / "drafts"
    with Terminal(argv, env, tmp_path) as first:
        first.read_until("confirm")
        first.type("half a thought")
        first.read_until("thought")
        wait_until(lambda: kept.is_dir() and any(kept.glob("*.json")), first)
        with Terminal(argv, env, tmp_path) as second:
            second.read_until("confirm")
            second.read_for(1)
            second.type("\x04")
            assert second.wait() == 0
            assert "half a thought" not in second.text
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    with Terminal(argv, env, tmp_path) as third:
        third.read_until("half a thought")


def wait_until(condition: Callable[[], object], terminal: Terminal) -> None:
    for _ in range(200):
        if condition():
            return
        terminal.read_for(0.1)
    raise AssertionError("it never came to that")
