"""The log file: rotated, private, opened when the first record is written."""

from __future__ import annotations

import logging
import os
from pathlib import Path

_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
_MAX_BYTES = 1_000_000
_BACKUPS = 3


class _LazyFileHandler(logging.Handler):
    """Opens the log file with its first record; a log that can't be written is no error."""

    def __init__(self) -> None:
        super().__init__()
        self._file: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._file is None:
                self._file = _open_log()
            self._file.emit(record)
        except OSError:
            logging.getLogger("chatterm").removeHandler(self)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()


def set_up_logging(*, debug: bool) -> None:
    """Send chatterm's log records to the log file: warnings, or everything with `debug`."""
    logger = logging.getLogger("chatterm")
    logger.setLevel(logging.DEBUG if debug else logging.WARNING)
    logger.propagate = False
    if not any(isinstance(handler, _LazyFileHandler) for handler in logger.handlers):
        logger.addHandler(_LazyFileHandler())


def _open_log() -> logging.Handler:
    from logging.handlers import RotatingFileHandler

    from chatterm.config.paths import log_dir

    directory = log_dir()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / "chatterm.log"
    _make_private(path)
    handler = RotatingFileHandler(
        path, maxBytes=_MAX_BYTES, backupCount=_BACKUPS, encoding="utf-8", errors="backslashreplace"
    )
    handler.setFormatter(logging.Formatter(_FORMAT))
    return handler


def _make_private(path: Path) -> None:
    """Create the file for its owner alone, before anything is written to it."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
