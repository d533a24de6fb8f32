"""The user's own editor: which one it is, and what a text is that was written in it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from chatterm.errors import ChattermError


def editor(environ: Mapping[str, str]) -> list[str]:
    """The user's editor, with its arguments.

    Raises:
        ChattermError: Its name can't be split into words.
    """
    for name in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(environ.get(name, ""))
        except ValueError as error:
            reason = str(error).lower()
            raise ChattermError(
                f"${name} can't be read: {reason}", hint="mend its quotes"
            ) from None
        if words:
            return words
    return ["vi"]


def text_of(data: bytes, *, ended: bool) -> str:
    """The text of a file that was edited; editors end the last line where the user didn't.

    Args:
        data: What the file holds.
        ended: Whether the user had ended the last line.
    """
    text = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
    return text if ended else text.removesuffix("\n")
