r"""Coloured output of programs: SGR (ECMA-48) read, everything else that a terminal obeys left out.

Only colours and attributes come through: no links, no concealed text, none in the colour of its
own background. A style is a tuple of roles as everywhere; besides the attributes these are `fg:N`
and `bg:N` for the palette's 256 colours, and `fg:#rrggbb` and `bg:#rrggbb`.

`ColouredText` holds the raw text and an index of its lines. What a line looks like is found out
when it is asked for, so that twenty thousand lines cost what is on the screen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from chatterm.render.lines import PLAIN, Line, Span, Style, cells, cut, line_text
from chatterm.render.sanitize import sanitize

_SGR = re.compile(r"\x1b\[([0-9;:]*)m")
_ATTRIBUTES = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
_ENDS = {
    22: ("bold", "dim"),
    23: ("italic",),
    24: ("underline",),
    27: ("reverse",),
    29: ("strike",),
}
_MOST_PARAMETERS = 64
# A line is cut where it is longer than anybody reads; the pager has the whole.
_LONGEST = 19_999


class ColouredText:
    """The output of a program, as it came, and where its lines begin.

    Args:
        text: What has come already.
    """

    def __init__(self, text: str = "") -> None:
        self._parts: list[str] = []
        self._lines: list[str] = []
        self._rest: list[str] = []  # the line that may go on, in pieces
        # The style that a line begins in, where it isn't plain.
        self._begins: dict[int, Style] = {}
        self._style: Style = PLAIN
        if text:
            self.feed(text)

    def __len__(self) -> int:
        """How many lines there are; the last may go on."""
        return len(self._lines) + bool(self._rest)

    @property
    def _open(self) -> str:
        if len(self._rest) > 1:
            self._rest = ["".join(self._rest)]
        return self._rest[0] if self._rest else ""

    def feed(self, text: str) -> int:
        """Add what has come; the number of the first line that looks different now.

        A carriage return ends a line as a newline does: it must not hide what was read.
        """
        first = len(self._lines)
        after_cr = bool(self._rest) and self._rest[-1].endswith("\r")
        if not after_cr and "\n" not in text and "\r" not in text:
            if text:
                self._rest.append(text)
            return first
        text = self._open + text
        held = "\r" if text.endswith("\r") else ""  # its newline may be on the way
        whole = text[: len(text) - len(held)].replace("\r\n", "\n").replace("\r", "\n")
        *lines, rest = whole.split("\n")
        number = first
        for line in lines:
            self._add(number, line)
            number += 1
        self._lines += lines
        self._rest = [rest + held] if rest or held else []
        return first

    def line(self, number: int) -> Line:
        """How a line looks: sanitised, in its colours."""
        source = self._lines[number] if number < len(self._lines) else self._open
        begins = self._begins.get(number, PLAIN)
        return _looks(source[:_LONGEST].rstrip("\r"), begins)

    def rows(self, number: int, width: int) -> list[Line]:
        """A line, cut after every `width` cells."""
        return cut(self.line(number), width)

    def counts(self, width: int, start: int = 0) -> list[int]:
        """How many rows each line takes at a width, from one on."""
        sources = self._lines[start:]
        if self._open and start <= len(self._lines):
            sources.append(self._open)
        return [
            # A cell a character at most: escapes and controls take none.
            1
            if len(line) <= width and line.isascii() and "\t" not in line
            # Else it has to be looked at.
            else self._count(number, width)
            for number, line in enumerate(sources, start)
        ]

    def plain(self, number: int) -> str:
        """A line without its colours: sanitised."""
        source = self._lines[number] if number < len(self._lines) else self._open
        source = source[:_LONGEST].rstrip("\r")
        bare = _SGR.sub("", source)
        if bare.isascii() and bare.isprintable():
            return bare
        if "\x1b" not in source:
            return sanitize(source).replace("\n", " ")
        return line_text(self.line(number))

    def _count(self, number: int, width: int) -> int:
        plain = self.plain(number)
        if plain.isascii():
            return -(-len(plain) // width) or 1
        # Where wide characters are cut, a row may end a cell early.
        return 1 if cells(plain) <= width else len(self.rows(number, width))

    def text(self, start: int = 0, end: int | None = None) -> str:
        """Lines without colours, for copying and searching."""
        end = len(self) if end is None else end
        return "\n".join(self.plain(number) for number in range(start, end))

    def _add(self, number: int, line: str) -> None:
        if self._style:
            self._begins[number] = self._style
        if "\x1b[" not in line:
            return
        tail = line.rfind("\x1b[")
        if line.startswith(("\x1b[0m", "\x1b[m"), tail):  # most lines end plain
            self._style = PLAIN
            return
        for found in _SGR.finditer(line):
            self._style = _after(self._style, found[1])


def _looks(source: str, begins: Style) -> Line:
    spans: list[Span] = []
    style, at = begins, 0
    for found in _SGR.finditer(source):
        _add_text(spans, source[at : found.start()], style)
        style, at = _after(style, found[1]), found.end()
    _add_text(spans, source[at:], style)
    return tuple(spans)


def _add_text(spans: list[Span], text: str, style: Style) -> None:
    if text and (clean := sanitize(text).replace("\n", " ")):
        spans.append(Span(clean, _visible(style)))


@lru_cache(1024)
def _visible(style: Style) -> Style:
    """A style in which text can be read: not in the colour of its own background."""
    fore = next((role[3:] for role in style if role.startswith("fg:")), None)
    back = next((role[3:] for role in style if role.startswith("bg:")), None)
    if fore is not None and fore == back:
        return tuple(role for role in style if not role.startswith(("fg:", "bg:")))
    return style


@lru_cache(4096)
def _after(style: Style, parameters: str) -> Style:
    """A style after an SGR sequence."""
    roles = dict.fromkeys(style)
    codes = _codes(parameters)
    at = 0
    while at < len(codes):
        code = codes[at]
        at += 1
        if code == 0:
            roles.clear()
        elif code in _ATTRIBUTES:
            roles[_ATTRIBUTES[code]] = None
        elif code in _ENDS:
            for role in _ENDS[code]:
                roles.pop(role, None)
        elif code in (38, 48):
            colour, at = _extended(codes, at)
            _set(roles, "fg:" if code == 38 else "bg:", colour)
        elif code in (39, 49):
            _set(roles, "fg:" if code == 39 else "bg:", "")
        else:
            _set_basic(roles, code)
    return tuple(sorted(roles))


def _codes(parameters: str) -> list[int]:
    codes = []
    for part in parameters.split(";")[:_MOST_PARAMETERS]:
        # "38:2::r:g:b" has its parts in one parameter; an empty one there is the colour space.
        inner = part.split(":")
        if len(inner) > 5 and inner[1] == "2":
            inner.pop(2)
        if len(inner) > 1 and inner[0] == "4":  # kinds of underline
            inner = ["24" if inner[1] == "0" else "4"]
        codes += [int(each) if each else 0 for each in (text[:4] for text in inner)]
    return codes


def _extended(codes: Sequence[int], at: int) -> tuple[str, int]:
    """A colour after 38 or 48, and where the next parameter is."""
    match codes[at : at + 1]:
        case [5]:
            number = codes[at + 1] if at + 1 < len(codes) else 0
            return (str(number) if number < 256 else ""), at + 2
        case [2]:
            parts = codes[at + 1 : at + 4]
            if len(parts) < 3 or max(parts) > 255:
                return "", at + 4
            return "#" + "".join(f"{part:02x}" for part in parts), at + 4
        case _:
            return "", len(codes)


def _set_basic(roles: dict[str, None], code: int) -> None:
    for first, kind, base in ((30, "fg:", 0), (40, "bg:", 0), (90, "fg:", 8), (100, "bg:", 8)):
        if first <= code < first + 8:
            _set(roles, kind, str(code - first + base))


def _set(roles: dict[str, None], kind: str, colour: str) -> None:
    for role in [role for role in roles if role.startswith(kind)]:
        del roles[role]
    if colour:
        roles[kind + colour] = None
