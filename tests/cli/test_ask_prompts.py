"""`ask` with instructions, templates and system prompts, over real HTTP: what the model is sent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from faultserver import FaultServer
from models import call, rounds
from program import COMMAND, Finished, Program
from terminals import Terminal


class Desk:
    """The program with a model that answers, in a project."""

    def __init__(self, program: Program, server: FaultServer, work: Path) -> None:
        self.program, self.server, self.work = program, server, work
        self.configure("")
        server.script(*rounds("chat", "Fine."))

    def configure(self, tables: str) -> None:
        self.program.provider(self.server.url, tables=f"[stream]\nretries = 0\n{tables}")

    def write(self, path: str, text: str) -> Path:
        file = self.work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def mine(self, name: str, text: str) -> None:
        """A file beside the configuration."""
        (self.program.home / "prompts").mkdir(exist_ok=True)
        (self.program.home / name).write_text(text)

    def ask(self, *arguments: str, stdin: bytes = b"", cwd: str = "") -> Finished:
        options = {"stdin": stdin, "cwd": self.work / cwd}
        return self.program.run("ask", "--format", "jsonl", *arguments, **options)

    def asked(self, *arguments: str, **options: Any) -> Finished:
        done = self.ask(*arguments, **options)
        assert done.status == 0, done.stderr
        # What is recorded is what was sent.
        system = done.events[0]["system"]
        assert [system] if system else self.systems == []
        return done

    @property
    def sent(self) -> dict[str, Any]:
        body: dict[str, Any] = self.server.requests[-1].json
        return body

    @property
    def systems(self) -> list[str]:
        return [each["content"] for each in self.sent["messages"] if each["role"] == "system"]

    @property
    def system(self) -> str:
        return "".join(self.systems)

    @property
    def message(self) -> str:
        text: str = self.sent["messages"][-1]["content"]
        return text


@pytest.fixture
def desk(program: Program, server: FaultServer, tmp_path: Path) -> Desk:
    work = tmp_path / "work"
    (work / ".git").mkdir(parents=True)
    return Desk(program, server, work)


# --- instructions ---


def test_with_tools_they_are_sent_and_without_they_are_not(desk: Desk) -> None:
    desk.write("AGENTS.md", "Use tabs.")
    desk.write("docs/CLAUDE.md", "Write briefly.")
    done = desk.asked("-T", "read_file", "hello", cwd="docs")
    assert '<instructions path="AGENTS.md">\nUse tabs.\n</instructions>' in desk.system
    assert '<instructions path="docs/CLAUDE.md">\nWrite briefly.\n</instructions>' in desk.system
    notice = done.steps[0]
    assert (notice["kind"], notice["reason"]) == ("notice", "instructions")
    assert notice["text"] == "instructions: AGENTS.md 9 bytes, docs/CLAUDE.md 14 bytes"
    assert "instructions" not in done.stderr  # it isn't a terminal
    desk.asked("hello", cwd="docs")
    assert desk.systems == []


@pytest.mark.parametrize(
    ("tables", "arguments", "sent"),
    [
        ("", ["--instructions"], True),
        ("", ["--no-instructions", "-T", "read_file"], False),
        ("[instructions]\nenabled = false", ["-T", "read_file"], False),
        ("[instructions]\nenabled = false", ["--instructions"], True),
        ('[instructions]\nask = "always"', [], True),
        ('[instructions]\nask = "never"', ["-T", "read_file"], False),
    ],
)
def test_they_can_be_switched(desk: Desk, tables: str, arguments: list[str], sent: bool) -> None:
    desk.configure(tables)
    desk.write("AGENTS.md", "Use tabs.")
    desk.asked(*arguments, "hello")
    assert ("Use tabs." in desk.system) is sent


def test_the_users_own_come_first(desk: Desk) -> None:
    desk.mine("AGENTS.md", "Mine.")
    desk.write("AGENTS.md", "Theirs.")
    desk.asked("--instructions", "hello")
    assert 0 < desk.system.index("Mine.") < desk.system.index("Theirs.")


def test_the_beginning_of_every_request_is_the_same(desk: Desk) -> None:
    desk.write("AGENTS.md", "Use tabs.")
    desk.server.script(*rounds("chat", (call("read_file", path="AGENTS.md"),), "Fine."))
    desk.asked("-T", "read_file", "hello")
    desk.asked("-c", "-T", "read_file", "and now")
    firsts = [request.json["messages"][0] for request in desk.server.requests]
    assert len(firsts) == 3
    assert [each["role"] for each in firsts] == ["system"] * 3
    assert len({each["content"] for each in firsts}) == 1


def test_a_change_is_told_and_sent(desk: Desk) -> None:
    desk.write("AGENTS.md", "Use tabs.")
    desk.asked("--instructions", "hello")
    assert "notice" not in [step["kind"] for step in desk.asked("-c", "again").steps]
    assert "Use tabs." in desk.system  # a conversation that has them keeps them
    desk.write("AGENTS.md", "Use blanks.")
    notice = desk.asked("-c", "again").steps[0]
    assert "they have changed" in notice["text"]
    assert "Use blanks." in desk.system


def test_switched_off_in_a_conversation_they_stay_off(desk: Desk) -> None:
    desk.write("AGENTS.md", "Use tabs.")
    desk.asked("--no-instructions", "-T", "read_file", "hello")
    desk.asked("-c", "-T", "read_file", "again")
    assert "Use tabs." not in desk.system
    desk.asked("-c", "--instructions", "again")
    assert "Use tabs." in desk.system


def test_at_a_terminal_they_are_named(desk: Desk) -> None:
    desk.write("AGENTS.md", "Use tabs.")
    command = [*COMMAND, "ask", "-n", "--instructions"]
    env = desk.program.env | {"TERM": "xterm-256color"}
    with Terminal([*command, "hello"], env, desk.work) as seat:
        assert seat.wait() == 0
        assert "instructions: AGENTS.md 9 bytes" in seat.text
    with Terminal([*command, "-q", "hello"], env, desk.work) as seat:
        assert seat.wait() == 0
        assert "AGENTS.md" not in seat.text


def test_hostile_ones_are_told_and_leave_the_turn_alone(desk: Desk) -> None:
    os.mkfifo(desk.work / "AGENTS.md")
    (desk.work / "docs\x1b]0;owned\x07").mkdir()
    (desk.work / "docs\x1b]0;owned\x07" / "AGENTS.md").symlink_to("/dev/zero")
    done = desk.asked("--instructions", "hello", cwd="docs\x1b]0;owned\x07")
    assert "is a named pipe, not a file" in done.steps[0]["text"]
    assert "\x1b" not in done.steps[0]["text"]
    assert desk.systems == []


# --- system prompts ---


def test_of_system_prompts_the_first_counts(desk: Desk) -> None:
    desk.configure('[generation]\nsystem = "Configured."')
    desk.write(".chatterm/system.md", "The project's.\n")
    desk.mine("prompts/pirate.md", '+++\nsystem = "A pirate."\n+++\n')
    desk.asked("hello")
    assert desk.system == "Configured."
    desk.asked("--instructions", "hello")
    assert desk.system == "Configured.\n\nThe project's."
    desk.asked("-t", "pirate", "hello")
    assert (desk.system, desk.message) == ("A pirate.", "hello")
    desk.asked("-t", "pirate", "-s", "A lawyer.", "hello")
    assert desk.system == "A lawyer."
    desk.asked("-s", "", "hello")
    assert desk.systems == []


def test_a_conversation_keeps_its_own(desk: Desk) -> None:
    desk.configure('[generation]\nsystem = "Configured."')
    desk.mine("prompts/pirate.md", '+++\nsystem = "A pirate."\n+++\n')
    first = desk.asked("-s", "A lawyer.", "hello")
    desk.asked("-c", "again")
    assert desk.system == "A lawyer."
    desk.asked("-c", "-t", "pirate", "again")
    assert desk.system == "A lawyer."
    desk.asked("-c", "-s", "A nurse.", "again")
    desk.asked("-c", "again")
    assert desk.system == "A nurse."
    forked = desk.program.run("history", "fork", first.events[0]["conversation"], cwd=desk.work)
    assert forked.status == 0, forked.stderr
    desk.asked("-r", forked.text.split()[-1], "again")
    assert desk.system == "A nurse."
    desk.asked("hello")
    assert desk.system == "Configured."


def test_a_wish_for_json_stays_at_the_end(desk: Desk, tmp_path: Path) -> None:
    desk.write("AGENTS.md", "Use tabs.")
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object"}')
    desk.server.script(*rounds("chat", "{}"))
    arguments = ("ask", "--schema", str(schema), "--instructions", "-s", "Be brief.", "hello")
    assert desk.program.run(*arguments, cwd=desk.work).status == 0
    assert desk.system.startswith("Be brief.\n\nInstructions from files")
    assert desk.system.endswith('{"type": "object"}')


# --- templates ---

REVIEW = """\
+++
description = "Review a change"
model = "p/other"
tools = ["read_file", "search"]
[[arguments]]
name = "focus"
about = "what to look at"
+++
Review this with an eye on {{focus}}.
"""


def test_a_template_becomes_the_message(desk: Desk) -> None:
    desk.mine("prompts/review.md", REVIEW)
    done = desk.asked("-t", "review", "the", "tests")
    assert desk.message == "Review this with an eye on the tests."
    assert done.events[0]["input"]["text"] == desk.message
    assert done.events[0]["settings"]["template"] == "user:review"
    assert desk.sent["model"] == "other"
    assert [each["function"]["name"] for each in desk.sent["tools"]] == ["read_file", "search"]


def test_standard_input_goes_along(desk: Desk) -> None:
    desk.mine("prompts/review.md", REVIEW)
    desk.asked("-t", "review", "errors", stdin=b"+ x = 1\n")
    assert desk.message == ("Review this with an eye on errors.\n\n<stdin>\n+ x = 1\n</stdin>")
    desk.mine("prompts/sum.md", "Sum up.")
    desk.asked("-t", "sum", "-", stdin=b"a text\n")
    assert desk.message == "Sum up.\n\n<stdin>\na text\n</stdin>"


def test_options_go_before_what_a_template_says(desk: Desk) -> None:
    desk.mine("prompts/review.md", REVIEW)
    desk.asked("-t", "review", "-m", "p/third", "-T", "list_files", "errors")
    assert desk.sent["model"] == "third"
    assert [each["function"]["name"] for each in desk.sent["tools"]] == ["list_files"]


def test_a_projects_template_takes_tools_away_and_gives_none(desk: Desk) -> None:
    desk.write(".chatterm/prompts/look.md", '+++\ntools = ["read_file", "shell"]\n+++\nLook.')
    desk.asked("-t", "look")
    assert "tools" not in desk.sent
    desk.asked("-t", "look", "-T", "read_file", "-T", "search")
    assert [each["function"]["name"] for each in desk.sent["tools"]] == ["read_file"]
    done = desk.asked("-t", "look", "-T", "search", "--allow", "search")
    assert "tools" not in desk.sent
    assert "the template look leaves none of these tools" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["-t", "reveiw", "x"], 2, "there is no template 'reveiw'\n  did you mean review?"),
        (["-t", "review"], 2, "review needs focus (what to look at)"),
        (["-t", "broken"], 3, "broken.md: line 2: descripton: is not a setting; did you mean"),
        (["-t", "../review"], 2, "there is no template"),
        (["-t", "theirs"], 3, "theirs.md: line 2: model: is not for a project's template"),
    ],
)
def test_what_is_wrong_is_told(desk: Desk, arguments: list[str], status: int, said: str) -> None:
    desk.mine("prompts/review.md", REVIEW)
    desk.mine("prompts/broken.md", '+++\ndescripton = "x"\n+++\nhi')
    desk.write(".chatterm/prompts/theirs.md", '+++\nmodel = "p/dear"\n+++\nhi')
    done = desk.ask(*arguments)
    assert done.status == status
    assert said in done.stderr
    assert desk.server.requests == []


def test_nothing_in_a_template_is_run_or_included(desk: Desk) -> None:
    desk.write("secret.txt", "private")
    text = "!`touch made` $(touch made) @secret.txt {{file:secret.txt}} !{touch made}"
    desk.write(".chatterm/prompts/trap.md", text)
    desk.asked("-t", "trap")
    assert desk.message == text
    assert not (desk.work / "made").exists()


def test_templates_are_listed(desk: Desk) -> None:
    desk.mine("prompts/review.md", REVIEW)
    desk.write(".chatterm/prompts/review.md", "Theirs.")
    desk.write(".chatterm/prompts/odd\x1b[31m.md", "Odd.")
    done = desk.program.run("ask", "--list-templates", cwd=desk.work)
    assert done.status == 0
    assert "review FOCUS" in done.text
    assert "    Review a change\n" in done.text
    assert f"project:review [TEXT]  {desk.work}/.chatterm/prompts/review.md" in done.text
    assert "nobody can type it" in done.text
    assert "\x1b" not in done.text
