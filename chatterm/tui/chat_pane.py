"""The pane of a conversation: its keys are deeds, and letters typed in it go back to the prompt."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from chatterm.tui.deeds.every import DEEDS
from chatterm.tui.pane.palette import Palette
from chatterm.tui.pane.reading import ReadingPane


def bindings(*, reading: bool) -> list[BindingType]:
    """The keys of deeds: those that count in the pane, or those that always do."""
    return [
        Binding(
            deed.keys,
            f"screen.do('{deed.name}')",
            deed.text,
            id=deed.name,
            show=False,
            priority=not reading,
        )
        for deed in DEEDS
        if deed.keys and deed.reading == reading
    ]


class ChatPane(ReadingPane):
    """Shows the conversation."""

    DEFAULT_CSS = """
    ChatPane { height: 1fr; background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(reading=True)

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(palette, id=id)
        self._watched: tuple[str, int] = ("", 0)
        self._seen: set[tuple[str, int, int]] = set()

    def all_seen(self, key: str, rows: int) -> bool:
        """Whether the first rows of an item were all on the screen since this was asked first.

        The first one that wasn't is brought there.

        Args:
            key: The item's.
            rows: How many of its rows count.
        """
        self._watched = (key, rows)
        width = self._look()
        unseen = (row for row in range(rows) if (key, width, row) not in self._seen)
        first = next(unseen, None)
        if first is not None:
            self.show_row(key, first)
        return first is None

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolled: what comes into sight was seen."""
        super().watch_scroll_y(old_value, new_value)
        if self._watched[1]:
            self._look()

    def _look(self) -> int:
        """Note the rows in sight of the item that matters; they are others at another width."""
        key, rows = self._watched
        width = self.scrollable_content_region.width
        index = self._index.get(key)
        if index is not None:
            first = self._heights.top(index) + self._items[index].gap
            top, end = self._top_row - first, self._top_row - first + self._screen_rows
            self._seen |= {(key, width, row) for row in range(max(0, top), min(rows, end))}
        return width
