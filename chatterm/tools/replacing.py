"""Writing a file: what is there is looked at, and replaced at one stroke or not at all.

The new content is written beside the file and put in its place by renaming, in a directory that is
held open meanwhile: nobody ever finds half a file, and no link that is swapped in is followed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chatterm.permissions.places import Places
from chatterm.steps import Outcome
from chatterm.tools import beneath
from chatterm.tools.base import ToolError
from chatterm.tools.opening import (
    NOTHING,
    judge,
    kind_of,
    open_directory,
    open_regular,
    problem,
    real_path,
    shown,
)

MOST_BYTES = 10 * 1024 * 1024
"""Files up to this size are written and edited: what they held is kept, too."""
_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Current:
    """What is at a path before it is written.

    Attributes:
        path: The real path.
        data: What the file holds; None where there is no file.
        status: What the file is; None where there is none.
    """

    path: Path
    data: bytes | None = None
    status: os.stat_result | None = None

    @property
    def digest(self) -> str | None:
        """The digest of its content; None where there is no file."""
        return None if self.data is None else digest_of(self.data)


def digest_of(data: bytes) -> str:
    """The digest by which content is kept and compared."""
    return hashlib.sha256(data).hexdigest()


def look(path: Path, places: Places, approved: frozenset[Path] = NOTHING) -> Current:
    """What is at a path that is to be written.

    Args:
        path: An absolute path; a link stands for what it leads to.
        places: What is where.
        approved: Real paths that the user was asked about and allowed.

    Raises:
        ToolError: It may not be written, is no regular file, or is too large.
    """
    really = real_path(path)
    judge(really, places, approved, None)
    if really not in approved and (why := places.protected(really)):
        raise ToolError(f"not unasked: {why}", Outcome.DENIED)
    if not os.path.lexists(really):
        return Current(really)
    with open_regular(really, places, approved) as opened:
        data = opened.read(MOST_BYTES + 1)
        if opened.path != really:
            raise _changed(path)
        if len(data) > MOST_BYTES:
            raise ToolError(
                f"{shown(path)} is larger than {MOST_BYTES >> 20} MB; change it with a command"
            )
        return Current(really, data, opened.status)


def replace(
    current: Current,
    data: bytes,
    places: Places,
    approved: frozenset[Path] = NOTHING,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write a file anew, or create it with the directories that lead to it.

    Args:
        current: What `look` found there; it must still be there.
        data: The new content.
        places: What is where.
        approved: As with `look`.
        check: Called right before the file is replaced; what it raises leaves all as it was.

    Raises:
        ToolError: It can't be written, or isn't any more what it was; nothing has changed.
    """
    try:
        with _parent(current, places, approved, create=True) as directory:
            _same(current, directory)
            _replace(current, data, directory, check)
    except OSError as error:
        raise problem(error, current.path) from None


def remove(current: Current, places: Places, approved: frozenset[Path] = NOTHING) -> None:
    """Remove a file.

    Raises:
        ToolError: It can't be removed, or isn't any more what it was.
    """
    try:
        with _parent(current, places, approved, create=False) as directory:
            _same(current, directory)
            os.unlink(current.path.name, dir_fd=directory)
            os.fsync(directory)
    except OSError as error:
        raise problem(error, current.path) from None


@contextlib.contextmanager
def _parent(
    current: Current, places: Places, approved: frozenset[Path], *, create: bool
) -> Iterator[int]:
    """The directory of a file, open; it and those above it are made where they are missing."""
    above = current.path.parent
    missing: list[str] = []
    while create and not os.path.lexists(above):
        missing.insert(0, above.name)
        above = above.parent
    with contextlib.ExitStack() as closing:
        # Who may write the file may use the directory it is in.
        opened = closing.enter_context(open_directory(above, places, approved | {above}))
        if opened.path != above:
            raise _changed(current.path)
        directory = opened.descriptor
        for name in missing:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=directory)
            directory = os.open(name, _STEP, dir_fd=directory)
            closing.callback(os.close, directory)
        if beneath.name_of(directory) not in (current.path.parent, None):
            raise _changed(current.path)
        yield directory


def _same(current: Current, directory: int) -> None:
    """Check that there still is what was looked at.

    Raises:
        ToolError: There isn't.
    """
    try:
        now = os.stat(current.path.name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        if current.status is None:
            return
        raise _changed(current.path) from None
    before = current.status
    if not stat.S_ISREG(now.st_mode):
        raise ToolError(f"{shown(current.path)} is {kind_of(now.st_mode)}, not a file")
    if before is None or _marks(now) != _marks(before):
        raise _changed(current.path)


def _marks(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _replace(current: Current, data: bytes, directory: int, check: Callable[[], None]) -> None:
    name = current.path.name
    if current.status is not None and not os.access(name, os.W_OK, dir_fd=directory):
        raise ToolError(f"{shown(current.path)} may not be written: it is read-only")
    aside = f".chatterm-{secrets.token_hex(8)}"
    mode = 0o666 if current.status is None else 0o600  # of a new file the user's own mask decides
    descriptor = os.open(aside, _NEW, mode, dir_fd=directory)
    try:
        try:
            _fill(descriptor, data, current.status)
        finally:
            os.close(descriptor)
        check()
        _same(current, directory)
        os.replace(aside, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside, dir_fd=directory)
        raise
    os.fsync(directory)


def _fill(descriptor: int, data: bytes, like: os.stat_result | None) -> None:
    """Write the content durably, with the owner and mode of the file it replaces."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    if like is not None:
        mode = stat.S_IMODE(like.st_mode)
        own = os.fstat(descriptor)
        if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid):
            try:
                os.fchown(descriptor, like.st_uid, like.st_gid)
            except PermissionError:
                mode &= 0o777  # what runs as its owner must not run as another
        os.fchmod(descriptor, mode)
    os.fsync(descriptor)


def _changed(path: Path) -> ToolError:
    return ToolError(f"{shown(path)} changed while it was written; read it again")
