"""`ask --tool` over real HTTP: files are read, searched and changed, and commands run, or not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from faultserver import FaultServer
from models import Call, call, offered, results, rounds
from program import Finished, Program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no cage on Windows")

GREETER = 'def greet():\n    return "helo"\n'
EDITED = 'def greet():\n    return "hello"\n'
WORK: tuple[tuple[Call, ...] | str, ...] = (
    (
        call("list_files", depth=2),
        call("search", pattern="helo"),
        call("read_file", path="src/greet.py"),
    ),
    (
        call("edit_file", path="src/greet.py", old='"helo"', new='"hello"'),
        call("write_file", path="docs/notes.md", content="# Notes\n"),
    ),
    (call("shell", command="cp src/greet.py copy.py && wc -l copy.py"),),
    "Done.",
)
RULES = ("--allow", "edit_file:src/**", "--allow", "write_file:docs/**", "--allow", "shell:cp *")


@pytest.fixture(params=["chat", "responses", "anthropic"])
def protocol(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def work(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    (directory / "src").mkdir(parents=True)
    (directory / "src" / "greet.py").write_text(GREETER)
    (directory / ".env").write_text("KEY=secret\n")
    return directory


def files(directory: Path) -> dict[str, str]:
    """All files below a directory, with their text."""
    found = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_text() for path in found}


class Model:
    """The program with a scripted model, in a directory."""

    def __init__(self, program: Program, server: FaultServer, protocol: str, work: Path) -> None:
        self.program, self.server, self.protocol, self.work = program, server, protocol, work
        program.provider(server.url, protocol, tables="[stream]\nretries = 0")

    def ask(
        self, *arguments: str, script: tuple[tuple[Call, ...] | str, ...], **options: Any
    ) -> Finished:
        self.server.script(*rounds(self.protocol, *script))
        options.setdefault("cwd", self.work)
        return self.program.run("ask", "--format", "jsonl", *arguments, "go on", **options)

    @property
    def results(self) -> dict[str, str]:
        """The results that the last request held."""
        return results(self.protocol, self.server.requests[-1])


@pytest.fixture
def model(program: Program, server: FaultServer, protocol: str, work: Path) -> Model:
    return Model(program, server, protocol, work)


def test_a_turn_that_rules_allow_changes_the_files(model: Model, work: Path) -> None:
    done = model.ask("-T", "all", *RULES, script=WORK)
    assert done.status == 0, done.stderr
    assert files(work) == {
        "src/greet.py": EDITED,
        "docs/notes.md": "# Notes\n",
        "copy.py": EDITED,
        ".env": "KEY=secret\n",
    }
    assert len(model.server.requests) == 4
    found = model.results
    assert len(found) == 6
    assert "src/greet.py" in found["call_0_0"]
    assert "helo" in found["call_0_1"]
    assert "2 copy.py" in found["call_2_0"]
    (system, *_), first = [step["kind"] for step in done.steps], model.server.requests[0].json
    assert system == "tool_call"
    assert str(work) in json.dumps(first)
    names = ["shell", "read_file", "list_files", "search", "write_file", "edit_file"]
    assert offered(model.protocol, model.server.requests[0]) == names


def test_permissions_are_events(model: Model) -> None:
    done = model.ask("-T", "all", *RULES, script=WORK)
    answered = [event for event in done.events if event["type"] == "permission.answered"]
    assert [each["decision"] for each in answered] == ["allow"] * 6
    assert answered[-1]["rule"] == {
        "tool": "shell",
        "decision": "allow",
        "argv": ["cp"],
        "prefix": True,
    }
    output = [event["text"] for event in done.events if event["type"] == "tool.output"]
    assert "2 copy.py" in "".join(output)


def test_the_same_denied_ends_with_6_and_changes_nothing(model: Model, work: Path) -> None:
    before = files(work)
    done = model.ask("-T", "all", script=WORK)
    assert done.status == 6
    assert files(work) == before
    end = done.events[-1]
    assert (end["status"], end["denied"]) == ("completed", ["call_1_0", "call_1_1", "call_2_0"])
    assert "nobody could be asked" in model.results["call_1_0"]
    assert "denied because nobody could be asked" in done.stderr


def test_what_the_user_denied_is_no_reason_for_6(model: Model, work: Path) -> None:
    script = ((call("shell", command="rm -r src"),), "Then not.")
    done = model.ask("-T", "shell", "--yes", "--deny", "shell:rm *", script=script)
    assert done.status == 0
    assert (work / "src").exists()
    assert "a rule denies it" in model.results["call_0_0"]


def test_a_search_finds_nothing_in_what_a_rule_closes(model: Model, work: Path) -> None:
    (work / "private.txt").write_text("helo, a secret\n")
    script = ((call("search", pattern="helo"), call("list_files")), "Done.")
    rules = ("--deny", "read_file:private.txt", "--deny", "list_files:private.txt")
    done = model.ask("-T", "search", "-T", "list_files", "--yes", *rules, script=script)
    assert done.status == 0
    assert "greet.py" in model.results["call_0_0"]
    assert "closed by a rule and so not searched: 1" in model.results["call_0_0"]
    assert "private" not in json.dumps(model.results)


def test_yes_allows_the_unknown_but_nothing_sensitive(model: Model, work: Path) -> None:
    script = (
        (call("shell", command="for i in 1 2; do echo $i > file$i; done"),),
        (call("read_file", path=".env"), call("write_file", path=".git/hooks/x", content="x")),
        "Done.",
    )
    done = model.ask("-T", "all", "--yes", script=script)
    assert done.status == 6
    assert files(work).keys() >= {"file1", "file2"}
    assert not (work / ".git").exists()
    assert "secret" not in json.dumps(model.results)


def test_a_tool_that_is_not_offered_fails(model: Model) -> None:
    script = ((call("shell", command="ls"), call("read_file", path="src/greet.py")), "Done.")
    done = model.ask("-T", "read_file", script=script)
    assert done.status == 0
    assert "no tool named 'shell'" in model.results["call_0_0"]
    assert "helo" in model.results["call_0_1"]


def test_a_shell_without_a_key_in_its_environment(model: Model) -> None:
    keys = {"OPENAI_API_KEY": "sk-test-1234567890", "MY_TOKEN": "t0k3n-value"}
    command = "env; cat /proc/$PPID/environ 2>/dev/null | tr '\\0' '\\n'; cat /proc/*/environ"
    script = ((call("shell", command=command),), "Done.")
    done = model.ask("-T", "shell", "--yes", script=script, env=keys)
    assert done.status == 0
    output = model.results["call_0_0"]
    assert "PATH=" in output
    assert "sk-test-1234567890" not in output
    assert "t0k3n-value" not in output


def test_a_turn_killed_between_call_and_result_goes_on(model: Model, work: Path) -> None:
    waits = "touch begun; sleep 30; touch ended"
    model.server.script(*rounds(model.protocol, (call("shell", command=waits),), "never"))
    words = ("ask", "-T", "shell", "--yes", "start")
    left = {"TMPDIR": str(work.parent)}  # what a killed program leaves, goes with the test
    running = model.program.start(*words, cwd=work, stdout=subprocess.DEVNULL, env=left)
    try:
        wait_for(work / "begun", running)
        os.kill(running.pid, signal.SIGKILL)
    finally:
        running.kill()
        running.wait()
    again = model.ask("-c", script=("I see.",))
    assert again.status == 0, again.stderr
    (answer,) = model.results.values()
    assert "unknown" in answer
    assert not (work / "ended").exists()


def wait_for(path: Path, running: subprocess.Popen[bytes]) -> None:
    """Wait until a file is there; the process that is to make it must be running."""
    while not path.exists():
        assert running.poll() is None, "it ended"
        try:
            running.wait(0.02)
        except subprocess.TimeoutExpired:
            continue


def test_a_timeout_stops_the_command_and_answers_its_call(model: Model, work: Path) -> None:
    slow = call("shell", command="touch begun; sleep 60; touch ended", timeout_s=0.5)
    done = model.ask("-T", "shell", "--yes", script=((slow,), "Done."))
    assert done.status == 0
    assert "its time limit" in model.results["call_0_0"]
    assert not (work / "ended").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("-T", "shel"), 2, "there is no tool 'shel'"),
        (("--allow", "shell:ls"), 2, "--allow says nothing without --tool"),
        (("-T", "shell", "--allow", "shel:ls"), 2, "did you mean shell"),
        (("-T", "shell", "--sandbox", "bwrap"), 2, "there is no sandbox 'bwrap'"),
        (("-T", "shell", "--sandbox", "sandbox-exec"), 3, "doesn't work here"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_asked(
    program: Program, server: FaultServer, arguments: tuple[str, ...], status: int, said: str
) -> None:
    program.provider(server.url)
    done = program.run("ask", *arguments, "go on")
    assert done.status == status
    assert said in done.stderr
    assert server.requests == []


def test_a_project_may_forbid_and_plan(model: Model, work: Path) -> None:
    (work / ".chatterm").mkdir()
    (work / ".chatterm" / "config.toml").write_text("[permissions]\nmode = 'plan'\n")
    before = files(work)
    done = model.ask("-T", "all", "--yes", script=WORK)
    assert done.status == 0
    assert files(work) == before
    assert "the mode is plan" in model.results["call_2_0"]


def test_yolo_in_the_configuration_is_no_yes(model: Model, work: Path) -> None:
    settings = '[stream]\nretries = 0\n[permissions]\nmode = "yolo"'
    model.program.provider(model.server.url, model.protocol, tables=settings)
    before = files(work)
    done = model.ask("-T", "all", script=WORK)
    assert done.status == 6
    assert files(work) == before
    assert "yolo" in done.stderr
