"""Where answers are written: standard output or a file, with every failure named.

Python's own `sys.stdout` is passed by: its buffer would be flushed once more when the interpreter
ends, and its errors would come too late to be told.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import stat
import tempfile
import time
from pathlib import Path

from chatterm.errors import ExitStatus, OutputError
from chatterm.render.encoding import encode

_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")
_NAMED_DESCRIPTORS = {"/dev/stdout": 1, "/dev/stderr": 2}
# A pipe that is ready takes this much without making us wait (POSIX's PIPE_BUF on Linux).
_BLOCK = 4096


class PipeClosedError(OutputError):
    """Whoever read the output has stopped reading."""

    exit_status = ExitStatus.PIPE_CLOSED


class Output:
    """A file descriptor that is written to without ever being stuck in it.

    A reader that doesn't read makes us wait for it; a signal handler may end that wait by raising
    an `OutputError` while `waiting` is set, and `give_up_at` ends it too.

    Args:
        number: The descriptor.
        name: What it is called in messages.

    Attributes:
        waiting: A write waits for a reader.
        give_up_at: When waiting ends, in seconds of the monotonic clock, or None.
        written: Whether anything was.
    """

    def __init__(self, number: int, name: str) -> None:
        self.number = number
        self.name = name
        self.waiting = False
        self.give_up_at: float | None = None
        self.written = False

    def write(self, text: str) -> None:
        """Write text as UTF-8, all of it; a lone surrogate becomes U+FFFD.

        Raises:
            PipeClosedError: Nobody reads any more.
            OutputError: It can't be written.
        """
        self.write_bytes(encode(text))

    def write_bytes(self, data: bytes) -> None:
        """Write bytes, all of them. Raises as `write` does."""
        view = memoryview(data)
        while view:
            try:
                self._wait()
                view = view[os.write(self.number, view[:_BLOCK]) :]
                self.written = True
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise PipeClosedError(f"{self.name} was closed") from error
            except OSError as error:
                raise _unwritable(f"can't write to {self.name}", error) from error

    def close(self, *, keep: bool) -> None:
        """Be done with it. `keep` says whether what was written is worth keeping."""

    def discard(self) -> None:
        """Leave nothing half-done behind; may be called from a signal handler."""

    def _wait(self) -> None:
        """Wait until the descriptor takes a block."""
        left = None if self.give_up_at is None else max(0.0, self.give_up_at - time.monotonic())
        self.waiting = True
        try:
            ready = select.select([], [self.number], [], left)[1]
        finally:
            self.waiting = False
        if not ready:
            raise OutputError(f"nobody reads {self.name}")


class FileOutput(Output):
    """A file that is replaced by the answer when there is one, and left alone otherwise.

    The answer is written beside it and put in its place at the end. Devices, pipes, files with
    several names and directories where nothing can be made are written to as they are.

    Args:
        path: The file.

    Raises:
        OutputError: It can't be written.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(-1, str(path))
        self._path = path
        self._temporary: str | None = None
        try:
            self._check()
        except OSError as error:
            raise _unwritable(f"can't write {path}", error) from error

    def write_bytes(self, data: bytes) -> None:
        """Write bytes; the first ones open the file."""
        if self.number < 0:
            try:
                self.number = self._open()
            except OSError as error:
                raise _unwritable(f"can't write {self._path}", error) from error
        super().write_bytes(data)

    def close(self, *, keep: bool) -> None:
        """Put the file in place, or throw it away."""
        if self.number < 0:
            return
        try:
            os.close(self.number)
            if self._temporary is not None and keep:
                Path(self._temporary).replace(os.path.realpath(self._path))
        except OSError as error:
            raise _unwritable(f"can't write {self._path}", error) from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the file beside, when it isn't in place."""
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                Path(self._temporary).unlink(missing_ok=True)

    def _check(self) -> None:
        """Find out before anything is asked whether the file can be written."""
        if self._path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        exists = self._path.exists()
        target = self._path if exists else Path(os.path.realpath(self._path)).parent
        if not target.exists():
            raise FileNotFoundError(errno.ENOENT, "there is no such directory")
        if not exists and not target.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def _open(self) -> int:
        number = _descriptor_named(self._path)
        if number is not None:
            return os.dup(number)
        try:
            state = self._path.stat()
        except FileNotFoundError:
            state = None
        if state is not None and (not stat.S_ISREG(state.st_mode) or state.st_nlink > 1):
            truncate = os.O_TRUNC if stat.S_ISREG(state.st_mode) else 0
            return os.open(self._path, os.O_WRONLY | truncate | os.O_CLOEXEC)
        try:
            return self._open_beside(state)
        except PermissionError:  # the directory can't be written, but the file can
            return os.open(self._path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)

    def _open_beside(self, state: os.stat_result | None) -> int:
        directory = Path(os.path.realpath(self._path)).parent
        number, self._temporary = tempfile.mkstemp(prefix=".chatterm-", dir=directory)
        umask = os.umask(0)
        os.umask(umask)
        os.fchmod(number, 0o666 & ~umask if state is None else stat.S_IMODE(state.st_mode))
        return number


def standard_output() -> Output:
    """Standard output.

    Raises:
        OutputError: It is closed.
    """
    try:
        os.fstat(1)
    except OSError as error:
        raise OutputError("standard output is closed") from error
    return Output(1, "standard output")


def _descriptor_named(path: Path) -> int | None:
    """The descriptor that a path such as /dev/stdout or /dev/fd/3 stands for."""
    name = str(path)
    match = _DESCRIPTOR.fullmatch(name)
    return int(match[1]) if match else _NAMED_DESCRIPTORS.get(name)


def _unwritable(what: str, error: OSError) -> OutputError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return OutputError(
        f"{what}: {error.strerror or error}", hint="the disk is full" if full else ""
    )
