"""The user's own commands: where they run, what they give, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from textual.app import App

from cages import wait_until
from chatterm.errors import ChattermError
from chatterm.talking.own_commands import typed
from chatterm.talking.own_programs import needs_terminal
from chatterm.tui.shelling import run_own
from terminals import Terminal
from tui.lending_app import app


class Desk:
    """Stands in for the screen."""

    def __init__(self, directory: Path) -> None:
        self.app = App[None]()
        self.directory = directory
        self.told: list[str] = []

    def on_trouble(self, error: ChattermError) -> None:
        self.told.append(error.message)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("SHELL", "/bin/sh")
    return Desk(tmp_path)


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return False
    return state not in "ZX"


async def test_it_runs_in_the_users_shell_and_environment(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", "mine")
    shell = desk.directory / "shell"
    shell.write_text('#!/bin/sh\necho "shell $1: $2"; exec /bin/sh "$@"')
    shell.chmod(0o755)
    monkeypatch.setenv("SHELL", str(shell))
    line = 'echo "$MY_API_KEY"; pwd; echo err >&2'
    assert await run_own(desk, line) == (
        f"shell -c: {line}\nmine\n{desk.directory.resolve()}\nerr\n",
        0,
    )


async def test_without_a_shell_of_the_user_it_is_sh(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", "/nowhere/sh")
    assert await run_own(desk, "exit 7") == ("", 7)


@pytest.mark.parametrize(("line", "status"), [("kill -TERM $$", 143), ("no-such-program-", 127)])
async def test_the_status_is_as_a_shell_counts_it(desk: Desk, line: str, status: int) -> None:
    done = await run_own(desk, line)
    assert done is not None
    assert done[1] == status


async def test_output_comes_while_it_runs_in_its_colours(desk: Desk) -> None:
    seen: list[str] = []

    def output(text: str) -> None:
        seen.append(text)
        if "first" in text:
            (desk.directory / "go on").touch()

    line = r"printf '\033[31mfirst\033[0m\n'; until [ -e 'go on' ]; do sleep 0.01; done; echo last"
    assert await run_own(desk, line, output) == ("first\nlast\n", 0)
    assert "".join(seen) == "\x1b[31mfirst\x1b[0m\nlast\n"


async def test_it_can_read_no_input(desk: Desk) -> None:
    assert await run_own(desk, "cat; tty") == ("not a tty\n", 1)


@pytest.mark.parametrize("way", ["event", "task"])
async def test_stopping_ends_all_that_it_started(desk: Desk, way: str) -> None:
    pids = desk.directory / "pids"
    line = 'trap "" TERM; setsid sleep 1000 & echo $! >pids; echo $$ >>pids; sleep 1000; sleep 1000'
    cancelled = asyncio.Event()
    running = asyncio.ensure_future(run_own(desk, line, cancelled=cancelled))
    while not (pids.exists() and pids.read_text().count("\n") == 2):  # noqa: ASYNC110 - a file
        await asyncio.sleep(0.01)
    if way == "event":
        cancelled.set()
        assert await running == ("", 130)
    else:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    for pid in map(int, pids.read_text().split()):
        assert wait_until(lambda pid=pid: not runs(pid))


async def test_nothing_stays_in_the_background(desk: Desk) -> None:
    done = await run_own(desk, "sleep 1000 & echo $!")
    assert done is not None
    assert not runs(int(done[0]))


async def test_what_cannot_be_run_is_told(desk: Desk) -> None:
    desk.directory /= "gone"
    assert await run_own(desk, "true") is None
    assert len(desk.told) == 1
    assert "can't be started" in desk.told[0]


async def test_without_a_terminal_to_give_away_that_is_told(desk: Desk) -> None:
    async with desk.app.run_test():
        assert await run_own(desk, "!true") is None
    assert desk.told == ["this terminal can't be given to another program"]


async def test_an_empty_line_is_nothing(desk: Desk) -> None:
    assert await run_own(desk, " ! ".strip()) is None
    assert desk.told == []


def test_a_second_exclamation_mark_asks_for_the_terminal() -> None:
    assert typed("ls").terminal is False
    assert typed("!ls").terminal
    assert typed("!ls").line == "ls"
    assert typed("!ls").waits
    assert typed("vim a").terminal
    assert not typed("vim a").waits


@pytest.mark.parametrize(
    "line",
    [
        "vim",
        "/usr/bin/vim notes.md",
        "EDITOR=x nvim a",
        "cd src && less a.py",
        "git log | less",
        "grep -c x y; top",
        "sudo apt install x",
        "ssh host uptime",
        "env FOO=1 htop",
        "python",
        "python3 | cat",
        "bash",
        "(man ls)",
        "git commit",
        "git commit --amend",
        "git -c a=b commit -v",
        "git add -p",
        "git rebase -i HEAD~3",
        "docker exec -it box sh",
    ],
)
def test_programs_that_need_a_terminal(line: str) -> None:
    assert needs_terminal(line)


@pytest.mark.parametrize(
    "line",
    [
        "ls",
        "cat vim",
        "echo 'less; more'",
        "python -c 'print(1)'",
        "bash script.sh",
        "git log",
        "git commit -m x",
        "git commit -am x",
        "git commit --amend --no-edit",
        "git add .",
        "docker ps",
        "which top",
        "echo 'open",
        "",
        "FOO=1",
    ],
)
def test_programs_that_need_none(line: str) -> None:
    assert not needs_terminal(line)


OWN = """
from chatterm.tui.shelling import run_own
done = await run_own(self, {command!r})
self.say(f"{{done}} END")
"""


def test_what_it_printed_on_the_terminal_stays_until_it_was_read(tmp_path: Path) -> None:
    body = OWN.format(command="!tty >/dev/null && echo on a terminal; exit 3")
    with app(tmp_path, body, {"SHELL": "/bin/sh"}) as terminal:
        terminal.read_until("on a terminal")
        terminal.read_until("[3] Enter goes back")
        terminal.type("\r")
        terminal.read_until("('', 3) END")
        terminal.type("q")
        assert terminal.wait() == 0


def test_an_interrupt_ends_the_command_and_not_the_app(tmp_path: Path) -> None:
    # Not the word itself: the command is told before it runs.
    body = OWN.format(command="!echo be''gun; sleep 1000")
    with app(tmp_path, body, {"SHELL": "/bin/sh"}) as terminal:
        terminal.read_until("begun")
        terminal.read_for(0.5)  # a shell that is just starting a program may miss it
        terminal.type("\x03")
        terminal.read_until("[130] Enter goes back")
        terminal.type("\r")
        terminal.read_until("('', 130) END")
        terminal.type("q")
        assert terminal.wait() == 0


def test_it_is_stopped_and_gone_on_with_as_in_any_shell(tmp_path: Path) -> None:
    with app(tmp_path, OWN.format(command="!echo begun; echo got $(head -n 1)")) as made:
        made.read_until("begun")  # only for the app's file: what follows runs it from a shell
    environ = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "PS1": "SHELL> "}
    shell = ["bash", "--norc", "--noprofile", "-i"]
    with Terminal(shell, environ | {"SHELL": "/bin/sh"}, tmp_path) as terminal:
        terminal.read_until("SHELL> ")
        terminal.type(f"{sys.executable} tested_app.py\r")
        terminal.read_until("begun")
        terminal.type("\x1a")
        terminal.read_until("Stopped")
        del terminal.seen[: terminal.seen.index(b"Stopped")]
        terminal.read_until("SHELL> ")  # what is typed before is thrown away
        terminal.type("fg; printf 'app %s' left\r")
        for _ in range(100):  # the shell throws away what is typed before it has given way
            terminal.type("typed\r")
            if terminal.read_for(0.1) and "got typed" in terminal.text:
                break
        terminal.read_until("Enter goes back")
        terminal.type("\r")
        terminal.read_until("('', 0) END")
        terminal.type("q")
        terminal.read_until("app left")
