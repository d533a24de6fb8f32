"""Commands in a line that isn't understood, for rules that deny or ask: never a reason to allow."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from chatterm.permissions.shell.syntax import parser
from chatterm.permissions.shell.words import MOST_CHARACTERS
from chatterm.permissions.verdicts import Argv

if TYPE_CHECKING:
    from tree_sitter import Node

_MOST_COMMANDS = 200
_MOST_OPERATORS = 300  # the grammar takes much longer for thousands of pipes than for other text
_MOST_DEPTH = 5
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


def salvaged(line: str) -> tuple[Argv, ...]:
    """The commands that can be made out in a line, those that other commands run included."""
    found: list[Argv] = []
    for argv in _commands(line):
        found.append(argv)
        found.extend(inner_commands(argv))
        if len(found) > _MOST_COMMANDS:
            break
    return tuple(dict.fromkeys(found))


def inner_commands(argv: Argv, depth: int = 0) -> Iterator[Argv]:
    """The commands that a command runs in turn: through wrappers, shells and find's actions."""
    if not argv or depth > _MOST_DEPTH:
        return
    program = argv[0].rsplit("/", 1)[-1]
    if program in _WRAPPERS:
        # Where the options end isn't known for each: any word may be where the command begins.
        for at in range(1, min(len(argv), 12)):
            yield argv[at:]
            if argv[at].rsplit("/", 1)[-1] not in _WRAPPERS:  # theirs are among these
                yield from inner_commands(argv[at:], depth + 1)
    if program == "eval":
        yield from _of_line(" ".join(argv[1:]), depth)
    if program in _SHELLS or program in {"su", "script", "watch", "flock", "ssh"}:
        for word in argv[1:]:
            if not word.startswith("-"):
                yield from _of_line(word, depth)
    for at, word in enumerate(argv):
        if word in _FIND_ACTIONS:
            action = argv[at + 1 :]
            ends = (n for n, each in enumerate(action) if each in {";", "+"})
            action = action[: next(ends, len(action))]
            yield action
            yield from inner_commands(action, depth + 1)


def _of_line(line: str, depth: int) -> Iterator[Argv]:
    for argv in _commands(line):
        yield argv
        yield from inner_commands(argv, depth + 1)


def _commands(line: str) -> Iterator[Argv]:
    if len(line) > MOST_CHARACTERS or len(re.findall(r"[|&;(<`]", line)) > _MOST_OPERATORS:
        return
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
