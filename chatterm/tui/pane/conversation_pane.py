"""The pane: all items at their rows, and widgets for those near what is seen.

A layout pass costs what is mounted, so only the items on the screen and a screen around it are.
Where an item begins is the sum of the heights before it; heights are estimated until an item is
near, and what is read stays where it is while they are corrected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from textual import events
from textual.containers import VerticalScroll
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import Layout, WidgetPlacement
from textual.message import Message
from textual.scrollbar import ScrollBar
from textual.widget import Widget

from chatterm.tui.pane.at_rows import AtRows, End
from chatterm.tui.pane.contained import rows_of
from chatterm.tui.pane.frames import FrameClock
from chatterm.tui.pane.heights import Heights
from chatterm.tui.pane.items import Item
from chatterm.tui.pane.palette import DARK, Palette
from chatterm.tui.pane.scroll_bar import PaneScrollBar
from chatterm.tui.pane.step_view import GUTTER, Marks, StepView

_AROUND = 1.0
"""How many screens above and below have to be mounted, too."""
_AHEAD = 1.5
"""How many are mounted once some of those aren't: mounting costs a layout and a second frame."""
_KEPT = 2.0
"""Beyond how many they are unmounted, at such a time."""


class ConversationPane(VerticalScroll):
    """Shows any number of items, one above the other, and follows the end while it is seen.

    Args:
        palette: What roles look like.
    """

    DEFAULT_CSS = (
        "ConversationPane { overflow-y: scroll; overflow-x: hidden; scrollbar-size-vertical: 1; }"
    )
    can_focus = True
    BLANK = True  # nothing of its own is seen: it needn't be styled row by row

    class Moved(Message):
        """What is seen has changed in a way that others may tell.

        Attributes:
            following: The end is seen and followed.
            below: New rows came below what is seen.
        """

        def __init__(self, *, following: bool, below: bool) -> None:
            super().__init__()
            self.following = following
            self.below = below

    def __init__(
        self,
        palette: Palette = DARK,
        *,
        id: str | None = None,  # noqa: A002 - textual's own name
    ) -> None:
        super().__init__(id=id)
        self.palette = palette
        self.marks = Marks()
        self._items: list[Item] = []
        self._index: dict[str, int] = {}
        self._heights = Heights()
        self._views: dict[str, StepView] = {}
        self._end = End()
        self._rows_layout = AtRows(self.placements)
        self._text_width = 0
        self._likely_rows = 0
        self._following = True
        self._below = False
        self._clock = FrameClock()
        self._pinned: StepView | None = None

    # --- items ---

    @property
    def items(self) -> Sequence[Item]:
        """All items."""
        return self._items

    @property
    def following(self) -> bool:
        """Whether the end is followed."""
        return self._following

    @property
    def busy(self) -> bool:
        """Whether something that has come isn't shown yet."""
        return self._clock.busy

    @property
    def frames(self) -> int:
        """How many frames were made so far."""
        return self._clock.frames

    def measure(self, took: Callable[[str, float], None]) -> None:
        """Have somebody told of each frame, and when it began."""
        self._clock.took = took

    def limit_frames(self, a_second: int) -> None:
        """Make so many frames a second at most."""
        self._clock.shortest = 1 / a_second

    def append(self, item: Item) -> None:
        """Add an item at the end."""
        self.extend([item])

    def extend(self, items: Sequence[Item]) -> None:
        """Add items at the end."""
        ties = self._item_changed, self._clock.want  # one object for all
        for item in items:
            self._index[item.key] = len(self._items)
            self._items.append(item)
            item.changed, item.wanting = ties
            self._heights.append(item.gap + item.estimate(self.text_width))
        self._grown(below=True)

    def prepend(self, items: Sequence[Item]) -> None:
        """Add items before all others; what is read stays where it is."""
        top = self._top_row
        self._items = [*items, *self._items]
        self._index = {item.key: index for index, item in enumerate(self._items)}
        added = [item.gap + item.estimate(self.text_width) for item in items]
        self._heights = Heights([*added, *self._heights])
        ties = self._item_changed, self._clock.want
        for item in items:
            item.changed, item.wanting = ties
        if not self._following:
            self._be_at(top + sum(added))
        self._grown(below=False)

    def cut(self, key: str) -> None:
        """Take away an item and all after it.

        Raises:
            KeyError: There is none of that key.
        """
        index = self._index[key]
        for item in self._items[index:]:
            del self._index[item.key]
            view = self._views.pop(item.key, None)
            if view is not None:
                view.remove()
        del self._items[index:]
        self._heights = Heights(list(self._heights)[:index])
        self._following, self._below = True, False
        self._grown(below=False)
        self._tell()

    def replace(self, items: Sequence[Item], *, at_end: bool = True) -> None:
        """Show other items from now on, at their end or their beginning."""
        for view in self._views.values():
            view.remove()
        self._views.clear()
        self._items, self._index, self._heights = [], {}, Heights()
        self._following = True
        self.extend(items)
        if not at_end:
            self._following = False
            self._be_at(0)
            self._lay_out()

    def view_of(self, key: str) -> StepView | None:
        """The widget of an item, while it is mounted."""
        return self._views.get(key)

    def show_item(self, key: str, *, at_top: bool = True) -> None:
        """Scroll to an item.

        Raises:
            KeyError: There is none of that key.
        """
        index = self._index[key]
        self._following = False
        for look in (self._settle, self._lay_out):  # those around it may be measured on the way
            top = self._heights.top(index)
            self._go_to(top if at_top else top - self._screen_rows // 2)
            look()

    def index_of(self, key: str) -> int:
        """The place of an item among all.

        Raises:
            KeyError: There is none of that key.
        """
        return self._index[key]

    @property
    def text_width(self) -> int:
        """Cells that a row of an item has, without the gutter."""
        return max(1, self._text_width)

    def show_row(self, key: str, row: int) -> None:
        """Have a row of an item on the screen, with some before it, if it isn't there.

        Raises:
            KeyError: There is no item of that key.
        """
        index = self._index[key]
        goal = self._heights.top(index) + self._items[index].gap + row
        if not self._top_row <= goal < self._top_row + self._screen_rows:
            self._following = False
            self._go_to(goal - self._screen_rows // 3)
            self._settle()
            self._lay_out()

    def hold(self) -> None:
        """Stay where one reads, even at the end, until the end is gone to again."""
        if self._following:
            top = self._top_row
            self._following = False
            self._be_at(top)
            self._lay_out()

    def repaint(self) -> None:
        """Paint everything that is mounted anew."""
        for view in self._views.values():
            view.palette = self.palette
            view.repaint()

    def follow(self) -> None:
        """Go to the end, and stay there while it grows."""
        self._following, self._below = True, False
        self._settle()
        self._lay_out()
        self._tell()

    def scroll_rows(self, rows: int) -> None:
        """Scroll by rows, not beyond the ends."""
        goal = max(0, min(self._top_row + rows, self._last_top))
        self.scroll_to(y=goal, animate=False)

    # --- what textual asks ---

    @property
    def layout(self) -> Layout:
        """Items stand where the pane says."""
        return self._rows_layout

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """The scroll bar, which costs little to paint."""
        if self._vertical_scrollbar is None:
            bar = PaneScrollBar(vertical=True, name="vertical", thickness=1)
            bar.display = False
            self._vertical_scrollbar = bar
            self.app._start_widget(self, bar)  # noqa: SLF001 - as textual does it
        return self._vertical_scrollbar

    def compose(self) -> Iterator[Widget]:
        """The end; items come as they are seen."""
        yield self._end

    def placements(self, children: Sequence[Widget], size: Size) -> Iterator[WidgetPlacement]:
        """Where each child stands."""
        self._pinned = None
        for child in children:
            if isinstance(child, StepView):
                index = self._index.get(child.item.key)
                if index is None:
                    continue
                region = self._region(child, index, size)
            else:
                region = Region(0, max(0, self._heights.total - 1), 1, 1)
            yield WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, child)

    def _region(self, view: StepView, index: int, size: Size) -> Region:
        """Where an item stands; of the last one, when it fills the screen, what is seen of it."""
        top, height = self._heights.top(index), self._heights[index]
        skipped = 0
        if self._following and index == len(self._items) - 1 and height > self._screen_rows:
            self._pinned = view
            skipped = height - self._screen_rows
        if skipped != view.skipped:
            view.skipped = skipped
            view.repaint()
        return Region(0, top + skipped, size.width, height - skipped)

    def on_mount(self) -> None:
        """Once something is on the screen, get ready for the first block of code."""
        self.call_after_refresh(self.get_ready)
        self.watch(self.app, "app_focus", self._focus_changed, init=False)

    def get_ready(self) -> None:
        """Load what will be needed. A screen that loads more overrides this, and sees to all."""
        from chatterm.tui.loading import load_markdown

        self.run_worker(load_markdown, thread=True)

    def _focus_changed(self, focus: bool) -> None:
        self._clock.hidden = not focus

    def on_unmount(self) -> None:
        """Nothing is shown any more."""
        self._clock.stop()

    def on_resize(self, event: events.Resize) -> None:
        """The size has changed: widths are looked at anew, what is read stays."""
        width = max(1, self.scrollable_content_region.width - GUTTER)
        if width != self._text_width:
            if self._text_width:
                with self._place_kept():
                    self._text_width = self.marks.width = width
            else:
                self._begin_at(width)
            self._settle()
            for view in self._views.values():
                view.repaint()  # they may have been painted before they were measured
        self._settle()
        self._lay_out()

    def _begin_at(self, width: int) -> None:
        """The width is known for the first time."""
        with self._place_kept():
            self._text_width = self.marks.width = width
            for index, item in enumerate(self._items):
                self._heights.set(index, item.gap + item.estimate(width))

    def _guess_size(self) -> bool:
        """Take the screen's size before there is a layout, so that the first one has the items."""
        if not self.is_running or self.app.size.width <= GUTTER + 1:
            return False
        self._likely_rows = self.app.size.height
        self._begin_at(self.app.size.width - GUTTER - 1)
        return True

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolled: mount what comes near."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) == round(new_value):
            return
        # Textual clamps to what it last laid out: the end of that is the end, too.
        at_end = new_value >= min(self._last_top, self.max_scroll_y)
        if at_end != self._following:
            self._following = at_end
            self._below = self._below and not at_end
            self._tell()
            self._lay_out()
        self._settle()

    # --- what changes ---

    def _item_changed(self, item: Item, row: int) -> None:
        """An item looks different from a row on."""
        index = self._index.get(item.key)
        if index is None or self._items[index] is not item or not self._text_width:
            return
        view = self._views.get(item.key)
        if view is not None and view is self._pinned and index == len(self._items) - 1:
            self._pinned_changed(view, index, row)
            return
        with self._place_kept():
            if view is not None:
                view.rows_changed(row)
                change = self._measure(index)
            else:
                change = self._heights.set(index, item.gap + item.estimate(self._text_width))
        if change:
            ends = self._heights.top(index + 1)
            self._grown(below=change > 0 and ends > self._top_row + self._screen_rows)

    def _pinned_changed(self, view: StepView, index: int, row: int) -> None:
        """What fills the screen has grown at the end: nothing but its rows has to move."""
        change = self._measure(index)
        if change < 0:
            self._grown(below=False)
        elif change == 0:
            view.rows_changed(row)
        else:
            view.moved_up(change, row)
            self.set_reactive(
                Widget.virtual_size, Size(self.virtual_size.width, self._heights.total)
            )
            self._be_at(self._last_top)
            self._paint_bar()

    def _grown(self, *, below: bool) -> None:
        """Heights have changed, perhaps below what is seen."""
        if not self._text_width and not self._guess_size():
            return
        if below and not self._following and not self._below:
            self._below = True
            self._tell()
        self._settle()
        self._lay_out()

    @property
    def _screen_rows(self) -> int:
        return max(1, self.scrollable_content_region.height or self._likely_rows)

    @property
    def _last_top(self) -> int:
        """The top row when the end is seen."""
        return max(0, self._heights.total - self._screen_rows)

    @property
    def _top_row(self) -> int:
        return self._last_top if self._following else min(round(self.scroll_y), self._last_top)

    def _measure(self, index: int) -> int:
        """Find out an item's height; by how much it has changed."""
        item = self._items[index]
        return self._heights.set(index, item.gap + rows_of(item, self._text_width))

    def _settle(self) -> None:
        """See to it that what is near is measured and mounted, and nothing else."""
        if not self._text_width or not self._items:
            return
        with self._place_kept():
            wanted = self._measured(_AROUND)
        if all(self._items[index].key in self._views for index in wanted):
            return
        with self._place_kept():
            wanted = self._measured(_AHEAD)
        kept = {self._items[index].key for index in self._near(_KEPT)}
        gone = [key for key in self._views if key not in kept]
        come = [self._items[index] for index in wanted if self._items[index].key not in self._views]
        if gone:
            self._leave([self._views.pop(key) for key in gone])
        for item in come:
            self._views[item.key] = StepView(item, self.palette, self.marks)
        self.mount(*(self._views[item.key] for item in come))
        self._lay_out()

    def _leave(self, views: Sequence[StepView]) -> None:
        """These aren't near any more: their items are light again."""
        self.remove_children(views)
        for view in views:
            view.item.forget()

    def _measured(self, around: float) -> range:
        """The items near what is seen, after measuring them."""
        done: set[int] = set()
        while new := [index for index in self._near(around) if index not in done]:
            with self._place_kept():
                for index in new:
                    self._measure(index)
                    done.add(index)
        return self._near(around)

    def _near(self, around: float) -> range:
        """The items that are seen, and those so many screens above and below."""
        rows = round(self._screen_rows * around)
        first = self._heights.at(self._top_row - rows)
        return range(first, self._heights.at(self._top_row + self._screen_rows + rows) + 1)

    @contextmanager
    def _place_kept(self) -> Iterator[None]:
        """Keep what is read where it is, whatever happens to heights meanwhile."""
        if self._following or not self._items:
            yield
            return
        top = self._top_row
        index = self._heights.at(top)
        inside, height = top - self._heights.top(index), self._heights[index]
        yield
        now = self._heights[index]
        if now != height and inside:
            inside = min(inside * now // max(1, height), max(0, now - 1))
        self._go_to(self._heights.top(index) + inside)

    def _go_to(self, row: int) -> None:
        """Be at a row, without a layout and without watching."""
        row = max(0, min(row, self._last_top))
        if round(self.scroll_y) != row:
            self._be_at(row)
            self._paint_bar()

    def _be_at(self, row: int) -> None:
        self.set_reactive(Widget.scroll_y, float(row))
        self.set_reactive(Widget.scroll_target_y, float(row))

    def _paint_bar(self) -> None:
        """Bring the scroll bar up to date, which its watchers would do with a layout."""
        bar = self.vertical_scrollbar
        bar.set_reactive(ScrollBar.window_virtual_size, self._heights.total)
        bar.set_reactive(ScrollBar.position, self.scroll_y)
        bar.refresh()

    def _lay_out(self) -> None:
        if self._following:
            self._go_to(self._last_top)
        self._clear_arrangement_cache()
        self.refresh(layout=True)

    def _tell(self) -> None:
        self.post_message(self.Moved(following=self._following, below=self._below))
