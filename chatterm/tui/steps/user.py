"""What the user sent: on a band of its own, so that it is found again in a long conversation."""

from __future__ import annotations

from typing import ClassVar

from chatterm.render.amounts import count, size, time_of_day
from chatterm.render.lines import PROSE_WIDTH, Line, Span, line_cells, line_text, wrap
from chatterm.render.sanitize import sanitize, sanitize_line
from chatterm.steps import Attachment, UserInput
from chatterm.tui.pane.items import Item
from chatterm.tui.steps.looks import Looks

_MOST_LINES = 16
_SHOWN_LINES = 12
_NARROWEST = 16
"""So many cells of the first row are left to the message, whatever is told beside it."""


class UserItem(Item):
    """A user's message.

    Args:
        at: When it was sent, in seconds since the epoch.

    Attributes:
        kind: What it is.
        turn: The turn that it began.
        step: Empty: it is no step.
        unfolded: Whether all of a long message is shown.
    """

    kind: ClassVar[str] = "user"
    __slots__ = (
        "_branch",
        "_input",
        "_lines",
        "_now",
        "_rows",
        "_signs",
        "_time",
        "step",
        "turn",
        "unfolded",
    )

    def __init__(
        self, key: str, turn: str, looks: Looks, sent: UserInput, at: float | None = None
    ) -> None:
        super().__init__(key, gap=1)
        self.turn = turn
        self.step = ""
        self.unfolded = False
        self.mark = Span(looks.signs.user, ("user",))
        self.band = ("user_band",)
        self._signs = looks.signs
        self._input = sent
        self._lines = sanitize(sent.text.strip("\n")).split("\n") if sent.text.strip() else []
        self._rows: tuple[int, list[Line]] | None = None
        self._branch = ""
        self._time = at if looks.timestamps else None
        self._now = looks.now

    @property
    def text(self) -> str:
        """What was sent, as it was typed."""
        return self._input.text

    @property
    def sent(self) -> UserInput:
        """What was sent."""
        return self._input

    def fold(self, *, unfolded: bool) -> None:
        """Show all of a long message, or its beginning."""
        if unfolded != self.unfolded:
            self.unfolded, self._rows = unfolded, None
            self.tell(0)

    def tell_branch(self, place: int, count: int) -> None:
        """Tell that it is one of several branches; a place of 0 is the only one."""
        told = f"{place}/{count}" if place else ""
        if told != self._branch:
            self._branch, self._rows = told, None
            self.tell(0)

    def forget(self) -> None:
        """Wrap the lines anew when they are seen again."""
        self._rows = None

    def estimate(self, width: int) -> int:
        """One row a line."""
        shown = len(self._lines) if self.unfolded else min(len(self._lines), _MOST_LINES)
        return shown + len(self._input.attachments)

    def rows(self, width: int) -> int:
        """As many as wrapping gives."""
        return len(self._at(width))

    def line(self, row: int, width: int) -> Line:
        """A row."""
        rows = self._at(width)
        return rows[row] if row < len(rows) else ()

    def text_line(self, row: int, width: int) -> Line:
        """A row, without what is told beside the message."""
        line, words = self.line(row, width), self._beside()
        beside = len(words) + 1
        if row or not words or line[1 - beside :] != tuple(words):
            return line
        return line[:-beside]

    def action(self, row: int, column: int, width: int) -> str:
        """A long message folds and unfolds at its last row; branches are switched at the first."""
        if self._branch and row == 0 and column >= width - line_cells(self._beside()) - 1:
            return "branch_after"
        return "fold" if self._is_long and row == self._folding_row(width) else ""

    def plain(self, width: int) -> str:
        """The lines, whole."""
        text = (line_text(line) for line in self._unwrapped())
        return "\n".join(text)

    def holds(self, words: str) -> bool:
        """Whether the message has the words."""
        return any(words in line.lower() for line in self._lines)

    def copied(self) -> str:
        """What was sent."""
        return self._input.text

    @property
    def _is_long(self) -> bool:
        return len(self._lines) > _MOST_LINES

    def _unwrapped(self) -> list[Line]:
        folded = self._is_long and not self.unfolded
        shown = self._lines[:_SHOWN_LINES] if folded else self._lines
        lines: list[Line] = [(Span(text, ("user",)),) if text else () for text in shown]
        if folded:
            left = count(len(self._lines) - _SHOWN_LINES, "more line")
            lines.append((Span(f"{self._signs.dots} {left}", ("muted",)),))
        elif self._is_long:
            lines.append((Span(f"{self._signs.dots} fold", ("muted",)),))
        return lines + [self._named(attached) for attached in self._input.attachments]

    def _named(self, attached: Attachment) -> Line:
        name = sanitize_line(attached.name) or "unnamed"
        return (Span(f"+ {name} {self._signs.dot} {size(attached.size)}", ("muted",)),)

    def _beside(self) -> list[Span]:
        """What stands at the right of the first row: which branch it is, when it was sent."""
        words = [Span(f"branch {self._branch}", ("accent",))] if self._branch else []
        if self._time is not None:
            words += [Span("  ")] if words else []
            words.append(Span(time_of_day(self._time, self._now()), ("muted",)))
        return words

    def _at(self, width: int) -> list[Line]:
        if self._rows is None or self._rows[0] != width:
            words = self._beside()
            beside = line_cells(words) + 3 if words else 0
            if width - beside < _NARROWEST:
                words, beside = [], 0
            found: list[Line] = []
            for number, line in enumerate(self._unwrapped()):
                room = width if number else width - beside
                found += _wrapped(line, min(room, PROSE_WIDTH))
            if words and found:
                blank = width - line_cells(found[0]) - line_cells(words) - 1
                found[0] = (*found[0], Span(" " * blank), *words)
            self._rows = (width, found)
        return self._rows[1]

    def _folding_row(self, width: int) -> int:
        """The row that folds and unfolds: the one before those of the files."""
        after = map(self._named, self._input.attachments)
        return self.rows(width) - 1 - sum(len(_wrapped(line, width)) for line in after)


def _wrapped(line: Line, room: int) -> list[Line]:
    """The rows of a line, all as far from the left as it is: code may have been pasted."""
    text = line_text(line)
    indent = " " * min(len(text) - len(text.lstrip(" ")), room // 2)
    rows = wrap(line, room - len(indent)) or [()]
    return [(Span(indent, row[0].style), *row) if indent and row else row for row in rows]
