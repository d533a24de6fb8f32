"""Changing a configuration file: one writer at a time, and the file is replaced whole."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatterm.errors import ConfigError


@contextmanager
def changing(path: Path) -> Iterator[Path]:
    """Hold off other processes while a file is read, changed and replaced.

    Yields the file's real path: a link into a directory of dotfiles stays a link. Its directory is
    made, for the owner alone, where it is missing.

    Raises:
        ConfigError: The file can't be changed there.
    """
    import fcntl

    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield target
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        os.close(handle)


def replace_file(target: Path, text: str, *, private: bool = False) -> None:
    """Replace a file's text whole; a new file is for its owner alone.

    Args:
        target: The file.
        text: The new text.
        private: Make a file that others could read its owner's alone, too.

    Raises:
        OSError: It can't be written; the old file is as it was.
    """
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise OSError(errno.EILSEQ, "it would hold a lone surrogate, which no text may") from None
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".config.")  # mode 0600
    scratch = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if target.exists() and not private:
                os.fchmod(file.fileno(), target.stat().st_mode & 0o777)
        scratch.replace(target)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise


def _unwritable(path: Path, error: OSError) -> ConfigError:
    shown = str(path) if str(path).isprintable() else ascii(str(path))
    return ConfigError(f"{shown} can't be changed: {(error.strerror or str(error)).lower()}")
