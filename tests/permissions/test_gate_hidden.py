"""Commands that rules deny, behind others: found, or else nobody but the user answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from chatterm.permissions.gate import Posture
from chatterm.permissions.rulewords import rule_of
from chatterm.permissions.verdicts import Decision
from gateground import CAGED, Ground, mode

ALLOW, ASK, DENY = Decision.ALLOW, Decision.ASK, Decision.DENY
_UNSEARCHED = "it can't be looked through for all that rules deny or ask about"


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path.resolve())


@pytest.mark.parametrize(
    "line",
    [
        f"cat <<'E' > notes\n{'x' * 60_000}\nE\ngit push",
        "true;" * 301 + "git push",
        "true\n" * 202 + "git push $(true)",
        f"sudo {'-n ' * 24}git push",
        "bash -c " * 6 + "'git push'",
        f"bash -c 'true{';true' * 301};git push'",
    ],
)
def test_what_is_too_long_to_look_for_denied_commands_is_answered_by_nobody_else(
    ground: Ground, line: str
) -> None:
    rule = rule_of("shell:git push *", "deny")
    for posture in (mode("yolo"), mode("caged"), Posture(yes=True)):
        judged = ground.shell(line, posture, rule)
        assert judged.decision in {ASK, DENY}
        if judged.decision is ASK:
            assert judged.reason == _UNSEARCHED
        assert ground.shell(line, posture).decision is ALLOW


def test_a_long_line_is_searched_for_what_is_denied(ground: Ground) -> None:
    rule = rule_of("shell:git push *", "deny")
    line = f"cat <<'E' > notes\n{'x ' * 10_000}\nE\ngit push"
    assert ground.shell(line, mode("yolo"), rule).decision is DENY


@pytest.mark.parametrize(
    "line",
    [
        "/usr/bin/rm -rf x",
        "env rm -rf x",
        "sudo -u me rm -rf x",
        "ls; rm -rf x",
        "timeout 5 nice rm -rf x",
        "echo $(rm -rf x)",
        "sh -c 'rm -rf x'",
        "find . | xargs rm -rf x",
        "trap 'rm -rf x' EXIT",
        "alias q='rm -rf x'; q",
        "env -S 'rm -rf x'",
        "env -iS'A=1 rm -rf' x",
        "env --split-string='rm -rf x'",
        "csh -c 'rm -rf x'",
        "toybox rm -rf x",
        "pkexec rm -rf x",
        "systemd-run --user rm -rf x",
        "tmux new -d 'rm -rf x'",
    ],
)
def test_a_denied_command_is_denied_behind_others(ground: Ground, line: str) -> None:
    judged = ground.shell(line, replace(CAGED, yes=True), rule_of("shell:rm *", "deny"))
    assert judged.decision is DENY


@pytest.mark.parametrize(
    "line",
    [
        "$'rm' -rf x",
        "a=rm; $a -rf x",
        "{rm,-rf,x}",
        "r{m,} -rf x",
        "/bin/r? -rf x",
        "`echo rm` -rf x",
        "echo 'rm -rf x' | sh",
        "sh -s <<< 'rm -rf x'",
        "/bin/bash <<'E'\nrm -rf x\nE",
        "bash -c \"$'rm' -rf x\"",
        "timeout 5 sh -c '$a -rf x'",
    ],
)
def test_what_hides_the_command_that_runs_is_answered_by_nobody_where_some_are_denied(
    ground: Ground, line: str
) -> None:
    rule = rule_of("shell:rm *", "deny")
    for posture in (mode("yolo"), mode("caged"), Posture(yes=True)):
        assert ground.shell(line, posture, rule).decision is ASK
        assert ground.shell(line, posture).decision is ALLOW
    for plain in ("[ -f a ] && make", "bash build.sh", "bash -c 'make all'", "bash --version"):
        assert ground.shell(plain, mode("yolo"), rule).decision is ALLOW


# --- what may not be read -----------------------------------------------------------------------


@pytest.mark.parametrize("decision", ["deny", "ask"])
def test_no_command_reads_unasked_what_the_tool_for_it_may_not(
    ground: Ground, decision: Literal["deny", "ask"]
) -> None:
    (ground.workspace / ".env").unlink()
    (ground.workspace / "notes").mkdir()
    (ground.workspace / "notes/plan.txt").write_text("x\n")
    (ground.workspace / "other.txt").symlink_to("notes/plan.txt")
    rule = rule_of("read_file:./notes/*.txt", decision)
    posture = mode("confirm")
    for line in (
        "cat notes/plan.txt",
        "head notes/*.txt",
        "cd notes && cat plan.txt",
        "cat other.txt",
        "wc -l < notes/plan.txt",
        "grep -rn x .",
        "rg x",
        "diff -r notes src",
    ):
        assert ground.shell(line, posture).decision is ALLOW, line
        assert ground.shell(line, posture, rule).decision is ASK, line
    for line in ("cat a.txt", "ls notes", "grep -rn x src", "find . -name '*.txt'"):
        assert ground.shell(line, posture, rule).decision is ALLOW, line
