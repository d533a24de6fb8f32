"""Styled lines: what every renderer yields and every screen paints.

A style is a tuple of role names (`("strong", "link")`), never a colour: the terminal writer and
the app's themes decide what a role looks like. The roles are listed in `ROLES`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ROLES = (
    "strong", "emphasis", "strike", "code", "heading", "heading.1", "link", "address", "muted",
    "quote", "marker", "html", "image",
    "code.row", "code.label",
    "code.text", "code.keyword", "code.string", "code.number", "code.comment", "code.name",
    "code.builtin", "code.inserted", "code.deleted",
    "diff_added", "diff_added.word", "diff_removed", "diff_removed.word",
)  # fmt: skip
"""Every role a style may name; text with the empty style is plain prose."""

PROSE_WIDTH = 100
"""Prose is not set wider than this many cells, however wide the screen: lines stay readable."""

UNBROKEN = 1_000_000
"""A width at which no row of prose is broken, and the limit above doesn't hold: for copying."""

Style = tuple[str, ...]

PLAIN: Style = ()


class Span(NamedTuple):
    """A run of text in one style; it holds no line break and no control character."""

    text: str
    style: Style = PLAIN


Line = tuple[Span, ...]

# Where a row may end inside a run without spaces: around ideographs and kana, but not before
# closing punctuation and marks, nor after opening brackets.
_OPENING = "\u3008\u300a\u300c\u300e\u3010\u3014\uff08\uff3b\uff5b"
_CLOSING = (
    "\u3001\u3002\u3009\u300b\u300d\u300f\u3011\u3015\u30fb\u30fc\u3099\u309a"
    "\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f\uff3d\uff5d\ufe00-\ufe0f"
)
_IDEOGRAPH = (
    "\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
)
_BREAKABLE = (
    f"[{_OPENING}]*[{_IDEOGRAPH}][{_CLOSING}]*|[{_OPENING}]+$|[^{_IDEOGRAPH}{_OPENING}]+"
    f"|[{_OPENING}]+"
)
_PIECES = re.compile(r"\n| +|[^ \n]+")

_JOINER = "\u200d"


@cache
def _breakable() -> re.Pattern[str]:
    """Compiled with the first word outside ASCII: it takes 3 ms, and the first screen has none."""
    return re.compile(_BREAKABLE)


def cells(text: str) -> int:
    """The terminal cells a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def line_cells(line: Iterable[Span]) -> int:
    """The terminal cells a line takes."""
    return sum(cells(span.text) for span in line)


def line_text(line: Iterable[Span]) -> str:
    """A line without its styles."""
    return "".join(span.text for span in line)


def crop(line: Line, width: int) -> Line:
    """The start of a line that fits into `width` cells."""
    kept: list[Span] = []
    for span in line:
        head, rest = split_cells(span.text, width)
        kept.append(Span(head, span.style))
        if rest:
            break
        width -= cells(head)
    return tuple(kept)


def split_cells(text: str, width: int) -> tuple[str, str]:
    """Divide a text so that the first part takes at most `width` cells.

    Combining characters and joined sequences stay with the character they belong to.
    """
    if text.isascii():
        return text[:width], text[width:]
    used = end = 0
    for cluster in _clusters(text):
        used += cell_len(cluster)
        if used > width:
            break
        end += len(cluster)
    return text[:end], text[end:]


def _clusters(text: str) -> Iterator[str]:
    """What the eye sees as one character: a base and all that takes no room of its own."""
    start = 0
    for index in range(1, len(text)):
        joined = text[index - 1] == _JOINER
        if not joined and cell_len(text[index]) > 0:
            yield text[start:index]
            start = index
    if text:
        yield text[start:]


def add_span(row: list[Span], text: str, style: Style) -> None:
    """Append text to a row, merged with the last span when the style is the same."""
    if row and row[-1].style == style:
        row[-1] = Span(row[-1].text + text, style)
    elif text:
        row.append(Span(text, style))


def wrap(spans: Iterable[Span], width: int) -> list[Line]:
    r"""Break spans into lines of at most `width` cells.

    Lines end at spaces and around ideographs; a word wider than a line is cut where the line
    ends. A `"\n"` in a span's text is a break that is always taken. Greedy, so the lines before
    the last don't depend on what follows.

    Args:
        spans: The text; each span's style goes with its text.
        width: Cells a line, at least 2 (a wide character must fit).

    Returns:
        The lines; none for no text.
    """
    wrapper = _Wrapper(max(width, 2))
    for span in spans:
        wrapper.add(span)
    return wrapper.finish()


class _Wrapper:
    """One wrapping under way: finished lines, the row being filled, the word being read."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._lines: list[Line] = []
        self._row: list[Span] = []
        self._row_cells = 0
        self._space: Span | None = None
        self._word: list[Span] = []
        self._word_cells = 0

    def add(self, span: Span) -> None:
        style = span.style
        for piece in _PIECES.findall(span.text):
            if piece == "\n":
                self._end_word()
                self._end_row()
            elif piece[0] == " ":
                self._end_word()
                self._space = Span(piece, style)
            elif piece.isascii():
                self._word.append(Span(piece, style))
                self._word_cells += len(piece)
            else:
                self._add_breakable(piece, style)

    def finish(self) -> list[Line]:
        self._end_word()
        if self._row:
            self._end_row()
        return self._lines

    def _add_breakable(self, piece: str, style: Style) -> None:
        for number, part in enumerate(_breakable().findall(piece)):
            if number:
                self._end_word()
            self._word.append(Span(part, style))
            self._word_cells += cell_len(part)

    def _end_word(self) -> None:
        if not self._word:
            return
        space = self._space if self._row else None
        space_cells = len(space.text) if space else 0
        if self._row and self._row_cells + space_cells + self._word_cells > self._width:
            self._end_row()
        elif space:
            add_span(self._row, space.text, space.style)
            self._row_cells += space_cells
        self._space = None
        if self._word_cells > self._width:
            self._cut_word()
        else:
            for text, style in self._word:
                add_span(self._row, text, style)
            self._row_cells += self._word_cells
        self._word = []
        self._word_cells = 0

    def _cut_word(self) -> None:
        for text, style in self._word:
            rest = text
            while rest:
                head, rest = split_cells(rest, self._width - self._row_cells)
                if not head and not self._row:
                    head, rest = rest[:1], rest[1:]
                add_span(self._row, head, style)
                self._row_cells += cells(head)
                if rest:
                    self._end_row()

    def _end_row(self) -> None:
        self._lines.append(tuple(self._row))
        self._row = []
        self._row_cells = 0
        self._space = None


def cut(spans: Sequence[Span], width: int) -> list[Line]:
    """Break spans after every `width` cells, keeping every space: for code.

    Args:
        spans: One source line.
        width: Cells a line, at least 2.

    Returns:
        At least one line.
    """
    width = max(width, 2)
    lines: list[Line] = []
    row: list[Span] = []
    room = width
    for text, style in spans:
        rest = text
        while rest:
            head, rest = split_cells(rest, room)
            if not head and room == width:
                head, rest = rest[:1], rest[1:]
            add_span(row, head, style)
            room -= cells(head)
            if rest:
                lines.append(tuple(row))
                row = []
                room = width
    lines.append(tuple(row))
    return lines
