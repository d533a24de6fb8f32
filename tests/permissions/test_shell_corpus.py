"""Shell lines of many kinds, judged in a made-up workspace. None of them is ever run."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatterm.permissions.shell.analysis import Surroundings, analyse
from chatterm.permissions.verdicts import NeedsApproval, ReadOnly, Unknown
from shellworld import World, clean_world, lines_of, mined_world


@pytest.fixture
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return clean_world(tmp_path.resolve(), monkeypatch)


@pytest.fixture
def mined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return mined_world(tmp_path.resolve(), monkeypatch)


def test_no_dangerous_line_only_reads(clean: World, mined: World) -> None:
    lines = list(lines_of("dangerous"))
    assert len(lines) >= 500
    allowed = [
        f"{line['cmd']!a}: {line['why']} ({world.workspace.name})"
        for line in lines
        for world in ((mined,) if line.get("where") == "mined" else (mined, clean))
        if isinstance(world.judge(line["cmd"]).verdict, ReadOnly)
    ]
    assert not allowed, "\n".join(allowed)


def test_no_dangerous_line_only_reads_in_a_trusted_directory(clean: World) -> None:
    allowed = [
        line["cmd"]
        for line in lines_of("dangerous")
        if "where" not in line
        and isinstance(clean.judge(line["cmd"], trusted=True).verdict, ReadOnly)
    ]
    assert not allowed, "\n".join(map(ascii, allowed))


def test_everyday_lines_run_unasked(clean: World) -> None:
    lines = [line["cmd"] for line in lines_of("everyday")]
    assert len(lines) >= 300
    asking = {line: clean.judge(line).verdict for line in lines}
    asking = {line: said for line, said in asking.items() if not isinstance(said, ReadOnly)}
    shown = "\n".join(f"{line}: {said}" for line, said in asking.items())
    assert len(asking) <= 0.03 * len(lines), shown


def test_everyday_lines_need_no_trust_and_no_hardening(clean: World) -> None:
    assert not any(clean.judge(line["cmd"]).hardened for line in lines_of("everyday"))


def test_git_reads_hardened_where_it_is_trusted(clean: World) -> None:
    wrong = []
    for line in lines_of("trusted_git"):
        found = clean.judge(line["cmd"], trusted=True)
        if not (isinstance(found.verdict, ReadOnly) and found.hardened):
            wrong.append(f"{line['cmd']}: {found.verdict}")
    assert not wrong, "\n".join(wrong)


def test_git_searches_a_revision_whole(clean: World, mined: World) -> None:
    for line in ("git grep SECRET HEAD", "git grep -e SECRET v1 main", "git grep x HEAD -- src"):
        assert isinstance(clean.judge(line, trusted=True).verdict, ReadOnly), line
        assert isinstance(mined.judge(line, trusted=True).verdict, NeedsApproval), line
    assert isinstance(mined.judge("git grep SECRET -- docs", trusted=True).verdict, ReadOnly)


def test_git_asks_without_trust(clean: World) -> None:
    lines = [line["cmd"] for line in lines_of("trusted_git")]
    allowed = [line for line in lines if isinstance(clean.judge(line).verdict, ReadOnly)]
    assert not allowed, "\n".join(allowed)


def test_what_git_may_run_asks_even_where_it_is_trusted(clean: World, mined: World) -> None:
    lines = [line["cmd"] for line in lines_of("trusted_git_ask")]
    allowed = [
        line
        for line in lines
        for world in (clean, mined)
        if isinstance(world.judge(line, trusted=True).verdict, ReadOnly)
    ]
    assert not allowed, "\n".join(allowed)


@pytest.mark.parametrize(
    "line", ["ls\u00a0-la", "ls\r", "ca\u200bt a.txt", "ls \ud800", "x" * 10_001, "", " ", ";", "#"]
)
def test_what_cannot_be_understood_is_unknown(clean: World, line: str) -> None:
    assert isinstance(clean.judge(line).verdict, Unknown)


@pytest.mark.parametrize(
    ("line", "inner"),
    [
        ("zcat logs/old.log.gz", "gzip"),
        ("gunzip -c logs/old.log.gz", "gzip"),
        ("egrep x a.txt", "grep"),
        ("fgrep x a.txt", "grep"),
        ("tar tzf archive.tar.gz", "gzip"),
        ("tar -tf archive.tar", "xz"),
        ("shasum a.txt", "perl"),
    ],
)
def test_what_a_reader_runs_in_turn_is_the_systems_too(clean: World, line: str, inner: str) -> None:
    own = clean.workspace / ".venv/bin"
    own.mkdir(parents=True)
    around = clean.surroundings
    search = (str(own), *around.search)
    surroundings = Surroundings(around.places, search)
    assert isinstance(analyse(line, clean.workspace, surroundings).verdict, ReadOnly)
    (own / inner).touch(0o755)
    assert isinstance(analyse(line, clean.workspace, surroundings).verdict, NeedsApproval)


def test_the_commands_of_a_line_are_told_word_for_word(clean: World) -> None:
    found = clean.judge("cat 'a b' \"c\"d\\ e | grep -n x && ! make all").verdict
    assert isinstance(found, Unknown)  # a backslash outside quotes is one too many
    found = clean.judge("cat 'a b' \"c\"d | grep -n x && ! make all").verdict
    assert isinstance(found, NeedsApproval)
    assert found.commands == (("cat", "a b", "cd"), ("grep", "-n", "x"), ("make", "all"))
    assert "make" in found.reason


def test_what_a_wrapper_runs_is_seen_through_for_rules_that_deny(clean: World) -> None:
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
        found = clean.judge(line)
        seen = (*found.verdict.commands, *found.inner)
        assert ("rm", "-rf", "x") in seen, line


# --- what a repository says of itself ---

HARMLESS_SETTINGS = (
    '[branch "feature/command-process"]\n\tremote = origin\n\tmerge = refs/heads/command-process\n',
    '[remote "include"]\n\turl = https://example.com/alias-driver.git\n',
    "[user]\n\tname = Someone\n",
    "[core]\n\tignorecase = true\n",
)
HOSTILE_SETTINGS = (
    "[core]\n\tfsmonitor = ./x\n",
    "[core]\n\tworktree = /\n",
    "[core]\n\tsshCommand = ./x\n",
    "[core]\n\tattributesFile = ./x\n",
    '[diff "x"]\n\ttextconv = ./x\n',
    '[diff "x"]\n\tcommand = ./x\n',
    "[diff]\n\texternal = ./x\n",
    '[filter "x"]\n\tclean = ./x\n',
    '[filter "x"]\n\tprocess = ./x\n',
    "[include]\n\tpath = /tmp/x\n",
    '[includeIf "gitdir:/"]\n\tpath = /tmp/x\n',
    "[gpg]\n\tprogram = ./x\n",
    "[format]\n\tpretty = %GS\n",
    "[pretty]\n\tx = %GS\n",
    "[log]\n\tshowSignature = true\n",
    "[branch]\n\tsort = signature\n",
    "[extensions]\n\tpartialClone = origin\n",
    '[remote "x"]\n\tpromisor = true\n',
    '[remote "x"] promisor = true\n',
    '[remote "x"]\n\turl = a "\n\tpromisor = true\n',
)


@pytest.mark.parametrize("settings", HARMLESS_SETTINGS)
def test_harmless_settings_let_git_read(clean: World, settings: str) -> None:
    with (clean.workspace / ".git/config").open("a") as file:
        file.write(settings)
    assert isinstance(clean.judge("git status", trusted=True).verdict, ReadOnly)
    assert isinstance(clean.judge("git branch -a").verdict, ReadOnly)


@pytest.mark.parametrize("settings", HOSTILE_SETTINGS)
def test_settings_that_run_something_make_git_ask(clean: World, settings: str) -> None:
    with (clean.workspace / ".git/config").open("a") as file:
        file.write(settings)
    assert not isinstance(clean.judge("git log", trusted=True).verdict, ReadOnly)


@pytest.mark.parametrize("line", ["git branch -a", "git tag -l", "git rev-parse HEAD~1"])
@pytest.mark.parametrize("settings", ["[branch]\nsort=signature\n", "[include]\npath=x\n"])
def test_without_trust_no_setting_runs_anything(clean: World, line: str, settings: str) -> None:
    assert isinstance(clean.judge(line).verdict, ReadOnly)
    with (clean.workspace / ".git/config").open("a") as file:
        file.write(settings)
    assert not isinstance(clean.judge(line).verdict, ReadOnly)
    assert isinstance(clean.judge("git rev-parse HEAD").verdict, ReadOnly)


def test_a_configuration_that_is_kept_elsewhere_is_not_taken_for_the_repositorys(
    clean: World,
) -> None:
    (clean.workspace / ".git/commondir").write_text("../elsewhere\n")
    for line in ("git branch -a", "git tag -l", "git log"):
        assert not isinstance(clean.judge(line, trusted=True).verdict, ReadOnly), line


def test_where_a_repository_is_not_whole_the_one_above_counts(clean: World) -> None:
    (clean.workspace / "src/.git").mkdir()
    line = "cd src && git branch -a"
    assert isinstance(clean.judge(line).verdict, ReadOnly)
    with (clean.workspace / ".git/config").open("a") as file:
        file.write("[branch]\nsort=signature\n")
    assert not isinstance(clean.judge(line).verdict, ReadOnly)
    (clean.workspace / ".git/config").write_text("")
    assert isinstance(clean.judge("git log", trusted=True).verdict, ReadOnly)
    (clean.workspace / ".git/HEAD").unlink()
    assert not isinstance(clean.judge("git log", trusted=True).verdict, ReadOnly)


@pytest.mark.parametrize("name", [".gitignore", ".ignore", ".rgignore"])
def test_a_rule_that_takes_a_secret_in_again_is_heeded(clean: World, name: str) -> None:
    (clean.workspace / ".env").write_text("SECRET=1\n")
    assert isinstance(clean.judge("rg SECRET").verdict, ReadOnly)
    (clean.workspace / name).write_text("!.env\n")
    assert not isinstance(clean.judge("rg SECRET").verdict, ReadOnly)


def test_an_ignored_secret_is_left_out_only_by_what_git_takes_for_a_rule(clean: World) -> None:
    (clean.workspace / "server.pem").write_text("SECRET\n")
    assert not isinstance(clean.judge("rg SECRET").verdict, ReadOnly)
    (clean.workspace / ".gitignore").write_text("x\u2028*.pem\n")
    assert not isinstance(clean.judge("rg SECRET").verdict, ReadOnly)
    (clean.workspace / ".gitignore").write_text("*.pem\n")
    assert isinstance(clean.judge("rg SECRET").verdict, ReadOnly)
    assert not isinstance(clean.judge("rg -g '*.pem' SECRET").verdict, ReadOnly)
    assert not isinstance(clean.judge("grep -r SECRET .").verdict, ReadOnly)


def test_an_ignored_directory_is_searched_when_it_is_named(clean: World) -> None:
    (clean.workspace / ".gitignore").write_text("build/\n")
    (clean.workspace / "build/deep").mkdir()
    (clean.workspace / "build/deep/server.pem").write_text("SECRET\n")
    assert isinstance(clean.judge("rg SECRET").verdict, ReadOnly)
    for line in ("rg SECRET build", "cd build && rg SECRET", "rg SECRET src build/deep"):
        assert not isinstance(clean.judge(line).verdict, ReadOnly), line


@pytest.mark.parametrize("name", [".ignore", ".rgignore"])
def test_what_ripgrep_is_told_to_take_in_again_is_heeded(clean: World, name: str) -> None:
    (clean.workspace / "server.pem").write_text("SECRET\n")
    (clean.workspace / ".gitignore").write_text("*.pem\n")
    assert isinstance(clean.judge("rg SECRET").verdict, ReadOnly)
    (clean.workspace / name).write_text("!server.pem\n")
    assert not isinstance(clean.judge("rg SECRET").verdict, ReadOnly)


def test_a_hidden_directory_that_a_pattern_fits_is_looked_through(clean: World) -> None:
    path = clean.workspace / ".hidden.d/server.pem"
    path.parent.mkdir()
    path.write_text("SECRET\n")
    assert isinstance(clean.judge("rg -g '*.py' SECRET").verdict, ReadOnly)
    assert not isinstance(clean.judge("rg -g '*.*' SECRET").verdict, ReadOnly)


@pytest.mark.parametrize("line", ["cd {} && git branch -a", "git -C {} status", "cd {} && ls"])
def test_a_directory_that_cannot_be_is_gone_to_by_no_one(clean: World, line: str) -> None:
    found = clean.judge(line.format("x" * 300), trusted=True)
    assert isinstance(found.verdict, NeedsApproval)


def test_a_pattern_is_not_looked_for_in_more_files_than_can_be(
    clean: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(clean.judge("ls */*/nothing*").verdict, ReadOnly)
    monkeypatch.setattr("chatterm.permissions.shell.reach.MOST_ENTRIES", 10)
    assert isinstance(clean.judge("ls */*/nothing*").verdict, NeedsApproval)
