"""Rules: deny before ask before allow, a command at a time; and what "always" writes down."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatterm.config.schema import Rule
from chatterm.permissions.rules import (
    Scope,
    matches,
    matches_command,
    matches_host,
    matches_path,
    matches_remote,
    may_be_prefix,
    proposals,
    ruling,
)
from chatterm.permissions.rulewords import rule_of
from chatterm.permissions.verdicts import (
    Decision,
    FetchAccess,
    ReadAccess,
    RemoteAccess,
    ShellAccess,
    WriteAccess,
)
from fuzz.target import no_hang

WORK = Path("/work")
LINE = ShellAccess("a line", WORK)


def shell(decision: str, *argv: str, prefix: bool = False) -> Rule:
    return Rule(tool="shell", decision=decision, argv=argv or None, prefix=prefix)


def decided(rules: list[Rule], *commands: tuple[str, ...], **options) -> Decision | None:
    found = ruling(rules, "shell", LINE, commands, **options)
    return None if found is None else found.decision


# --- commands ---


def test_a_rule_is_about_one_command_word_for_word() -> None:
    rules = [shell("allow", "git", "status")]
    assert decided(rules, ("git", "status")) is Decision.ALLOW
    assert decided(rules, ("git", "status", "-s")) is None
    assert decided(rules, ("git", "push")) is None


def test_a_prefix_is_about_whole_words() -> None:
    rules = [shell("allow", "pytest", prefix=True)]
    assert decided(rules, ("pytest", "-q", "tests")) is Decision.ALLOW
    assert decided(rules, ("pytest-watch",)) is None


def test_a_line_is_allowed_only_when_each_of_its_commands_is() -> None:
    rules = [shell("allow", "pytest", prefix=True)]
    line = (("pytest",), ("wc", "-l"))
    assert decided(rules, *line) is None
    assert decided(rules, *line, harmless=[("wc", "-l")]) is Decision.ALLOW
    assert decided(rules, ("wc", "-l"), harmless=[("wc", "-l")]) is None  # no rule has decided
    assert decided(rules) is None


def test_one_command_that_is_denied_denies_its_line() -> None:
    rules = [shell("allow", "pytest"), shell("deny", "rm", prefix=True)]
    assert decided(rules, ("pytest",), ("rm", "-r", "x")) is Decision.DENY


def test_a_program_is_known_by_its_last_name_too() -> None:
    assert matches_command(shell("deny", "rm", prefix=True), ("/bin/rm", "x"))
    assert not matches_command(shell("deny", "/bin/rm", prefix=True), ("rm", "x"))


@pytest.mark.parametrize("program", ["./pytest", "/tmp/pytest", "src/pytest", "/usr/bin/../pytest"])
def test_a_rule_that_allows_a_program_allows_no_other_of_its_name(program: str) -> None:
    assert not matches_command(shell("allow", "pytest"), (program,))
    assert matches_command(shell("deny", "pytest"), (program,))
    assert matches_command(shell("allow", "pytest"), ("/usr/bin/pytest",))


@pytest.mark.parametrize(
    ("rule", "line", "fits"),
    [
        ("shell:git push *", "git -C src push origin", True),
        ("shell:git push *", "/usr/bin/git -c a=b --no-pager push", True),
        ("shell:git push", "git --git-dir=x push", True),
        ("shell:git push", "git --no-pager push origin", False),
        ("shell:git push *", "git commit -m push", False),
        ("shell:git push *", "git stash push", False),
        ("shell:kubectl delete *", "kubectl -n prod delete pod x", True),
        ("shell:cargo publish *", "cargo +nightly publish", True),
        ("shell:make clean", "make -C src clean", True),
        ("shell:make *", "make -C src clean", True),
    ],
)
def test_options_before_what_a_command_does_hide_it_from_no_rule_that_denies(
    rule: str, line: str, fits: bool
) -> None:
    argv = tuple(line.split())
    assert matches_command(rule_of(rule, "deny"), argv) is fits
    assert matches_command(rule_of(rule, "ask"), argv) is fits
    if rule != "shell:make *":
        assert not matches_command(rule_of(rule, "allow"), argv)


def test_a_rule_without_words_is_about_every_call() -> None:
    assert decided([shell("deny")], ("ls",)) is Decision.DENY
    assert decided([shell("allow")], ("ls",), ("x",)) is Decision.ALLOW
    assert decided([Rule(tool="search", decision="deny")], ("ls",)) is None


def test_what_goes_beyond_the_cage_is_allowed_by_no_rule() -> None:
    wanting = ShellAccess("pytest", WORK, network=True)
    assert ruling([shell("allow")], "shell", wanting, [("pytest",)]) is None
    writing = ShellAccess("pytest", WORK, writable=(Path("/opt"),))
    assert ruling([shell("allow")], "shell", writing, [("pytest",)]) is None


RULES = st.builds(
    shell,
    st.sampled_from(["allow", "ask", "deny"]),
    st.sampled_from(["ls", "git", "rm"]),
    prefix=st.booleans(),
)
COMMANDS = st.lists(
    st.lists(st.sampled_from(["ls", "git", "rm", "-r"]), min_size=1, max_size=3).map(tuple),
    min_size=1,
    max_size=3,
)
STRICTNESS = {Decision.ALLOW: 0, None: 1, Decision.ASK: 2, Decision.DENY: 3}


@given(rules=st.lists(RULES, max_size=4), more=RULES, commands=COMMANDS, place=st.integers(0, 4))
def test_a_rule_that_denies_or_asks_never_loosens(
    rules: list[Rule], more: Rule, commands: list[tuple[str, ...]], place: int
) -> None:
    if more.decision == "allow":
        return
    before, after = decided(rules, *commands), decided([*rules, more], *commands)
    assert STRICTNESS[after] >= min(STRICTNESS[before], 1)
    assert before is not Decision.DENY or after is Decision.DENY
    # Nor does the order of rules matter.
    assert decided([*rules[:place], more, *rules[place:]], *commands) is after


# --- paths and hosts ---


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("src", "/work/src", True),
        ("src", "/work/src/a/b.py", True),
        ("src/", "/work/src/a", True),
        ("src", "/work/src2", False),
        ("*.py", "/work/a.py", True),
        ("*.py", "/work/src/a.py", False),
        ("**/*.py", "/work/a.py", True),
        ("**/*.py", "/work/src/deep/a.py", True),
        ("src/**", "/work/src/a", True),
        ("?.py", "/work/ab.py", False),
        ("/etc/hosts", "/etc/hosts", True),
        ("/etc/hosts", "/work/etc/hosts", False),
        ("../other", "/other", False),
        ("src/../../other", "/other", False),
        ("a+b(c).txt", "/work/a+b(c).txt", True),
        ("**", "/work/a", True),
        ("**", "/other/a", False),
    ],
)
def test_a_pattern_begins_in_the_workspace(pattern: str, path: str, fits: bool) -> None:
    assert matches_path(pattern, Path(path), WORK) is fits


_WILD = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@given(
    st.lists(st.sampled_from(["a", "b", "/", "*", "**", "/**/", "?"]), min_size=1, max_size=8),
    st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=5),
)
def test_what_fits_is_what_trying_every_end_of_every_wildcard_finds(
    parts: list[str], names: list[str]
) -> None:
    pattern, path = f"/{''.join(parts)}".rstrip("/"), f"/{'/'.join(names)}"
    assume(pattern and "//" not in pattern and not re.search(r"[^/]\*\*/", pattern))
    tried = re.sub(r"\*\*/|\*\*|[*?]", lambda found: _WILD[found[0]], pattern)
    fits = re.fullmatch(f"{tried}(?:/.*)?", path) is not None
    assert matches_path(pattern, Path(path), None) is fits


@pytest.mark.parametrize("wild", ["*a", "**a", "**/", "**/*a*/"])
def test_any_number_of_wildcards_is_soon_compared(wild: str) -> None:
    names = "/".join(["a" * 100] * 30)
    with no_hang():
        assert not matches_path(f"/{wild * 30}z", Path(f"/{names}"), None)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("./secret.txt", "secret.txt"),
        ("src/../secret.txt", "secret.txt"),
        ("src//deep/./x", "src/deep/x"),
        ("../outside/x", "../outside/x"),
        (".", "secret.txt"),
        ("Secret.TXT", "sEcret.txt"),
        ("{secret,other}.txt", "secret.txt"),
        ("src/{a,{b,deep}}/**", "src/deep/x"),
        ("[a-s]ecret.[!a]xt", "secret.txt"),
        ("[z-a].txt", "[z-a].txt"),
        ("[a--].txt", "[a--].txt"),
        ("{secret,other}.txt", "{secret,other}.txt"),
        ("link", "src/deep/x"),
        ("link/x", "src/deep/x"),
        ("link/*", "src/deep/x"),
        ("src/deep/x", "link/x"),
        ("/TOP/alias/work/secret.txt", "secret.txt"),
        ("/TOP/alias/**/x", "src/deep/x"),
        ("/TOP/alias/[w]ork/secret.txt", "secret.txt"),
    ],
)
def test_a_rule_that_denies_a_path_misses_it_by_no_way_of_writing(
    pattern: str, path: str, tmp_path: Path
) -> None:
    top = tmp_path.resolve()
    workspace = top / "work"
    (workspace / "src/deep").mkdir(parents=True)
    (workspace / "src/deep/x").touch()
    (workspace / "link").symlink_to("src/deep")
    (top / "alias").symlink_to(".")
    rule = Rule(tool="read_file", decision="deny", path=pattern.replace("/TOP", str(top)))
    for access in (ReadAccess(workspace / path), WriteAccess(workspace / path)):
        assert matches(rule, access, workspace)
    assert not matches(rule, ReadAccess(top / "elsewhere"), workspace)
    if pattern != ".":
        assert not matches(rule, ReadAccess(workspace / "src/plain"), workspace)


def test_without_a_workspace_only_whole_paths_fit() -> None:
    assert not matches_path("src", Path("/src"), None)
    assert matches_path("/src", Path("/src/a"), None)


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("example.com", "EXAMPLE.com.", True),
        ("example.com", "www.example.com", False),
        ("*.example.com", "www.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "notexample.com", False),
    ],
)
def test_a_host_is_named_or_is_below_one(pattern: str, host: str, fits: bool) -> None:
    assert matches_host(pattern, host) is fits


@pytest.mark.parametrize(
    ("pattern", "server", "tool", "fits"),
    [
        ("shop/find", "shop", "find", True),
        ("shop/find", "shop", "sell", False),
        ("shop/find", "Shop", "find", False),
        ("shop", "shop", "sell", True),
        ("shop", "shop/find", "sell", False),
        ("shop/*", "shop", "sell", True),
        ("*/find", "market", "find", True),
        ("*", "market", "find", True),
        # A name with a slash in it is never taken for another.
        ("a/b/c", "a/b", "c", False),
        ("a/b/c", "a", "b/c", True),
    ],
)
def test_a_tool_of_another_server_is_named_with_it(
    pattern: str, server: str, tool: str, fits: bool
) -> None:
    assert matches_remote(pattern, server, tool) is fits


@pytest.mark.parametrize(
    ("server", "tool"),
    [("*", "find"), ("shop", "*"), ("a/b", "c"), ("", "find"), ("shop", "a\u202eb"), (" s", "f")],
)
def test_a_name_that_would_mean_more_than_itself_makes_no_rule(server: str, tool: str) -> None:
    assert proposals("mcp", RemoteAccess(server, tool), ()) == ()
    (plain,) = proposals("mcp", RemoteAccess("shop", "find"), ())
    assert plain.rule == Rule(tool="mcp", decision="allow", remote="shop/find")


def test_rules_about_paths_and_hosts_decide() -> None:
    rules = [
        Rule(tool="write_file", path="src", decision="allow"),
        Rule(tool="write_file", path="src/secret", decision="deny"),
        Rule(tool="fetch_url", host="example.com", decision="allow"),
    ]

    def of(tool: str, access: WriteAccess | FetchAccess) -> Decision | None:
        found = ruling(rules, tool, access, workspace=WORK)
        return None if found is None else found.decision

    assert of("write_file", WriteAccess(WORK / "src/a")) is Decision.ALLOW
    assert of("write_file", WriteAccess(WORK / "src/secret/a")) is Decision.DENY
    assert of("write_file", WriteAccess(WORK / "a")) is None
    assert of("edit_file", WriteAccess(WORK / "src/a")) is None
    assert of("fetch_url", FetchAccess("https://example.com/", "example.com")) is Decision.ALLOW


# --- what "always" would write down ---


def test_a_command_is_offered_exactly_and_as_a_beginning() -> None:
    exact, wider = proposals("shell", LINE, [("pytest", "-q", "tests")])
    assert (exact.rule.argv, exact.rule.prefix) == (("pytest", "-q", "tests"), False)
    assert (wider.rule.argv, wider.rule.prefix) == (("pytest",), True)
    assert [exact.text, wider.text] == ["pytest -q tests", "pytest …"]
    assert exact.scopes == (Scope.SESSION, Scope.PROJECT, Scope.EVERYWHERE)


@pytest.mark.parametrize(
    "argv",
    [
        ("bash", "-c", "x"),
        ("/bin/sh", "x"),
        ("python3", "a.py"),
        ("env", "x"),
        ("sudo", "ls"),
        ("npx", "cowsay"),
        ("git", "-C", "x", "push"),
        ("npm", "run", "build"),
        ("rm", "-r", "x"),
        ("python3.12", "a.py"),
        ("perl5", "a.pl"),
        ("Rscript", "a.R"),
        ("cd", "/tmp"),
        ("tee", "out"),
        ("gh", "api", "x"),
        ("git", "bisect", "run", "x"),
        ("git", "submodule", "foreach", "x"),
    ],
)
def test_what_runs_anything_is_never_a_beginning(argv: tuple[str, ...]) -> None:
    assert [proposal.rule.prefix for proposal in proposals("shell", LINE, [argv])] == [False]


def test_a_subcommand_may_begin_a_rule_but_its_program_alone_may_not() -> None:
    _, wider = proposals("shell", LINE, [("git", "log", "-p")])
    assert wider.rule.argv == ("git", "log")
    assert not may_be_prefix(("git",))
    assert not may_be_prefix(())


def test_a_line_of_several_commands_is_never_offered() -> None:
    assert proposals("shell", LINE, [("ls",), ("make",)]) == ()
    assert proposals("shell", ShellAccess("ls", WORK, network=True), [("ls",)]) == ()


@given(st.text("ab*?[]\\/ ", min_size=1, max_size=8))
def test_the_rule_for_a_file_is_about_that_file(name: str) -> None:
    path = Path("/work") / name.strip("/")
    (proposal,) = proposals("write_file", WriteAccess(path), ())
    assert ruling([proposal.rule], "write_file", WriteAccess(path), workspace=WORK) is not None
    other = path.with_name("c")
    assert ruling([proposal.rule], "write_file", ReadAccess(other), workspace=WORK) is None
