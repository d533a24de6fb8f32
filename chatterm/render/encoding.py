"""Text as the bytes that files and terminals take."""

from __future__ import annotations

import re

_SURROGATES = re.compile("[\ud800-\udfff]")


def encode(text: str) -> bytes:
    """Text as UTF-8, lone surrogates as U+FFFD."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text).encode("utf-8")
