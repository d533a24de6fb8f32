"""Fuzzing the gate: lines from a grammar, and lines of the corpora that were tampered with.

No line is ever run: they are judged. Whatever a line is, there is a verdict; what was allowed isn't
any more with something added that does more than read, nor in a wrapper; a rule that denies or asks
only tightens; and of files only the workspace's own are opened unasked.
"""

from __future__ import annotations

import atexit
import os
import random
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from chatterm.config.schema import Rule
from chatterm.permissions.gate import Gate, Posture
from chatterm.permissions.places import real
from chatterm.permissions.sandbox.levels import Level
from chatterm.permissions.shell.readers import BUILTINS, known_programs
from chatterm.permissions.shell.versions import asks_version
from chatterm.permissions.verdicts import (
    CallClass,
    Decision,
    FetchAccess,
    Judgement,
    NeedsApproval,
    ReadAccess,
    ReadOnly,
    ShellAccess,
    Unknown,
    WriteAccess,
)
from fuzz.target import Target
from shellworld import World, clean_world, lines_of, mined_world

# --- where lines are judged -------------------------------------------------------------------

_patch = pytest.MonkeyPatch()


@cache
def worlds() -> tuple[World, World]:
    """A clean workspace and one full of secrets; they last until `leave_worlds`."""
    top = tempfile.TemporaryDirectory(prefix="chatterm-fuzz-")
    atexit.register(top.cleanup)
    base = Path(top.name).resolve()
    clean, mined = clean_world(base, _patch), mined_world(base, _patch)
    for name in ("-r", "-e"):  # which are no secrets
        (mined.workspace / name).write_text("a line\n")
    return clean, mined


def leave_worlds() -> None:
    """Put back what making the worlds changed in this process."""
    _patch.undo()
    worlds.cache_clear()


def gate(world: World, rules: tuple[Rule, ...] = (), posture: Posture | None = None) -> Gate:
    """A gate before a world."""
    around = world.surroundings
    return Gate(around.places, posture or Posture(), rules, None, around.search)


def judged(before: Gate, tool: str, access: Any) -> Judgement:
    """What a gate says; an error inside of it, which it would answer for, is a failure here."""
    judgement = before.judge(tool, [access])
    assert "error inside chatterm" not in judgement.reason
    assert judgement.reason
    return judgement


# --- lines ------------------------------------------------------------------------------------

EVERYDAY = [line["cmd"] for line in lines_of("everyday")]
DANGEROUS = [line["cmd"] for line in lines_of("dangerous") if len(line["cmd"]) < 400]
_PROGRAMS = (*sorted(known_programs()), *sorted(BUILTINS), "git", "find", "rm", "sh", "xargs", "env",
             "sudo", "./ls", "/bin/ls", "/tmp/ls", "a b", "l?", "-x", "é", "")  # fmt: skip
_OPTIONS = ("-n", "-l", "-la", "-r", "-rf", "--", "-", "-e", "-f", "-i", "-o", "-c", "-exec", "-delete",
            "-execdir", "--output=x", "--outp", "-C", "-1", "+x", "--help", "--version", "-name", "-v",
            "--pre=x", "-ok", ";", "{}", "-fprint", "-printf", "!", "(", ")", "-type")  # fmt: skip
_FILES = ("a.txt", "src", "src/app.py", ".", "..", "../x", "~", "~/x", ".env", "id_rsa", "*", "*.py",
          "[a-c].txt", "{a,b}", "/etc/passwd", "/dev/null", "/proc/self/environ", "link-out", "pipe",
          "a b", "日本", "$HOME", "${x:-y}", "$(ls)", "`ls`", "<(ls)", "$((1+1))", "$'\\x72m'",
          "x=1", "\\", "#", "'", '"', "\u202e", "\u200b", "\xa0", "\ud800", "\x7f", "HEAD", "status",
          "log", "diff", "-c core.fsmonitor=x", "1", "2", "s/a/b/e", "1w x", '{print > "x"}',
          "x" * 3000)  # fmt: skip
_raw = st.sampled_from(_PROGRAMS + _OPTIONS + _FILES) | st.text(
    st.characters(exclude_categories=()), max_size=4
)


def _quoted(text: str, how: int) -> str:
    match how:
        case 0:
            return "'" + text.replace("'", "'\\''") + "'"
        case 1:
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case 2:
            return "".join(f"\\{c}" for c in text)
        case 3:
            return f'"{text}"'
        case _:
            return text


_words = st.builds(_quoted, _raw, st.sampled_from((0, 1, 2, 3, 4, 4, 4, 4, 4, 4)))
_redirects = st.sampled_from(("", "", "", "", " 2>/dev/null", " 2>&1", " >x", " >> x", " <a.txt",
                              " <<EOF\nx\nEOF\n", " <<<x", " &>x", " >&2", " 3<>x", " >|x"))  # fmt: skip
_programs = st.sampled_from(_PROGRAMS)
_simple = st.builds(
    lambda before, program, words, redirect: before + " ".join((program, *words)) + redirect,
    st.sampled_from(("", "", "", "", "", "A=1 ", "! ", "time ", "command ", "\\")),
    _programs,
    st.lists(_words, max_size=5),
    _redirects,
)
_statements = st.recursive(
    _simple | st.sampled_from(EVERYDAY),
    lambda inner: st.one_of(
        st.builds(
            lambda a, between, b: f"{a}{between}{b}",
            inner,
            st.sampled_from((" | ", " && ", " || ", "; ", "\n", " |& ", " & ", ";;", "|", "")),
            inner,
        ),
        st.builds("({})".format, inner),
        st.builds("{{ {}; }}".format, inner),
        st.builds("$({})".format, inner),
        st.builds("echo `{}`".format, inner),
        st.builds("if {}; then {}; fi".format, inner, inner),
        st.builds("for x in a b; do {}; done".format, inner),
        st.builds("while {}; do {}; done".format, inner, inner),
        st.builds("case x in x) {};; esac".format, inner),
        st.builds("f() {{ {}; }}".format, inner),
        st.builds("bash -c {}".format, inner.map(lambda line: _quoted(line, 0))),
        st.builds("eval {}".format, inner),
        st.builds("[[ {} ]]".format, inner),
        st.builds("{} # {}".format, inner, inner),
    ),
    max_leaves=4,
)


def tampered(line: str, seeds: list[int]) -> str:
    """A line with words put in, taken out, doubled or changed."""
    for seed in seeds:
        dice = random.Random(seed)
        at = dice.randrange(len(line) + 1)
        end = min(len(line), at + dice.choice((1, 1, 2, 6)))
        put = dice.choice(
            _OPTIONS + _FILES + (" ", "\n", "\t", "\r", "\0", "|", ";", "&", ">", "<")
        )
        match dice.randrange(5):
            case 0:
                line = line[:at] + put + line[at:]
            case 1:
                line = f"{line[:at]} {put} {line[at:]}"
            case 2:
                line = line[:at] + line[end:]
            case 3:
                line = line[:end] + line[at:end] + line[end:]
            case _:
                line = line[:at] + put + line[end:]
    return line


SEEDS = st.lists(st.integers(0, 2**32), max_size=4)
_tampered = st.builds(tampered, st.sampled_from(EVERYDAY + DANGEROUS), SEEDS)
LINES = st.one_of(_statements, _tampered, st.builds(tampered, _statements, SEEDS))
_everyday = st.builds(
    tampered, st.sampled_from(EVERYDAY), st.lists(st.integers(0, 2**32), max_size=1)
)

_ADDED = ("; rm -rf x", " ; rm x", "\nrm x", "\n\nrm x\n", " && rm x", " || rm x", " | sh", "|tee x",
          " > out", ">out", " >>out", " 2>out", " &>out", " $(rm x)", " `rm x`", "$(rm x)", " <(rm x)",
          " & rm x", " &", "\nx=1", " | xargs rm", " > /etc/passwd", "; source x", "\ncd .. && rm x",
          " | while read x; do rm $x; done", "; f() { rm x; }; f", " <<EOF\n$(rm x)\nEOF\n")  # fmt: skip
_WRAPPERS = ("env ", "sudo ", "env A=1 ", "A=1 ", "timeout 5 ", "nice ", "xargs ", "nohup ", "eval ",
             "exec ", "time ", "doas ", "busybox ", "command -p ", "builtin ", "bash -c ", "! sudo ",
             "stdbuf -o0 ", "setsid ", ". ", "source ", "trap ", "coproc ")  # fmt: skip

# --- checks -----------------------------------------------------------------------------------

_READERS = frozenset({*known_programs(), *BUILTINS, "git", "find", "cd", "echo", "test", "[", "[["})
_LEVEL = Posture(mode="caged", level=Level.BUBBLEWRAP)


def check_line(line: str) -> None:
    """There is a verdict, always the same; what isn't understood to only read asks."""
    for world in worlds():
        analysis = world.judge(line)
        assert analysis == world.judge(line)
        verdict = analysis.verdict
        assert isinstance(verdict, (ReadOnly, NeedsApproval, Unknown))
        if isinstance(verdict, ReadOnly):
            assert verdict.commands
            for path, *words in verdict.commands:
                name = os.path.basename(path)  # noqa: PTH119
                assert name in _READERS or asks_version((name, *words))
            assert set(verdict.commands) == set(analysis.readers)
        else:
            assert verdict.reason
            assert verdict.reason.isprintable()
        world.judge(line, trusted=True)
        access = ShellAccess(line, world.workspace)
        judgement = judged(gate(world), "shell", access)
        reads = isinstance(verdict, ReadOnly)
        assert judgement.decision is (Decision.ALLOW if reads else Decision.ASK)
        plan = judged(gate(world, posture=Posture(mode="plan")), "shell", access)
        assert plan.decision is (Decision.ALLOW if reads else Decision.DENY)
        yes = judged(gate(world, posture=Posture(yes=True)), "shell", access)
        assert (yes.decision is Decision.ALLOW) is not yes.sensitive
        before = gate(world)
        if before.proposals("shell", [access], judgement):
            assert judgement.call_class is not CallClass.UNKNOWN


def check_added(line: str, added: str) -> None:
    """A line that is allowed isn't any more with something added that does more than read."""
    world = worlds()[0]
    if not isinstance(world.judge(line).verdict, ReadOnly):
        return
    if "#" in line and not added.startswith("\n"):
        return  # in a comment, what is added is a part of it
    assert not isinstance(world.judge(line + added).verdict, ReadOnly), ascii(line + added)
    if "#" not in line:
        assert not isinstance(world.judge(f"({line}){added}").verdict, ReadOnly)


def check_wrapped(line: str, wrapper: str) -> None:
    """In a wrapper nothing is allowed."""
    for world in worlds():
        verdict = world.judge(wrapper + line).verdict
        lines = line.lstrip()
        if lines and lines[0] not in "#;&|\n<>)-" and isinstance(verdict, ReadOnly):
            # `env ls | …` and the like: the wrapper's own command must not be read as a reader's.
            raise AssertionError(ascii(wrapper + line))


_ORDER = (Decision.ALLOW, Decision.ASK, Decision.DENY)
_POSTURES = (Posture(), _LEVEL, Posture(mode="plan"), Posture(yes=True), Posture(mode="yolo"),
             Posture(mode="accept-edits"), Posture(level_chosen=True))  # fmt: skip


def check_rules(
    line: str, rules: list[tuple[str, list[str], bool]], more: tuple[str, list[str], bool], n: int
) -> None:
    """A rule that denies or asks never loosens; one that denies a line's command denies the line."""
    world, posture = worlds()[1], _POSTURES[n % len(_POSTURES)]
    access = ShellAccess(line, world.workspace)
    made = tuple(_rule(*each) for each in rules)
    before = judged(gate(world, made, posture), "shell", access)
    stricter = _rule("ask" if more[0] == "allow" else more[0], more[1], more[2])
    after = judged(gate(world, (*made, stricter), posture), "shell", access)
    if not (_answers(posture) and stricter.decision == "ask"):
        assert _ORDER.index(after.decision) >= _ORDER.index(before.decision)
    for argv in before.commands:
        denying = Rule(tool="shell", decision="deny", argv=argv[:1], prefix=True)
        assert judged(gate(world, (*made, denying), posture), "shell", access).decision is (
            Decision.DENY
        )
    if not before.commands or before.call_class is CallClass.UNKNOWN:
        loose = tuple(_rule("allow", list(argv), prefix=False) for argv in before.commands)
        level = Posture(level_chosen=True)
        allowed = judged(gate(world, loose, level), "shell", access)
        assert allowed.decision is not Decision.ALLOW


def _answers(posture: Posture) -> bool:
    return posture.yes or posture.mode == "yolo"


def _rule(decision: str, argv: list[str], prefix: bool) -> Rule:
    words = tuple(argv) or None
    return Rule(tool="shell", decision=decision, argv=words, prefix=prefix and bool(words))  # type: ignore[arg-type]


# --- files ------------------------------------------------------------------------------------

_NAMES = ("..", ".", "", "src", "a.txt", ".env", ".ENV", "id_rsa", "server.pem", "vault", "hard",
          "pipe", "link-out", "link-env", "outside", "passwords", "settings", "harmless.txt", ".git",
          "hooks", "config", "pre-commit", ".chatterm", "config.toml", ".vscode", "settings.json", "new",
          "日本", "\0", "\ud800", "x" * 300, "\n", "~", "private", "deep.pem", "-r", ".bashrc",
          ".mcp.json", "etc", "passwd", "proc", "self", "environ", "dev", "null", "fd", "0")  # fmt: skip
PATHS = st.lists(st.sampled_from(_NAMES) | st.text(max_size=3), max_size=6).map("/".join)
_SECRET = (".env", "id_rsa", ".pem", ".key", "id_ed25519")


def check_files(path: str, absolute: bool) -> None:
    """Only what is really in the workspace, and no secret, is opened unasked."""
    world = worlds()[1]
    asked = Path(f"/{path}") if absolute else world.workspace / path
    really = os.fspath(real(asked))
    inside = Path(really).is_relative_to(world.workspace)
    for posture in _POSTURES:
        free = _answers(posture)
        for access in (ReadAccess(asked), ReadAccess(asked, recursive=True), WriteAccess(asked)):
            tool = "write_file" if isinstance(access, WriteAccess) else "read_file"
            judgement = judged(gate(world, (), posture), tool, access)
            if judgement.decision is not Decision.ALLOW:
                continue
            assert inside or free
            assert not really.endswith(_SECRET), really
            if isinstance(access, WriteAccess):
                assert posture.mode not in ("confirm", "plan") or free
                assert "/.git/hooks" not in really
                assert not really.endswith((".git/config", ".mcp.json"))


def check_fetch(url: str, host: str) -> None:
    """A page is never fetched unasked, whatever its address."""
    judgement = judged(gate(worlds()[0]), "fetch_url", FetchAccess(url, host))
    assert judgement.decision is Decision.ASK
    assert judgement.reason.isprintable()


_argvs = st.lists(
    st.sampled_from(("ls", "cat", "git", "rm", "grep", "env", "-n", "a.txt")), max_size=3
)
_rules = st.tuples(st.sampled_from(("allow", "ask", "deny")), _argvs, st.booleans())

TARGETS = [
    Target("gate/line", st.tuples(LINES), check_line, 40),
    Target("gate/added", st.tuples(_everyday, st.sampled_from(_ADDED)), check_added, 60),
    Target("gate/wrapped", st.tuples(LINES, st.sampled_from(_WRAPPERS)), check_wrapped, 30),
    Target(
        "gate/rules",
        st.tuples(LINES, st.lists(_rules, max_size=3), _rules, st.integers(0, 6)),
        check_rules,
        40,
    ),
    Target("gate/files", st.tuples(PATHS, st.booleans()), check_files, 40),
    Target("gate/fetch", st.tuples(st.text(max_size=20), st.text(max_size=20)), check_fetch, 30),
]
