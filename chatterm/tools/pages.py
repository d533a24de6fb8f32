"""What came from the web, as text or as an image: charsets, kinds of content, HTML."""

from __future__ import annotations

import asyncio
import codecs
import re
import sys
import zlib
from pathlib import Path

from chatterm.tools.base import ToolError
from chatterm.tools.environment import for_command

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_TEXT_TYPES = frozenset(
    f"application/{name}"
    for name in (
        *("json", "xml", "javascript", "x-javascript", "ecmascript", "yaml", "x-yaml", "toml"),
        *("x-ndjson", "jsonl", "sql", "graphql", "x-sh", "x-www-form-urlencoded"),
    )
)
_IMAGES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
IMAGE_TYPES = frozenset(media_type for _, media_type in _IMAGES)

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MEDIA_TYPE = re.compile(r"\s*([\w.+-]{1,60}/[\w.+-]{1,100})\s*(?:;|$)", re.ASCII)
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_META = re.compile(rb"""<meta[^<>]{0,300}?charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_XML = re.compile(rb"""<\?xml[^<>]{0,100}?encoding\s*=\s*["']([\w.:-]{1,40})""")
_LOOKED_AT = 4_096
# Codecs that aren't charsets of pages; some take a time that grows with the square of the length.
_NO_CHARSETS = frozenset(
    {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7", "mbcs"}
)
_INFLATED_PIECE = 256 * 1024
_TRANSFORM_S = 60.0


def type_of(header: str) -> str:
    """The media type in a Content-Type header, in lower case; empty when there is none."""
    found = _MEDIA_TYPE.match(header)
    return found[1].lower() if found else ""


def is_text(media_type: str) -> bool:
    """Whether content of a type is for reading; one that isn't named may be."""
    return (
        not media_type
        or media_type.startswith("text/")
        or media_type in _TEXT_TYPES
        or media_type.endswith(("+json", "+xml"))
    )


def image_type(data: bytes) -> str:
    """The media type of an image by its first bytes; empty when it is none that is taken."""
    return next((name for mark, name in _IMAGES if mark.match(data)), "")


def looks_like_html(data: bytes) -> bool:
    """Whether content of no named type is a page."""
    return data[:512].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def decoded(data: bytes, content_type: str) -> str:
    """Content as text: by its byte order mark, its header, what it says itself, else UTF-8."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    said = _CHARSET.search(content_type)
    names = [said[1]] if said else []
    inside = (pattern.search(data[:_LOOKED_AT]) for pattern in (_META, _XML))
    names += [found[1].decode("ascii", "replace") for found in inside if found]
    for name in names:
        if (known := _charset(name)) is not None:
            return data.decode(known, "replace")
    return data.decode("utf-8", "replace")


def inflated(data: bytes, encoding: str, limit: int) -> tuple[bytes, bool]:
    """A body that came compressed though nobody asked, up to a limit, and whether that cut it.

    Raises:
        ToolError: It can't be read.
    """
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise ToolError(f"the server compressed its answer as {encoding[:40]}, which isn't read")
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib, it finds out
    body = bytearray()
    try:
        while data and not stream.eof and len(body) <= limit:
            body += stream.decompress(data, _INFLATED_PIECE)
            data = stream.unconsumed_tail
    except zlib.error:
        raise ToolError("the server's answer is compressed wrongly") from None
    return bytes(body[:limit]), len(body) > limit


async def html_to_text(html: str, address: str, limit: int) -> str:
    """A page as Markdown text, by a process of its own that is held to limits.

    Args:
        html: The page.
        address: Its address, by which links in it are completed.
        limit: The most bytes of text.

    Raises:
        ToolError: The page can't be read as text, or not in a minute.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-E", "-P"),  # no module is loaded from the working directory
        str(Path(__file__).with_name("html_text.py")),
        str(limit),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=for_command(),
    )
    data = f"{address}\n{html}".encode("utf-8", "replace")
    try:
        async with asyncio.timeout(_TRANSFORM_S):
            text, _ = await process.communicate(data)
    except TimeoutError:
        raise ToolError("the page's HTML takes too long to read as text") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    if process.returncode:
        raise ToolError("the page's HTML can't be read as text: it is too large or too strange")
    return text.decode("utf-8", "ignore")  # a character may be cut at the limit


def _charset(name: str) -> str | None:
    try:
        known = codecs.lookup(name).name
        b"-".decode(known, "replace")  # not all codecs are of text
    except (LookupError, UnicodeError, ValueError):
        return None
    if known in _NO_CHARSETS:
        return None
    # On the web, Latin-1 has always meant its superset.
    return "cp1252" if known in ("iso8859-1", "ascii") else known
