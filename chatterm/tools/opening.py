"""Opening files for the tools: what is judged is what was opened, not what a path meant before.

Between a look at a path and its use, anything on the way may be replaced by a link. So a path is
opened beneath the directory that it may be in (`beneath`), the system is asked where that really
is, and that place is judged. What is refused there was open for a moment, but never read.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from chatterm.permissions.places import Places
from chatterm.steps import Outcome
from chatterm.tools import beneath
from chatterm.tools.base import ToolError

NOTHING: frozenset[Path] = frozenset()
_READING = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_LISTING = _READING | os.O_DIRECTORY
_UNREAL = ("proc", "sys", "dev")
_BLOCK = 1 << 20
_TRIES = 20  # a file that an editor replaces just now is looked for again


@dataclass(frozen=True, slots=True)
class Opened:
    """A file or directory that is open, to be used in a `with`.

    Attributes:
        descriptor: Its descriptor.
        path: Where it really is.
        status: What it is.
    """

    descriptor: int
    path: Path
    status: os.stat_result

    def read(self, limit: int) -> bytes:
        """The next bytes, up to a limit.

        Raises:
            ToolError: They can't be read.
        """
        blocks, left = [], limit
        try:
            while left > 0 and (block := os.read(self.descriptor, min(left, _BLOCK))):
                blocks.append(block)
                left -= len(block)
        except OSError as error:
            raise ToolError(f"can't read {shown(self.path)}: {error.strerror or error}") from None
        return b"".join(blocks)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self.descriptor)


def open_regular(
    path: Path,
    places: Places,
    approved: frozenset[Path] = NOTHING,
    *,
    within: Path | None = None,
) -> Opened:
    """Open a regular file for reading.

    Args:
        path: An absolute path.
        places: What is where.
        approved: Real paths that the user was asked about and allowed.
        within: The real path of a directory that was allowed with all that is in it, so that
            being outside the workspace doesn't matter there.

    Raises:
        ToolError: There is none, it is no regular file, or it may not be read.
    """
    opened = _open(path, places, approved, within, _READING)
    try:
        _judge_file(opened, path, places, approved)
    except BaseException:
        os.close(opened.descriptor)
        raise
    return opened


def open_directory(
    path: Path,
    places: Places,
    approved: frozenset[Path] = NOTHING,
    *,
    within: Path | None = None,
) -> Opened:
    """Open a directory to list it; arguments and errors as with `open_regular`."""
    return _open(path, places, approved, within, _LISTING)


def real_path(path: Path) -> Path:
    """Where a path leads at this moment.

    Raises:
        ToolError: It can't be a path.
    """
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as error:
        raise ToolError(f"{shown(path)} is no path: {error}") from None


def root_of(really: Path, places: Places, approved: frozenset[Path], within: Path | None) -> Path:
    """The directory that a real path has to be opened beneath.

    Raises:
        ToolError: It is nowhere where it may be.
    """
    for root in (within, places.workspace):
        if root is not None and really.is_relative_to(root):
            return root
    if really in approved:
        return Path("/")
    if places.workspace is None:
        raise _denied(f"{shown(really)} may not be touched unasked: there is no workspace")
    raise _denied(f"{shown(really)} is outside the workspace and may not be touched unasked")


def judge(really: Path, places: Places, approved: frozenset[Path], within: Path | None) -> None:
    """Judge the real path of something that is open.

    Raises:
        ToolError: It may not be touched.
    """
    _refuse_unreal(really)
    root_of(really, places, approved, within)
    if really not in approved and (why := places.sensitive_name(really)):
        raise _denied(f"not unasked: {why}")


def kind_of(mode: int) -> str:
    """What a thing in a file system is, in words."""
    for test, name in (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISREG, "a file"),
    ):
        if test(mode):
            return name
    return "a device"


def shown(path: Path | str) -> str:
    """A path as messages have it; escaped as in JSON where it isn't plain text."""
    text = str(path)
    return text if text.isprintable() else json.dumps(text)


def problem(error: OSError, path: Path) -> ToolError:
    """A system's error in words for the model."""
    name = shown(path)
    match error.errno:
        case errno.ENOENT:
            return ToolError(f"there is no {name}")
        case errno.ENOTDIR:
            return ToolError(f"{name}: it, or something on the way to it, is no directory")
        case errno.ELOOP | errno.EXDEV:
            return _denied(f"{name} leads elsewhere through a link that may not be followed")
        case errno.ENXIO | errno.EOPNOTSUPP:
            return ToolError(f"{name} is a socket or a device, not a file")
    return ToolError(f"can't open {name}: {error.strerror or error}")


def _refuse_unreal(path: Path) -> None:
    """Refuse what the kernel shows as files, whoever allowed it; looks at no file."""
    if (top := os.path.normpath(path).lstrip("/").partition("/")[0]) in _UNREAL:
        raise ToolError(f"{shown(path)} can't be used: /{top} holds no ordinary files")


def _judge_file(opened: Opened, path: Path, places: Places, approved: frozenset[Path]) -> None:
    if not stat.S_ISREG(opened.status.st_mode):
        raise ToolError(f"{shown(path)} is {kind_of(opened.status.st_mode)}, not a file")
    if opened.path not in approved and (why := places.linked_status(opened.status)):
        raise _denied(f"{shown(opened.path)} may not be read unasked: {why}")


def _open(
    path: Path, places: Places, approved: frozenset[Path], within: Path | None, flags: int
) -> Opened:
    _refuse_unreal(path)
    for _ in range(_TRIES):
        really = real_path(path)
        _refuse_unreal(really)
        root = root_of(really, places, approved, within)
        try:
            opened = _open_beneath(root, really, flags)
        except OSError as error:
            raise problem(error, path) from None
        if opened is None:
            continue
        try:
            judge(opened.path, places, approved, within)
        except BaseException:
            os.close(opened.descriptor)
            raise
        return opened
    raise ToolError(f"{shown(path)} keeps changing while it is opened; try again")


def _open_beneath(root: Path, really: Path, flags: int) -> Opened | None:
    """Open what is beneath a root; None where it isn't any more what is at its place."""
    at = os.open(root, beneath.PASSING)
    try:
        descriptor, names = beneath.open_beneath(at, str(really.relative_to(root)), flags)
    finally:
        os.close(at)
    try:
        found = root.joinpath(*names) if names is not None else beneath.name_of(descriptor)
        status = os.fstat(descriptor)
        if found is not None and _is_at(found, status):
            return Opened(descriptor, found, status)
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _is_at(path: Path, status: os.stat_result) -> bool:
    """Whether a path is still that of something open: what is deleted has a name made up."""
    try:
        other = path.lstat()
    except OSError:
        return False
    return (other.st_dev, other.st_ino) == (status.st_dev, status.st_ino)


def _denied(message: str) -> ToolError:
    return ToolError(message, Outcome.DENIED)
