"""Text out of a file's bytes, and back into bytes of the same kind."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

_LOOKED_AT = 8192
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text.

    Attributes:
        text: The text, without the mark at its beginning.
        encoding: How it is encoded.
        mark: The byte order mark it begins with; may be empty.
        note: What is to be said about it; may be empty.
        exact: Whether encoding the text gives the same bytes again.
    """

    text: str
    encoding: str = "utf-8"
    mark: bytes = b""
    note: str = ""
    exact: bool = True

    def encode(self, text: str) -> bytes:
        """Another text in the same encoding, with the same mark.

        Raises:
            UnicodeEncodeError: It holds half a character, which can't be written.
        """
        return self.mark + text.encode(self.encoding)


def decode(data: bytes) -> Decoded:
    """The text of a file that isn't binary."""
    mark, encoding = next(
        ((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "utf-8")
    )
    body = data[len(mark) :]
    note = "" if encoding == "utf-8" else f"the file is encoded in {encoding.upper()}"
    try:
        return Decoded(body.decode(encoding), encoding, mark, note)
    except UnicodeDecodeError:
        note = f"the file isn't valid {encoding.upper()}: what can't be read is shown as \ufffd"
        return Decoded(body.decode(encoding, "replace"), encoding, mark, note, exact=False)


def is_binary(data: bytes) -> bool:
    """Whether a file is no text, by its beginning."""
    if any(data.startswith(mark) for mark, name in _MARKS if name != "utf-8"):
        return False
    return b"\0" in data[:_LOOKED_AT]


def image_type(data: bytes) -> str | None:
    """The media type of an image by its first bytes; None for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _IMAGES if data.startswith(magic)), None)
