"""`ask --tool` at a terminal: who sits there is asked, and nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from faultserver import FaultServer
from models import call, results, rounds
from program import Program
from terminals import Terminal


@pytest.fixture
def work(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    return directory


@pytest.fixture
def asking(program: Program, server: FaultServer) -> Program:
    program.provider(server.url)
    server.script(*rounds("chat", (call("shell", command="touch made"),), "Well done."))
    return program


def terminal(program: Program, work: Path, *arguments: str) -> Terminal:
    return program.terminal("ask", "-n", *arguments, "go on", cwd=work)


def test_a_yes_lets_the_call_run(asking: Program, server: FaultServer, work: Path) -> None:
    with terminal(asking, work, "-T", "shell") as seat:
        seat.read_until("q no, and stop")
        assert "│ touch made" in seat.text
        seat.read_until("> ")
        seat.type("y and clean up later\r")
        assert seat.wait() == 0
    assert (work / "made").exists()
    (answer,) = results("chat", server.requests[-1]).values()
    assert "[the user adds: and clean up later]" in answer
    assert "Well done." in seat.text


def test_a_no_is_told_to_the_model(asking: Program, server: FaultServer, work: Path) -> None:
    with terminal(asking, work, "-T", "shell") as seat:
        seat.read_until("> ")
        seat.type("n not that file\r")
        assert seat.wait() == 0
    assert not (work / "made").exists()
    (answer,) = results("chat", server.requests[-1]).values()
    assert answer == "denied by the user: not that file"


def test_always_is_kept(asking: Program, server: FaultServer, work: Path) -> None:
    with terminal(asking, work, "-T", "shell") as seat:
        seat.read_until("> ")
        seat.type("a\r")
        seat.read_until("rule> ")
        seat.type("g\r")
        assert seat.wait() == 0
    listed = asking.run("permissions", "list", cwd=work)
    assert "allow  everywhere  shell:touch made" in listed.text
    server.script(*rounds("chat", (call("shell", command="touch made"),), "Again."))
    assert asking.run("ask", "-T", "shell", "go on", cwd=work).status == 0


def test_ctrl_c_at_the_question_stops_the_turn(asking: Program, work: Path) -> None:
    with terminal(asking, work, "-T", "shell") as seat:
        seat.read_until("> ")
        seat.type("\x03")
        assert seat.wait() == 130
    assert not (work / "made").exists()


def test_keys_typed_before_the_question_answer_nothing(asking: Program, work: Path) -> None:
    with terminal(asking, work, "-T", "shell") as seat:
        seat.type("y\ry\ry\r")
        seat.read_until("> ")
        seat.type("n\r")
        assert seat.wait() == 0
    assert not (work / "made").exists()


def test_no_input_asks_nobody(asking: Program, work: Path) -> None:
    with terminal(asking, work, "-T", "shell", "--no-input") as seat:
        assert seat.wait() == 6
    assert not (work / "made").exists()
