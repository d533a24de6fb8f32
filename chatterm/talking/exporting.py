"""Writing a conversation to a file that the user named."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.errors import OutputError
from chatterm.render.sanitize import sanitize_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatterm.store import Conversation, Store

_NAME_CHARS = 60
"""How long a name made of a title may be, without its suffix."""


def default_name(title: str) -> str:
    """The name of a file for a conversation, made of its title."""
    words = re.sub(r"[^\w.-]+", "-", title.lower())[:_NAME_CHARS].strip("-._")
    return f"{words or 'conversation'}.md"


def placed(name: str, directory: Path) -> Path:
    """Where a file is that was named in a directory.

    Raises:
        RuntimeError: It begins with a `~` that stands for nothing.
    """
    return directory / Path(name).expanduser()


def wrong_name(name: str, directory: Path) -> str | None:
    """Why no file can be written under a name, if none can."""
    from chatterm.transcripts.exporting import FORMATS

    if not name or "\0" in name:
        return "give the name of a file"
    try:
        path = placed(name, directory)
        if path.suffix.removeprefix(".").lower() not in FORMATS:
            return "the name says the format: let it end with .md, .txt, .html or .jsonl"
        if not path.parent.is_dir():
            return f"there is no directory {sanitize_line(str(path.parent))}"
        if path.exists() and not path.is_file():
            return f"{sanitize_line(str(path))} is no file that can be replaced"
    except RuntimeError:
        return "the ~ stands for no home directory"
    except OSError as error:
        return f"can't write there: {(error.strerror or str(error)).lower()}"
    return None


def write(store: Store, found: Conversation, path: Path, *, replaced: bool) -> int:
    """Write a conversation to a file; how many contents of attachments are missing in it. Blocks.

    Args:
        store: Where it is kept.
        found: The conversation.
        path: The file.
        replaced: It is there already, and is to be replaced.

    Raises:
        OutputError: It can't be written.
        StoreError: The conversation can't be read.
    """
    from chatterm.transcripts.exporting import exported

    missing: list[str] = []
    pieces = exported(store, found, path.suffix.removeprefix(".").lower(), missing.append)
    try:
        if replaced:
            _replace(path, pieces)
        else:
            _create(path, pieces)
    except OSError as error:
        where = sanitize_line(str(path))
        raise OutputError(
            f"can't write {where}: {(error.strerror or str(error)).lower()}"
        ) from error
    return len(missing)


def _create(path: Path, pieces: Iterator[bytes]) -> None:
    with path.open("xb") as file:
        try:
            file.writelines(pieces)
            file.flush()
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise


def _replace(path: Path, pieces: Iterator[bytes]) -> None:
    """Put a new file in the place of one, which is as it was until the new one is whole."""
    target = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(prefix=".chatterm-", dir=target.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            os.fchmod(file.fileno(), target.stat().st_mode & 0o777)
        beside.replace(target)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
