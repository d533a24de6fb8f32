"""Stopped, hung up on, terminated and killed, while text streams and while a command runs.

What came is recorded, no process is left, and the conversation goes on where it was.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatterm.events import TurnFinished
from chatterm.steps import FinishReason, TextStep, ToolCallStep, ToolResultStep
from chatterm.store import RecordedTurn, Store
from soak.measuring import prepare, store_check
from soak.model import Model
from soak.user import PATIENCE_S, User, processes_in

_SECONDS = "314159"
"""How long the command sleeps: a mark by which it is known among all processes."""


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Model]:
    with Model() as running:
        prepare(tmp_path, running)
        yield running
        assert running.wrong == []


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait for what other processes do."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def sleeping() -> list[int]:
    """The processes of the command that a tool runs, its cage included."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(_SECONDS.encode() in word for word in words):
            found.append(int(each.parent.name))
    return found


def is_there(process: int) -> bool:
    """Whether a process is there and hasn't ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def in_the_midst(user: User, doing: str) -> None:
    """Have text stream, or a command run."""
    user.until(lambda: user.model, "the model to be known")
    user.ask("think 1")
    if doing == "streaming":
        user.send("slow 2")
        user.until(lambda: "word after" in user.text, "some of the answer")
    else:
        user.send(f"sleep {_SECONDS}")
        user.until(sleeping, "the command to run")


def last_turn(base: Path, conversation: str) -> RecordedTurn:
    """The turn that was under way, as it is recorded."""
    with Store.open(base / "data") as store:
        store.repair(conversation)
        (turn,) = store.turns([store.path(conversation)[-1]])
        return turn


def check_recorded(turn: RecordedTurn, doing: str) -> None:
    """What came is there, whole in itself: each call has its answer, and the turn its end."""
    end = turn.events[-1]
    assert isinstance(end, TurnFinished)
    assert end.finish_reason is FinishReason.INTERRUPTED
    steps = turn.turn().steps
    if doing == "streaming":
        (text,) = (step for step in steps if isinstance(step, TextStep))
        assert text.text.startswith("slowly, about 2: one word after the other")
    else:
        calls = [step.call_id for step in steps if isinstance(step, ToolCallStep)]
        assert len(calls) == 1
        assert calls == [step.call_id for step in steps if isinstance(step, ToolResultStep)]


def check_all_is_well(base: Path, conversation: str, doing: str) -> None:
    """Nothing is left of the process, and everything of the conversation."""
    wait_until(lambda: not sleeping(), "the command is still there")
    wait_until(lambda: not processes_in(base / "work"), "processes are left behind")
    assert store_check(base) == ""
    check_recorded(last_turn(base, conversation), doing)
    with User(base, ["-r", conversation]) as user:
        user.until(lambda: user.model, "the conversation to be resumed")
        user.ask("tools 5")
        assert user.conversation == conversation
        assert user.ended == {"completed": 1}
        user.type("\x04")
        assert user.wait(seconds=PATIENCE_S) == 0
    assert store_check(base) == ""


DOING = pytest.mark.parametrize("doing", ["streaming", "running a command"])


@DOING
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal(tmp_path: Path, model: Model, doing: str, number: signal.Signals) -> None:
    with User(tmp_path) as user:
        in_the_midst(user, doing)
        os.kill(user.pid, number)
        assert user.wait(seconds=PATIENCE_S) == 128 + number
    check_all_is_well(tmp_path, user.conversation, doing)


@DOING
def test_the_terminal_is_closed(tmp_path: Path, model: Model, doing: str) -> None:
    with User(tmp_path) as user:
        in_the_midst(user, doing)
        assert user.hang_up(seconds=PATIENCE_S) == 128 + signal.SIGHUP
    check_all_is_well(tmp_path, user.conversation, doing)


@DOING
@pytest.mark.parametrize("how", ["the line goes", "the shell is killed"])
def test_a_shell_above_goes_with_its_line(
    tmp_path: Path, model: Model, doing: str, how: str
) -> None:
    with User(tmp_path, shell=True) as user:
        in_the_midst(user, doing)
        app = user.app
        if how == "the shell is killed":
            os.kill(user.pid, signal.SIGKILL)
            user.wait(seconds=PATIENCE_S)
        else:
            user.hang_up(seconds=PATIENCE_S)
        wait_until(lambda: not is_there(app), "the program goes on without a terminal")
    check_all_is_well(tmp_path, user.conversation, doing)


@DOING
def test_killed_while_another_goes_on(tmp_path: Path, model: Model, doing: str) -> None:
    with User(tmp_path) as other:
        other.until(lambda: other.model, "the model to be known")
        other.send("slow 7")
        with User(tmp_path) as user:
            in_the_midst(user, doing)
            time.sleep(1)  # what streams is written down a little later than it is shown
            os.kill(user.pid, signal.SIGKILL)
            assert user.wait(seconds=PATIENCE_S) == -signal.SIGKILL
        wait_until(lambda: not sleeping(), "the command is still there")
        other.stop()
        other.ask("tools 8")
        assert other.ended == {"interrupted": 1, "completed": 1}
        other.type("\x04")
        assert other.wait(seconds=PATIENCE_S) == 0
    check_all_is_well(tmp_path, user.conversation, doing)


@DOING
def test_stopped_and_gone_on_with(tmp_path: Path, model: Model, doing: str) -> None:
    with User(tmp_path, shell=True) as user:
        in_the_midst(user, doing)
        app = user.app
        user.type("\x1a")
        user.until(lambda: "stopped" in user.text, "the shell to have its terminal back")
        assert Path(f"/proc/{app}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        user.seen.clear()
        user.type("\r")
        user.until(lambda: "?1049h" in user.text, "the program to be back")
        if doing == "streaming":
            user.seen.clear()
            user.until(lambda: "word after" in user.text, "more of the answer")
        else:
            assert sleeping()
        user.stop()
        user.ask("tools 3")
        assert user.ended == {"completed": 2, "interrupted": 1}
        user.type("\x04")
        user.until(lambda: "status 0" in user.text, "its end")
        user.wait(seconds=PATIENCE_S)
    assert not sleeping()
    with Store.open(tmp_path / "data") as store:
        turns = store.turns(store.path(user.conversation))
    check_recorded(turns[1], doing)
    assert store_check(tmp_path) == ""
