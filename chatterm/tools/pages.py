"""Text out of web pages: what a reader would see, as Markdown, with the addresses of links."""

from __future__ import annotations

import codecs
import re

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_UNSEEN = ("script", "style", "template", "noscript", "svg", "iframe", "object", "head")
_MOST_HTML = 2_000_000
"""Parsing more of it would take seconds."""


def media_type(content_type: str) -> str:
    """The media type in a header, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def text_of_html(body: bytes, content_type: str) -> tuple[str, bool]:
    """The text of a page of HTML, however broken; and whether it is the text of all of it.

    Scripts, styles and frames are left out. It takes time in proportion to the page, up to a limit.
    """
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    soup = BeautifulSoup(
        body[:_MOST_HTML],
        "html.parser",
        from_encoding=_charset(content_type),
        on_duplicate_attribute="ignore",
    )
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    for tag in soup.find_all(_UNSEEN):
        tag.decompose()
    try:
        text = MarkdownConverter(heading_style="ATX", bullets="-").convert_soup(soup)
    except RecursionError:  # nested deeper than anything that is meant to be read
        text = soup.get_text("\n")
    text = re.sub(r"[ \t]+\n", "\n", text)
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    if title and not text.startswith(f"# {title}"):
        text = f"# {title}\n\n{text}"
    return text, len(body) <= _MOST_HTML


def decoded(body: bytes, content_type: str) -> str:
    """The text of anything else that is text: by its header's charset, its mark, or as UTF-8."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if body.startswith(mark):
            return body.decode(name, "replace")
    return body.decode(_charset(content_type) or "utf-8", "replace")


def _charset(content_type: str) -> str | None:
    found = _CHARSET.search(content_type)
    if found is None:
        return None
    try:
        codec = codecs.lookup(found[1])
    except LookupError:
        return None
    # Python's own codecs turn bytes into other things than text.
    return codec.name if getattr(codec, "_is_text_encoding", False) else None
