"""Watching protected files that a level can't lock, and putting them back.

The command is stopped within hundredths of a second of a change, and what was there is put back
once nothing of it runs any more. Between the two it was changed: this is weaker than a lock.
"""

from __future__ import annotations

import os
import shutil
import stat

_MOST_ENTRIES = 512
_MOST_BYTES = 4_000_000

_Signature = tuple[tuple[str, int, int, int, int], ...]
# Kind and permissions, and what it holds: a file's bytes, a link's target, nothing of a directory.
_Kept = dict[str, tuple[int, bytes]]


class Watch:
    """Watches files and directories.

    Args:
        paths: What to watch, whether it exists or not.
    """

    def __init__(self, paths: list[str]) -> None:
        self._paths = paths
        self._before = {path: _signature(path) for path in paths}
        self._kept = {path: _kept(path) for path in paths}

    @property
    def needed(self) -> bool:
        """Whether anything is watched."""
        return bool(self._paths)

    def disturbed(self) -> bool:
        """Whether anything has changed."""
        return any(_signature(path) != before for path, before in self._before.items())

    def put_back(self) -> list[str]:
        """Put back what was changed; what these were."""
        changed = [path for path in self._paths if _signature(path) != self._before[path]]
        return [path for path in changed if _restored(path, self._kept[path])]


def _entries(path: str) -> list[str]:
    """A path and, when it is a directory, everything below it, as far as is looked at."""
    found = [path]
    for at in found:
        if len(found) > _MOST_ENTRIES:
            break
        if os.path.isdir(at) and not os.path.islink(at):
            try:
                found += [f"{at}/{name}" for name in sorted(os.listdir(at))]
            except OSError:
                continue
    return found[:_MOST_ENTRIES]


def _signature(path: str) -> _Signature:
    signature = []
    for entry in _entries(path):
        try:
            found = os.lstat(entry)
        except OSError:
            continue
        # A directory's own size and time change with its entries, which are all here.
        changed = found.st_ctime_ns
        signature.append((entry, found.st_ino, found.st_mode, changed, found.st_size))
    return tuple(signature)


def _kept(path: str) -> _Kept:
    kept: _Kept = {}
    room = _MOST_BYTES
    for entry in _entries(path):
        try:
            mode = os.lstat(entry).st_mode
            content = b""
            if stat.S_ISLNK(mode):
                content = os.fsencode(os.readlink(entry))
            elif stat.S_ISREG(mode):
                with open(entry, "rb") as file:
                    content = file.read(room + 1)
        except OSError:
            continue
        if len(content) > room:
            break
        room -= len(content)
        kept[entry] = (mode, content)
    return kept


def _restored(path: str, kept: _Kept) -> bool:
    """Put a path back; whether it differed at all (a time alone doesn't count)."""
    now = _kept(path)
    if now == kept:
        return False
    for entry in sorted(now, reverse=True):
        if kept.get(entry) != now[entry] and os.path.lexists(entry):
            _drop(entry)
    for entry in sorted(kept):
        mode, content = kept[entry]
        if not os.path.lexists(entry):
            _make(entry, mode, content)
    return True


def _drop(entry: str) -> None:
    if os.path.isdir(entry) and not os.path.islink(entry):
        shutil.rmtree(entry, ignore_errors=True)
    else:
        os.unlink(entry)


def _make(entry: str, mode: int, content: bytes) -> None:
    os.makedirs(os.path.dirname(entry), exist_ok=True)
    if stat.S_ISDIR(mode):
        os.mkdir(entry)
    elif stat.S_ISLNK(mode):
        os.symlink(content, os.fsencode(entry))
        return
    elif stat.S_ISREG(mode):
        with open(entry, "wb") as file:
            file.write(content)
    else:
        return
    os.chmod(entry, stat.S_IMODE(mode))
