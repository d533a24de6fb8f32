"""The gate: deny, then sensitive, then ask, then allow, then the mode; and what fails closes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from chatterm.config.schema import Rule
from chatterm.errors import ConfigError
from chatterm.permissions.gate import Posture
from chatterm.permissions.opening import search_path
from chatterm.permissions.rules import Scope
from chatterm.permissions.rulewords import rule_of
from chatterm.permissions.sandbox.levels import Level
from chatterm.permissions.verdicts import (
    CallClass,
    Decision,
    FetchAccess,
    Judgement,
    ReadAccess,
    RemoteAccess,
    ShellAccess,
    WriteAccess,
)
from gateground import CAGED, Ground, allow, mode

ALLOW, ASK, DENY = Decision.ALLOW, Decision.ASK, Decision.DENY


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path.resolve())


# --- the modes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reads", "runs", "writes", "outside", "fetches"),
    [
        ("confirm", ALLOW, ASK, ASK, ASK, ASK),
        ("caged", ALLOW, ALLOW, ALLOW, ASK, ASK),
        ("accept-edits", ALLOW, ASK, ALLOW, ASK, ASK),
        ("plan", ALLOW, DENY, DENY, DENY, ASK),
        ("yolo", ALLOW, ALLOW, ALLOW, ALLOW, ALLOW),
    ],
)
def test_each_mode(
    ground: Ground,
    name: str,
    reads: Decision,
    runs: Decision,
    writes: Decision,
    outside: Decision,
    fetches: Decision,
) -> None:
    posture = mode(name)
    assert ground.shell("cat a.txt | head", posture).decision is reads
    assert ground.read("a.txt", posture).decision is reads
    assert ground.shell("make", posture).decision is runs
    assert ground.write("src/new.py", posture).decision is writes
    assert ground.write("../outside/x", posture).decision is outside
    fetch = FetchAccess("https://example.org/", "example.org")
    assert ground.gate(posture).judge("fetch_url", (fetch,)).decision is fetches


def test_the_mode_caged_asks_where_there_is_no_cage(ground: Ground) -> None:
    posture = mode("caged", Level.NONE)
    assert ground.shell("make", posture).decision is ASK
    assert ground.write("src/new.py", posture).decision is ASK
    caged = ground.shell("make", mode("caged"))
    assert caged.decision is ALLOW
    assert caged.caged


def test_what_goes_beyond_the_cage_is_asked_about(ground: Ground) -> None:
    posture = mode("caged")
    rule = allow("shell:make")
    for beyond in ({"network": True}, {"writable": (ground.outside,)}):
        assert ground.shell("make", posture, rule, **beyond).decision is ASK
        assert ground.shell("ls", posture, allow("shell:ls"), **beyond).decision is ASK
    elsewhere = ground.shell("make", posture, rule, directory=ground.outside)
    assert elsewhere.decision is ASK
    assert "outside of the workspace" in elsewhere.reason
    approved = ground.shell("make", replace(posture, yes=True), writable=(ground.outside,))
    assert approved.decision is ALLOW
    assert approved.approved == {ground.outside}


def test_what_rules_close_below_a_directory_is_left_out_of_it(ground: Ground) -> None:
    rules = (
        rule_of("search:private", "deny"),
        rule_of("read_file:keys/**", "ask"),
        rule_of("list_files:hidden", "deny"),
        rule_of("read_file:src", "allow"),
        rule_of("write_file:docs", "deny"),
        rule_of("search:src", "ask"),
    )
    gate = ground.gate(CAGED, *rules)

    def judged(tool: str, path: str = ".") -> Judgement:
        return gate.judge(tool, (ReadAccess(ground.workspace / path, recursive=True),))

    assert judged("search").decision is ALLOW
    assert judged("search").closed == {"private", "keys/**", "src"}
    assert judged("list_files").closed == {"hidden"}
    assert judged("search", "private").decision is DENY
    # After a yes to a search of it, it isn't closed.
    assert judged("search", "src").decision is ASK
    assert judged("search", "src").closed == {"private", "keys/**"}
    assert ground.read("a.txt", CAGED, *rules).closed == frozenset()


# --- sensitive and protected --------------------------------------------------------------------

YES = (replace(CAGED, yes=True), mode("yolo"), mode("caged"), mode("accept-edits"), CAGED)


@pytest.mark.parametrize("posture", YES, ids=["yes", "yolo", "caged", "accept-edits", "confirm"])
def test_only_the_user_allows_what_is_sensitive_or_protected(
    ground: Ground, posture: Posture
) -> None:
    for judged in (
        ground.read(".env", posture, allow("read_file")),
        ground.read("../home/.ssh/id_rsa", posture, allow("read_file:/**")),
        ground.write(".git/hooks/pre-commit", posture, allow("write_file")),
        ground.write(".env", posture, allow("write_file:**")),
        ground.shell("cat .env", posture, allow("shell:cat .env")),
        ground.shell("cp a.txt .git/hooks/post-commit; x=$(id)", posture, allow("shell")),
        ground.shell("make", posture, writable=(ground.home / ".ssh",)),
    ):
        assert judged.decision is ASK, judged
        assert judged.sensitive


def test_a_pattern_hides_no_secret_from_the_user(ground: Ground) -> None:
    for line in ("cp .e* out", "python x.py .en?", "tar cf x.tar ~/.s*/config"):
        assert ground.shell(line, mode("yolo")).decision is ASK, line
    for line in ("sed -i 's/.*/x/' a.txt", "rm -f .*.swp", "python -c 're.sub(\".*a\", x)'"):
        assert ground.shell(line, mode("yolo")).decision is ALLOW, line


def test_not_even_yolo_writes_what_runs_at_login_or_reads_what_a_browser_keeps(
    ground: Ground,
) -> None:
    for name in (".bash_aliases", ".xprofile", ".vimrc", "Library/LaunchAgents/x.plist"):
        assert ground.write(f"../home/{name}", mode("yolo")).decision is ASK, name
    for name in ("snap/firefox/x", ".config/vivaldi/x", "Library/Keychains/x", ".terraform.d/x"):
        assert ground.read(f"../home/{name}", mode("yolo")).decision is ASK, name
    assert ground.read("../home/notes.txt", mode("yolo")).decision is ALLOW


def test_case_hides_nothing_that_is_sensitive_or_protected(ground: Ground) -> None:
    accepting = mode("accept-edits")  # to some file systems these are the same names
    for name in (
        ".GIT/hooks/x",
        "src/.Git/config",
        ".VSCode/tasks.json",
        ".v\u017fcode/x",
        ".Envrc",
    ):
        assert ground.write(name, accepting).decision is ASK, ascii(name)
    home = ground.home.name.upper()
    for name in (
        ".ENV",
        "ID_RSA",
        "key.PEM",
        f"../{home}/.AWS/x",
        f"../{home}/.Config/GH/hosts.yml",
    ):
        assert ground.read(name, accepting).sensitive, name
    assert ground.write("src/a.py", accepting).decision is ALLOW


def test_what_says_what_runs_is_protected_in_every_directory(ground: Ground) -> None:
    for name in (
        "packages/app/.vscode/tasks.json",
        "src/.mcp.json",
        "src/.idea",
        "src/.Envrc",
        "src/deep/.chatterm/config.toml",
        "../outside/.mcp.json",
    ):
        for posture in (mode("accept-edits"), mode("yolo")):
            assert ground.write(name, posture).decision is ASK, name
    assert ground.read("src/.vscode/tasks.json", mode("confirm")).decision is ALLOW
    assert ground.write("src/mcp.json", mode("accept-edits")).decision is ALLOW


def test_what_a_home_keeps_is_sensitive_in_a_copy_of_it_too(ground: Ground) -> None:
    for name in ("dotfiles/.config/gh/hosts.yml", ".docker/config.json", "x/.cargo/credentials"):
        assert ground.read(name, mode("yolo")).sensitive, name
        assert ground.write(name, mode("accept-edits")).decision is ASK, name
    for name in (".config/ghostty/config", "src/credentials/x.go", ".docker/Dockerfile", "rsa.py"):
        assert ground.read(name, mode("confirm")).decision is ALLOW, name


def test_an_answer_opens_the_very_file_it_was_about(ground: Ground) -> None:
    link = ground.workspace / "link"
    link.symlink_to(ground.outside / "target")
    judged = ground.read("link")
    assert judged.decision is ASK
    assert judged.approved == {ground.outside / "target"}
    assert ground.read("a.txt").approved == frozenset()


def test_another_name_of_a_sensitive_file_counts_as_it(ground: Ground) -> None:
    os.link(ground.home / ".ssh" / "id_rsa", ground.workspace / "innocent.txt")
    (ground.workspace / "src" / ".env").write_text("KEY=1\n")
    os.link(ground.workspace / "src" / ".env", ground.workspace / "plain.txt")
    assert ground.read("plain.txt").sensitive
    assert ground.read("innocent.txt").sensitive
    assert ground.write("innocent.txt", mode("yolo")).decision is ASK


@pytest.mark.parametrize("path", ["/proc/self/environ", "/sys/kernel/x", "/dev/sda"])
def test_what_is_no_ordinary_file_is_refused(ground: Ground, path: str) -> None:
    assert ground.read(path, replace(CAGED, yes=True)).decision is DENY
    assert ground.write(path, replace(CAGED, yes=True)).decision is DENY


# --- rules --------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["-exec ", "-exec env ", "-exec eval ", "-exec sh -c a "])
def test_a_row_of_wrappers_and_actions_is_looked_through_once(ground: Ground, words: str) -> None:
    for length in (9000, 39_000):
        line = f"find . {words * (length // len(words))} rm x"
        assert ground.shell(line).decision is ASK  # and not in a hundred years
    denied = ground.shell(f"find . {words * 9} rm x", CAGED, rule_of("shell:rm *", "deny"))
    assert denied.decision is DENY


def test_the_strictest_rule_wins(ground: Ground) -> None:
    deny, ask = rule_of("shell:make clean", "deny"), rule_of("shell:make *", "ask")
    judged = ground.shell("make clean", CAGED, allow("shell:make *"), ask, deny)
    assert (judged.decision, judged.rule) == (
        DENY,
        {"tool": "shell", "decision": "deny", "argv": ["make", "clean"]},
    )
    assert ground.shell("make all", CAGED, allow("shell:make *"), ask).decision is ASK
    assert ground.shell("make all", CAGED, allow("shell:make *")).decision is ALLOW


def test_yes_answers_for_rules_that_ask_but_not_for_those_that_deny(ground: Ground) -> None:
    yes = replace(CAGED, yes=True)
    assert ground.shell("make", yes, rule_of("shell:make", "ask")).decision is ALLOW
    assert ground.shell("make", yes, rule_of("shell:make", "deny")).decision is DENY
    assert ground.shell("x=1 $(make)", yes).decision is ALLOW


def test_a_rule_allows_a_line_only_when_it_is_understood_whole(ground: Ground) -> None:
    rule = allow("shell:make *")
    assert ground.shell("make test && ls | head", CAGED, rule).decision is ALLOW
    for line in (
        "make test; id -u; touch x",
        "make test > out",
        "make test &",
        "make $(touch x)",
        "X=1 make test",
        "cd ../outside && make",
    ):
        assert ground.shell(line, CAGED, rule).decision is ASK, line
    for line in ("make test > out", "make test &", "make $(touch x)", "X=1 make test"):
        assert ground.shell(line, CAGED, allow("shell")).decision is ASK, line


def test_without_a_cage_only_rules_that_name_the_whole_command_count(ground: Ground) -> None:
    bare = Posture(level=Level.NONE)
    assert ground.shell("make all", bare, allow("shell:make *")).decision is ASK
    assert ground.shell("make all", bare, allow("shell")).decision is ASK
    assert ground.shell("make all", bare, allow("shell:make all")).decision is ALLOW
    chosen = replace(bare, level_chosen=True)
    assert ground.shell("make all", chosen, allow("shell:make *")).decision is ALLOW
    assert ground.shell("make all", bare, rule_of("shell:make *", "deny")).decision is DENY


def test_rules_about_paths_and_hosts(ground: Ground) -> None:
    assert ground.write("src/a.py", CAGED, allow("write_file:src/**")).decision is ALLOW
    assert ground.write("b.py", CAGED, allow("write_file:src/**")).decision is ASK
    assert ground.write("src/../b.py", CAGED, allow("write_file:src/**")).decision is ASK
    assert ground.read("a.txt", CAGED, rule_of("read_file:a.txt", "deny")).decision is DENY
    outside = allow(f"read_file:{ground.outside}/**")
    assert ground.read("../outside/x", CAGED, outside).decision is ALLOW
    fetch = FetchAccess("https://docs.python.org/3/", "docs.python.org")
    gate = ground.gate(CAGED, allow("fetch_url:*.python.org"))
    assert gate.judge("fetch_url", (fetch,)).decision is ALLOW


# --- what an answer keeps -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "decision"),
    [("confirm", ASK), ("caged", ASK), ("accept-edits", ASK), ("plan", DENY), ("yolo", ALLOW)],
)
def test_what_the_provider_runs_is_held_by_no_cage(
    ground: Ground, name: str, decision: Decision
) -> None:
    find, sell = (RemoteAccess("shop", tool) for tool in ("find", "sell"))
    assert ground.gate(mode(name)).judge("mcp", (find,)).decision is decision
    gate = ground.gate(mode(name), allow("mcp:shop/find"), rule_of("mcp:shop/sell", "deny"))
    assert gate.judge("mcp", (find,)).decision is (DENY if name == "plan" else ALLOW)
    assert gate.judge("mcp", (sell,)).decision is DENY


def test_a_grant_for_the_session_opens_that_command_and_not_the_tool(ground: Ground) -> None:
    gate = ground.gate()
    access = (ShellAccess("pytest -q", ground.workspace),)
    judged = gate.judge("shell", access)
    offered = gate.proposals("shell", access, judged)
    assert [each.text for each in offered] == ["pytest -q", "pytest …"]
    gate.grant(offered[0].rule, Scope.SESSION)
    assert gate.judge("shell", access).decision is ALLOW
    other = (ShellAccess("pytest -q --pdb", ground.workspace),)
    assert gate.judge("shell", other).decision is ASK


def test_nothing_is_offered_that_would_not_count(ground: Ground) -> None:
    bare = ground.gate(Posture(level=Level.NONE))
    access = (ShellAccess("pytest -q", ground.workspace),)
    offered = bare.proposals("shell", access, bare.judge("shell", access))
    assert [each.text for each in offered] == ["pytest -q"]
    gate = ground.gate()
    for line in ("pytest > out", "x=$(id)", "cat .env", "a; b", "curl x &"):
        access = (ShellAccess(line, ground.workspace),)
        assert gate.proposals("shell", access, gate.judge("shell", access)) == (), line
    asking = ground.gate(CAGED, rule_of("shell:pytest *", "ask"))
    access = (ShellAccess("pytest -q", ground.workspace),)
    assert asking.proposals("shell", access, asking.judge("shell", access)) == ()


@pytest.mark.parametrize("inside", [True, False])
def test_a_rule_for_what_a_link_leads_to_counts_for_the_link(ground: Ground, inside: bool) -> None:
    (ground.workspace / "link").symlink_to(ground.workspace if inside else ground.outside)
    access = (WriteAccess(ground.workspace / "link" / "src" / "a.txt"),)
    gate = ground.gate()
    judged = gate.judge("write_file", access)
    assert judged.decision is ASK
    (offered,) = gate.proposals("write_file", access, judged)
    gate.grant(offered.rule, Scope.SESSION)
    assert gate.judge("write_file", access).decision is ALLOW
    (ground.workspace / "link").unlink()
    (ground.workspace / "link").symlink_to(ground.home)
    assert gate.judge("write_file", access).decision is ASK
    assert gate.proposals("write_file", access, judged) == ()


def test_a_rule_that_cannot_be_written_down_counts_for_the_session(ground: Ground) -> None:
    def full(_rule: Rule, _scope: Scope) -> None:
        raise ConfigError("the disk is full")

    gate = replace(ground.gate(), keep=full)
    with pytest.raises(ConfigError):
        gate.grant(allow("shell:make"), Scope.EVERYWHERE)
    assert gate.judge("shell", (ShellAccess("make", ground.workspace),)).decision is ALLOW


# --- trust, and failing closed ------------------------------------------------------------------


def test_git_reads_unasked_and_hardened_in_a_trusted_directory(ground: Ground) -> None:
    git = ground.workspace / ".git"
    (git / "refs").mkdir(parents=True)
    (git / "objects").mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    plain = '[core]\n\trepositoryformatversion = 0\n[remote "a"]\n\turl = /x/command.git\n'
    (git / "config").write_text(plain)
    assert ground.shell("git status").decision is ASK
    trusted = ground.shell("git status", replace(CAGED, trusted=True))
    assert trusted.decision is ALLOW
    assert trusted.hardened == ground.workspace
    for risk in ("[core]\nfsmonitor=x", '[diff "a=b"] textconv = x', "[include]\npath=/x"):
        (git / "config").write_text(f"{plain}{risk}\n")
        assert ground.shell("git status", replace(CAGED, trusted=True)).decision is ASK, risk


@pytest.mark.parametrize("path", [":/usr/bin:/bin", ".:/usr/bin:/bin", "/nothing::/bin:/usr/bin"])
def test_a_path_that_depends_on_the_directory_is_trusted_with_no_program(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("PATH", path)
    gate = replace(ground.gate(), search=search_path())
    assert gate.judge("shell", (ShellAccess("cat a.txt", ground.workspace),)).decision is ASK
    assert gate.judge("shell", (ShellAccess("pwd", ground.workspace),)).decision is ALLOW
    monkeypatch.setenv("PATH", "/usr/bin:/bin:")
    gate = replace(ground.gate(), search=search_path())
    assert gate.judge("shell", (ShellAccess("cat a.txt", ground.workspace),)).decision is ALLOW


def test_a_call_that_does_not_say_what_it_touches_asks(ground: Ground) -> None:
    judged = ground.gate(mode("caged")).judge("shell", ())
    assert (judged.decision, judged.call_class) == (ASK, CallClass.UNKNOWN)


def test_a_defect_in_judging_allows_nothing(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("chatterm.permissions.shell.analysis.analyse", broken)
    judged = ground.shell("ls", replace(CAGED, yes=True))
    assert (judged.decision, judged.sensitive) == (ASK, True)
    assert "error inside chatterm" in judged.reason


def test_the_strictest_of_all_that_a_call_touches_counts(ground: Ground) -> None:
    gate = ground.gate(mode("accept-edits"))
    inside, hook = ground.workspace / "x", ground.workspace / ".git" / "hooks" / "x"
    judged = gate.judge("write_file", (WriteAccess(inside), WriteAccess(hook)))
    assert judged.decision is ASK
    assert judged.sensitive
    assert judged.approved == {hook}


def test_git_that_has_to_be_hardened_is_not_let_run_beside_what_a_rule_allows(
    ground: Ground,
) -> None:
    git = ground.workspace / ".git"
    for name in ("objects", "refs", "hooks"):
        (git / name).mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    trusting = replace(CAGED, trusted=True)
    assert ground.shell("git status; ls", trusting).decision is ALLOW
    assert ground.shell("git status; make", trusting, allow("shell:make")).decision is ASK
    assert ground.shell("git -C src status; make", trusting, allow("shell:make")).decision is ASK
    assert ground.shell("git -C src status", trusting).hardened == ground.workspace
    both = (allow("shell:make"), allow("shell:git status"))
    assert ground.shell("git status; make", trusting, *both).decision is ALLOW


@pytest.mark.parametrize(
    "line",
    [
        "make && cat < /etc/passwd",  # a rule is about words, and a redirection is none
        "cat a; cd src && cat a; make",  # the same words elsewhere
        "cd / && cat etc/hostname; make",
    ],
)
def test_a_rule_opens_nothing_that_other_commands_read(ground: Ground, line: str) -> None:
    (ground.workspace / "a").write_text("a line\n")
    (ground.workspace / "src/a").symlink_to("/etc/passwd")
    rules = (allow("shell:make"), allow("shell:cd /"))
    assert ground.shell("make && cat a", CAGED, *rules).decision is ALLOW
    assert ground.shell(line, CAGED, *rules).decision is ASK
