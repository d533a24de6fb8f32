"""Locks between processes: who has the store open, and which turns are alive.

A lock (flock) belongs to the process that took it and goes with it, however it goes; that is what
tells a running turn from one whose process died.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
from contextlib import suppress
from pathlib import Path

RUNNING = "running"  # the directory of the turns' locks
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


class FileLock:
    """A lock on a file, which is created when it is missing.

    Args:
        path: The file.

    Raises:
        OSError: The file can't be opened.

    Attributes:
        supported: Whether files can be locked here; found out by trying.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.supported = True
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def share(self) -> bool:
        """Take it beside others that share it, without waiting. Says whether it was to be had."""
        return self._take(fcntl.LOCK_SH)

    def claim(self) -> bool:
        """Take it alone, without waiting. Says whether it was to be had."""
        return self._take(fcntl.LOCK_EX)

    def still_named(self) -> bool:
        """Whether the file is still the one of that name."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        except FileNotFoundError:
            return False

    def drop(self) -> None:
        """Give the lock up and keep the file open."""
        with suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def touch(self) -> None:
        """Give the file the present as its time."""
        with suppress(OSError):
            os.utime(self._descriptor)

    def close(self) -> None:
        """Give the lock up. A second time does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _take(self, how: int) -> bool:
        try:
            fcntl.flock(self._descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a mount without locks
            self.supported = False
        return True


class TurnLock:
    """The sign that a turn is alive.

    Args:
        directory: The store's.
        turn: The turn's id.

    Raises:
        BlockingIOError: Another process is at work on it.
        OSError: The lock's file can't be created.
    """

    def __init__(self, directory: Path, turn: str) -> None:
        path = _lock_path(directory, turn)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        while True:
            self._lock = FileLock(path)
            if not self._claim_soon():
                self._lock.close()
                raise BlockingIOError(f"turn {turn!a} is running")
            if self._lock.still_named():
                return
            self._lock.close()  # its last owner has just removed it

    def note(self) -> None:
        """Note that something of the turn was recorded just now."""
        self._lock.touch()

    def release(self) -> None:
        """The turn is over. A second time does nothing."""
        with suppress(OSError):
            self._lock.path.unlink(missing_ok=True)
        self._lock.close()

    def _claim_soon(self) -> bool:
        """Take it, over the short moments in which others look whether it is taken."""
        for _ in range(50):
            if self._lock.claim():
                return True
            time.sleep(0.001)
        return False


def is_alive(directory: Path, turn: str) -> bool:
    """Whether a process is at work on a turn."""
    try:
        descriptor = os.open(_lock_path(directory, turn), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    else:
        return False
    finally:
        os.close(descriptor)


def last_noted(directory: Path, turn: str) -> float | None:
    """When something of a turn was recorded last, in seconds since the epoch; None: unknown."""
    try:
        return _lock_path(directory, turn).stat().st_mtime
    except OSError:
        return None


def forget(directory: Path, turn: str) -> None:
    """Remove the lock's file of a turn whose process died."""
    with suppress(OSError):
        _lock_path(directory, turn).unlink()


def _lock_path(directory: Path, turn: str) -> Path:
    name = turn
    if not _PLAIN_NAME.fullmatch(turn):  # an id may be anything
        name = "." + hashlib.sha256(turn.encode("utf-8", "surrogatepass")).hexdigest()
    return directory / RUNNING / name
