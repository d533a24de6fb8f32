"""The text of a block to spans: emphasis, code, links with their real address, images as words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from chatterm.render.lines import PLAIN, Span, Style, line_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown_it.token import Token

    from chatterm.render.markdown_parse import Parser

SCHEMES = ("http://", "https://", "mailto:")
"""Addresses that are shown as links; the others are shown as text."""

_FOOTNOTE = re.compile(r"\[\^([^\]\s^]{1,60})\](:?)")
_STYLES = {"em": "emphasis", "strong": "strong", "s": "strike"}


def inline_spans(
    parser: Parser, text: str, references: Mapping[str, Any], style: Style = PLAIN
) -> list[Span]:
    r"""Parse and style the text of a block.

    Args:
        parser: Whom to ask.
        text: The text, its lines divided by newlines.
        references: The link reference definitions so far, in markdown-it's form.
        style: What all of it is, besides.

    Returns:
        Spans; a `"\n"` in one is a line break that was asked for.
    """
    # A footnote stands on a line of its own, though it has no blank line before it.
    text = text.replace("\n[^", "\\\n[^")
    painter = _Painter(parser, style)
    for token in parser.inline(text, references):
        painter.add(token)
    return painter.spans


class _Painter:
    def __init__(self, parser: Parser, style: Style) -> None:
        self.spans: list[Span] = []
        self._parser = parser
        self._style = style
        self._links: list[tuple[str, int, Style]] = []

    def add(self, token: Token) -> None:
        match token.type:
            case "text":
                self._text(token.content)
            case "text_special":
                self._put(token.content)
            case "softbreak":
                self._put(" ")
            case "hardbreak":
                self._put("\n")
            case "code_inline":
                self._put(token.content, "code")
            case "html_inline":
                self._put(token.content.replace("\n", " "), "html")
            case "image":
                self._image(token)
            case "link_open":
                self._open_link(str(token.attrs.get("href", "")))
            case "link_close":
                self._close_link()
            case _ if token.nesting > 0:
                self._style = (*self._style, _STYLES[token.tag])
            case _:
                self._style = self._style[:-1]

    def _text(self, text: str) -> None:
        """Text in which a footnote's mark, and its name before its own words, stand out."""
        at = 0
        for found in _FOOTNOTE.finditer(text):
            self._put(text[at : found.start()])
            begins = not self.spans or self.spans[-1].text.endswith("\n")
            self._put(f"[{found[1]}]", "marker")
            at = found.end() if begins and found[2] else found.end(1) + 1
        self._put(text[at:])

    def _put(self, text: str, *roles: str) -> None:
        if text:
            self.spans.append(Span(text, self._style + roles))

    def _image(self, token: Token) -> None:
        words = "".join(child.content or " " for child in token.children or ())
        alt = " ".join(words.split())
        self._put(f"[image: {alt}]" if alt else "[image]", "image")
        self._put(f" {token.attrs.get('src', '')}".rstrip(), "image", "address")

    def _open_link(self, address: str) -> None:
        self._links.append((address, len(self.spans), self._style))
        if address.lower().startswith(SCHEMES):
            self._style = (*self._style, "link")

    def _close_link(self) -> None:
        address, start, self._style = self._links.pop()
        text = line_text(self.spans[start:])
        if not text:
            self._put(address, "address")
        elif not self._same(text, address):
            self._put(f" ({address})", "address")

    def _same(self, text: str, address: str) -> bool:
        """Whether a link's text already says where it leads."""
        return address in ("", text, f"mailto:{text}", self._parser.normalize_link(text))
