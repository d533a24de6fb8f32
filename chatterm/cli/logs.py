"""The log file: rotated, private, opened when the first record is written."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

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
                self._file = _open_log(self._give_up)
            self._file.emit(record)
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
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


def _open_log(give_up: Callable[[], None]) -> logging.Handler:
    from logging.handlers import RotatingFileHandler

    from chatterm.config.paths import log_dir

    class PrivateFileHandler(RotatingFileHandler):
        """Makes each file for its owner alone, the next one after a rotation too."""

        def _open(self) -> Any:
            number = os.open(self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
            return os.fdopen(number, self.mode, encoding=self.encoding, errors=self.errors)

        def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
            give_up()

    directory = log_dir()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = PrivateFileHandler(
        directory / "chatterm.log",
        maxBytes=_MAX_BYTES,
        backupCount=_BACKUPS,
        encoding="utf-8",
        errors="backslashreplace",
    )
    handler.setFormatter(logging.Formatter(_FORMAT))
    return handler
