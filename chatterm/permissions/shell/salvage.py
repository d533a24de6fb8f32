"""Commands in a line that isn't understood, for rules that deny or ask: never a reason to allow.

There are bounds on what is looked at, and whoever asks is told when one was met.
"""

from __future__ import annotations

import re
import shlex
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatterm.permissions.shell.syntax import parser
from chatterm.permissions.verdicts import Argv

if TYPE_CHECKING:
    from tree_sitter import Node

_MOST_CHARACTERS = 40_000
_MOST_COMMANDS = 200
_MOST_INNER = 500  # that one command runs
_MOST_OPERATORS = 300  # the grammar takes much longer for thousands of pipes than for other text
_MOST_DEPTH = 5
_MOST_READ = 100_000  # characters of lines within one command
_MOST_SEEN = 20_000  # words of all the commands that one command may run
_MOST_WORDS = 24  # of a wrapper's, among which a command may begin
_SHELLS = frozenset(
    {*("sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "csh", "tcsh", "mksh", "yash", "rbash")}
)
# Beside shells: programs of whose words one may be a line to be run.
_RUN_LINES = _SHELLS | {
    *("su", "script", "watch", "flock", "ssh", "trap", "runuser", "sg", "tmux", "screen", "pwsh"),
    *("hyperfine", "capsh", "expect", "entr"),
}
# In the name of a program: it becomes another one's, as bash expands it.
_EXPANDS = re.compile(r"[$`*?{\[\\]")
_WRAPPERS = frozenset(
    {
        *(
            "env",
            "xargs",
            "timeout",
            "nice",
            "ionice",
            "nohup",
            "setsid",
            "sudo",
            "doas",
            "command",
        ),
        *("builtin", "exec", "time", "stdbuf", "chroot", "unshare", "flock", "watch", "parallel"),
        *("strace", "ltrace", "busybox", "runuser", "su", "eval", "coproc", "chrt", "taskset"),
        *("firejail", "script", "entr", "caffeinate", "gdb", "valgrind", "perf", "prlimit"),
        *("toybox", "pkexec", "systemd-run", "setpriv", "nsenter", "setarch", "faketime", "proot"),
        *("fakeroot", "dbus-run-session", "xvfb-run", "torsocks", "proxychains", "sem", "chronic"),
        *("unbuffer", "numactl", "cgexec", "capsh", "runcon", "rlwrap", "dumb-init", "tini"),
        *("gosu", "su-exec", "choom", "uclampset", "ssh-agent", "tmux", "screen"),
        "start-stop-daemon",
    }
)
_FIND_ACTIONS = frozenset({"-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec"})


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was made out.

    Attributes:
        commands: The commands.
        whole: No bound was met: there are no others, as far as can be told.
    """

    commands: tuple[Argv, ...]
    whole: bool


def salvaged(line: str) -> Salvage:
    """The commands that can be made out in a line, those that other commands run included."""
    if not _is_readable(line):
        return Salvage((), whole=False)
    found: dict[Argv, None] = {}
    commands, whole = _commands(line)
    for argv in commands:
        if len(found) > _MOST_COMMANDS:
            return Salvage(tuple(found), whole=False)
        inner = inner_commands(argv)
        found |= dict.fromkeys((argv, *inner.commands))
        whole = whole and inner.whole
    return Salvage(tuple(found), whole)


def inner_commands(argv: Argv) -> Salvage:
    """The commands that a command runs in turn: through wrappers, shells and find's actions.

    Each is told once, and what is the same is looked into once.
    """
    found: dict[Argv, None] = {}
    read: set[str] = set()
    left = deque([(argv, 0, True)])
    whole, unread, unseen = True, _MOST_READ, _MOST_SEEN

    def add(inner: Argv, depth: int, *, own: bool) -> None:
        if inner and inner not in found:
            found[inner] = None
            left.append((inner, depth, own))

    while left and len(found) < _MOST_INNER:
        current, depth, own = left.popleft()
        unseen -= len(current)
        if unseen < 0 or unread < 0:
            return Salvage(tuple(found), whole=False)
        whole = whole and not (_wraps(current) and len(current) > _MOST_WORDS)
        whole = whole and not (own and _hides(current))
        for inner in _wrapped(current):
            add(inner, depth, own=False)
        # The actions within a part of a command are among the whole command's.
        for inner in _actions(current) if own else ():
            add(inner, depth, own=False)
        for line in _lines(current):
            if line in read:
                continue
            unread -= len(line)
            if depth >= _MOST_DEPTH or unread < 0 or not _is_readable(line):
                whole = False
                continue
            read.add(line)
            commands, understood = _commands(line)
            whole = whole and understood
            for inner in commands:
                add(inner, depth + 1, own=True)
    return Salvage(tuple(found)[:_MOST_INNER], whole and len(found) < _MOST_INNER)


def _wraps(argv: Argv) -> bool:
    return _name(argv) in _WRAPPERS


def _hides(argv: Argv) -> bool:
    """Whether what a command runs isn't among its words: a name to be expanded, or a shell's input.

    A shell without a word that is no option reads the commands that it runs from its input.
    """
    if not argv:
        return False
    if argv[0] not in {"[", "[["} and _EXPANDS.search(argv[0]):
        return True
    return _name(argv) in _SHELLS and not any(
        each == "--version" or not each.startswith("-") for each in argv[1:]
    )


def _name(argv: Argv) -> str:
    return argv[0].rsplit("/", 1)[-1] if argv else ""


def _wrapped(argv: Argv) -> Iterator[Argv]:
    if _wraps(argv):
        # Where the options end isn't known for each: any word may be where the command begins.
        for at in range(1, min(len(argv), _MOST_WORDS)):
            yield argv[at:]


def _actions(argv: Argv) -> Iterator[Argv]:
    for at, word in enumerate(argv):
        if word in _FIND_ACTIONS:
            action = argv[at + 1 :]
            ends = (n for n, each in enumerate(action) if each in {";", "+"})
            yield action[: next(ends, len(action))]


def _lines(argv: Argv) -> Iterator[str]:
    """The words of a command that are lines to be run."""
    program = _name(argv)
    if program == "eval":
        yield " ".join(argv[1:])
    if program == "env":
        # `-S LINE` and `-SLINE`; the same line told twice is looked into once.
        for at, word in enumerate(argv[1:_MOST_WORDS], 1):
            if found := re.match(r"-[a-zA-Z0]*S|--split-string=?", word):
                yield " ".join((word[found.end() :], *argv[at + 1 :]))
    if program == "alias":
        yield from (word.partition("=")[2] for word in argv[1:])
    if program in _RUN_LINES:
        yield from (word for word in argv[1:] if not word.startswith("-"))


def _is_readable(line: str) -> bool:
    operators = re.finditer(r"[|&;(<>`]", line)
    return len(line) <= _MOST_CHARACTERS and sum(1 for _ in operators) <= _MOST_OPERATORS


def _commands(line: str) -> tuple[list[Argv], bool]:
    """The commands in a line; and whether it is understood, so that these are all."""
    root = parser().parse(line.encode("utf-8", "replace")).root_node
    found: list[Argv] = []
    left = [root]
    while left:
        node = left.pop()
        if node.type == "command":
            words = tuple(_text(child) for child in _words(node.children))
            if words and words[0]:
                found.append(words)
        left.extend(reversed(node.children))
    return found, not root.has_error


def _words(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        if node.type in {"variable_assignment", "file_redirect", "herestring_redirect"}:
            continue
        if node.is_named:
            yield node


def _text(node: Node) -> str:
    source = (node.text or b"").decode("utf-8", "replace")
    try:
        return "".join(shlex.split(source)) if re.search(r"['\"\\]", source) else source
    except ValueError:
        return source
