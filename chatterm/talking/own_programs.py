"""Which command lines need a terminal: what draws on it, or reads what is typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import PurePath

_ALWAYS = frozenset(
    {
        *("vi", "vim", "nvim", "view", "vimdiff", "nano", "pico", "micro", "hx", "helix", "kak"),
        *("emacs", "ed", "joe", "ne", "mcedit", "visudo", "vipw"),
        *("less", "more", "most", "man", "info", "w3m", "lynx", "links", "tig", "lazygit", "gitui"),
        *(
            "top",
            "htop",
            "btop",
            "atop",
            "iotop",
            "iftop",
            "nethogs",
            "powertop",
            "nvtop",
            "glances",
        ),
        *("watch", "ncdu", "mc", "ranger", "nnn", "lf", "vifm", "yazi", "broot", "fzf", "sk"),
        *("ssh", "mosh", "telnet", "ftp", "sftp", "tmux", "screen", "zellij", "mutt", "neomutt"),
        *("sudo", "su", "doas", "passwd", "login", "read", "dialog", "whiptail", "nmtui"),
        *("claude", "codex", "aider", "chatterm", "weechat", "irssi", "gdb", "lldb"),
    }
)
"""Programs that always need one, if only to ask for a password."""
_ALONE = frozenset(
    {
        *("python", "python3", "ipython", "bpython", "node", "deno", "bun", "irb", "ghci", "lua"),
        *("luajit", "julia", "R", "scala", "erl", "iex", "ocaml", "utop", "sbcl", "guile", "php"),
        *("bash", "sh", "zsh", "fish", "dash", "ksh", "nu", "pwsh", "tclsh", "bc", "gh", "sqlite3"),
        *("psql", "mysql", "mariadb", "redis-cli", "mongosh", "bluetoothctl"),
    }
)
"""Programs that talk when they are given nothing to do."""
_RUNNERS = frozenset({"env", "command", "exec", "nice", "time", "nohup", "builtin", "noglob"})
_CONTAINERS = frozenset({"docker", "podman", "kubectl", "nerdctl"})
_GIT = frozenset({"commit", "rebase", "add", "checkout", "stash", "restore", "reset", "clean"})
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_BETWEEN = frozenset("|&;()")
_WRITES_MESSAGE = ("-m", "-F", "-C", "--message", "--file", "--no-edit", "--reuse-message")


def needs_terminal(line: str) -> bool:
    """Whether a command line is known to need a terminal. What can't be read isn't."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:  # a quote is open: the shell will say so
        return False
    command: list[str] = []
    for word in (*words, ";"):
        if set(word) <= _BETWEEN:
            if _talks(command):
                return True
            command = []
        else:
            command.append(word)
    return False


def _talks(words: Sequence[str]) -> bool:
    """Whether one command talks to a terminal."""
    rest = list(words)
    while rest and (_SETTING.match(rest[0]) or rest[0] in _RUNNERS or rest[0].startswith("-")):
        del rest[0]
    if not rest:
        return False
    name, arguments = PurePath(rest[0]).name, rest[1:]
    if name in _ALWAYS:
        return True
    if name in _ALONE:
        return not arguments
    if name in _CONTAINERS:
        return any(word in {"-it", "-ti", "-i", "--interactive", "attach"} for word in arguments)
    return name == "git" and _git_talks(arguments)


def _git_talks(arguments: Sequence[str]) -> bool:
    deed = next((word for word in arguments if word in _GIT), "")
    if deed == "commit":
        return not any(
            word.startswith(_WRITES_MESSAGE) or re.match(r"-[a-z]*m", word) for word in arguments
        )
    if deed:
        return any(word in {"-i", "-p", "--interactive", "--patch"} for word in arguments)
    return False
