"""A small menu near the place it was opened from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message

from chatterm.render.lines import PLAIN, Line, Span, Style, line_cells
from chatterm.tui.pane.palette import Palette
from chatterm.tui.screens.painting import STRONG, as_line
from chatterm.tui.screens.panel import Hints, PanelScreen, Title, key_name
from chatterm.tui.screens.rows import Rows

_SIDES = 4
"""Cells that a panel takes beside what is in it."""


class Item(NamedTuple):
    """Something that a menu offers.

    Attributes:
        key: The letter that chooses it.
        label: What it does.
        name: What the menu answers; `menu.NAME` is the id of its key.
    """

    key: str
    label: Line | str
    name: str


class MenuRows(Rows):
    """The items, each behind its letter.

    Args:
        palette: What roles look like.
        items: The items.
    """

    class Taken(Message):
        """An item was clicked.

        Attributes:
            number: Which one.
        """

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, palette: Palette, items: Sequence[Item]) -> None:
        super().__init__(palette)
        self._items = [as_line(item.label) for item in items]
        self._letters = [item.key for item in items]
        self.cursor = 0

    def on_mount(self) -> None:
        """Show all of them."""
        self.show_count(len(self._items))

    def name_keys(self, letters: Sequence[str]) -> None:
        """Show other letters: those that the user has mapped them to."""
        self._letters = list(letters)
        self.refresh()

    @property
    def widest(self) -> int:
        """The cells that the widest item takes."""
        letters = max((len(letter) for letter in self._letters), default=0)
        return letters + 2 + max((line_cells(item) for item in self._items), default=0)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As high as there are items."""
        return len(self._items)

    def move(self, rows: int) -> None:
        """Move the cursor; beyond an end is the other end."""
        if self._items:
            self.cursor = (self.cursor + rows) % len(self._items)
            self.bring_in(self.cursor)
            self.refresh()

    def line(self, row: int, width: int) -> Line:
        """An item."""
        letters = max(len(letter) for letter in self._letters)
        return (Span(self._letters[row].ljust(letters), STRONG), Span("  "), *self._items[row])

    def row_style(self, row: int) -> Style:
        """The row of the cursor stands out."""
        return ("selection",) if row == self.cursor else PLAIN

    def on_click(self, event: events.Click) -> None:
        """Take what is clicked."""
        row = event.y + self.top
        if 0 <= row < len(self._items):
            self.post_message(self.Taken(row))


class Menu(PanelScreen[str | None]):
    """Offers a few things to do; answers the name of one, or None.

    Args:
        palette: What roles look like.
        items: What there is to do.
        at: The cell that it was opened from: column and row of the screen.
        title: What it is about.
    """

    DEFAULT_CSS = """
    Menu {
        align: left top;
        & #panel, &.-narrow #panel, &.-short #panel { padding: 0 2; }
        & Title { margin-bottom: 1; }
        & MenuRows { height: auto; max-height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "pick", "pick", id="menu.pick", key_display="Enter"),
        Binding("escape", "cancel", "close", id="menu.cancel", key_display="Esc"),
        Binding("up", "move(-1)", "Up", show=False, id="menu.up"),
        Binding("down", "move(1)", "Down", show=False, id="menu.down"),
    ]
    AUTO_FOCUS = ""
    EMPTY_BESIDE = False  # it is about what it stands at

    def __init__(
        self,
        palette: Palette,
        items: Sequence[Item | tuple[str, Line | str, str]],
        at: tuple[int, int],
        *,
        title: Line | str = "",
    ) -> None:
        super().__init__(palette)
        self._items = [Item(*item) for item in items]
        self._at = at
        self._title = as_line(title, STRONG)
        self._rows = MenuRows(palette, self._items)
        for number, item in enumerate(self._items):
            self.add_key(
                Binding(item.key, f"take({number})", "", show=False, id=f"menu.{item.name}")
            )

    def compose(self) -> ComposeResult:
        """The title, where there is one, and the items."""
        with Vertical(id="panel"):
            if self._title:
                yield Title(self.palette, self._title)
            yield self._rows
            yield Hints(self.palette)

    def on_mount(self) -> None:
        """Name the keys as they are mapped at present, and find a place."""
        bound = {
            active.binding.id: key_name(self, active.binding)
            for active in reversed(self.active_bindings.values())
        }
        self._rows.name_keys([bound.get(f"menu.{item.name}", "") for item in self._items])
        self._place(self.app.size)

    def on_resize(self, event: events.Resize) -> None:
        """Stay on the screen."""
        self._place(event.size)

    def on_click(self, event: events.Click) -> None:
        """A click beside it closes it."""
        if not self.query_one("#panel").region.contains_point(event.screen_offset):
            self.answer(None)

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._rows.move(rows)

    def action_pick(self) -> None:
        """Pick what the cursor is on."""
        if self._items:
            self.action_take(self._rows.cursor)

    def action_take(self, number: int) -> None:
        """Pick by the letter."""
        self.answer(self._items[number].name)

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.answer(None)

    @on(MenuRows.Taken)
    def _taken(self, event: MenuRows.Taken) -> None:
        self.action_take(event.number)

    def _place(self, size: Size) -> None:
        """Stand below the cell, or above it, with all of it on the screen."""
        panel = self.query_one("#panel")
        hints = 24  # the pick and the close
        width = min(size.width, max(self._rows.widest, line_cells(self._title), hints) + _SIDES)
        height = min(size.height, len(self._items) + 2 + 2 * bool(self._title))
        column, row = self._at
        below = row + 1
        top = below if below + height <= size.height else max(0, row - height)
        left = max(0, min(column, size.width - width))
        panel.styles.width, panel.styles.height = width, height
        panel.styles.offset = (left, min(top, size.height - height))
