"""Which program a name stands for: only those of the system's own directories are what they say."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import PurePath

from chatterm.permissions.shell.options import RefusedError

_NAME = re.compile(r"\[|\[\[|:|[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_SYSTEM = (
    *("/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/usr/local/sbin"),
    *("/opt/homebrew/bin", "/opt/homebrew/opt", "/opt/homebrew/Cellar", "/usr/local/Cellar"),
    *("/usr/local/opt", "/home/linuxbrew/.linuxbrew", "/nix/store", "/run/current-system/sw/bin"),
    *("/nix/var/nix/profiles/default/bin", "/opt/local/bin", "/usr/lib", "/etc/alternatives"),
    *("/usr/share", "/usr/libexec", "/System", "/Library/Apple"),
)
# What a program runs in turn, by its bare name, so that PATH decides about that as well.
_RUNS = {
    "egrep": ("grep",),
    "fgrep": ("grep",),
    "gunzip": ("gzip",),
    "gzcat": ("gzip",),
    "shasum": ("perl",),
    "tar": ("gzip", "bzip2", "xz", "zstd", "lzip", "lzma", "lzop", "compress"),
    "zcat": ("gzip",),
}
_CALLABLE = _SYSTEM[:8] + _SYSTEM[10:14] + ("/opt/local/bin",)


def program_name(word: str) -> str:
    """The bare name of a program as a command names it.

    Raises:
        RefusedError: It is no bare name, nor a path into a directory of the system's programs.
    """
    if "/" in word:
        if not of_the_system(word):
            raise RefusedError(f"{word} isn't one of the system's programs")
        return PurePath(word).name
    if not _NAME.fullmatch(word):
        raise RefusedError(f"{word!a} isn't the plain name of a program")
    return word


def of_the_system(word: str) -> bool:
    """Whether a path leads straight into a directory of the system's programs."""
    return any(PurePath(word).parent == PurePath(root) for root in _CALLABLE)


def check_program(
    word: str, name: str, search: Sequence[str], outside: str | None, *, builtin: bool
) -> None:
    """See to it that what runs under a name is the system's.

    Args:
        word: The program as the command names it.
        name: Its bare name.
        search: The directories of PATH.
        outside: The workspace, in which no program is the system's.
        builtin: Whether bash has it built in, so that a bare name runs no file.

    Raises:
        RefusedError: Another program would run. A name that nothing answers to is no reason: there
            is nothing to run.
    """
    if "/" in word:
        _check_file(word, name, outside)
    elif not builtin:
        _check_search(name, search, outside)
    for inner in _RUNS.get(name, ()):
        _check_search(inner, search, outside)


def _check_search(name: str, search: Sequence[str], outside: str | None) -> None:
    """See to it that what PATH finds under a name is the system's."""
    for directory in search:
        if not os.path.isabs(directory):  # noqa: PTH117 - text from the environment
            raise RefusedError("PATH has a directory that depends on the current one")
        candidate = os.path.join(directory, name)  # noqa: PTH118
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):  # noqa: PTH113
            _check_file(candidate, name, outside)
            return


def _check_file(path: str, name: str, outside: str | None) -> None:
    really = os.path.realpath(path)
    at_home = any(_below(path, root) for root in _SYSTEM) and any(
        _below(really, root) for root in _SYSTEM
    )
    if not at_home or (outside is not None and _below(really, outside)):
        raise RefusedError(f"{name} would be {path}, which isn't one of the system's programs")


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")
