"""Where the motion of a command leads, with what vim remembers between motions."""

from __future__ import annotations

import sys

from chatterm.tui.prompt import vim_motions as motions
from chatterm.tui.prompt.vim_keys import FINDS, Command
from chatterm.tui.prompt.vim_motions import Motion, Reach
from chatterm.tui.prompt.vim_objects import Stretch

_WORD_MOTIONS = {"w": motions.next_word, "b": motions.previous_word, "e": motions.word_end}


class Mover:
    """Finds the ends of motions; remembers what was found last, and the column to keep to."""

    def __init__(self) -> None:
        self._found: tuple[str, str] | None = None
        self._column: int | None = None

    def motion(self, text: str, at: int, command: Command) -> Motion | None:
        """Where a motion leads; None where it can't go.

        Args:
            text: The text.
            at: Where it begins.
            command: Its target, count and argument; with an operator some lead elsewhere.
        """
        target, count = command.target, command.count or 1
        if target in {"j", "k"}:
            return self._vertical(text, at, count if target == "j" else -count)
        self._column = sys.maxsize if target == "$" else None
        if target.lower() in _WORD_MOTIONS:
            return _by_words(text, at, command)
        if target in FINDS or target in {";", ","}:
            return self._find(text, at, command)
        return _plain(text, at, command)

    def forget_column(self) -> None:
        """Take the column anew when a line is left: the cursor was set otherwise."""
        self._column = None

    def _vertical(self, text: str, at: int, rows: int) -> Motion | None:
        if self._column is None:
            self._column = at - motions.line_start(text, at)
        to = motions.vertical(text, at, rows, self._column)
        return None if to is None else Motion(to, Reach.LINES)

    def _find(self, text: str, at: int, command: Command) -> Motion | None:
        how, character = command.target, command.argument
        begin = at
        if how in FINDS:
            self._found = (how, character)
        elif self._found is None:
            return None
        else:
            how, character = self._found
            if command.target == ",":
                how = how.swapcase()
            begin += {"t": 1, "T": -1}.get(how, 0)  # not the one that the cursor is beside
        if begin < 0 or motions.line_start(text, begin) != motions.line_start(text, at):
            return None
        to = motions.find(text, begin, how, character, command.count or 1)
        if to is None:
            return None
        return Motion(to, Reach.INCLUSIVE if how in "ft" else Reach.EXCLUSIVE)


def stretch_of(text: str, at: int, command: Command, motion: Motion) -> Stretch:
    """What an operator takes of a motion that begins at an offset."""
    start, end = sorted((at, motion.to))
    if motion.reach is Reach.LINES:
        return Stretch(motions.line_start(text, start), motions.line_end(text, end), lines=True)
    if motion.reach is Reach.INCLUSIVE:
        return Stretch(start, min(end + 1, len(text)))
    if command.target in "{}" and start < end < len(text) and text[end - 1] == "\n":
        # What ends before a line's first character ends with the line above.
        whole = start <= motions.first_nonblank(text, start)
        first = motions.line_start(text, start)
        return Stretch(first, end - 1, lines=True) if whole else Stretch(start, end - 1)
    return Stretch(start, end)


def lines_from(text: str, at: int, count: int) -> Stretch:
    """So many whole lines from an offset's on, or as many as there are."""
    end = motions.line_end(text, at)
    for _ in range(count - 1):
        if end == len(text):
            break
        end = motions.line_end(text, end + 1)
    return Stretch(motions.line_start(text, at), end, lines=True)


def _by_words(text: str, at: int, command: Command) -> Motion | None:
    count, big = command.count or 1, command.target.isupper()
    step = _WORD_MOTIONS[command.target.lower()]
    before = at
    for _ in range(min(count, len(text)) - 1):
        before = step(text, before, big=big)
    to = step(text, before, big=big)
    if command.target in "eE":
        return Motion(to, Reach.INCLUSIVE)
    if command.target in "bB":
        return Motion(to) if to < at else None
    if command.operator == "c" and not motions.is_blank(text, at):
        return Motion(motions.run_end(text, before, big=big))
    if command.operator:  # an operator on the last word of a line leaves the line break
        to = min(to, max(motions.line_end(text, before), at))
    return Motion(to)


def _plain(text: str, at: int, command: Command) -> Motion | None:
    count = command.count or 1
    first, end = motions.line_start(text, at), motions.line_end(text, at)
    match command.target:
        case "h":
            return Motion(max(first, at - count)) if at > first else None
        case "l":
            last = end if command.operator else motions.last_of_line(text, at)
            return Motion(min(at + count, last))
        case "0":
            return Motion(first)
        case "^":
            return Motion(motions.first_nonblank(text, at))
        case "$":
            end = lines_from(text, at, count).end
            to = motions.last_of_line(text, end)
            return Motion(to) if to == end else Motion(to, Reach.INCLUSIVE)
        case "gg" | "G":
            row = text.count("\n") if command.target == "G" else 0
            row = row if command.count is None else count - 1
            to = motions.first_nonblank(text, motions.line_offset(text, row))
            return Motion(to, Reach.LINES)
    step = motions.next_paragraph if command.target == "}" else motions.previous_paragraph
    to = at
    for _ in range(min(count, len(text))):
        to = step(text, to)
    return Motion(to)
