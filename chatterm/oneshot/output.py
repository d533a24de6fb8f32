"""Where `ask` writes the answer: standard output or a file, with every failure named.

Python's own `sys.stdout` is passed by: its buffer would be flushed once more when the interpreter
ends, and its errors would come too late to be told.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import tempfile
from pathlib import Path

from chatterm.errors import OutputError

_SURROGATES = re.compile("[\ud800-\udfff]")


class PipeClosedError(OutputError):
    """Whoever read the output has stopped reading."""


class Output:
    """A file descriptor that answers are written to.

    Args:
        number: The descriptor.
        name: What it is called in messages.
    """

    def __init__(self, number: int, name: str) -> None:
        self.number = number
        self.name = name

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
                view = view[os.write(self.number, view) :]
            except BlockingIOError:
                _wait_until_writable(self.number)
            except BrokenPipeError as error:
                raise PipeClosedError(f"{self.name} was closed") from error
            except OSError as error:
                reason = error.strerror or str(error)
                raise OutputError(
                    f"can't write to {self.name}: {reason}", hint=_hint(error)
                ) from error

    def close(self, *, keep: bool) -> None:
        """Be done with it. `keep` says whether what was written is worth keeping."""


class FileOutput(Output):
    """A file that is replaced by the answer when there is one, and left alone otherwise.

    Args:
        path: The file. Devices and pipes are written to as they are.

    Raises:
        OutputError: It can't be opened for writing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary: str | None = None
        try:
            super().__init__(self._open(path), str(path))
        except OSError as error:
            raise OutputError(f"can't write {path}: {error.strerror or error}") from error

    def close(self, *, keep: bool) -> None:
        """Put the file in place, or throw it away."""
        try:
            os.close(self.number)
            if self._temporary is not None and keep:
                Path(self._temporary).replace(os.path.realpath(self._path))
        except OSError as error:
            raise OutputError(f"can't write {self._path}: {error.strerror or error}") from error
        finally:
            if self._temporary is not None:
                with contextlib.suppress(OSError):
                    Path(self._temporary).unlink(missing_ok=True)

    def _open(self, path: Path) -> int:
        mode = None
        with contextlib.suppress(FileNotFoundError):
            mode = path.stat().st_mode
        if mode is not None and not stat.S_ISREG(mode):
            return os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        if mode is not None and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        target = Path(os.path.realpath(path))
        number, self._temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        umask = os.umask(0)
        os.umask(umask)
        os.fchmod(number, stat.S_IMODE(mode) if mode is not None else 0o666 & ~umask)
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


def encode(text: str) -> bytes:
    """Text as UTF-8, lone surrogates as U+FFFD."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text).encode("utf-8")


def _wait_until_writable(number: int) -> None:
    import select

    select.select([], [number], [])


def _hint(error: OSError) -> str:
    return "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
