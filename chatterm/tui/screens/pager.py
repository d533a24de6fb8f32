"""The pager: a long text on the whole screen, to be read, searched, saved and copied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message

from chatterm.errors import OutputError
from chatterm.render.lines import Line, Span, Style
from chatterm.tui.pane.palette import Palette
from chatterm.tui.screens.field import Field
from chatterm.tui.screens.pager_rows import PagerRows
from chatterm.tui.screens.pager_text import MOST_FOUND, Found, PagerText
from chatterm.tui.screens.painting import ERROR, MUTED, as_line
from chatterm.tui.screens.panel import Hints, PanelScreen, Row, Title
from chatterm.tui.screens.saving import save


class Pager(PanelScreen[None]):
    """Shows a long text.

    Args:
        palette: What roles look like.
        title: What it is.
        content: What a program printed, in its colours; or lines.
        wrapped: Whether lines that are too long go on in the next row.
        prose: Whether they go on there with a whole word.
        directory: Where a file is saved whose name doesn't say.
        save_as: The name that is offered for a file.
    """

    DEFAULT_CSS = """
    Pager {
        & #panel, &.-short #panel { width: 100%; height: 100%; padding: 0 1; }
        & PagerRows { margin-top: 1; }
        &.-short PagerRows { margin-top: 0; }
        &.-short Hints { margin-top: 0; }
        & #search { height: 1; margin-top: 1; display: none; }
        &.-short #search { margin-top: 0; }
        & #search Row { width: 2; }
        & #search Field { width: 1fr; }
        &.-searching #search { display: block; }
        &.-searching Hints { display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape", "close", "close", id="pager.close"),
        Binding("/", "search", "search", id="pager.search"),
        Binding("n", "next(1)", "next", id="pager.next"),
        Binding("N", "next(-1)", "previous", id="pager.previous"),
        Binding("w", "wrap", "wrap", id="pager.wrap"),
        Binding("#", "number", "numbers", id="pager.number"),
        Binding("s", "save", "save", id="pager.save"),
        Binding("c", "copy", "copy all", id="pager.copy"),
        Binding("up,k", "go(-1)", "Up", show=False, id="pager.up"),
        Binding("down,j,enter", "go(1)", "Down", show=False, id="pager.down"),
        Binding("pageup,b,ctrl+b", "page(-1.0)", "Page up", show=False, id="pager.page_up"),
        Binding("pagedown,space,f,ctrl+f", "page(1.0)", "Page down", show=False, id="pager.page_down"),  # noqa: E501
        Binding("u,ctrl+u", "page(-0.5)", "Half a page up", show=False, id="pager.half_up"),
        Binding("d,ctrl+d", "page(0.5)", "Half a page down", show=False, id="pager.half_down"),
        Binding("home,g", "first", "Beginning", show=False, id="pager.first"),
        Binding("end,G", "last", "End", show=False, id="pager.last"),
        Binding("left,h", "sideways(-1)", "Left", show=False, id="pager.left"),
        Binding("right,l", "sideways(1)", "Right", show=False, id="pager.right"),
    ]  # fmt: skip
    AUTO_FOCUS = ""

    class Copy(Message):
        """All of the text is to be copied.

        Attributes:
            text: The text, without colours.
        """

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(
        self,
        palette: Palette,
        title: Line | str,
        content: str | Sequence[Line],
        *,
        wrapped: bool = True,
        prose: bool = False,
        directory: Path | None = None,
        save_as: str = "",
    ) -> None:
        super().__init__(palette)
        self._title = Title(palette, title)
        self._text = PagerText(content, prose=prose)
        self._rows = PagerRows(palette, self._text, wrapped=wrapped)
        self._field = Field(placeholder="search")
        self._directory = Path() if directory is None else directory
        self._save_as = save_as
        self._began = 0  # the line that was read when a search began
        self._query = ""

    def compose(self) -> ComposeResult:
        """The title, the text, and what is searched for."""
        with Vertical(id="panel"):
            yield self._title
            yield self._rows
            with Horizontal(id="search"):
                yield Row(self.palette, as_line("/", MUTED))
                yield self._field
            yield Hints(self.palette)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is a next one only where something was found."""
        return bool(len(self._rows.found)) if action == "next" else True

    # --- reading ---

    def action_go(self, rows: int) -> None:
        """Scroll by rows."""
        self._rows.go_to(self._rows.top + rows)

    def action_page(self, pages: float) -> None:
        """Scroll by screens, a whole one less a row."""
        rows = max(1, round(abs(pages) * self._rows.screenful) - (abs(pages) == 1))
        self.action_go(rows if pages > 0 else -rows)

    def action_first(self) -> None:
        """Go to the beginning."""
        self._rows.go_to(0)

    def action_last(self) -> None:
        """Go to the end."""
        self._rows.go_to(self._rows.row_count)

    def action_sideways(self, steps: int) -> None:
        """Scroll to the side where lines aren't wrapped."""
        self._rows.go_sideways(steps)

    def action_wrap(self) -> None:
        """Wrap lines, or don't."""
        self._rows.wrap_lines(wrapped=not self._rows.wrapped)

    def action_number(self) -> None:
        """Show the numbers of lines, or don't."""
        self._rows.number_lines(numbered=not self._rows.numbered)

    def action_close(self) -> None:
        """Give up the search; where there is none, close."""
        if self.has_class("-searching"):
            self._rows.mark(Found(self._text, ""))
            self._rows.go_to(self._rows.row_of_line(self._began))
            self._end_search()
        else:
            self.answer(None)

    @on(PagerRows.Moved)
    def _moved(self) -> None:
        """Say at the right of the title where one is, and what was found."""
        first, last = self._rows.seen
        total = self._text.source_number(len(self._text) - 1) + 1 if len(self._text) else 0
        place = as_line(f"{first:,}–{last:,} of {total:,}", MUTED)  # noqa: RUF001 - a range
        words = self._found_words()
        if words:
            self._title.show(right=(*words, Span(" · ", MUTED), *place), shorter=words)
        else:
            self._title.show(right=place, shorter=as_line(f"{last:,}/{total:,}", MUTED))

    def _found_words(self) -> Line:
        found = self._rows.found
        if not found.length:
            return ()
        if not len(found):
            return (Span("nothing found", ERROR),)
        more = "+" if len(found) == MOST_FOUND else ""
        return (Span(f"{found.current + 1:,} of {len(found):,}{more}"),)

    # --- searching ---

    def action_search(self) -> None:
        """Ask what to look for."""
        self._began = self._rows.top_line
        self.add_class("-searching")
        self._field.value = ""
        self._field.focus()

    def action_next(self, count: int) -> None:
        """Go to the next one found, or to the one before."""
        self._rows.found.step(count)
        self._rows.mark(self._rows.found)

    @on(Field.Changed)
    def _search(self) -> None:
        query = self._field.value
        if not self.has_class("-searching") or query == self._query:
            return
        self._query = query
        found = Found(self._text, query)
        found.seek(self._began)
        self._rows.mark(found)

    @on(Field.Submitted)
    def _end_search(self) -> None:
        self._search()
        self._query = ""
        self.remove_class("-searching")
        self.set_focus(None)

    # --- keeping ---

    def action_copy(self) -> None:
        """Have all of it copied."""
        self.post_message(self.Copy(self._text.whole()))

    def action_save(self) -> None:
        """Save it to a file."""
        self.run_worker(self._save(), group="save", exclusive=True)

    async def _save(self) -> None:
        text = self._text.whole()
        try:
            path = await save(self.app, self.palette, text, self._directory, self._save_as)
        except OutputError as error:
            self._say(error.message, ERROR)
            return
        if path is not None:
            self._say(f"saved as {path.name}")

    def _say(self, words: str, style: Style = MUTED) -> None:
        self._title.say(as_line(words, style))
