"""What commands say on standard output."""

from __future__ import annotations

import sys

from chatterm.errors import OutputError
from chatterm.oneshot.output import PipeClosedError


def say(line: str) -> None:
    """Print a line on standard output at once, so that what goes wrong is told.

    Raises:
        OutputError: It can't be written.
    """
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(line.encode(encoding, "replace").decode(encoding) + "\n")
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise PipeClosedError("standard output was closed") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"can't write to standard output: {reason}") from error
