"""Landlock: the kernel's own rules on what a process and its children may open, by ctypes.

Landlock is a list of what is allowed, and what is allowed for a directory is allowed for all that
will ever be below it. Two limits follow. What is *hidden* has to be left out by naming everything
around it, which can't be done inside directories that may be written: there it stays readable. And
what is *protected* inside them can't be exempted: `watching` puts it back instead.
"""

from __future__ import annotations

import ctypes
import os
import struct

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the numbers of the calls, on every architecture
_VERSION = 1
_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE = 1 << 14
_BIND_TCP, _CONNECT_TCP = 1, 2
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1, 2
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READING = _EXECUTE | _READ_FILE | _READ_DIR
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_MOST_RULES = 50_000  # of home directories that hold more than this, the rest can't be read


def version(libc: ctypes.CDLL) -> int:
    """Which version of Landlock the kernel has; 0 where it has none."""
    found: int = libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION))
    return max(0, found)


def restrict(libc: ctypes.CDLL, writable: list[str], hidden: list[str], *, network: bool) -> None:
    """Confine this process and all that it starts, for good.

    Args:
        libc: The C library, loaded with `use_errno`.
        writable: Where it may write.
        hidden: What it may not read, outside of `writable`.
        network: Whether it may speak TCP (other kinds are the filter's to refuse).

    Raises:
        OSError: The kernel has no Landlock, or refuses.
    """
    abi = version(libc)
    if abi == 0:
        raise OSError(ctypes.get_errno(), "the kernel has no Landlock, or it is turned off")
    handled = _rights(abi)
    tcp = 0 if network or abi < 4 else _BIND_TCP | _CONNECT_TCP
    scopes = _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS if abi >= 6 else 0
    ruleset = _create(libc, abi, handled, tcp, scopes)
    _allow(libc, ruleset, "/", _READ_DIR)
    for path in readable(hidden):
        _allow(libc, ruleset, path, _READING)
    for path in writable:
        _allow(libc, ruleset, path, handled)
    for path in _DEVICES:
        _allow(libc, ruleset, path, _READ_FILE | _WRITE_FILE | _TRUNCATE & handled)
    _enforce(libc, ruleset)


def scope(libc: ctypes.CDLL) -> None:
    """Keep signals and abstract sockets inside, where the kernel can, and restrict nothing else.

    Raises:
        OSError: The kernel refuses.
    """
    if (abi := version(libc)) >= 6:
        scopes = _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS
        _enforce(libc, _create(libc, abi, 0, 0, scopes))


def readable(hidden: list[str]) -> list[str]:
    """What to allow so that everything can be read except what is hidden.

    Names in directories above hidden ones are listed one by one; what is made there later can't be
    read.
    """
    if not hidden:
        return ["/"]
    closed = {os.path.realpath(path) for path in hidden} | set(hidden)
    above = {parent for path in closed for parent in _parents(path)}
    allowed: list[str] = []
    waiting = ["/"]
    while waiting and len(allowed) < _MOST_RULES:
        directory = waiting.pop()
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        for name in names:
            path = os.path.join(directory, name)
            if path in above:
                waiting.append(path)
            elif path not in closed and not os.path.islink(path):
                allowed.append(path)
    return allowed


def _parents(path: str) -> list[str]:
    parents = []
    while path != "/":
        path = os.path.dirname(path)
        parents.append(path)
    return parents


def _rights(abi: int) -> int:
    """Every right on files that this version knows."""
    bits = 13 + (abi >= 2) + (abi >= 3) + (abi >= 5)
    return (1 << bits) - 1


def _create(libc: ctypes.CDLL, abi: int, files: int, tcp: int, scopes: int) -> int:
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    attributes = struct.pack("=QQQ", files, tcp, scopes)[:size]
    ruleset: int = libc.syscall(_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint(0))
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "Landlock refused the rules")
    return ruleset


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    """Allow something below a path; a path that is gone, or can't be seen, is passed over."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _ON_FILES
        rule = struct.pack("=Qi", rights, place)
        if rights and libc.syscall(_ADD, ruleset, _PATH_BENEATH, rule, ctypes.c_uint(0)) != 0:
            raise OSError(ctypes.get_errno(), "Landlock refused a rule", path)
    finally:
        os.close(place)


def _enforce(libc: ctypes.CDLL, ruleset: int) -> None:
    failed = libc.syscall(_RESTRICT, ruleset, ctypes.c_uint(0)) != 0
    os.close(ruleset)
    if failed:
        raise OSError(ctypes.get_errno(), "Landlock refused to start")
