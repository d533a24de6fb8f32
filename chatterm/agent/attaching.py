"""Files as attachments of a message: text (as UTF-8), pictures and PDF, told by their content."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable
from pathlib import Path

from chatterm.errors import UsageError
from chatterm.steps import Attachment

# Attachments are held in memory and sent whole; more than this is a mistake.
MOST_BYTES = 64 * 1024 * 1024

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


def attach(path: Path, warn: Callable[[str], None]) -> Attachment:
    """A file as an attachment: text (as UTF-8), a picture or a PDF.

    Args:
        path: The file.
        warn: Called with a sentence for the user when the text isn't quite readable.

    Raises:
        UsageError: It can't be read, is too large, or is of no kind that can be sent.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"can't attach {path}: {error.strerror or error}") from error
    if len(data) > MOST_BYTES:
        raise UsageError(f"can't attach {path}: it is larger than {MOST_BYTES >> 20} MiB")
    kind = media_type_of_content(data)
    if kind is None:
        guessed = mimetypes.guess_type(path.name)[0] or "text/plain"
        kind = guessed if guessed.startswith("text/") else "text/plain"
        if b"\0" in data[:8192] and not data.startswith(_UTF16_MARKS):
            raise UsageError(
                f"can't attach {path}: it is neither text nor an image nor a PDF",
                hint="PNG, JPEG, GIF and WebP images, PDF files and text can be sent",
            )
        data = decoded(data, str(path), warn).encode("utf-8")
    return attachment_of(path.name, kind, data)


def attachment_of(name: str, kind: str, data: bytes) -> Attachment:
    """Content that is at hand as an attachment.

    Args:
        name: What to call it.
        kind: Its media type.
        data: The content.
    """
    return Attachment(name, kind, len(data), hashlib.sha256(data).hexdigest(), data)


def media_type_of_content(data: bytes) -> str | None:
    """The media type of a picture or PDF by its first bytes, or None for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)


def decoded(data: bytes, name: str, warn: Callable[[str], None]) -> str:
    """Text from bytes: UTF-16 by its mark, else UTF-8, with replacements where it isn't.

    Args:
        data: The bytes.
        name: What the warning calls them.
        warn: Called with a sentence for the user where they aren't quite readable.
    """
    encoding = "utf-16" if data.startswith(_UTF16_MARKS) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        warn(f"{name} isn't UTF-8; what can't be read is sent as \N{REPLACEMENT CHARACTER}")
        return data.decode(encoding, "replace")
