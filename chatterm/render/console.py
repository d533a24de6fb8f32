"""Lines for people on standard error: errors, warnings, progress. Sanitised; never a traceback."""

from __future__ import annotations

import contextlib
import os
import sys


def print_error(message: str, hint: str = "") -> None:
    """Print an error and what to do about it. Errors are printed even with `-q`."""
    from chatterm.render.sanitize import sanitize, sanitize_line  # most runs print no error

    text = f"chatterm: {sanitize(message)}"
    hint = sanitize_line(hint)
    if is_terminal(sys.stderr):
        from chatterm.render.wordwrap import width_of, wrapped

        width = width_of(sys.stderr)
        text, hint = wrapped(text, width), wrapped(hint, width - 2).replace("\n", "\n  ")
    if wants_colour(sys.stderr):
        text = text.replace("chatterm:", "\x1b[31mchatterm:\x1b[0m", 1)
    print_line(text)
    if hint:
        print_line(f"  {hint}")


def print_line(line: str) -> None:
    """Print a line on standard error, if there is one."""
    write_error(line + "\n")


def write_error(text: str) -> None:
    """Write text, already sanitised, on standard error, if there is one."""
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(_encodable(text))
        sys.stderr.flush()


def is_terminal(stream: object) -> bool:
    """Whether a stream is an open terminal."""
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError, OSError):
        return False


def wants_styles(stream: object) -> bool:
    """Whether control sequences may be written to a stream: a terminal that isn't dumb."""
    return is_terminal(stream) and os.environ.get("TERM", "dumb") not in ("dumb", "")


def wants_colour(stream: object) -> bool:
    """Whether colours may be written to a stream (NO_COLOR: https://no-color.org)."""
    return wants_styles(stream) and not os.environ.get("NO_COLOR")


def _encodable(line: str) -> str:
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    return line.encode(encoding, "replace").decode(encoding)
