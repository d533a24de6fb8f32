"""What all screens have in common: a panel on a dimmed background, its title and its hints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from chatterm.render.lines import Line, Span, line_cells
from chatterm.tui.pane.palette import Palette
from chatterm.tui.screens.painting import MUTED, STRONG, as_line, paint, shown, spread
from chatterm.tui.screens.rows import Rows, Words

Result = TypeVar("Result")

_BETWEEN = "   "
_AROUND = 1
"""Rows above and below a panel that are as empty as what is beside it."""
_KEY_NAMES = {"⏎": "Enter", "esc": "Esc", "⇥": "Tab", "␠": "Space"}


class Row(Widget):
    """One row, with something at its left and something at its right.

    Args:
        palette: What roles look like.
        left: What stands at the left.
        right: What stands at the right; left out where the two don't fit.
    """

    DEFAULT_CSS = """
    Row { height: 1; width: 1fr; background: transparent; }
    """
    ALLOW_SELECT = False

    def __init__(
        self,
        palette: Palette,
        left: Line = (),
        right: Line = (),
        *,
        id: str | None = None,  # noqa: A002 - textual's own name
    ) -> None:
        super().__init__(id=id)
        self.palette = palette
        self.left = left
        self.right = right
        self._shorter: Line = ()
        self._note: Line = ()

    def show(self, *, right: Line, shorter: Line = ()) -> None:
        """Change what stands at the right, and what does where there is less room."""
        self.right, self._shorter, self._note = right, shorter, ()
        self.refresh()

    def say(self, note: Line) -> None:
        """Say something that must be read instead of all else, until that changes."""
        self._note = note
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The row."""
        width = self.size.width
        line = self._note or spread(self.left, (self.right, self._shorter), width)
        return paint(line, width, self.rich_style, self.palette)


class Title(Row):
    """The first row of a panel.

    Args:
        palette: What roles look like.
        text: The title.
    """

    def __init__(self, palette: Palette, text: Line | str) -> None:
        super().__init__(palette, as_line(text, STRONG))


class Hints(Row):
    """The last row of a panel: its keys and what they do, as many as there is room for.

    Those of the screen's bindings that are to be shown are, in their order, each by the first key
    that it has at present. A click does what the key does.
    """

    DEFAULT_CSS = """
    Hints { margin-top: 1; }
    """

    def on_mount(self) -> None:
        """The keys are known once the screen has the focus it begins with."""
        self.call_after_refresh(self.refresh)

    def render_line(self, y: int) -> Strip:
        """The row."""
        width = self.size.width
        spans: list[Span] = []
        for start, end, binding in self._places(width):
            spans += [Span(_BETWEEN)] if start else []
            key = key_name(self, binding)
            spans.append(Span(key, STRONG))
            spans.append(Span(" " * (end > start + len(key)) + shown(binding.description), MUTED))
        return paint(tuple(spans), width, self.rich_style, self.palette)

    def on_click(self, event: events.Click) -> None:
        """Do what the key does."""
        for start, end, binding in self._places(self.size.width):
            if start <= event.x < end:
                self.app.simulate_key(binding.key)

    def _places(self, width: int) -> Iterator[tuple[int, int, Binding]]:
        """Which hints there is room for, and from which cell to which."""
        at = 0
        for binding in _shown_bindings(self):
            key = key_name(self, binding)
            words = Span(f"{key} {shown(binding.description)}")
            start = at + len(_BETWEEN) if at else 0
            end = start + line_cells((words,))
            if end <= width:
                yield start, end, binding
                at = end


def _shown_bindings(widget: Widget) -> list[Binding]:
    """The bindings to hint at, each once."""
    screen = widget.screen
    found: dict[str, Binding] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if active.node is screen and active.enabled and binding.show and binding.id:
            found.setdefault(binding.id, binding)
    if isinstance(screen, PanelScreen):
        order = screen.hint_order()
        return sorted(found.values(), key=lambda binding: order.get(binding.id or "", len(order)))
    return list(found.values())


def key_name(widget: Widget, binding: Binding) -> str:
    """What a key is called."""
    name = shown(widget.app.get_key_display(binding))
    if len(name) == 2 and name[0] == "^":
        return f"Ctrl+{name[1].upper()}"
    return _KEY_NAMES.get(name, name)


class PanelScreen(ModalScreen[Result], Generic[Result]):
    """A panel over a dimmed background, which is empty beside the panel.

    Words that the panel cuts through would be read as a part of it.

    Args:
        palette: What roles look like.
    """

    DEFAULT_CSS = """
    PanelScreen {
        align: center middle;
        & #panel {
            background: $panel;
            color: $foreground;
            padding: 1 2;
            width: 90%;
            height: auto;
            max-height: 100%;
        }
        &:ansi #panel { background: ansi_default; border: round ansi_bright_black; padding: 0 1; }
        &.-medium #panel { width: 100%; }
        &.-narrow #panel { width: 100%; padding: 0 1; }
        &.-short #panel { padding: 0 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "leave", "close", show=False, id="panel.leave", priority=True)
    ]
    # textual has these as variables of instances
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-medium"), (100, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012
    EMPTY_BESIDE: ClassVar[bool] = True
    """Whether nothing of what is below shows beside the panel."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._empty = range(0)  # the rows that were painted empty

    @property
    def palette(self) -> Palette:
        """What roles look like; may be changed while the screen is shown."""
        return self._palette

    @palette.setter
    def palette(self, palette: Palette) -> None:
        self._palette = palette
        for widget in self.query("Row, Rows, Words"):
            if isinstance(widget, (Row, Rows, Words)):
                widget.palette = palette
                widget.refresh()

    def _on_mount(self, event: events.Mount) -> None:
        """Follow the panel, wherever it stands."""
        super()._on_mount(event)
        if self.EMPTY_BESIDE:
            self.screen_layout_refresh_signal.subscribe(self, self._laid_out, immediate=True)

    def render_line(self, y: int) -> Strip:
        """A row of what is below; nothing where the panel is."""
        if y not in self._empty:
            return super().render_line(y)
        background = self.styles.background
        colour = background.with_alpha(1).rich_color if background.a else None
        return Strip([Segment(" " * self.size.width, RichStyle(bgcolor=colour))], self.size.width)

    def _laid_out(self, _: object) -> None:
        """The panel may stand elsewhere."""
        try:
            panel = self.query_one("#panel").region
        except NoMatches:  # it isn't composed yet
            return
        empty = range(panel.y - _AROUND, panel.bottom + _AROUND) if panel else range(0)
        if empty != self._empty:
            self._empty = empty
            self.refresh()

    def add_key(self, binding: Binding) -> None:
        """Bind a key of this screen alone, over what was bound to it."""
        for each in Binding.make_bindings([binding]):
            self._bindings.key_to_bindings[each.key] = [each]

    def hint_order(self) -> dict[str, int]:
        """The order in which keys are hinted at, by their ids: that of the class's bindings."""
        declared = (
            binding.id
            for kind in type(self).__mro__
            for binding in vars(kind).get("BINDINGS", ())
            if isinstance(binding, Binding) and binding.id
        )
        return {name: number for number, name in enumerate(dict.fromkeys(declared))}

    def action_leave(self) -> None:
        """Close without a result."""
        self.answer(None)

    def answer(self, result: Result | None) -> None:
        """Close with a result, unless another screen lies above."""
        if self.is_current:
            self.dismiss(result)
