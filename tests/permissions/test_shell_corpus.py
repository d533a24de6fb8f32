"""Shell lines of the project's own corpora: plain reading is allowed, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatterm.permissions.verdicts import NeedsApproval, ReadOnly, Unknown
from permissions.workspaces import corpus, plain, with_git, with_secrets


def test_no_dangerous_line_is_allowed(tmp_path: Path) -> None:
    work = with_secrets(tmp_path.resolve())
    lines = list(corpus("dangerous"))
    assert len(lines) > 1000
    allowed = [line for line in lines if isinstance(work.analyse(line).verdict, ReadOnly)]
    assert not allowed


def test_everyday_reading_is_allowed(tmp_path: Path) -> None:
    work = plain(tmp_path.resolve())
    lines = list(corpus("everyday"))
    assert len(lines) > 300
    asked = [line for line in lines if not isinstance(work.analyse(line).verdict, ReadOnly)]
    assert len(asked) <= 0.03 * len(lines), asked


def test_git_reads_in_a_trusted_repository_and_is_hardened(tmp_path: Path) -> None:
    work = with_git(tmp_path.resolve())
    lines = list(corpus("trusted_git"))
    found = {line: work.analyse(line, trusted=True) for line in lines}
    assert not [line for line in lines if not isinstance(found[line].verdict, ReadOnly)]
    # What runs nothing anywhere needs no trust; all else is hardened, and asks without trust.
    plainly = [line for line in lines if isinstance(work.analyse(line).verdict, ReadOnly)]
    assert [line for line in lines if not found[line].hardened] == plainly
    assert len(plainly) < 10


def test_git_asks_for_the_rest_in_a_trusted_repository_too(tmp_path: Path) -> None:
    work = with_git(tmp_path.resolve())
    lines = list(corpus("trusted_git_ask"))
    allowed = [
        line for line in lines if isinstance(work.analyse(line, trusted=True).verdict, ReadOnly)
    ]
    assert not allowed


@pytest.mark.parametrize(
    "line", ["ls\u00a0-la", "ls\r", "ca\u200bt a.txt", "ls \ud800", "x" * 10_001, "", " ", ";", "#"]
)
def test_what_cannot_be_understood_is_unknown(tmp_path: Path, line: str) -> None:
    assert isinstance(plain(tmp_path.resolve()).analyse(line).verdict, Unknown)


def test_the_commands_of_a_line_are_told_word_for_word(tmp_path: Path) -> None:
    work = plain(tmp_path.resolve())
    found = work.analyse("cat 'a b' \"c\"d\\ e | grep -n x && ! make all").verdict
    assert isinstance(found, Unknown)  # a backslash outside quotes is one too many
    found = work.analyse("cat 'a b' \"c\"d | grep -n x && ! make all").verdict
    assert isinstance(found, NeedsApproval)
    assert found.commands == (("cat", "a b", "cd"), ("grep", "-n", "x"), ("make", "all"))
    assert "make" in found.reason


def test_what_a_wrapper_runs_is_seen_through_for_rules_that_deny(tmp_path: Path) -> None:
    work = plain(tmp_path.resolve())
    for line in (
        "env X=1 rm -rf x",
        "sudo -u me rm -rf x",
        "find . -exec rm -rf x ';'",
        "find . -exec sudo sh -c 'rm -rf x' ';'",
        "sudo bash -c 'rm -rf x'",
        "bash -c 'ls; rm -rf x'",
        "ls | xargs rm -rf x",
        "timeout 5 nice -n 3 rm -rf x",
        "echo $(rm -rf x)",
        "if true; then rm -rf x; fi",
    ):
        found = work.analyse(line)
        seen = (*found.verdict.commands, *found.inner)
        assert ("rm", "-rf", "x") in seen, line
