"""Where vim's motions lead: pure functions of a text and an offset in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Reach(Enum):
    """What an operator takes of the way to a motion's end."""

    EXCLUSIVE = "up to the character before"
    INCLUSIVE = "with the character there"
    LINES = "the lines from here to there"


@dataclass(frozen=True, slots=True)
class Motion:
    """Where a motion leads.

    Attributes:
        to: The offset.
        reach: What an operator takes.
    """

    to: int
    reach: Reach = Reach.EXCLUSIVE


def line_start(text: str, at: int) -> int:
    """Where the line begins that an offset is in."""
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """Where the line ends that an offset is in: at its line break, or the text's end."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def first_nonblank(text: str, at: int) -> int:
    """The first character of a line that is no blank; the last blank where all are."""
    start, end = line_start(text, at), line_end(text, at)
    line = text[start:end]
    if not line.strip():
        return max(start, end - 1)
    return start + len(line) - len(line.lstrip())


def last_of_line(text: str, at: int) -> int:
    """The offset of a line's last character; its beginning where it is empty."""
    return max(line_start(text, at), line_end(text, at) - 1)


def line_offset(text: str, number: int) -> int:
    """Where a line begins, counted from 0; the last where there are fewer."""
    at = 0
    for _ in range(number):
        following = text.find("\n", at)
        if following < 0:
            break
        at = following + 1
    return at


def next_word(text: str, at: int, *, big: bool) -> int:
    """Where the next word begins (`w`); an empty line is a word."""
    end = len(text)
    kind = _kind(text, at, big=big)
    here = at
    while here < end and kind and _kind(text, here, big=big) == kind:
        here += 1
    if here == at:
        here += 1
    while here < end and not _kind(text, here, big=big):
        if _is_empty_line(text, here):
            return here
        here += 1
    return min(here, end)


def previous_word(text: str, at: int, *, big: bool) -> int:
    """Where the word begins that is before an offset or around it (`b`)."""
    here = at - 1
    while here > 0 and not _kind(text, here, big=big):
        if _is_empty_line(text, here):
            return here
        here -= 1
    if here <= 0:
        return 0
    kind = _kind(text, here, big=big)
    while here > 0 and _kind(text, here - 1, big=big) == kind:
        here -= 1
    return here


def word_end(text: str, at: int, *, big: bool) -> int:
    """The last character of a word after an offset (`e`)."""
    end = len(text)
    here = at + 1
    while here < end and not _kind(text, here, big=big):
        here += 1
    if here >= end:
        return max(end - 1, 0)
    return run_end(text, here, big=big) - 1


def run_end(text: str, at: int, *, big: bool) -> int:
    """Where a run of characters of one kind ends: the offset after it, in the same line."""
    kind = _kind(text, at, big=big)
    here = at
    while here < len(text) and text[here] != "\n" and _kind(text, here, big=big) == kind:
        here += 1
    return here


def run_start(text: str, at: int, *, big: bool) -> int:
    """Where a run of characters of one kind begins, in the same line."""
    kind = _kind(text, at, big=big)
    here = at
    while here > 0 and text[here - 1] != "\n" and _kind(text, here - 1, big=big) == kind:
        here -= 1
    return here


def is_blank(text: str, at: int) -> bool:
    """Whether there is a blank at an offset, or the text's end."""
    return _kind(text, at, big=True) == 0


def find(text: str, at: int, how: str, character: str, count: int) -> int | None:
    """Where `f`, `F`, `t` or `T` leads; None where the line hasn't so many."""
    forward = how in "ft"
    here: int = at
    for _ in range(count):
        if forward:
            here = text.find(character, here + 1, line_end(text, at))
        else:
            here = text.rfind(character, line_start(text, at), max(here, 0))
        if here < 0:
            return None
    return here + {"t": -1, "T": 1}.get(how, 0)


def next_paragraph(text: str, at: int) -> int:
    """The empty line after the paragraph that an offset is in, or the text's end (`}`)."""
    here = line_start(text, at)
    inside = False
    while here < len(text):
        if text[here] != "\n":
            inside = True
        elif inside:
            return here
        here = line_end(text, here) + 1
    return len(text)


def previous_paragraph(text: str, at: int) -> int:
    """The empty line before the paragraph that an offset is in, or the text's start (`{`)."""
    here = line_start(text, at)
    inside = False
    if here < at:
        inside = True
    while here > 0:
        here = line_start(text, here - 1)
        if text[here] != "\n":
            inside = True
        elif inside:
            return here
    return 0


def vertical(text: str, at: int, rows: int, column: int) -> int | None:
    """The offset so many lines below (above, when negative) in a column; None at the edge."""
    here = line_start(text, at)
    for _ in range(abs(rows)):
        if rows > 0:
            following = line_end(text, here) + 1
            if following > len(text):
                return None
            here = following
        elif here == 0:
            return None
        else:
            here = line_start(text, here - 1)
    return min(here + column, last_of_line(text, here))


def _kind(text: str, at: int, *, big: bool) -> int:
    """0 for a blank or the end, 1 for a character of a word, 2 for any other."""
    if at >= len(text) or text[at].isspace():
        return 0
    return 1 if big or text[at].isalnum() or text[at] == "_" else 2


def _is_empty_line(text: str, at: int) -> bool:
    return text[at] == "\n" and (at == 0 or text[at - 1] == "\n")
