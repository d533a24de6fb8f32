"""Opening a path without ever leaving a directory, whatever links are put in the way meanwhile.

Where the kernel has `openat2` it does that itself. Elsewhere the path is walked name by name, each
opened without following a link; links are read and followed by hand. Both refuse a link that is
absolute or leads above the directory, with the error EXDEV.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
import sys
from collections import deque
from functools import cache
from pathlib import Path

_OPENAT2 = 437  # the number of the call, on every architecture that Python runs on
_NO_MAGICLINKS, _BENEATH = 0x02, 0x08
_MOST_LINKS = 40  # as the kernel has it
_TRIES = 50  # it asks for another try where something was renamed meanwhile
PASSING = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
"""How a directory is opened that is only a step on the way."""


def open_beneath(root: int, path: str, flags: int) -> tuple[int, tuple[str, ...] | None]:
    """Open a path beneath a directory.

    Args:
        root: The directory's descriptor.
        path: A relative path; "" and "." are the directory itself.
        flags: As `os.open` has them.

    Returns:
        The descriptor, and the names that led to it where they are known for sure.

    Raises:
        OSError: It can't be opened; EXDEV where it leads out of the directory.
    """
    path = path or "."
    if named():
        with contextlib.suppress(NotImplementedError):
            return openat2(root, path, flags), None
    return walk(root, path, flags)


def openat2(root: int, path: str, flags: int) -> int:
    """The kernel's own call.

    Raises:
        NotImplementedError: This system has none, or forbids it.
        OSError: It can't be opened.
    """
    if not sys.platform.startswith("linux"):
        raise NotImplementedError
    how = struct.pack("=QQQ", flags | os.O_CLOEXEC, 0, _BENEATH | _NO_MAGICLINKS)
    for _ in range(_TRIES):
        opened: int = _libc().syscall(
            _OPENAT2, root, os.fsencode(path), how, ctypes.c_size_t(len(how))
        )
        if opened >= 0:
            return opened
        number = ctypes.get_errno()
        if number in (errno.ENOSYS, errno.EPERM):
            raise NotImplementedError
        if number not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(number, os.strerror(number), path)


def walk(root: int, path: str, flags: int) -> tuple[int, tuple[str, ...]]:
    """Open a path name by name, without the kernel's help.

    Raises:
        OSError: It can't be opened.
    """
    left = deque(path.split("/"))
    names: list[str] = []
    links = 0
    with contextlib.ExitStack() as closing:
        way = [root]
        while left:
            name = left.popleft()
            if name in ("", "."):
                continue
            if name == "..":
                if not names:
                    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)
                names.pop()
                way.pop()  # closed with the others: a link may go up and down many times
                continue
            wanted = flags if not any(left) else PASSING
            try:
                opened = os.open(name, wanted | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=way[-1])
            except OSError as error:
                target = _link(name, way[-1], error)
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path) from None
                if target.startswith("/"):
                    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path) from None
                left.extendleft(reversed(target.split("/")))
                continue
            names.append(name)
            if not any(left):
                return opened, tuple(names)
            closing.callback(os.close, opened)
            way.append(opened)
        return os.open(".", flags | os.O_CLOEXEC, dir_fd=way[-1]), tuple(names)


def name_of(descriptor: int) -> Path | None:
    """Where what is open really is, as the system says; None where it doesn't."""
    if sys.platform == "darwin":
        import fcntl

        try:
            found = fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024))
        except OSError:
            return None
        return Path(os.fsdecode(found.rstrip(b"\0")))
    try:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        return None
    return path if path.is_absolute() else None


@cache
def named() -> bool:
    """Whether this system tells the names of what is open."""
    opened = os.open("/", PASSING)
    try:
        return name_of(opened) == Path("/")
    finally:
        os.close(opened)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _link(name: str, directory: int, error: OSError) -> str:
    """Where a link leads that wasn't followed.

    Raises:
        OSError: It is none: `error` had another cause.
    """
    if error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
        raise error
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError:
        raise error from None
