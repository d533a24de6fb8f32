"""Bodies that came compressed though nobody asked, inflated in pieces of a bounded size."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from chatterm.errors import ErrorKind, Failure, ProviderError

INFLATED_CHUNK = 64 * 1024


def inflated(stream: Any, data: bytes) -> Iterator[bytes]:
    """What some bytes inflate to, in pieces of a bounded size: it may be any amount.

    Raises:
        ProviderError: They can't be inflated.
    """
    while data and not stream.eof:
        try:
            piece = stream.decompress(data, INFLATED_CHUNK)
        except zlib.error as error:
            raise ProviderError(_compressed("wrongly")) from error
        data = stream.unconsumed_tail
        if piece:
            yield piece


def inflater(encoding: str) -> Any:
    """What inflates a body of this encoding, for `inflated`; None when it isn't compressed.

    Raises:
        ProviderError: Nothing here does.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib, it finds out
    raise ProviderError(_compressed(f"as {name}"))


def _compressed(how: str) -> Failure:
    return Failure(
        ErrorKind.STREAM_INVALID,
        f"the provider sent a body compressed {how}, which can't be read",
        hint="does a proxy on the way compress answers?",
    )
