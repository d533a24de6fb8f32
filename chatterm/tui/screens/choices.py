"""What can be chosen, and the list that shows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from chatterm.render.lines import PLAIN, Line, Span, Style, line_text
from chatterm.tui.pane.palette import Palette
from chatterm.tui.screens.matching import Query, rank
from chatterm.tui.screens.painting import MUTED, as_line, folded, overlay, shown, spread
from chatterm.tui.screens.rows import Rows


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be chosen.

    Attributes:
        key: Tells it from the others.
        label: What it is called.
        detail: Stands at the right, muted, where there is room.
        group: The heading that it stands under; choices of a group follow each other.
        search: What it is found by beside its label.
        blocked: Why it can't be picked, which is said when that is tried; nothing where it can.
        shorter: Stands at the right where there is no room for the detail.
    """

    key: str
    label: Line | str
    detail: str = ""
    group: str = ""
    search: str = ""
    blocked: str = ""
    shorter: str = ""

    @property
    def text(self) -> str:
        """The label without its styles, as it is shown."""
        return shown(self.label) if isinstance(self.label, str) else line_text(self.label)


Run = Callable[[Choice], Awaitable[Sequence[Choice] | None]]


@dataclass(frozen=True, slots=True)
class Action:
    """Something else to do with a choice than to pick it.

    Attributes:
        key: The key that does it, as textual names keys.
        label: What it does, in a word.
        name: Tells it from the others; `picker.NAME` is the id of its key.
        run: Does it while the picker stays open, and returns the choices there are now, or None
            where they may be asked for again or are the same. Without it the picker closes and
            whoever opened it does what is to be done.
    """

    key: str
    label: str
    name: str
    run: Run | None = None


@dataclass(frozen=True, slots=True)
class Picked:
    """What was chosen.

    Attributes:
        choice: The choice.
        action: The name of what to do with it; nothing where it was simply picked.
    """

    choice: Choice
    action: str = ""


class ChoiceRows(Rows):
    """A list of choices under headings, with a cursor.

    Args:
        palette: What roles look like.
        current: The key of the one that is in use; it is marked.
    """

    class Moved(Message):
        """The cursor is on another choice, or on none."""

    class Taken(Message):
        """The choice under the cursor was clicked."""

    def __init__(self, palette: Palette, *, current: str | None = None) -> None:
        super().__init__(palette)
        self._current = current
        self._choices: Sequence[Choice] = ()
        # For each row the number of a choice, or a heading.
        self._rows: list[int | str] = []
        self._cursor = 0  # a row
        self._query = Query("")
        self._nothing = ""

    def show(self, choices: Sequence[Choice], query: str, *, headed: bool, nothing: str) -> None:
        """Show other choices, with the cursor on the first.

        Args:
            choices: The choices.
            query: What they were found by.
            headed: Whether they stand under headings.
            nothing: What to say where there are none.
        """
        self._choices, self._query, self._nothing = choices, Query(query), nothing
        self._rows = _rows(choices) if headed else list(range(len(choices)))
        self._cursor = -1
        self.go_to(0)
        self.show_count(max(1, len(self._rows)))
        self._put(0, 1)

    @property
    def choice(self) -> Choice | None:
        """The choice under the cursor."""
        if not 0 <= self._cursor < len(self._rows):
            return None
        number = self._rows[self._cursor]
        return None if isinstance(number, str) else self._choices[number]

    def seek(self, key: str | None, otherwise: int = 0) -> None:
        """Put the cursor on the choice of a key, or on the row that it stood at before."""
        for row, number in enumerate(self._rows):
            if not isinstance(number, str) and self._choices[number].key == key:
                self._put(row, 1)
                return
        self._put(otherwise, -1)

    @property
    def cursor(self) -> int:
        """The row of the cursor."""
        return max(0, self._cursor)

    def move(self, rows: int) -> None:
        """Move the cursor by rows, past headings, and no further than to an end."""
        self._put(self._cursor + rows, 1 if rows > 0 else -1)

    def line(self, row: int, width: int) -> Line:
        """A choice, or a heading."""
        if not self._rows:
            return (Span("  " + self._nothing, MUTED),)
        number = self._rows[row]
        if isinstance(number, str):
            return as_line(number, MUTED)
        choice = self._choices[number]
        places = self._query.places(folded(choice.text))
        label = as_line(choice.label, MUTED if choice.blocked else PLAIN)
        label = overlay(label, places, ("match",))
        mark = Span("• ", ("marker",)) if choice.key == self._current else Span("  ")
        rights = [as_line(each, MUTED) for each in (choice.detail, choice.shorter)]
        return spread((mark, *label), rights, width)

    def row_style(self, row: int) -> Style:
        """The row of the cursor stands out."""
        return ("selection",) if self._rows and row == self._cursor else PLAIN

    def on_click(self, event: events.Click) -> None:
        """Move to what is clicked; take it where the cursor was on it already."""
        row = event.y + self.top
        if not 0 <= row < len(self._rows) or isinstance(self._rows[row], str):
            return
        if row == self._cursor:
            self.post_message(self.Taken())
        else:
            self._put(row, 1)

    def _put(self, row: int, step: int) -> None:
        """Put the cursor on a row, or on the next one in a direction that has a choice."""
        row = max(0, min(row, len(self._rows) - 1))
        found = self._choice_row(row, step)
        found = self._choice_row(row, -step) if found is None else found
        if found is None or found == self._cursor:
            return
        self._cursor = found
        # A heading right above is seen, too.
        above = found - 1 if found and isinstance(self._rows[found - 1], str) else found
        self.bring_in(above)
        self.bring_in(found)
        self.refresh()
        self.post_message(self.Moved())

    def _choice_row(self, row: int, step: int) -> int | None:
        while 0 <= row < len(self._rows):
            if not isinstance(self._rows[row], str):
                return row
            row += step
        return None


def _rows(choices: Sequence[Choice]) -> list[int | str]:
    rows: list[int | str] = []
    group = ""
    for number, choice in enumerate(choices):
        if choice.group != group:
            group = choice.group
            rows.append(group)
        rows.append(number)
    return rows


class Filter:
    """Finds choices by what is typed.

    Args:
        choices: The choices.
    """

    def __init__(self, choices: Sequence[Choice]) -> None:
        self._choices = choices
        self._texts: list[str] | None = None
        self._last: tuple[str, list[int]] | None = None

    def find(self, query: str) -> Sequence[Choice]:
        """Those that fit, the best first; all of them, in their order, where nothing is typed.

        Letters that are scattered over a text count only where nothing has the words themselves.
        """
        if not query.strip():
            return self._choices
        if self._texts is None:
            # What it is found by besides stands on a line of its own: nothing reaches over.
            self._texts = [folded(f"{choice.text}\n{choice.search}") for choice in self._choices]
        # What goes on from what was typed before is found among that.
        before = self._last
        among = before[1] if before and query.startswith(before[0]) else None
        found = rank(query, self._texts, None if among is None else sorted(among))
        self._last = query, found
        words = Query(query)
        whole = [number for number in found if words.is_whole(self._texts[number])]
        return [self._choices[number] for number in whole or found]
