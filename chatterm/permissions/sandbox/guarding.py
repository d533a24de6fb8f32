"""Protected files, from outside the cage: locked where the level can, watched where it can't.

What doesn't exist yet is locked by a *placeholder*, an empty file or directory that is made before
the command starts, mounted read-only, and removed afterwards. Placeholders are told by an unusual
mode, so that one left by a crash is removed by the next command. A shared lock on each says that a
cage is using it; the last one out removes it.
"""

from __future__ import annotations

import fcntl
import os
import stat

from chatterm.permissions.sandbox.watching import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from chatterm.permissions.sandbox.levels import Plan

_DIRECTORY_MODE = 0o1700  # the sticky bit does nothing on either; nobody sets it on these
_FILE_MODE = 0o1600
_DIRECTORIES = frozenset({"hooks", "info", "modules", ".git", ".vscode", ".idea", ".chatterm"})
# An empty one means something else than none: git stops at it.
_NEVER_EMPTY = frozenset({"commondir"})
_TRIES = 20


class Guard:
    """Guards the protected files of one command.

    Attributes:
        locked: What is to be mounted read-only; all of it exists.
    """

    def __init__(self, plan: Plan) -> None:
        self.locked: list[str] = []
        self._placeholders: dict[str, int] = {}
        watched: list[str] = []
        if plan["level"] == "none":
            self._watch = Watch([])
            return
        for path in plan["protected"]:
            root = next((root for root in plan["writable"] if _inside(path, root)), None)
            if root is None:
                continue  # it can't be written anyway
            locks = plan["level"] == "bubblewrap" and not _means_something(path)
            lockable = _lockable(root, path) if locks else None
            if lockable is None or _would_be_seen(lockable):
                watched.append(path)
            elif lockable not in self.locked and self._exists(lockable):
                self.locked.append(lockable)
        self._watch = Watch(watched)

    @property
    def watches(self) -> bool:
        """Whether there is something to look at from time to time."""
        return self._watch.needed

    def disturbed(self) -> bool:
        """Whether something watched has changed."""
        return self._watch.disturbed()

    def release(self) -> list[str]:
        """Put back what was changed and remove placeholders, once everything in the cage is dead.

        Returns:
            What was put back.
        """
        for path, descriptor in self._placeholders.items():
            _remove(path, descriptor)
        return self._watch.put_back()

    def _exists(self, path: str) -> bool:
        """See to it that there is something at a path; False when there can't be."""
        if path in self._placeholders:
            return True
        for _ in range(_TRIES):
            try:
                made = _make(path)
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except FileNotFoundError:
                continue  # somebody else's placeholder was removed meanwhile
            except OSError:
                return os.path.lexists(path)
            if not made and not _is_placeholder(os.fstat(descriptor)):
                os.close(descriptor)
                return True
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if _same(path, descriptor):
                self._placeholders[path] = descriptor
                return True
            os.close(descriptor)
        return False


def _inside(path: str, root: str) -> bool:
    return path.startswith(root.rstrip("/") + "/")


def _lockable(root: str, path: str) -> str | None:
    """What to mount read-only so that a path can't be changed; None when that can't be done.

    It is the path itself, or the first directory on the way that doesn't exist. A link can't be
    locked: a mount goes where it points, and it can still be replaced.
    """
    at = root.rstrip("/")
    for name in path[len(at) + 1 :].split("/"):
        at = f"{at}/{name}"
        try:
            mode = os.lstat(at).st_mode
        except OSError:
            return at
        if stat.S_ISLNK(mode):
            return None
        if not stat.S_ISDIR(mode) or _is_placeholder(os.lstat(at)):
            return at
    return at


def _means_something(path: str) -> bool:
    """Whether a placeholder at a path would change what others do."""
    return os.path.basename(path) in _NEVER_EMPTY and not os.path.lexists(path)


def _would_be_seen(path: str) -> bool:
    """Whether a placeholder at a path would be a new file to git, which `git add -A` would take."""
    if os.path.lexists(path) and not _is_placeholder(os.lstat(path)):
        return False
    return os.path.basename(path) not in _DIRECTORIES and "/.git/" not in path


def _make(path: str) -> bool:
    """Make a placeholder; False when there is something already."""
    if os.path.lexists(path):
        return False
    try:
        if os.path.basename(path) in _DIRECTORIES:
            os.mkdir(path, 0o700)
            os.chmod(path, _DIRECTORY_MODE)
        else:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            os.chmod(path, _FILE_MODE)
    except FileExistsError:
        return False
    return True


def _is_placeholder(found: os.stat_result) -> bool:
    if stat.S_ISDIR(found.st_mode):
        return stat.S_IMODE(found.st_mode) == _DIRECTORY_MODE
    mode = stat.S_IMODE(found.st_mode)
    return stat.S_ISREG(found.st_mode) and mode == _FILE_MODE and found.st_size == 0


def _same(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except OSError:
        return False


def _remove(path: str, descriptor: int) -> None:
    """Remove a placeholder unless another cage uses it or somebody has filled it since."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _same(path, descriptor):
            return
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            os.rmdir(path)
        elif found.st_size == 0:
            os.unlink(path)
        else:
            os.chmod(path, 0o644)
    except BlockingIOError:
        pass
    except OSError:  # filled, by somebody outside the cage: theirs now
        os.chmod(path, 0o755)  # noqa: S103 - what a directory made by hand has
    finally:
        os.close(descriptor)
