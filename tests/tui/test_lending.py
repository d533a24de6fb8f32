"""The terminal lent to a program: who gets what is typed, and that it all comes back."""

from __future__ import annotations

import os
from pathlib import Path

from tui.lending_app import app, program

LENDS = """
from chatterm.tui.lending import lend
status = await lend(self, [sys.argv[0].replace("tested_app.py", "program")])
self.say(f"status {status} END")
"""


def test_the_program_has_the_terminal_and_the_app_paints_again_afterwards(tmp_path: Path) -> None:
    program(tmp_path, "program", 'printf "who? "; read -r name; echo "hello $name"; exit 3')
    with app(tmp_path, LENDS) as terminal:
        terminal.read_until("who? ")
        terminal.type("me\r")
        terminal.read_until("hello me")
        terminal.read_until("status 3 END")
        terminal.type("q")
        assert terminal.wait() == 0


def test_an_interrupt_hits_the_program_alone(tmp_path: Path) -> None:
    program(tmp_path, "program", 'trap "echo caught; exit 5" INT; echo begun; read -r x; read -r y')
    with app(tmp_path, LENDS) as terminal:
        terminal.read_until("begun")
        terminal.type("\x03")
        terminal.read_until("caught")
        terminal.read_until("status 5 END")
        assert "ctrl+c came" not in terminal.text
        terminal.type("q")
        assert terminal.wait() == 0


def test_a_program_that_is_killed_leaves_no_modes_behind(tmp_path: Path) -> None:
    program(tmp_path, "program", "stty raw -echo; echo begun; kill -9 $$")
    body = LENDS.replace("status = ", "import termios; before = termios.tcgetattr(0)\nstatus = ")
    body += '\nself.say(f"same {termios.tcgetattr(0) == before} status {status} END")'
    with app(tmp_path, body) as terminal:
        terminal.read_until("same True status -9 END")
        terminal.type("q")
        assert terminal.wait() == 0


def test_meanwhile_the_loop_goes_on_and_nothing_is_painted(tmp_path: Path) -> None:
    program(tmp_path, "program", "echo begun; read -r x; echo ended")
    body = """
    beating = asyncio.ensure_future(self.beat())
    from chatterm.tui.lending import lend
    async def typed():
        while self.beats < 200:  # more than would fit into the queue of a thread that has ended
            await asyncio.sleep(0.005)
        Path("enough").touch()
    waiting = asyncio.ensure_future(typed())
    script = program = str(Path.cwd() / "program")
    await lend(self, [script])
    beating.cancel()
    self.say(f"enough {Path('enough').exists()} END")
    """
    program(tmp_path, "program", "echo begun; until [ -e enough ]; do sleep 0.01; done; echo ended")
    with app(tmp_path, body) as terminal:
        terminal.read_until("begun")
        terminal.read_until("ended")
        during = terminal.text.partition("begun")[2].partition("ended")[0]
        assert "beat" not in during
        terminal.read_until("enough True END")
        terminal.type("q")
        assert terminal.wait() == 0


def test_a_stopped_program_goes_on_where_no_shell_could_wake_us_up(tmp_path: Path) -> None:
    program(tmp_path, "program", "echo begun; kill -STOP $$; echo on again")
    with app(tmp_path, LENDS) as terminal:
        terminal.read_until("on again")
        terminal.read_until("status 0 END")
        terminal.type("q")
        assert terminal.wait() == 0


def test_what_it_left_behind_loses_its_terminal(tmp_path: Path) -> None:
    program(tmp_path, "program", "sleep 1000 & echo $! >left")
    with app(tmp_path, LENDS) as terminal:
        terminal.read_until("status 0 END")
        pid = int((tmp_path / "left").read_text())
        terminal.type("q")
        assert terminal.wait() == 0
    assert not _runs(pid)


def test_a_cancelled_task_ends_the_program_and_takes_the_terminal_back(tmp_path: Path) -> None:
    program(tmp_path, "program", 'trap "" TERM; echo $$ >running; while :; do sleep 0.05; done')
    body = """
    from chatterm.tui.lending import lend
    lending = asyncio.ensure_future(lend(self, [str(Path.cwd() / "program")]))
    while not (Path("running").exists() and Path("running").read_text()):
        await asyncio.sleep(0.01)
    lending.cancel()
    try:
        await lending
    except asyncio.CancelledError:
        self.say("cancelled END")
    """
    with app(tmp_path, body) as terminal:
        terminal.read_until("cancelled END")
        assert not _runs(int((tmp_path / "running").read_text()))
        terminal.type("q")
        assert terminal.wait() == 0


def test_the_app_ends_while_another_program_has_the_terminal(tmp_path: Path) -> None:
    program(tmp_path, "program", "echo $$ >running; while :; do sleep 0.05; done")
    body = """
    from chatterm.tui.lending import lend
    async def leave():
        while not (Path("running").exists() and Path("running").read_text()):
            await asyncio.sleep(0.01)
        self.exit()
    leaving = asyncio.ensure_future(leave())
    await lend(self, [str(Path.cwd() / "program")])
    """
    with app(tmp_path, body) as terminal:
        assert terminal.wait() == 0
        assert not _runs(int((tmp_path / "running").read_text()))
        last = terminal.text.rpartition("\x1b[?1049")[2]
        assert last.startswith("l"), "the other screen stays"


def test_what_cannot_be_started_is_told(tmp_path: Path) -> None:
    body = """
    from chatterm.errors import ChattermError
    from chatterm.tui.lending import lend
    try:
        await lend(self, ["/nowhere/editor"])
    except ChattermError as error:
        self.say(f"{error.message} END")
    """
    with app(tmp_path, body) as terminal:
        terminal.read_until("editor can't be started: No such file or directory END")
        terminal.type("q")
        assert terminal.wait() == 0


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return False
    return state not in "ZX"
