"""Temporary directories of commands, and clearing away those that a killed process left.

Each holds a file that its process has locked (flock) as long as it lives, however it ends. Whoever
gets that lock later knows that nobody is there any more.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path

_PREFIX = "chatterm-"
_LOCK = ".alive"
# A directory that was made just now may not have been locked yet.
_FRESH_SECONDS = 60.0


class Scratch:
    """A temporary directory that nobody else can look into.

    Raises:
        OSError: It can't be made.

    Attributes:
        path: Its real path.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._lock = os.open(self.path / _LOCK, flags, 0o600)
        except OSError:  # without its lock nobody would ever clear it away
            self.path.rmdir()
            raise
        with suppress(OSError):  # on a mount without locks it is never cleared away by others
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever forgets to close it leaves nothing either.
        self._at_exit = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def close(self) -> None:
        """Remove it, with all that is in it. A second time does nothing."""
        if self._lock >= 0:
            self._at_exit()
            os.close(self._lock)
            self._lock = -1


def clear_left(directory: Path | None = None) -> threading.Thread | None:
    """Remove what processes left that are gone. Looks at once, and removes in a thread.

    Args:
        directory: Where to look; the directory of temporary files by default.

    Returns:
        The thread, where there is anything to remove.
    """
    if not shutil.rmtree.avoids_symlink_attacks:
        return None
    left = _left(directory or Path(tempfile.gettempdir()))
    if not left:
        return None
    thread = threading.Thread(target=_remove, args=(left,), name="chatterm-scratch", daemon=True)
    thread.start()
    return thread


def _remove(left: list[tuple[Path, int]]) -> None:
    for path, lock in left:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _left(directory: Path) -> list[tuple[Path, int]]:
    """The directories whose processes are gone, each with its lock, which is held now."""
    found: list[tuple[Path, int]] = []
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                with suppress(OSError):
                    lock = _abandoned(entry)
                    if lock is not None:
                        found.append((Path(entry.path), lock))
    return found


def _abandoned(entry: os.DirEntry[str]) -> int | None:
    """The lock of a directory that is ours and has no process any more; None for any other.

    Raises:
        OSError: It is locked, or can't be looked into: then it isn't either.
    """
    place = os.open(entry.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(place).st_uid != os.geteuid():
            return None
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        lock = os.open(_LOCK, flags, dir_fd=place)
    finally:
        os.close(place)
    try:
        status = os.fstat(lock)
        old = time.time() - status.st_mtime > _FRESH_SECONDS
        if old and stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lock, kept = -1, lock
            return kept
    finally:
        if lock >= 0:
            os.close(lock)
    return None
