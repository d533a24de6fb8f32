"""Rules: which calls the user has decided about, and what a "yes, always" would write down.

Deny comes before ask and ask before allow: of all rules that match, the strictest counts. A shell
line may hold several commands. A rule that denies or asks matches when any of them fits it; a line
is allowed by rules only when each of its commands is.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path, PurePosixPath

from chatterm.config.schema import Rule
from chatterm.permissions.verdicts import (
    Access,
    Argv,
    Decision,
    FetchAccess,
    ReadAccess,
    RemoteAccess,
    ShellAccess,
    WriteAccess,
)

# What runs whatever it is told to: the beginning of such a command says nothing of what it does.
NEVER_A_PREFIX = frozenset(
    {
        *("sh", "bash", "dash", "zsh", "fish", "ksh", "csh", "tcsh", "busybox", "nu", "pwsh"),
        *("python", "python2", "python3", "pypy", "pypy3", "node", "nodejs", "deno", "bun"),
        *("ruby", "perl", "php", "lua", "luajit", "tclsh", "rscript", "julia", "awk", "gawk"),
        *("mawk", "sed", "ed", "ex", "vi", "vim", "nvim", "emacs", "osascript", "expect"),
        *("env", "sudo", "doas", "su", "xargs", "parallel", "time", "timeout", "nice", "ionice"),
        *("nohup", "setsid", "stdbuf", "command", "builtin", "exec", "eval", "source", "."),
        *("chroot", "unshare", "nsenter", "flock", "watch", "entr", "script", "tmux", "screen"),
        *("ssh", "docker", "podman", "kubectl", "find", "fd", "git", "make", "just", "task"),
        *("npx", "pnpx", "bunx", "uvx", "pipx", "uv", "poetry", "pdm", "hatch", "rye", "conda"),
        *("npm", "pnpm", "yarn", "cargo", "go", "gradle", "mvn", "bundle", "rake", "nix"),
        *("rm", "mv", "dd", "chmod", "chown", "curl", "wget"),
        # What writes anywhere, goes anywhere, or runs what it is given in an option or a file.
        *("cd", "pushd", "cp", "ln", "install", "tee", "tar", "rsync", "scp", "sftp", "nc", "ncat"),
        *("socat", "openssl", "sqlite3", "psql", "mysql", "gdb", "lldb", "strace", "ltrace"),
        *("perf", "valgrind", "crontab", "at", "systemd-run", "systemctl", "launchctl", "open"),
        *("xdg-open", "alias", "export", "trap", "enable", "hash", "jshell", "java", "dotnet"),
        *("pip", "pip3", "gem", "brew", "apt", "apt-get", "gh", "aws", "gcloud", "terraform"),
        *("helm", "ansible", "tsx", "ts-node", "ghci", "runghc", "swift", "scala", "elixir"),
        *("iex", "erl", "m4", "bc", "dc", "less", "more", "man", "vimdiff", "rg", "bat", "zip"),
    }
)
# Of these the second word says what is done, so that two words may begin a rule.
_SUBCOMMANDS = frozenset({"git", "npm", "pnpm", "yarn", "cargo", "go", "docker", "kubectl"})
_RUNNERS = frozenset(
    {
        *("run", "exec", "x", "dlx", "start", "run-script", "generate", "config", "node", "init"),
        *("create", "tool", "compose", "debug", "plugin", "bisect", "submodule", "rebase"),
        *("filter-branch", "difftool", "mergetool", "clone", "hook", "for-each-repo", "explore"),
    }
)
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
_CLASS = re.compile(r"\[([!^]?)([^\]/]+)\]")
_MOST_CHOICES = 200
_MOST_OPTIONS = 24  # before a subcommand
_STRICT_FIRST = (Decision.DENY, Decision.ASK, Decision.ALLOW)


class Scope(StrEnum):
    """How far an answer reaches."""

    ONCE = "once"
    SESSION = "session"
    PROJECT = "project"
    EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule that a yes beyond "once" may make.

    Attributes:
        rule: The rule, which the user may edit first.
        scopes: How far it may reach.
    """

    rule: Rule
    scopes: tuple[Scope, ...] = (Scope.SESSION, Scope.PROJECT, Scope.EVERYWHERE)

    @property
    def text(self) -> str:
        """The rule as the user reads it."""
        rule = self.rule
        if rule.argv is not None:
            return shlex.join(rule.argv) + (" …" if rule.prefix else "")
        return f"{rule.tool} {rule.path or rule.host or rule.remote or '(every call)'}"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What rules say of a call.

    Attributes:
        decision: The strictest decision that fits.
        rule: The rule that decided; of several that allow a line's commands, the first.
    """

    decision: Decision
    rule: Rule


def ruling(
    rules: Sequence[Rule],
    tool: str,
    access: Access,
    commands: Sequence[Argv] = (),
    *,
    workspace: Path | None = None,
    harmless: Sequence[Argv] = (),
    inner: Sequence[Argv] = (),
) -> Ruling | None:
    """What rules say of one access of a call; None where none of them decides.

    Args:
        rules: All rules in force.
        tool: The tool's name.
        access: What the call would touch.
        commands: Of a shell line: its simple commands, as far as they are understood. A caller must
            not let a line run on an allowing rule that it doesn't understand whole.
        workspace: What relative paths in rules are relative to.
        harmless: Those among `commands` that only read: no rule has to allow them.
        inner: Commands that those run in turn, which rules that deny or ask are about as well.
    """
    own = [rule for rule in rules if rule.tool == tool]
    for decision in _STRICT_FIRST:
        deciding = [rule for rule in own if rule.decision == decision.value]
        found = (
            _all_allowed(deciding, access, commands, harmless, workspace)
            if decision is Decision.ALLOW
            else _any_match(deciding, access, (*commands, *inner), workspace)
        )
        if found is not None:
            return Ruling(decision, found)
    return None


def proposals(tool: str, access: Access, commands: Sequence[Argv]) -> tuple[Proposal, ...]:
    """The rules that an answer may make of a call, the narrowest first.

    A shell line gets some only when it is one command: a rule is about one. Nothing is proposed
    that would open a whole tool.
    """
    match access:
        case ShellAccess(network=False, writable=()) if len(commands) == 1:
            return _of_command(commands[0])
        case WriteAccess(path) | ReadAccess(path):
            return (Proposal(_allowing(tool, path=str(path))),)
        case FetchAccess(host=host):
            return (Proposal(_allowing(tool, host=host)),)
        case RemoteAccess(server, name) if _plain(server) and _plain(name):
            return (Proposal(_allowing(tool, remote=f"{server}/{name}")),)
        case _:
            return ()


def may_be_prefix(argv: Argv) -> bool:
    """Whether commands that begin so all do much the same."""
    program = _unversioned(PurePosixPath(argv[0]).name) if argv else ""
    if not program or program.startswith("-"):
        return False
    if program not in NEVER_A_PREFIX:
        return True
    known = program in _SUBCOMMANDS and len(argv) > 1
    return known and not argv[1].startswith("-") and argv[1] not in _RUNNERS


def _unversioned(program: str) -> str:
    """The name of `python3.12`, `perl5` or `clang-18` without its version, in lower case."""
    name = program.lower()
    return name if name in NEVER_A_PREFIX else re.sub(r"(?<=[a-z])-?[0-9][0-9.]*$", "", name)


def matches_command(rule: Rule, argv: Argv) -> bool:
    """Whether a rule's words are a command, or its beginning.

    A program counts by its last name as well, so that a rule about `rm` is about `/bin/rm`, too;
    one that allows is about no program of that name but the system's. One that denies or asks about
    `git push` is about `git -C src push`, too.
    """
    if rule.argv is None:
        return True
    if not argv:
        return False
    readings = [argv]
    if rule.decision != "allow" or _of_the_system(argv[0]):
        readings.append((PurePosixPath(argv[0]).name, *argv[1:]))
    if rule.decision != "allow" and len(rule.argv) > 1:
        readings += [each for words in tuple(readings) for each in _without_options(words)]
    for words in readings:
        if words == rule.argv or (rule.prefix and words[: len(rule.argv)] == rule.argv):
            return True
    return False


def _without_options(argv: Argv) -> Iterator[Argv]:
    """A command without the options before what it does, any of which may have a value."""
    for at in range(1, min(len(argv), _MOST_OPTIONS)):
        if not argv[at].startswith(("-", "+")) and (at == 1 or not argv[at - 1].startswith("-")):
            return
        yield (argv[0], *argv[at + 1 :])


def _of_the_system(program: str) -> bool:
    from chatterm.permissions.shell.programs import of_the_system  # not needed to start

    return "/" in program and of_the_system(program)


def matches_path(pattern: str, path: Path, workspace: Path | None) -> bool:
    """Whether a path fits a pattern.

    `*` stands for anything within a name and `**` for any number of names; a pattern that ends in a
    slash, or names a directory, is about all that is below it. A relative pattern begins in the
    workspace, one with `~` in the home directory. One with `..` fits nothing.
    """
    whole = _whole(pattern, workspace)
    if whole is None or ".." in PurePosixPath(whole).parts:
        return False
    return _compiled(whole.rstrip("/")).fullmatch(str(path)) is not None


def closing(pattern: str, workspace: Path | None) -> Callable[[Path], bool]:
    """What tells whether a path fits a pattern of a rule that denies or asks.

    Such a rule must not miss what it is about: so here a pattern may have detours (`./x`,
    `a/../b`), choices (`{a,b}`) and classes (`[ab]`), name what is reached through links, and be
    written in another case. Where links lead is looked up once.
    """
    whole = _whole(pattern, workspace)
    if whole is None:
        return lambda _path: False
    plain = [f"/{os.path.normpath(each).lstrip('/')}" for each in choices(whole)]
    readings = {*plain, *map(_resolved, plain)}
    fits = [
        _compiled(each.casefold().rstrip("/"), classes=classes)
        for each in readings
        for classes in (False, True)
    ]
    return lambda path: any(each.fullmatch(str(path).casefold()) for each in fits)


def _whole(pattern: str, workspace: Path | None) -> str | None:
    """A pattern from the root on; None for a relative one where there is no workspace."""
    expanded = os.path.expanduser(pattern)  # noqa: PTH111 - a pattern, not a path
    if expanded.startswith("/"):
        return expanded
    return None if workspace is None else f"{_literal(str(workspace))}/{expanded}"


def matches_host(pattern: str, host: str) -> bool:
    """Whether a host is the one named, or below it where the name begins with `*.`."""
    pattern, host = pattern.lower().rstrip("."), host.lower().rstrip(".")
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and host != pattern[2:]
    return pattern == host


def matches_remote(pattern: str, server: str, tool: str) -> bool:
    """Whether a tool of another server is the one named: as SERVER/TOOL, or SERVER for all of its.

    `*` in place of either stands for any. What a server is called ends at the first slash, so that
    one with a slash in its name is never taken for another.
    """
    wanted, slash, name = pattern.partition("/")
    return wanted in ("*", server) and (not slash or name in ("*", tool))


def _plain(name: str) -> bool:
    """Whether a name can stand in a rule and mean nothing but itself."""
    return name.isprintable() and name.strip() == name != "" and not set("/*") & set(name)


def _any_match(
    rules: Iterable[Rule], access: Access, commands: Sequence[Argv], workspace: Path | None
) -> Rule | None:
    for rule in rules:
        if isinstance(access, ShellAccess):
            if rule.argv is None or any(matches_command(rule, argv) for argv in commands):
                return rule
        elif matches(rule, access, workspace):
            return rule
    return None


def _all_allowed(
    rules: Sequence[Rule],
    access: Access,
    commands: Sequence[Argv],
    harmless: Sequence[Argv],
    workspace: Path | None,
) -> Rule | None:
    if not isinstance(access, ShellAccess):
        return _any_match(rules, access, commands, workspace)
    if access.network or access.writable:
        return None  # what goes beyond the cage is asked about each time
    deciding = None
    for argv in commands:
        found = next((rule for rule in rules if matches_command(rule, argv)), None)
        if found is None and argv not in harmless:
            return None
        deciding = deciding or found
    return deciding


def matches(rule: Rule, access: Access, workspace: Path | None) -> bool:
    """Whether a rule of a call's tool is about an access that is no shell line."""
    match access:
        case ReadAccess(path) | WriteAccess(path):
            if rule.path is None:
                return True
            # What a path really is, is allowed or not; by its other name it can only be denied.
            really = Path(os.path.realpath(path))
            if rule.decision == "allow":
                return matches_path(rule.path, really, workspace)
            closes = closing(rule.path, workspace)
            return closes(really) or closes(Path(os.path.normpath(path)))
        case FetchAccess(host=host):
            return rule.host is None or matches_host(rule.host, host)
        case RemoteAccess(server, tool):
            return rule.remote is None or matches_remote(rule.remote, server, tool)
        case _:
            return False


def _of_command(argv: Argv) -> tuple[Proposal, ...]:
    exact = Proposal(Rule(tool="shell", decision="allow", argv=argv))
    words = 2 if argv and PurePosixPath(argv[0]).name in _SUBCOMMANDS else 1
    if len(argv) <= words or not may_be_prefix(argv):
        return (exact,)
    wider = Rule(tool="shell", decision="allow", argv=argv[:words], prefix=True)
    return (exact, Proposal(wider))


def _allowing(
    tool: str, *, path: str | None = None, host: str | None = None, remote: str | None = None
) -> Rule:
    # A path is written so that nothing in its name is taken for a pattern.
    return Rule(
        tool=tool,  # type: ignore[arg-type]  # the tools' own names are what the schema lists
        decision="allow",
        path=_literal(path) if path is not None else None,
        host=host,
        remote=remote,
    )


def _literal(path: str) -> str:
    return re.sub(r"([*?\[\]\\])", r"[\1]", path)


def choices(pattern: str) -> list[str]:
    """A pattern, and those that it stands for where its braces mean choices."""
    found = [pattern]
    for each in found:  # which grows meanwhile
        if (braces := _BRACES.search(each)) and len(found) < _MOST_CHOICES:
            before, after = each[: braces.start()], each[braces.end() :]
            found += [f"{before}{choice}{after}" for choice in braces[1].split(",")]
    return found


def _resolved(pattern: str) -> str:
    """A pattern whose beginning, as far as it is a plain path, is where that really is."""
    names = re.sub(r"\[(.)\]", "x", pattern).split("/")
    plain = next((n for n, name in enumerate(names) if re.search(r"[*?\[]", name)), len(names))
    parts = pattern.split("/")
    if len(parts) != len(names):
        return pattern
    head = re.sub(r"\[(.)\]", r"\1", "/".join(parts[:plain]))
    return "/".join([_literal(os.path.realpath(head or "/")).rstrip("/"), *parts[plain:]])


def _class(found: re.Match[str]) -> str:
    these = re.sub(r"([\\\[^&~|]|-(?=-))", r"\\\1", found[2])
    text = f"(?!/)[{'^' if found[1] else ''}{these}]"
    try:
        re.compile(text)
    except re.error:  # a range that ends before it begins
        return re.escape(found[0])
    return text


@cache
def _compiled(pattern: str, *, classes: bool = False) -> re.Pattern[str]:
    """A pattern as a regular expression that also fits all that is below what it names.

    What follows a wildcard is taken where it comes first, for good (`(?>…)`): what fits further on
    fits behind that, too. A project's file may have very many of them, and to try all ends of all
    would take hours.

    Args:
        pattern: The pattern.
        classes: Whether brackets around several characters stand for one of them.
    """
    out, at = "", 0
    deep = star = False  # what is open
    while at < len(pattern):
        if pattern.startswith("**", at):
            names = pattern.startswith("**/", at) and pattern[at - 1 : at] == "/"
            out += ")" * (deep + star) + (r"(?>(?:[^/]+/)*?" if names else r"(?>.*?")
            deep, star, at = True, False, at + (3 if names else 2)
        elif pattern[at] == "*":
            out += ")" * star + r"(?>[^/]*?"
            star, at = True, at + 1
        elif pattern[at] == "[" and at + 2 < len(pattern) and pattern[at + 2] == "]":
            out, at = out + re.escape(pattern[at + 1]), at + 3  # one character, as it is
        elif classes and (found := _CLASS.match(pattern, at)):
            out, at = out + _class(found), found.end()
        else:
            out += r"[^/]" if pattern[at] == "?" else re.escape(pattern[at])
            at += 1
    return re.compile(rf"{out}(?=/|\Z){')' * (deep + star)}(?:/.*)?", re.DOTALL)
