"""`chatterm history undo`: edits are listed, and taken back as long as nobody changed the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from faultserver import FaultServer
from models import call, rounds
from program import Finished, Program

SCRIPT = (
    (
        call("edit_file", path="a.txt", old="one", new="two"),
        call("write_file", path="new/b.txt", content="b\n"),
    ),
    (call("edit_file", path="a.txt", old="two", new="three"), call("shell", command="true")),
    "Done.",
)


class Talk:
    """A conversation whose tools have edited files."""

    def __init__(self, program: Program, server: FaultServer, work: Path) -> None:
        self.program, self.work = program, work
        program.provider(server.url)
        server.script(*rounds("chat", *SCRIPT))
        tools = ("-T", "edit_file", "-T", "write_file", "-T", "shell")
        rules = ("--allow", "edit_file", "--allow", "write_file", "--allow", "shell:true")
        done = program.run("ask", *tools, *rules, "--format", "jsonl", "go on", cwd=work)
        assert done.status == 0, done.stderr
        self.id = done.events[0]["conversation"]
        calls = [step for step in done.steps if step["kind"] == "tool_call"]
        self.first, self.second, self.third, _ = [step["id"] for step in calls]

    def undo(self, *words: str) -> Finished:
        return self.program.run("history", "undo", self.id, *words, cwd=self.work)

    @property
    def files(self) -> dict[str, str]:
        found = (path for path in self.work.rglob("*") if path.is_file())
        return {str(path.relative_to(self.work)): path.read_text() for path in found}


@pytest.fixture
def talk(program: Program, server: FaultServer, tmp_path: Path) -> Talk:
    work = tmp_path / "work"
    work.mkdir()
    (work / "a.txt").write_text("one\n")
    return Talk(program, server, work)


def test_edits_are_listed_with_what_can_be_undone(talk: Talk) -> None:
    listed = talk.undo()
    assert listed.status == 0
    assert [line.split("  ")[0] for line in listed.text.splitlines()] == [
        talk.first,
        talk.second,
        talk.third,
    ]
    states = [line.split("  ")[-1] for line in listed.text.splitlines()]
    assert states == ["changed since", "can be undone", "can be undone"]
    assert "not covered" in listed.stderr
    assert "  true" in listed.stderr
    assert listed.stderr.endswith(f"`chatterm history undo {talk.id} STEP` takes one back\n")


def test_one_edit_is_taken_back_by_itself(talk: Talk) -> None:
    assert talk.undo(talk.third).status == 0
    assert talk.files == {"a.txt": "two\n", "new/b.txt": "b\n"}
    short = f"{talk.second[:6]}.{talk.second.rpartition('.')[2]}"
    assert talk.undo(short).status == 0
    assert talk.files == {"a.txt": "two\n"}
    assert talk.undo(talk.first).status == 0
    assert talk.files == {"a.txt": "one\n"}


def test_an_edit_under_a_later_one_is_taken_back_with_it(talk: Talk) -> None:
    refused = talk.undo(talk.first)
    assert refused.status == 2
    assert "a.txt has changed since it was edited" in refused.stderr
    done = talk.undo(talk.first, "--and-later")
    assert done.status == 0, done.stderr
    assert talk.files == {"a.txt": "one\n"}
    assert "not covered" in done.stderr


AGAIN = ((call("edit_file", path="a.txt", old="one", new="two"),), "Done again.")


def test_an_undone_edit_stays_undone_when_the_file_is_edited_again(
    talk: Talk, server: FaultServer
) -> None:
    assert talk.undo(talk.first, "--and-later").status == 0
    server.script(*rounds("chat", *AGAIN))
    asked = talk.program.run(
        "ask", "-r", talk.id, "-T", "edit_file", "--yes", "again", cwd=talk.work
    )
    assert asked.status == 0, asked.stderr
    assert talk.files == {"a.txt": "two\n"}

    def states() -> list[str]:
        return [line.split("  ")[-1] for line in talk.undo().text.splitlines()]

    assert states() == ["undone", "undone", "undone", "can be undone"]
    already = talk.undo(talk.first)
    assert (already.status, already.stderr) == (0, "it is undone already\n")
    assert talk.files == {"a.txt": "two\n"}
    run = talk.program.run
    run("history", "export", talk.id, "-o", "talk.jsonl")
    run("history", "delete", talk.id, "--yes")
    assert run("history", "import", "talk.jsonl").status == 0
    assert states() == ["undone", "undone", "undone", "can be undone"]
    assert talk.undo(talk.first, "--and-later").status == 0
    assert talk.files == {"a.txt": "one\n"}
    assert states() == ["undone"] * 4


def test_a_file_that_somebody_changed_is_left_alone(talk: Talk) -> None:
    (talk.work / "a.txt").write_text("mine\n")
    done = talk.undo(talk.first, "--and-later")
    assert done.status == 2
    assert "nothing was undone" in done.stderr
    assert talk.files == {"a.txt": "mine\n", "new/b.txt": "b\n"}


@pytest.mark.parametrize("step", ["nothing", "none.0", ".1"])
def test_a_step_that_is_none_says_so(talk: Talk, step: str) -> None:
    done = talk.undo(step)
    assert done.status == 2
    assert "no step that changed a file" in done.stderr


def test_a_conversation_without_edits(program: Program) -> None:
    asked = program.run("ask", "-m", "demo", "--format", "json", "hello")
    done = program.run("history", "undo", json.loads(asked.text)["conversation"])
    assert (done.status, done.text) == (0, "no tool changed a file in this conversation\n")
