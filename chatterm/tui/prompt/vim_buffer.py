"""A TextArea as vim's commands see it: a text, offsets in it, and undoing command by command."""

from __future__ import annotations

from textual.document._document import Selection
from textual.document._edit import Edit
from textual.widgets import TextArea

from chatterm.tui.prompt.vim_motions import last_of_line


class Buffer:
    """The text of an area. It changes through the area's own methods alone.

    Args:
        area: The area.
    """

    def __init__(self, area: TextArea) -> None:
        self._area = area

    @property
    def text(self) -> str:
        """The whole text."""
        return "\n".join(self._area.document.lines)

    @property
    def cursor(self) -> int:
        """Where the cursor is."""
        return self._offset(self._area.cursor_location)

    def move(self, at: int) -> None:
        """Set the cursor; nothing is selected then."""
        self._area.move_cursor(self._location(at))

    def settle(self) -> None:
        """Set the cursor on a character, as normal mode has it, not after the last of a line."""
        at = self.cursor
        last = last_of_line(self.text, at)
        if at > last:
            self.move(last)

    def select(self, start: int, end: int) -> None:
        """Show a selection whose cursor is at its end, which may come before its start."""
        self._area.selection = Selection(self._location(start), self._location(end))

    def replace(self, start: int, end: int, new: str) -> None:
        """Put a text in place of a part, and the cursor after it."""
        if start == end and not new:
            return
        self._area.move_cursor(self._location(start))  # where undoing puts it
        self._area.replace(
            new, self._location(start), self._location(end), maintain_selection_offset=False
        )

    def _offset(self, location: tuple[int, int]) -> int:
        row, column = location
        lines = self._area.document.lines
        return sum(len(line) + 1 for line in lines[:row]) + column

    def _location(self, at: int) -> tuple[int, int]:
        row = 0
        for row, line in enumerate(self._area.document.lines):
            if at <= len(line):
                return row, at
            at -= len(line) + 1
        return row, len(self._area.document.lines[-1])


class Commands:
    """Which edits were made by one command, so that they are undone together.

    The area gathers edits in batches of its own; one command may have several.
    """

    def __init__(self) -> None:
        self._last: list[list[Edit]] = []  # the last batch of each command

    def end(self, area: TextArea) -> None:
        """Say that a command, or what was typed after one, ends here."""
        area.history.checkpoint()
        done, undone = area.history.undo_stack, area.history.redo_stack
        known = {id(batch) for batch in (*done, *undone)}
        self._last = [batch for batch in self._last if id(batch) in known]
        if done and not self._ends(done[-1]):
            self._last.append(done[-1])

    def undo(self, area: TextArea) -> None:
        """Undo the last command."""
        area.undo()
        while (done := area.history.undo_stack) and not self._ends(done[-1]):
            area.undo()

    def redo(self, area: TextArea) -> None:
        """Do again the command that was undone last."""
        undone = area.history.redo_stack
        area.redo()
        while area.history.redo_stack and not self._ends(area.history.undo_stack[-1]):
            area.redo()
        if undone:
            area.move_cursor(undone[-1][0].top)

    def _ends(self, batch: list[Edit]) -> bool:
        return any(batch is last for last in self._last)
