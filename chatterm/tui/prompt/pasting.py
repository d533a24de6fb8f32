"""What is pasted: cleaned, folded away when it is long, and told from files that were dropped."""

from __future__ import annotations

import os
import re
import shlex
import socket
from pathlib import Path
from urllib.parse import unquote, urlsplit

from chatterm.render.sanitize import sanitize

MANY_LINES = 8
MANY_CHARACTERS = 800
"""From these on a paste is folded."""

_TAB = " " * 4
_PLACEHOLDER = re.compile(r"\[pasted \d[\d,]* (?:lines|characters)(?: #\d+)?\]")
_LONGEST_DROP = 32_768  # characters; a hundred files have room in it


class Folded:
    """The contents of long pastes, by the placeholders that stand for them in the prompt.

    A placeholder that is deleted keeps its content, since the deletion may be undone.
    """

    def __init__(self) -> None:
        self._contents: dict[str, str] = {}

    def fold(self, text: str) -> str:
        """What a paste becomes in the prompt: itself, cleaned, or a placeholder when it is long."""
        text = cleaned(text)
        lines = text.count("\n") + (not text.endswith("\n"))
        if lines >= MANY_LINES:
            what = f"{lines:,} lines"
        elif len(text) >= MANY_CHARACTERS:
            what = f"{len(text):,} characters"
        else:
            return text
        name, number = f"[pasted {what}]", 1
        while name in self._contents:
            number += 1
            name = f"[pasted {what} #{number}]"
        self._contents[name] = text
        return name

    def unfold(self, text: str) -> str:
        """A text with the contents in place of their placeholders; what else is like one stays."""
        return _PLACEHOLDER.sub(lambda found: self._contents.get(found[0], found[0]), text)

    def placeholder_at(self, text: str, cursor: int) -> tuple[int, int] | None:
        """Where the placeholder begins and ends that a cursor is in or beside; None in none.

        Args:
            text: The prompt's text.
            cursor: An offset in it. Between two placeholders the one before counts.
        """
        for found in _PLACEHOLDER.finditer(text):
            if found.start() <= cursor <= found.end() and found[0] in self._contents:
                return found.span()
        return None

    def content(self, placeholder: str) -> str | None:
        """What a placeholder stands for; None where it is only text that looks like one."""
        return self._contents.get(placeholder)

    def clear(self) -> None:
        """Forget all contents: the message was sent."""
        self._contents.clear()


def cleaned(text: str) -> str:
    """A paste without control characters, with plain line ends, and four blanks for each tab."""
    return sanitize(text.replace("\t", _TAB))


def dropped_paths(text: str) -> list[Path]:
    """The files that were dropped on the terminal, when a paste is nothing but their paths.

    Terminals write them in many ways: in quotes, with backslashes, as they are, or as `file://`
    addresses; several are separated by blanks or line breaks.

    Returns:
        The paths, all of files that exist; nothing when any part of the text is none.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST_DROP or not re.match(r"""["']?(?:/|~/|file:/)""", text):
        return []
    for names in (text.splitlines(), _words(text)):  # a path with blanks may stand as it is
        paths = [_path(name.strip()) for name in names if name.strip()]
        found = [path for path in paths if path is not None]
        if found and len(found) == len(paths):
            return list(dict.fromkeys(found))
    return []


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that is never closed
        return []


def _path(name: str) -> Path | None:
    """The file of that name; None where there is none. A name alone may be meant as a word."""
    if name.startswith("file:"):
        try:
            parts = urlsplit(name)
        except ValueError:
            return None
        if parts.netloc.lower() not in {"", "localhost", socket.gethostname().lower()}:
            return None
        name = unquote(parts.path)
    elif name.startswith("~/"):
        name = os.path.expanduser(name)  # noqa: PTH111 - pathlib's raises without a home directory
    path = Path(name)
    return path if path.is_absolute() and _is_file(path) else None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
