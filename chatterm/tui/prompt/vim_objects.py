"""Vim's text objects: the stretch of text that `iw`, `a"` or `i(` stands for at an offset."""

from __future__ import annotations

from dataclasses import dataclass

from chatterm.tui.prompt.vim_motions import is_blank, line_end, line_start, run_end, run_start

_PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_NAMES = {"b": "(", "B": "{", ")": "(", "]": "[", "}": "{", ">": "<"}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a text.

    Attributes:
        start: Where it begins.
        end: Where it ends: the offset after it.
        lines: Whether it is whole lines; their last line break isn't part of it.
    """

    start: int
    end: int
    lines: bool = False


def text_object(text: str, at: int, name: str, count: int) -> Stretch | None:
    """The stretch that a text object stands for; None where there is none.

    Args:
        text: The text.
        at: The cursor's offset.
        name: `i` or `a`, and what it is of.
        count: How many: words in a row, or brackets from the inside out.
    """
    around, what = name[0] == "a", name[1]
    if what in "wW":
        return _words(text, at, count, around=around, big=what == "W")
    if what == "p":
        return _paragraphs(text, at, count, around=around)
    if what in "\"'`":
        return _quoted(text, at, what, around=around)
    return _bracketed(text, at, _NAMES.get(what, what), count, around=around)


def _words(text: str, at: int, count: int, *, around: bool, big: bool) -> Stretch | None:
    if at >= len(text) or text[at] == "\n":
        return None
    start = run_start(text, at, big=big)
    end = start
    begins_blank = is_blank(text, start)
    for _ in range(count * 2 if around else count):
        end = run_end(text, end, big=big)
        if end >= line_end(text, end):
            break
    # Without a blank after the last word, the blanks before the first go with it.
    blank_before = start > line_start(text, start) and is_blank(text, start - 1)
    if around and blank_before and not begins_blank and not is_blank(text, end - 1):
        start = run_start(text, start - 1, big=big)
    return Stretch(start, end)


def _quoted(text: str, at: int, quote: str, *, around: bool) -> Stretch | None:
    """What is between quotes in the line: those around the offset, else the next ones."""
    first = line_start(text, at)
    line = text[first : line_end(text, at)]
    marks = [n for n, each in enumerate(line) if each == quote and not _is_escaped(line, n)]
    for opening, closing in zip(marks[::2], marks[1::2], strict=False):
        if first + closing < at:
            continue
        if not around:
            return Stretch(first + opening + 1, first + closing)
        start, end = opening, closing + 1
        while end < len(line) and line[end].isspace():
            end += 1
        if end == closing + 1:
            while start > 0 and line[start - 1].isspace():
                start -= 1
        return Stretch(first + start, first + end)
    return None


def _is_escaped(line: str, at: int) -> bool:
    before = line[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _bracketed(text: str, at: int, opening: str, count: int, *, around: bool) -> Stretch | None:
    closing = _PAIRS[opening]
    start: int | None = at
    if text[at : at + 1] == opening:
        count -= 1
    for _ in range(count):
        start = _opened(text, start, opening, closing) if start is not None else None
    if start is None:
        return None
    end = _closed(text, start, opening, closing)
    if end is None:
        return None
    if around:
        return Stretch(start, end + 1)
    return _inner(text, start + 1, end)


def _inner(text: str, start: int, end: int) -> Stretch:
    """What is between brackets; whole lines where the brackets stand on lines of their own."""
    last = line_start(text, end)
    if text[start : start + 1] == "\n" and last > start + 1 and not text[last:end].strip():
        return Stretch(start + 1, last - 1, lines=True)
    return Stretch(start, end)


def _opened(text: str, at: int, opening: str, closing: str) -> int | None:
    depth = 0
    for here in range(at - 1, -1, -1):
        if text[here] == closing:
            depth += 1
        elif text[here] == opening:
            if depth == 0:
                return here
            depth -= 1
    return None


def _closed(text: str, start: int, opening: str, closing: str) -> int | None:
    depth = 0
    for here in range(start, len(text)):
        if text[here] == opening:
            depth += 1
        elif text[here] == closing:
            depth -= 1
            if depth == 0:
                return here
    return None


def _paragraphs(text: str, at: int, count: int, *, around: bool) -> Stretch:
    lines = text.split("\n")
    row = text.count("\n", 0, at)
    blank = [not line.strip() for line in lines]
    first = last = row
    while first > 0 and blank[first - 1] == blank[row]:
        first -= 1
    last = first - 1
    for _ in range(count * 2 if around else count):
        if last + 1 >= len(lines):
            break
        kind = blank[last + 1]
        while last + 1 < len(lines) and blank[last + 1] == kind:
            last += 1
    if around and not blank[row] and not blank[last]:  # at the end: the blank lines before
        while first > 0 and blank[first - 1]:
            first -= 1
    start = sum(len(line) + 1 for line in lines[:first])
    return Stretch(start, start + len("\n".join(lines[first : last + 1])), lines=True)
