"""`chatterm permissions`: what the gate says, without running it; rules and trust."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from program import Finished, Program


@pytest.fixture
def work(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    (directory / "src").mkdir(parents=True)
    (directory / "a.txt").write_text("a\n")
    return directory


def check(program: Program, work: Path, *words: str) -> dict[str, object]:
    done = program.run("permissions", "check", "--json", "--", *words, cwd=work)
    (line,) = done.text.splitlines()
    found: dict[str, object] = json.loads(line)
    assert done.status == (0 if found["decision"] == "allow" else 6), done.stderr
    return found


def test_check_says_what_the_gate_makes_of_a_line(program: Program, work: Path) -> None:
    assert check(program, work, "cat a.txt | head -3") == {
        "decision": "allow",
        "class": "read_only",
        "commands": [["cat", "a.txt"], ["head", "-3"]],
        "reason": "it only reads",
        "rule": None,
    }
    asked = check(program, work, "make", "all")
    assert (asked["decision"], asked["class"]) == ("ask", "needs_approval")
    unknown = check(program, work, "echo $(id)")
    assert (unknown["decision"], unknown["class"]) == ("ask", "unknown")


def test_check_runs_nothing(program: Program, work: Path) -> None:
    check(program, work, "touch made")
    check(program, work, "echo $(touch made)")
    assert not (work / "made").exists()


def test_several_words_are_one_command(program: Program, work: Path) -> None:
    assert check(program, work, "cat", "a b; rm x")["commands"] == [["cat", "a b; rm x"]]


def test_check_for_people_escapes_what_cannot_be_seen(program: Program, work: Path) -> None:
    done = program.run("permissions", "check", "--", "cat a.txt\u202e", cwd=work)
    assert "\u202e" not in done.text
    assert done.text.startswith("ask: ")
    assert done.status == 6
    seen = program.run("permissions", "check", "--", "ls", cwd=work)
    assert (seen.status, seen.text) == (0, "allow: it only reads\n  ls\n")


def test_a_batch_is_answered_a_line_each_in_order(program: Program, work: Path) -> None:
    lines = [
        '{"cmd": "ls"}',
        "junk",
        '{"cmd": 1}',
        '{"no": "cmd"}',
        "[" * 100_000,
        '{"cmd": "rm x"}',
        '{"cmd": "\\ud800"}',
        '{"cmd": "cat src/x", "more": 1}',
    ]
    stdin = "\n".join(lines).encode() + b"\n\xff\xfe\n"
    done = program.run("permissions", "check", "--batch", "--cwd", str(work), stdin=stdin)
    assert done.status == 0, done.stderr
    found = [json.loads(line) for line in done.text.splitlines()]
    decisions = ["allow", "ask", "ask", "ask", "ask", "ask", "ask", "allow", "ask"]
    assert [each["decision"] for each in found] == decisions
    assert all(set(each) == set(found[0]) for each in found)


def listed(program: Program, work: Path) -> list[tuple[str, str, str]]:
    done = program.run("permissions", "list", "--json", cwd=work)
    assert done.status == 0, done.stderr
    rows = [json.loads(line) for line in done.text.splitlines()]
    return [(row["decision"], row["scope"], row["rule"]) for row in rows]


def test_rules_are_added_counted_listed_and_removed(program: Program, work: Path) -> None:
    program.configure("# mine\n")

    def run(*words: str) -> Finished:
        done = program.run("permissions", *words, cwd=work)
        assert done.status == 0, done.stderr
        return done

    run("add", "shell:make *")
    run("add", "--project", "--deny", "shell:make clean")
    assert listed(program, work) == [
        ("allow", "everywhere", "shell:make *"),
        ("deny", "project", "shell:make clean"),
    ]
    allowed = check(program, work, "make", "all")
    assert allowed["decision"] == "allow"
    assert allowed["rule"] == {
        "tool": "shell",
        "decision": "allow",
        "argv": ["make"],
        "prefix": True,
    }
    assert check(program, work, "make clean")["decision"] == "deny"
    assert check(program, work / "..", "make clean")["decision"] == "allow"
    without = program.run("permissions", "check", "--no-rules", "--", "make", cwd=work)
    assert without.text.startswith("ask: ")
    run("remove", "shell:make *")
    run("remove", "--project", "shell:make clean")
    assert listed(program, work) == []
    assert program.config.read_text().startswith("# mine\n")
    again = program.run("permissions", "remove", "shell:make *", cwd=work)
    assert again.status == 2
    assert "no such rule" in again.stderr


def test_remove_takes_the_options_of_add(program: Program, work: Path) -> None:
    def run(*words: str) -> int:
        return program.run("permissions", *words, cwd=work).status

    for option in ((), ("--deny",), ("--ask", "--project")):
        assert run("add", *option, "shell:make") == 0
    assert run("remove", "--ask", "shell:make") == 2  # that one is the project's
    assert run("remove", "--deny", "shell:make") == 0
    assert run("remove", "--deny", "shell:make") == 2
    assert [row[:2] for row in listed(program, work)] == [
        ("allow", "everywhere"),
        ("ask", "project"),
    ]
    assert run("remove", "--project", "--ask", "shell:make") == 0
    assert run("remove", "shell:make") == 0
    assert listed(program, work) == []
    assert run("remove", "--ask", "--deny", "shell") == 2


def test_trust_shows_in_the_list(program: Program, work: Path) -> None:
    assert program.run("permissions", "trust", cwd=work).status == 0
    assert "is trusted" in program.run("permissions", "list", cwd=work).text
    assert program.run("permissions", "distrust", cwd=work).status == 0
    assert "is not trusted" in program.run("permissions", "list", cwd=work).text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check",), "there is no COMMAND to check"),
        (("check", "--batch", "ls"), "leave COMMAND out"),
        (("check", "--cwd", "/nonexistent", "ls"), "can't work in /nonexistent"),
        (("add", "shel:ls"), "did you mean shell"),
        (("add", "--ask", "--deny", "shell"), "don't go together"),
    ],
)
def test_what_is_wrong_says_so(program: Program, words: tuple[str, ...], said: str) -> None:
    done = program.run("permissions", *words)
    assert done.status == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_home_directory_is_never_trusted(program: Program) -> None:
    done = program.run("permissions", "trust", cwd=program.home)
    assert done.status == 2
    assert "the home directory is no project" in done.stderr


def test_a_wrong_configuration_ends_with_3(program: Program, work: Path) -> None:
    program.configure("[permissions]\nrules = [{tool='shel', decision='allow'}]\n")
    done = program.run("permissions", "check", "--", "ls", cwd=work)
    assert done.status == 3
    assert "permissions.rules" in done.stderr
