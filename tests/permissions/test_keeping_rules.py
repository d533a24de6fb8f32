"""Rules that are kept: in the configuration file, for one project, as words; and trust."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from chatterm.config import Permissions, config_path, load_config
from chatterm.config.schema import Rule
from chatterm.errors import ConfigError, UsageError
from chatterm.permissions import rereading
from chatterm.permissions.gate import Posture
from chatterm.permissions.opening import Ground, open_gate
from chatterm.permissions.remembered import Memory
from chatterm.permissions.rules import Scope
from chatterm.permissions.rulewords import rule_of, table_of, words_of
from chatterm.permissions.saving import add_rule, remove_rule
from chatterm.permissions.verdicts import Decision, ShellAccess

PYTEST = rule_of("shell:pytest -q", "allow")


# --- as words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("shell", {}),
        ("shell:pytest -q", {"argv": ["pytest", "-q"]}),
        ("shell:make *", {"argv": ["make"], "prefix": True}),
        ("shell:grep 'a b' *", {"argv": ["grep", "a b"], "prefix": True}),
        ("shell:echo '*'", {"argv": ["echo", "*"]}),
        ("write_file:src/**", {"path": "src/**"}),
        ("fetch_url:*.python.org", {"host": "*.python.org"}),
    ],
)
def test_a_rule_as_words_and_back(text: str, about: dict[str, object]) -> None:
    rule = rule_of(text, "allow")
    tool = text.partition(":")[0]
    assert table_of(rule) == {"tool": tool, "decision": "allow", **about}
    assert rule_of(words_of(rule), "allow") == rule


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shel:ls", "did you mean shell"),
        ("", "there is no tool ''"),
        ("shell:", "nothing follows the colon"),
        ("shell:'ls", "can't be read: no closing quotation"),
        ("shell:''", "needs its words"),
    ],
)
def test_what_is_no_rule_says_why(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        rule_of(text, "allow")


@pytest.mark.parametrize(
    ("line", "operator"),
    [
        ("make | sh", "|"),
        ("make|sh *", "|"),
        ("make && rm x", "&&"),
        ("make; rm x", ";"),
        ("make > log", ">"),
        ("make 2>&1", ">&"),
        ("make &", "&"),
        ("(make)", "("),
        ("echo `id`", "`"),
        ("echo $(id)", "("),
        ('echo "$(id)" | sh', "|"),
        ("make\nrm x", "a line's end"),
    ],
)
def test_a_rule_is_about_one_command(line: str, operator: str) -> None:
    with pytest.raises(UsageError, match=re.escape(operator)) as caught:
        rule_of(f"shell:{line}", "allow")
    assert "a rule is about one command" in caught.value.message


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("grep 'a|b' c", ("grep", "a|b", "c")),
        ('grep "a;b" c', ("grep", "a;b", "c")),
        (r"find . -exec ls {} \;", ("find", ".", "-exec", "ls", "{}", ";")),
        (r"echo a\ \| b", ("echo", "a |", "b")),
        ("echo it\\'s '|'", ("echo", "it's", "|")),
        ("sh -c 'make | tee log'", ("sh", "-c", "make | tee log")),
    ],
)
def test_what_is_quoted_is_a_word_of_a_rule(line: str, argv: tuple[str, ...]) -> None:
    rule = rule_of(f"shell:{line}", "allow")
    assert rule.argv == argv
    assert rule_of(words_of(rule), "allow") == rule


# --- in the configuration file ------------------------------------------------------------------

WITH_COMMENTS = """# mine
model = "demo/demo"  # for now

[permissions]
# reading the log is fine
rules = [
    { tool = "shell", argv = ["git", "log"], decision = "allow" }, # often
]

[ui]
"""


def test_a_rule_is_added_and_everything_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(WITH_COMMENTS)
    add_rule(path, PYTEST)
    add_rule(path, PYTEST)
    added = '    {tool = "shell", decision = "allow", argv = ["pytest", "-q"]},\n'
    kept = [line for line in path.read_text().splitlines(keepends=True) if line != added]
    assert "".join(kept) == WITH_COMMENTS
    assert load_config(path).permissions.rules[1:] == (PYTEST,)
    remove_rule(path, PYTEST)
    assert load_config(path).permissions.rules == load_config(path).permissions.rules[:1]


@pytest.mark.parametrize(
    "before",
    [
        "",
        "[permissions]\nmode = 'plan'\n",
        "[[permissions.rules]]\ntool = 'shell'\ndecision = 'ask'\n",
        "permissions = { mode = 'plan' }\n",
        "permissions.rules = []\n",
        "[ui]\n",
        "\ufeff[ui]\r\n",
    ],
)
def test_a_rule_is_added_however_the_file_is_written(tmp_path: Path, before: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(before.encode())
    rules = load_config(path).permissions.rules
    add_rule(path, PYTEST)
    assert load_config(path).permissions.rules == (*rules, PYTEST)
    remove_rule(path, PYTEST)
    assert load_config(path).permissions.rules == rules


def test_the_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    add_rule(path, PYTEST)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_link_stays_a_link_and_a_mode_a_mode(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("")
    real.chmod(0o640)
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    add_rule(link, PYTEST)
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert load_config(real).permissions.rules == (PYTEST,)


@pytest.mark.parametrize("broken", ["[permissions", "permissions = 1", "[permissions]\nrules = 2"])
def test_a_file_that_is_wrong_is_left_alone(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(broken)
    with pytest.raises(ConfigError, match=r"config\.toml"):
        add_rule(path, PYTEST)
    assert path.read_text() == broken


def test_what_no_file_can_hold_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("")
    odd = Rule(tool="shell", decision="allow", argv=("echo", "\udc80"))
    with pytest.raises(ConfigError):
        add_rule(path, odd)
    with pytest.raises(ConfigError):
        Memory(tmp_path).add(tmp_path, odd)
    assert path.read_text() == ""
    assert not Memory(tmp_path).path.exists()


# --- for one project ----------------------------------------------------------------------------


def test_a_project_has_its_own_rules(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "data")
    one, other = tmp_path / 'o"ne\\', tmp_path / "other"
    memory.add(one, PYTEST)
    memory.add(one, PYTEST)
    again = Memory(tmp_path / "data")
    assert again.of(one).rules == (PYTEST,)
    assert again.of(other).rules == ()
    again.remove(one, PYTEST)
    assert memory.of(one).rules == ()


def test_trust_ends_when_the_projects_configuration_changes(tmp_path: Path) -> None:
    workspace, memory = tmp_path / "work", Memory(tmp_path / "data")
    (workspace / ".chatterm").mkdir(parents=True)
    assert not memory.trusts(workspace)
    memory.trust(workspace)
    assert memory.trusts(workspace)
    project = workspace / ".chatterm" / "config.toml"
    project.write_text("[permissions]\nmode = 'plan'\n")
    assert not memory.trusts(workspace)
    memory.trust(workspace)
    assert memory.trusts(workspace)
    memory.distrust(workspace)
    assert not memory.trusts(workspace)


def test_a_damaged_memory_says_where(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.path.write_text("[projects.'/x']\ntrust = 'y'\n")
    with pytest.raises(ConfigError, match=r"permissions\.toml: line 2: .*trusted"):
        memory.of(Path("/x"))


# --- the gate of a directory --------------------------------------------------------------------


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    for name in ("home", "work/.chatterm"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CHATTERM_CONFIG", str(tmp_path / "home" / "config.toml"))
    monkeypatch.setenv("CHATTERM_DATA_DIR", str(tmp_path / "home" / "data"))
    return Ground.of((tmp_path / "work").resolve())


def decision(ground: Ground, line: str, permissions: Permissions | None = None) -> Decision:
    posture = Posture(mode=(permissions or Permissions()).mode, level_chosen=True)
    gate = open_gate(ground, permissions or Permissions(), posture, saves=config_path())
    assert ground.workspace is not None
    return gate.judge("shell", (ShellAccess(line, ground.workspace),)).decision


def test_a_projects_file_tightens_and_allows_only_when_trusted(ground: Ground) -> None:
    assert ground.workspace is not None
    project = ground.workspace / ".chatterm" / "config.toml"
    project.write_text("[permissions]\nrules = [{tool='shell', argv=['make'], decision='allow'}]\n")
    with pytest.raises(ConfigError, match="until the directory is trusted"):
        decision(ground, "make")
    ground.memory.trust(ground.workspace)
    assert decision(ground, "make") is Decision.ALLOW
    project.write_text("[permissions]\nmode = 'plan'\n")
    yolo = Permissions(mode="yolo")
    assert decision(ground, "make", yolo) is Decision.DENY


def test_answers_are_kept_where_their_scope_says(ground: Ground) -> None:
    assert ground.workspace is not None
    gate = open_gate(ground, Permissions(), Posture(), saves=config_path())
    gate.grant(rule_of("shell:make", "allow"), Scope.PROJECT)
    gate.grant(PYTEST, Scope.EVERYWHERE)
    gate.grant(rule_of("shell:tox", "allow"), Scope.SESSION)
    assert [rule.argv for rule in ground.memory.of(ground.workspace).rules] == [("make",)]
    assert load_config(config_path().path).permissions.rules == (PYTEST,)
    assert not (ground.workspace / ".chatterm" / "config.toml").exists()
    assert decision(ground, "make") is Decision.ALLOW
    assert decision(ground, "tox") is Decision.ASK


# --- a gate that is open while its rules change -------------------------------------------------


class Open:
    """A gate that stays open."""

    def __init__(self, ground: Ground, permissions: Permissions | None = None) -> None:
        posture = Posture(mode=(permissions or Permissions()).mode, level_chosen=True)
        self.gate = open_gate(ground, permissions or Permissions(), posture, saves=config_path())
        self.directory = ground.workspace or Path()
        self.project = self.directory / ".chatterm" / "config.toml"

    def says(self, line: str) -> str:
        return self.gate.judge("shell", (ShellAccess(line, self.directory),)).decision.value

    @property
    def trusted(self) -> bool:
        self.says("ls")
        return self.gate.trusted


@pytest.fixture
def workspace(ground: Ground) -> Path:
    assert ground.workspace is not None
    return ground.workspace


def test_rules_that_change_elsewhere_count_for_the_next_call(
    ground: Ground, workspace: Path
) -> None:
    opened = Open(ground)
    assert opened.says("make") == "ask"
    make = rule_of("shell:make", "allow")
    ground.memory.add(workspace, make)
    assert opened.says("make") == "allow"
    add_rule(config_path().path, rule_of("shell:make", "deny"))
    assert opened.says("make") == "deny"
    remove_rule(config_path().path, rule_of("shell:make", "deny"))
    ground.memory.remove(workspace, make)
    assert opened.says("make") == "ask"
    assert opened.gate.complaints() == ()


def test_a_rule_that_an_answer_made_can_be_removed_elsewhere(
    ground: Ground, workspace: Path
) -> None:
    opened = Open(ground)
    for scope in (Scope.PROJECT, Scope.EVERYWHERE):
        opened.gate.grant(PYTEST, scope)
        assert opened.says("pytest -q") == "allow"
        ground.memory.remove(workspace, PYTEST)
        if scope is Scope.EVERYWHERE:
            remove_rule(config_path().path, PYTEST)
        assert opened.says("pytest -q") == "ask"
    opened.gate.grant(PYTEST, Scope.SESSION)
    add_rule(config_path().path, rule_of("shell:tox", "ask"))
    assert opened.says("pytest -q") == "allow"


def test_trust_that_is_given_or_taken_elsewhere_counts(ground: Ground, workspace: Path) -> None:
    opened = Open(ground)
    opened.project.write_text("[permissions]\nmode = 'confirm'\n")
    assert not opened.trusted
    ground.memory.trust(workspace)
    assert opened.trusted
    ground.memory.distrust(workspace)
    assert not opened.trusted


def test_a_project_that_changes_is_trusted_no_longer(ground: Ground, workspace: Path) -> None:
    ground.memory.trust(workspace)
    opened = Open(ground, Permissions(mode="yolo"))
    assert (opened.says("touch a"), opened.trusted) == ("allow", True)
    opened.project.write_text("[permissions]\nmode = 'plan'\n")
    assert (opened.says("touch a"), opened.trusted) == ("deny", False)


def test_a_projects_mode_holds_whatever_mode_is_switched_to(ground: Ground) -> None:
    opened = Open(ground)
    opened.project.write_text("[permissions]\nmode = 'plan'\n")
    opened.gate.posture = Posture(mode="yolo")
    assert opened.says("touch a") == "deny"


@pytest.mark.parametrize("broken", ["[permissions", "nonsense = 1\n", None])
def test_a_file_that_is_broken_by_now_loosens_nothing_and_is_told_once(
    ground: Ground, broken: str | None
) -> None:
    path = config_path().path
    add_rule(path, rule_of("shell:make", "deny"))
    add_rule(path, PYTEST)
    opened = Open(ground, load_config(path).permissions)
    assert (opened.says("make"), opened.says("pytest -q")) == ("deny", "allow")
    whole = path.read_text()
    if broken is None:
        path.unlink()
    else:
        path.write_text(broken)
    assert opened.says("make") == "deny"
    assert opened.says("pytest -q") == ("ask" if broken is None else "allow")
    (complaint,) = opened.gate.complaints()
    assert str(path) in complaint
    assert opened.says("make") == "deny"
    assert opened.gate.complaints() == ()
    path.write_text(whole.replace("deny", "ask"))
    assert (opened.says("make"), opened.says("pytest -q")) == ("ask", "allow")


def test_a_damaged_memory_loosens_nothing(ground: Ground, workspace: Path) -> None:
    ground.memory.add(workspace, rule_of("shell:make", "deny"))
    opened = Open(ground)
    ground.memory.path.write_text("[projects")
    assert opened.says("make") == "deny"
    assert "permissions.toml: line 1" in opened.gate.complaints()[0]


def test_a_projects_file_that_is_wrong_by_now_denies_what_it_denied_and_allows_nothing(
    ground: Ground, workspace: Path
) -> None:
    opened = Open(ground)
    opened.project.write_text(
        "[permissions]\nrules = [{tool='shell', argv=['make'], decision='allow'},"
        "{tool='shell', argv=['rm'], prefix=true, decision='deny'}]\n"
    )
    ground.memory.trust(workspace)
    assert (opened.says("make"), opened.says("rm a")) == ("allow", "deny")
    opened.project.write_text("[permissions]\nrules = [{tool='shell', decision='allow'}]\n")
    assert (opened.says("make"), opened.says("rm a")) == ("ask", "deny")
    assert "until the directory is trusted" in opened.gate.complaints()[0]


def test_what_could_not_be_read_for_a_defect_is_read_the_next_time(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_rule(config_path().path, PYTEST)
    opened = Open(ground, load_config(config_path().path).permissions)
    assert opened.says("pytest -q") == "allow"
    monkeypatch.setattr(rereading, "_UNSETTLED_SECONDS", -60.0)
    remove_rule(config_path().path, PYTEST)
    with monkeypatch.context() as broken:
        broken.delattr(rereading, "load_config")
        assert opened.says("pytest -q") == "ask"
    assert opened.says("pytest -q") == "ask"


def test_a_configuration_from_a_pipe_is_read_once(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setenv("CHATTERM_CONFIG", str(pipe))
    opened = Open(ground, Permissions(rules=(PYTEST,)))
    assert opened.says("pytest -q") == "allow"
    assert opened.gate.complaints() == ()


def test_our_own_files_are_sensitive(ground: Ground) -> None:
    assert decision(ground, "cat ../home/data/chatterm.db") is Decision.ASK
    assert ground.places.sensitive(config_path().path)
