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
_MOST_WORDS = 24  # of a wrapper's, among which a command may begin
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish", "ash"})
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
    whole = True
    for argv in _commands(line):
        if len(found) > _MOST_COMMANDS:
            return Salvage(tuple(found), whole=False)
        inner = inner_commands(argv)
        found |= dict.fromkeys((argv, *inner.commands))
        whole = whole and inner.whole
    return Salvage(tuple(found), whole)


def inner_commands(argv: Argv) -> Salvage:
    """The commands that a command runs in turn: through wrappers, shells and find's actions.

    Each is told once, and what is the same is looked into once, so that a row of wrappers and
    actions costs no more than it is long.
    """
    found: dict[Argv, None] = {}
    read: set[str] = set()
    left = deque([(argv, 0, True)])
    whole, unread = True, _MOST_READ

    def add(inner: Argv, depth: int, *, own: bool) -> None:
        if inner and inner not in found:
            found[inner] = None
            left.append((inner, depth, own))

    while left and len(found) < _MOST_INNER:
        current, depth, own = left.popleft()
        whole = whole and not (_wraps(current) and len(current) > _MOST_WORDS)
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
            for inner in _commands(line):
                add(inner, depth + 1, own=True)
    return Salvage(tuple(found)[:_MOST_INNER], whole and len(found) < _MOST_INNER)


def _wraps(argv: Argv) -> bool:
    return bool(argv) and argv[0].rsplit("/", 1)[-1] in _WRAPPERS


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
    program = argv[0].rsplit("/", 1)[-1] if argv else ""
    if program == "eval":
        yield " ".join(argv[1:])
    if program in _SHELLS or program in {"su", "script", "watch", "flock", "ssh"}:
        yield from (word for word in argv[1:] if not word.startswith("-"))


def _is_readable(line: str) -> bool:
    operators = re.finditer(r"[|&;(<`]", line)
    return len(line) <= _MOST_CHARACTERS and sum(1 for _ in operators) <= _MOST_OPERATORS


def _commands(line: str) -> Iterator[Argv]:
    left = [parser().parse(line.encode("utf-8", "replace")).root_node]
    while left:
        node = left.pop()
        if node.type == "command":
            words = tuple(_text(child) for child in _words(node.children))
            if words and words[0]:
                yield words
        left.extend(reversed(node.children))


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
