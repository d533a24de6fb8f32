"""Reading in the pane: a cursor that goes from step to step, finding, selecting with the mouse."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from textual import events
from textual.message import Message
from textual.timer import Timer

from chatterm.render.lines import cells, line_text, split_cells
from chatterm.tui.pane.conversation_pane import ConversationPane
from chatterm.tui.pane.items import Item
from chatterm.tui.pane.palette import DARK, Palette
from chatterm.tui.pane.selecting import Place, Selection, selected_text
from chatterm.tui.pane.step_view import GUTTER, StepView

_SCROLL_S = 0.05
_DOUBLE_S = 0.4


class ReadingPane(ConversationPane):
    """A pane in which one can go from item to item, find words and select text."""

    ALLOW_SELECT = False

    class Clicked(Message):
        """A row of an item was clicked.

        Attributes:
            item: The item.
            row: The row of the item; negative in the gap above it.
            column: The cell of its text; negative in the gutter.
            action: What the item says that such a click is for, or an empty text.
            at: The cell of the screen, for a menu beside it.
            button: The button of the mouse, from 1.
        """

        def __init__(
            self, item: Item, place: Place, action: str, at: tuple[int, int], button: int
        ) -> None:
            super().__init__()
            self.item = item
            self.row = place.row
            self.column = place.column
            self.action = action
            self.at = at
            self.button = button

    class Selected(Message):
        """Something was selected with the mouse."""

    def __init__(self, palette: Palette = DARK, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(palette, id=id)
        self._anchor: Place | None = None
        self._selection: Selection | None = None
        self._dragged = False
        self._pressed: events.MouseDown | None = None
        self._scrolling: Timer | None = None
        self._pointer = (0, 0)
        self._clicked_at = 0.0
        self._sized = 0
        self._changing: dict[str, Item] | None = None
        self.marks.cells_of = self._cells_of

    # --- items come and go ---

    def prepend(self, items: Sequence[Item]) -> None:
        """Add items before all others; what is selected stays selected."""
        super().prepend(items)
        if self._anchor is not None:
            self._anchor = self._anchor.moved(len(items))
        if self._selection is not None:
            self._selection = self._selection.moved(len(items))

    def cut(self, key: str) -> None:
        """Take away an item and all after it; what is selected there isn't any more."""
        first = self.index_of(key)
        if self._anchor is not None and self._anchor.number >= first:
            self._anchor = None
        if self._selection is not None and self._selection.end.number >= first:
            self.clear_selection()
        super().cut(key)

    def replace(self, items: Sequence[Item], *, at_end: bool = True) -> None:
        """Show other items; nothing is selected, and the cursor is nowhere."""
        self._anchor = self._selection = self.marks.cursor = None
        super().replace(items, at_end=at_end)

    def on_resize(self, event: events.Resize) -> None:
        """At another width a place is another one: nothing is selected any more."""
        changed = event.size.width != self._sized
        self._sized = event.size.width
        if changed:
            self._anchor = None
            self.clear_selection()

    # --- many changes at once ---

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Change many items: where they stand is looked at once, in the end."""
        self._changing = {}
        try:
            yield
        finally:
            changed, self._changing = self._changing, None
            with self._place_kept():
                for item in changed.values():
                    self._look_at(item)
            self._grown(below=False)

    def _look_at(self, item: Item) -> None:
        index = self._index.get(item.key)
        if index is None:
            return
        view = self.view_of(item.key)
        if view is not None:
            view.repaint()
            self._measure(index)
        elif self._text_width:
            self._heights.set(index, item.gap + item.estimate(self._text_width))

    def _item_changed(self, item: Item, row: int) -> None:
        if self._changing is not None:
            self._changing[item.key] = item
        else:
            super()._item_changed(item, row)

    def _leave(self, views: Sequence[StepView]) -> None:
        if self._selection is None:
            super()._leave(views)
        else:  # what is copied is looked up among the rows
            self.remove_children(views)

    # --- the cursor ---

    @property
    def cursor(self) -> Item | None:
        """The item that the cursor is at."""
        key = self.marks.cursor
        return self.item(key) if key is not None else None

    def item(self, key: str) -> Item | None:
        """The item of a key."""
        try:
            return self.items[self.index_of(key)]
        except KeyError:
            return None

    def set_cursor(self, key: str | None, *, seen: bool = True) -> None:
        """Put the cursor at an item, or nowhere; an item that isn't on the screen comes there."""
        before, self.marks.cursor = self.marks.cursor, key
        for each in (before, key):
            view = self.view_of(each) if each is not None else None
            if view is not None:
                view.repaint()
        if key is not None and seen and not self._in_sight(key):
            self.show_item(key, at_top=True)

    def move_cursor(self, steps: int, wanted: Callable[[Item], bool] = lambda _item: True) -> bool:
        """Move the cursor by items that are wanted; whether there was one.

        Without a cursor it begins at the lowest item on the screen.
        """
        index = self._cursor_index(steps)
        while steps:
            step = 1 if steps > 0 else -1
            index += step
            while 0 <= index < len(self.items) and not wanted(self.items[index]):
                index += step
            if not 0 <= index < len(self.items):
                return False
            steps -= step
        self.set_cursor(self.items[index].key)
        return True

    def _cursor_index(self, steps: int) -> int:
        key = self.marks.cursor
        if key is not None and self.item(key) is not None:
            return self.index_of(key)
        shown = [self.index_of(view.item.key) for view in self._shown_views()]
        if not shown:
            return -1 if steps > 0 else len(self.items)
        return min(shown) - 1 if steps > 0 else max(shown) + 1

    def _shown_views(self) -> Iterator[StepView]:
        top = self.scroll_offset.y
        bottom = top + self.scrollable_content_region.height
        for view in self.query(StepView):
            region = view.virtual_region
            if region.bottom > top and region.y < bottom:
                yield view

    def _in_sight(self, key: str) -> bool:
        view = self.view_of(key)
        if view is None:
            return False
        top = self.scroll_offset.y
        head = view.virtual_region.y + view.item.gap - view.skipped
        return top <= head < top + self.scrollable_content_region.height

    def rows_shown(self, key: str) -> range:
        """Which rows of an item are on the screen; an empty range where none is."""
        item = self.item(key)
        if item is None:
            return range(0)
        index = self.index_of(key)
        first = self._heights.top(index) + item.gap
        end = self._heights.top(index + 1)
        top = self._top_row
        start = max(first, top)
        return range(start - first, max(start, min(end, top + self._screen_rows)) - first)

    def show_from(self, key: str, row: int) -> None:
        """Have a row of an item on the screen, with one before it, and as many after it as can be.

        Raises:
            KeyError: There is no item of that key.
        """
        index = self.index_of(key)
        goal = self._heights.top(index) + self.items[index].gap + row - 1
        self.scroll_rows(goal - self._top_row)

    @property
    def place(self) -> tuple[str, int] | None:
        """The item at the top of the screen and its row there; None at the end."""
        if self.following or not self.items:
            return None
        at = self.place_of_row(self.scroll_offset.y, 0)
        return None if at is None else (self.items[at.number].key, at.row)

    def put_at_top(self, key: str, row: int) -> None:
        """Have a row of an item at the top of the screen; of rows that aren't there, its first."""
        self.show_item(key)
        self.scroll_rows(row + (item.gap if (item := self.item(key)) is not None else 0))

    # --- finding ---

    def find(self, words: str, *, back: bool = False, beside: bool = False) -> tuple[int, int]:
        """Show the next place where words stand, and mark them everywhere.

        That is the next item with the words, or what of the same one isn't on the screen.

        Args:
            words: The words; case doesn't matter. None at all takes the marks away.
            back: Towards the beginning.
            beside: Begin behind what is on the screen of the item that the cursor is at.

        Returns:
            Which of the items with the words the cursor is at now, from 1, and how many there are.
        """
        words = words.lower()
        if words != self.marks.words:
            self.marks.words = words
            self.repaint()
            if not words:
                self._forget_what_is_far()
        if not words:
            return 0, 0
        found = [n for n, item in enumerate(self.items) if item.holds(words)]
        if not found:
            return 0, 0
        at = self._cursor_index(-1) if self.marks.cursor else len(self.items) - 1
        if beside and at in found and self._show_more_of(self.items[at], words, back=back):
            return found.index(at) + 1, len(found)
        if back:
            ahead = [n for n in found if n < at or (n == at and not beside)]
            chosen = ahead[-1] if ahead else found[-1]
        else:
            ahead = [n for n in found if n > at or (n == at and not beside)]
            chosen = ahead[0] if ahead else found[0]
        self._show_words(self.items[chosen], words, last=back)
        return found.index(chosen) + 1, len(found)

    def _forget_what_is_far(self) -> None:
        """To look for words is to look into all items; they are light again when that is over."""
        if self._selection is None:
            for item in self.items:
                if self.view_of(item.key) is None:
                    item.forget()

    def _show_words(self, item: Item, words: str, *, last: bool) -> None:
        self.set_cursor(item.key, seen=False)
        self.show_item(item.key)
        rows = range(item.rows(self.text_width))
        row = self._row_with(item, words, reversed(rows) if last else rows)
        self.show_row(item.key, row or 0)

    def _show_more_of(self, item: Item, words: str, *, back: bool) -> bool:
        """Show the next row with the words that isn't on the screen; whether there is one."""
        shown = self.rows_shown(item.key)
        if not shown:  # it was scrolled away from
            return False
        rows = range(shown.start)[::-1] if back else range(shown.stop, item.rows(self.text_width))
        row = self._row_with(item, words, rows)
        if row is not None:
            self.show_row(item.key, row)
        return row is not None

    def _row_with(self, item: Item, words: str, rows: Iterable[int]) -> int | None:
        width = self.text_width
        return next((n for n in rows if words in line_text(item.line(n, width)).lower()), None)

    # --- the mouse ---

    @property
    def selection_text(self) -> str:
        """The text that is selected, clean; empty where nothing is."""
        if self._selection is None:
            return ""
        return selected_text(self.items, self._selection, self.text_width)

    def clear_selection(self) -> None:
        """Select nothing any more."""
        if self._selection is not None:
            self._selection = None
            self.repaint()

    def _cells_of(self, item: Item, row: int) -> tuple[int, int] | None:
        if self._selection is None:
            return None
        index = self._index.get(item.key)
        return None if index is None else self._selection.cells_of(index, row)

    def place_of_row(self, row: int, column: int) -> Place | None:
        """What stands at a row of all; None where there are no items."""
        if not self._items:
            return None
        index = self._heights.at(row)
        inside = row - self._heights.top(index) - self._items[index].gap
        return Place(index, min(inside, self._heights[index]), column)

    def place_at(self, x: int, y: int) -> Place | None:
        """The place at a cell of the screen; the nearest where there is nothing."""
        region = self.scrollable_content_region.translate(self.region.offset)
        y = max(region.y, min(y, region.bottom - 1))
        row = y - region.y + self.scroll_offset.y
        return self.place_of_row(row, x - region.x - GUTTER)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to select."""
        self.clear_selection()
        self._pressed, self._dragged = event, False
        self._anchor = self.place_at(round(event.screen_x), round(event.screen_y))
        if event.button == 1 and self._anchor is not None:
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select up to there."""
        if self._pressed is None or self._anchor is None or self.app.mouse_captured is not self:
            return
        x, y = round(event.screen_x), round(event.screen_y)
        if not self._dragged and (x, y) == (
            round(self._pressed.screen_x),
            round(self._pressed.screen_y),
        ):
            return
        self._dragged = True
        self.hold()
        self._pointer = (x, y)
        self._select_to_pointer()
        outside = not self.region.y < y < self.region.bottom - 1
        if outside and self._scrolling is None:
            self._scrolling = self.set_interval(_SCROLL_S, self._scroll_on)
        elif not outside:
            self._stop_scrolling()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Selected, or merely clicked."""
        self.release_mouse()
        self._stop_scrolling()
        pressed, self._pressed = self._pressed, None
        if pressed is None:
            return
        if self._dragged:
            self._dragged = False
            self.post_message(self.Selected())
            return
        place = self.place_at(round(event.screen_x), round(event.screen_y))
        if place is None:
            return
        item = self.items[place.number]
        now = time.monotonic()
        double, self._clicked_at = now - self._clicked_at < _DOUBLE_S, now
        action = item.action(place.row, place.column, self.text_width) if place.row >= 0 else ""
        if double and not action and place.row >= 0:
            self._select_word(place)
            return
        at = (round(event.screen_x), round(event.screen_y))
        self.post_message(self.Clicked(item, place, action, at, event.button))

    def _select_word(self, place: Place) -> None:
        text = line_text(self.items[place.number].line(place.row, self.text_width))
        before, after = split_cells(text, place.column)
        start = (before[len(before.rstrip()) :] and "") or before.split(" ")[-1]
        word = start + after.split(" ")[0]
        first = place.column - cells(start)
        if word.strip():
            self._selection = Selection(
                place._replace(column=first), place._replace(column=first + cells(word))
            )
            self.repaint()
            self.post_message(self.Selected())

    def _select_to_pointer(self) -> None:
        place = self.place_at(*self._pointer)
        if place is None or self._anchor is None:
            return
        if place >= self._anchor:  # the cell under the pointer is part of it
            place = place._replace(column=place.column + 1)
        self._selection = Selection.between(self._anchor, place)
        self.repaint()

    def _scroll_on(self) -> None:
        y = self._pointer[1]
        self.scroll_rows(-2 if y <= self.region.y else 2)
        self._select_to_pointer()

    def _stop_scrolling(self) -> None:
        if self._scrolling is not None:
            self._scrolling.stop()
            self._scrolling = None
