"""What the user sent: on a band of its own, so that it is found again in a long conversation."""

from __future__ import annotations

from typing import ClassVar

from chatterm.render.lines import PROSE_WIDTH, Line, Span, line_cells, line_text, wrap
from chatterm.render.sanitize import sanitize, sanitize_line
from chatterm.steps import UserInput
from chatterm.tui.pane.items import Item
from chatterm.tui.steps.amounts import count, size
from chatterm.tui.steps.looks import Looks

_MOST_LINES = 16
_SHOWN_LINES = 12


class UserItem(Item):
    """A user's message.

    Attributes:
        kind: What it is.
        turn: The turn that it began.
        step: Empty: it is no step.
        unfolded: Whether all of a long message is shown.
    """

    kind: ClassVar[str] = "user"
    __slots__ = ("_branch", "_input", "_lines", "_rows", "_signs", "step", "turn", "unfolded")

    def __init__(self, key: str, turn: str, looks: Looks, sent: UserInput) -> None:
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

    def action(self, row: int, column: int, width: int) -> str:
        """A long message folds and unfolds at its last row; branches are switched at the first."""
        if self._branch and row == 0 and column >= width - len(self._branch) - 8:
            return "branch_after"
        return "fold" if self._is_long and row == self.rows(width) - 1 else ""

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
        for attached in self._input.attachments:
            name = sanitize_line(attached.name) or "unnamed"
            words = f"+ {name} {self._signs.dot} {size(attached.size)}"
            lines.append((Span(words, ("muted",)),))
        if folded:
            left = count(len(self._lines) - _SHOWN_LINES, "more line")
            lines.append((Span(f"{self._signs.dots} {left}", ("muted",)),))
        elif self._is_long:
            lines.append((Span(f"{self._signs.dots} fold", ("muted",)),))
        return lines

    def _at(self, width: int) -> list[Line]:
        if self._rows is None or self._rows[0] != width:
            room = min(width, PROSE_WIDTH)
            found: list[Line] = []
            for line in self._unwrapped():
                found += wrap(line, room) or [()]
            if self._branch:
                words = f"branch {self._branch}"
                blank = width - line_cells(found[0]) - len(words) - 1 if found else 0
                if blank > 0:
                    found[0] = (*found[0], Span(" " * blank), Span(words, ("accent",)))
            self._rows = (width, found)
        return self._rows[1]
