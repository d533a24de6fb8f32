"""Going through a directory tree, in order, without ever leaving it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chatterm.permissions.ignoring import Ignored
from chatterm.tools.opening import Opened

DEEPEST = 100
_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_UNREAL = frozenset({"/proc", "/sys", "/dev"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A thing in a directory.

    Attributes:
        path: Its real path, but for a link, which is not followed.
        relative: The same relative to where the walk began, with slashes.
        status: What it is; a link is a link.
        target: Where a link leads, as it is written.
        depth: 1 for what is in the directory itself.
    """

    path: Path
    relative: str
    status: os.stat_result
    target: str = ""
    depth: int = 1

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path.name


def walk(
    root: Opened, skips: Callable[[Entry], bool], enters: Callable[[Entry], bool]
) -> Iterator[Entry]:
    """All that is in a directory and below, ordered by path, a directory before what is in it.

    What can't be looked at is passed over. A directory that is a link is never entered.

    Args:
        root: Where to begin.
        skips: Whether a thing, and what is in it, is left out.
        enters: Whether what is in a directory is wanted.
    """
    return _below(root.descriptor, root.path, "", 1, (skips, enters))


def ignored_below(root: Path, workspace: Path | None) -> Ignored:
    """What .gitignore files say of a tree; those above it in the workspace count as well."""
    inside = workspace is not None and root.is_relative_to(workspace)
    return Ignored(workspace if inside else root, everywhere=True)


_Choice = tuple[Callable[[Entry], bool], Callable[[Entry], bool]]


def _below(
    descriptor: int, path: Path, relative: str, depth: int, choice: _Choice
) -> Iterator[Entry]:
    skips, enters = choice
    try:
        names = sorted(os.listdir(descriptor), key=os.fsencode)
    except OSError:
        return
    for name in names:
        entry = _entry(descriptor, path / name, f"{relative}{name}", depth)
        if entry is None or skips(entry):
            continue
        yield entry
        is_directory = stat.S_ISDIR(entry.status.st_mode)
        if not is_directory or depth >= DEEPEST or not enters(entry) or str(entry.path) in _UNREAL:
            continue
        try:
            inner = os.open(name, _STEP, dir_fd=descriptor)
        except OSError:
            continue
        try:
            yield from _below(inner, entry.path, f"{entry.relative}/", depth + 1, choice)
        finally:
            os.close(inner)


def _entry(directory: int, path: Path, relative: str, depth: int) -> Entry | None:
    try:
        status = os.stat(path.name, dir_fd=directory, follow_symlinks=False)
        is_link = stat.S_ISLNK(status.st_mode)
        target = os.readlink(path.name, dir_fd=directory) if is_link else ""
    except OSError:
        return None
    return Entry(path, relative, status, target, depth)
