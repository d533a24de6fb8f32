"""What the files that a message mentions, or that were dropped on it, become when it is sent."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from chatterm.agent import attaching
from chatterm.errors import UsageError
from chatterm.permissions.places import Places
from chatterm.render.sanitize import sanitize_line
from chatterm.steps import Attachment
from chatterm.talking.mention import mentions

__all__ = ["attach", "mentioned_files", "mentions"]


def mentioned_files(text: str, directory: Path) -> list[Path]:
    """The files that a message mentions and that exist, each once and in order.

    Args:
        text: The message.
        directory: What the paths are relative to.
    """
    found: dict[Path, None] = {}
    for name in mentions(text):
        path = Path(os.path.normpath(directory / _at_home(name)))
        if _status(path) is not None:
            found[path] = None
    return list(found)


def attach(
    paths: Iterable[Path], places: Places | None = None
) -> tuple[list[Attachment], list[str]]:
    """Files as attachments, with their content; reads them, so call it in a thread.

    Args:
        paths: The files. The same one twice goes once.
        places: Which files are sensitive: these aren't sent, since a text that was pasted may
            mention them. None sends all.

    Returns:
        What can be sent, and a sentence for each file that can't or that isn't sent quite as it is.
    """
    sent: list[Attachment] = []
    problems: list[str] = []
    for path in dict.fromkeys(paths):
        reason = _refused(path, places)
        if reason is not None:
            problems.append(sanitize_line(f"can't attach {path}: {reason}"))
            continue
        try:
            sent.append(attaching.attach(path, lambda said: problems.append(sanitize_line(said))))
        except UsageError as error:
            problems.append(sanitize_line(error.message))
    return sent, problems


def _refused(path: Path, places: Places | None) -> str | None:
    """Why a file isn't even opened: a pipe would keep us waiting, a sensitive one isn't meant."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or "no file can have that name"
    if stat.S_ISDIR(status.st_mode):
        return "Is a directory"
    if not stat.S_ISREG(status.st_mode):
        return "it isn't a regular file"
    return None if places is None else places.unreal(path) or places.sensitive(path)


def _at_home(name: str) -> str:
    try:
        return str(Path(name).expanduser()) if name.startswith("~/") else name
    except RuntimeError:  # no home directory
        return name


def _status(path: Path) -> os.stat_result | None:
    """The status of a regular file; None of anything else."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status if stat.S_ISREG(status.st_mode) else None
