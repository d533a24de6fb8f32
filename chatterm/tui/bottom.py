"""What stands under the conversation: suggestions, the prompt with its sign, a line to write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.strip import Strip
from textual.widget import Widget

from chatterm.render.lines import Line, Span, cells, line_cells
from chatterm.tui.pane.palette import DARK, Palette
from chatterm.tui.pane.stacked import shortened
from chatterm.tui.prompt.prompt import Prompt
from chatterm.tui.screens.painting import MUTED, as_line, overlay, paint

if TYPE_CHECKING:
    from chatterm.tui.prompt.completion import Match

_MOST = 8


class Suggestions(Widget):
    """What completes the word that is being typed; nothing while nothing does."""

    DEFAULT_CSS = """
    Suggestions { height: auto; width: 100%; display: none; }
    """

    def __init__(self, palette: Palette = DARK) -> None:
        super().__init__(id="suggestions")
        self.palette = palette
        self._found: Sequence[tuple[Match, str]] = ()
        self._top = 0
        self._widest = 0
        self.chosen = 0

    @property
    def shown(self) -> bool:
        """Whether there are any."""
        return bool(self._found)

    @property
    def value(self) -> str:
        """The one that is highlighted."""
        return self._found[self.chosen][0].text if self._found else ""

    def show(self, found: Sequence[tuple[Match, str]]) -> None:
        """Show these: what completes, and a word about it."""
        self._found = found
        self._widest = max((cells(match.text) for match, _ in found[:_MOST]), default=0)
        self._top = self.chosen = 0
        self.display = bool(found)
        self.refresh(layout=True)

    def hide(self) -> None:
        """Show none."""
        if self._found:
            self.show(())

    def move(self, steps: int) -> None:
        """Highlight another one."""
        self.chosen = (self.chosen + steps) % max(1, len(self._found))
        self._top = min(max(self._top, self.chosen - _MOST + 1), self.chosen)
        self.refresh()

    def get_content_height(self, *_: object) -> int:
        """A row each, as far as they are in sight."""
        return min(len(self._found), _MOST)

    def render_line(self, y: int) -> Strip:
        """A suggestion."""
        width, at = self.size.width, self._top + y
        if at >= len(self._found):
            return Strip.blank(width, self.rich_style)
        match, about = self._found[at]
        line: Line = overlay(as_line(match.text), match.positions, ("accent", "strong"))
        if about:
            blank = max(0, self._widest - line_cells(line)) + 2
            line = (*line, Span(" " * blank), Span(about, MUTED))
        line = (Span("   "), *line)
        below = len(self._found) - at - 1
        more = f"  {below} more " if y == _MOST - 1 and below else ""
        line = shortened(line, width - len(more))
        line = (*line, Span(f"{more:>{width - line_cells(line)}}", MUTED))
        row = ("selection",) if at == self.chosen else ()
        return paint(line, width, self.rich_style, self.palette, row)


class Sign(Widget):
    """The sign before the prompt, or what a line is written for."""

    DEFAULT_CSS = "Sign { width: 3; height: 1; }"

    def __init__(self, sign: str, palette: Palette = DARK) -> None:
        super().__init__(id="sign")
        self.palette = palette
        self._sign = sign
        self._label = ""
        self.mode = ""

    def tell(self, label: str = "", mode: str = "") -> None:
        """Say what is written for; nothing is the sign alone."""
        self._label, self.mode = label, mode
        self.styles.width = cells(self._text)
        self.refresh(layout=True)

    @property
    def _text(self) -> str:
        sign = ":" if self.mode == "normal" else self._sign
        return f" {self._label} {sign} " if self._label else f" {sign} "

    def render_line(self, y: int) -> Strip:
        """The sign."""
        role = "warning" if self._label else "accent"
        return paint((Span(self._text, (role,)),), self.size.width, self.rich_style, self.palette)


class Bottom(Widget):
    """The prompt with its sign, or in its place a line that is asked for.

    Args:
        sign: The prompt's sign.

    Attributes:
        prompt: The prompt.
        aside: The draft that gave way to a message that was sent and is edited now.
        sign: What stands before them.
    """

    DEFAULT_CSS = """
    Bottom { height: auto; width: 100%; }
    Bottom Horizontal { height: auto; width: 100%; }
    Bottom.-stacked Horizontal { layout: vertical; }
    Bottom.-stacked #line { margin-left: 3; }
    """

    def __init__(self, sign: str, palette: Palette = DARK) -> None:
        super().__init__(id="bottom")
        self.sign = Sign(sign, palette)
        self.prompt = Prompt()
        self.aside = ""
        self._line: Prompt | None = None
        self._taught: list[Callable[[Prompt], None]] = []
        self._done: Callable[[str | None], None] | None = None
        self._changed: Callable[[str], None] | None = None

    def compose(self) -> ComposeResult:
        """The sign and the prompt."""
        with Horizontal():
            yield self.sign
            yield self.prompt

    @property
    def line(self) -> Prompt:
        """The line that is written for something else; made when the first one is."""
        if self._line is None:
            self._line = Prompt("line")
            for teach in self._taught:
                teach(self._line)
            self.query_one(Horizontal).mount(self._line)
        return self._line

    def teach(self, teach: Callable[[Prompt], None]) -> None:
        """Tell the prompt something, and the line when it is made."""
        self._taught.append(teach)
        teach(self.prompt)

    @property
    def writing(self) -> bool:
        """Whether a line is being written."""
        return self._done is not None

    def write_line(
        self,
        label: str,
        text: str,
        done: Callable[[str | None], None],
        changed: Callable[[str], None] | None = None,
    ) -> None:
        """Have a line written; `done` gets it, or None when it is given up.

        One that is being written already is given up.
        """
        before, self._done = self._done, None
        if before is not None:
            before(None)
        self._done, self._changed = done, changed
        self.sign.tell(label)
        self._stack()
        self.prompt.display = False
        self.line.display = True
        self.line.write(text)
        self.line.focus()

    def end_line(self, text: str | None) -> None:
        """The line is written, or given up."""
        done, self._done, self._changed = self._done, None, None
        self.line.display = False
        self.prompt.display = True
        self.sign.tell()
        self._stack()
        self.prompt.focus()
        if done is not None:
            done(text)

    def on_resize(self) -> None:
        """The line goes below its label where there is little room beside it."""
        self._stack()

    def _stack(self) -> None:
        wide = self.sign.styles.width
        room = self.size.width
        self.set_class(bool(wide and room and wide.value * 2 > room), "-stacked")

    def typed(self) -> None:
        """The line has changed."""
        if self._changed is not None:
            self._changed(self.line.text)
