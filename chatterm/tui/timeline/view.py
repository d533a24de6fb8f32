"""The timeline on the screen: a widget that shows a turn's bars, and a screen that holds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip

from chatterm.render.lines import Line, Span, line_cells
from chatterm.tui.pane.palette import DARK, Palette
from chatterm.tui.screens import panel
from chatterm.tui.timeline.chart import Row, timeline_lines
from chatterm.tui.timeline.spans import Bar

_HINTS: Line = (
    Span("Enter", ("strong",)),
    Span(" go to the step   ", ("muted",)),
    Span("Esc", ("strong",)),
    Span(" close", ("muted",)),
)

_KEYS = (
    ("Up, Down, k, j", "the step before, the next step"),
    ("PgUp, PgDn", "by a screen"),
    ("Home, End, g, G", "the first step, the last"),
    ("Enter", "go to the step"),
    ("Esc, q", "close"),
)


class TimelineView(ScrollView):
    """Shows the bars of one turn, between a header and a total that stay in sight.

    Args:
        palette: What roles look like.
        ascii: Draw in ASCII alone.
    """

    DEFAULT_CSS = """
    TimelineView { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """
    can_focus = True
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "go(-1)", "Up", show=False),
        Binding("down,j", "go(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "go(-1000000)", "First", show=False),
        Binding("end,G", "go(1000000)", "Last", show=False),
        Binding("enter", "choose", "Go to the step"),
    ]

    class Chosen(Message):
        """A step was chosen, by Enter or a click.

        Attributes:
            step_id: The step's id.
        """

        def __init__(self, step_id: str) -> None:
            super().__init__()
            self.step_id = step_id

    def __init__(
        self,
        palette: Palette = DARK,
        *,
        ascii: bool = False,  # noqa: A002 - as in `timeline_lines`
        id: str | None = None,  # noqa: A002 - textual's own name
    ) -> None:
        super().__init__(id=id)
        self._palette = palette
        self._ascii = ascii
        self._bars: list[Bar] = []
        self._now: float | None = None
        self._cursor: str | None = None
        self._rows: tuple[int, list[Row]] | None = None

    @property
    def palette(self) -> Palette:
        """What roles look like; may be replaced."""
        return self._palette

    @palette.setter
    def palette(self, palette: Palette) -> None:
        self._palette = palette
        self.refresh()

    @property
    def cursor(self) -> str | None:
        """The id of the step that the cursor is on; None without steps."""
        return self._cursor

    def show(self, bars: Sequence[Bar], *, now: float | None = None) -> None:
        """Show bars from now on; the cursor stays on its step, or goes to the first.

        Args:
            bars: The bars of a turn, in order.
            now: Seconds from the turn's beginning, for bars that go on.
        """
        self._bars = list(bars)
        self._now = now
        if all(bar.step != self._cursor for bar in self._bars):
            self._cursor = self._bars[0].step if self._bars else None
        self.virtual_size = Size(0, len(self._bars) + 2)
        self._changed()

    def render_line(self, y: int) -> Strip:
        """A row of what is seen."""
        width, base = self.size.width, self.rich_style
        row = self._row_at(y)
        if row is None:
            return Strip.blank(width, base)
        line = row[1]
        style = self._palette.style
        segments = [
            Segment(span.text, base + style(span.style) if span.style else base) for span in line
        ]
        return Strip(segments, line_cells(line)).adjust_cell_length(width, base)

    def action_go(self, steps: int) -> None:
        """Move the cursor by so many rows."""
        if not self._bars:
            return
        last = len(self._bars) - 1
        place = min(last, max(0, self._place() + steps))
        self._cursor = self._bars[place].step
        seen = self._seen()
        top = round(self.scroll_y)
        if place < top or steps < -last:
            self.scroll_to(y=place, animate=False)
        elif place >= top + seen:
            self.scroll_to(y=place - seen + 1, animate=False)
        self._changed()

    def action_page(self, pages: int) -> None:
        """Move the cursor by what is seen."""
        self.action_go(pages * max(1, self._seen()))

    def action_choose(self) -> None:
        """Tell which step the cursor is on."""
        if self._cursor is not None:
            self.post_message(self.Chosen(self._cursor))

    def on_click(self, event: events.Click) -> None:
        """Choose the step that was clicked."""
        row = self._row_at(event.y)
        if row is None or row[0] is None:
            return
        self._cursor = row[0]
        self._changed()
        self.action_choose()

    def _place(self) -> int:
        return next(n for n, bar in enumerate(self._bars) if bar.step == self._cursor)

    def _seen(self) -> int:
        """How many bars have room between the header and the total."""
        return max(1, self.size.height - 2)

    def _row_at(self, y: int) -> Row | None:
        """What stands in a row of the region."""
        rows = self._at(self.size.width)
        last = min(self.size.height, len(rows)) - 1
        if y > last:
            return None
        if y == 0:
            return rows[0]
        return rows[-1] if y == last else rows[round(self.scroll_y) + y]

    def _at(self, width: int) -> list[Row]:
        if self._rows is None or self._rows[0] != width:
            lines = timeline_lines(
                self._bars, width, now=self._now, cursor=self._cursor, ascii=self._ascii
            )
            self._rows = (width, lines)
        return self._rows[1]

    def _changed(self) -> None:
        self._rows = None
        self.refresh()


class TimelineScreen(ModalScreen[str | None]):
    """The timeline, beside the conversation's prose where there is room, else over all of it.

    It gives the id of the chosen step, or None.

    Args:
        bars: The bars of a turn, in order.
        palette: What roles look like.
        now: Seconds from the turn's beginning, for bars that go on.
        ascii: Draw in ASCII alone.
    """

    DEFAULT_CSS = """
    TimelineScreen {
        background: $background;
        & #timeline { width: 100%; height: 100%; padding: 0 1; }
        & TimelineView { width: 100%; margin-top: 1; }
        &.-beside { background: transparent; }
        &.-beside #timeline { margin-left: 104; width: 1fr; padding: 1 2; background: $panel; }
        &.-beside:ansi #timeline { border-left: solid ansi_bright_black; }
        &.-short TimelineView { margin-top: 0; }
    }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-alone"), (160, "-beside")]  # noqa: RUF012 - textual's own way
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Back"),
        Binding("f1,question_mark", "help", "The keys", show=False),
    ]

    def __init__(
        self,
        bars: Sequence[Bar],
        palette: Palette = DARK,
        *,
        now: float | None = None,
        ascii: bool = False,  # noqa: A002 - as in `timeline_lines`
    ) -> None:
        super().__init__()
        self.view = TimelineView(palette, ascii=ascii)
        self.view.show(bars, now=now)
        self._head = panel.Row(palette, (Span("Where the time went", ("strong",)),), _HINTS)

    def compose(self) -> ComposeResult:
        """A head with the keys, and the view."""
        with Vertical(id="timeline"):
            yield self._head
            yield self.view

    def on_mount(self) -> None:
        """Let the view take the keys."""
        self._head.show(right=_HINTS, shorter=_HINTS[2:])
        self.view.focus()

    def on_timeline_view_chosen(self, message: TimelineView.Chosen) -> None:
        """Leave with the step."""
        message.stop()
        self.dismiss(message.step_id)

    def action_help(self) -> None:
        """Show the keys that count here."""
        from chatterm.tui.screens.help import Help

        self.app.push_screen(Help(self.view.palette, [("The timeline", _KEYS)]))

    def action_leave(self) -> None:
        """Leave without one."""
        self.dismiss(None)
