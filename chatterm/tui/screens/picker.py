"""The picker: one of many, found by typing, looked at beside the list, picked or acted upon."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from chatterm.errors import ChattermError
from chatterm.render.lines import Line, cut, wrap
from chatterm.tui.keys_in_order import caught_up
from chatterm.tui.pane.palette import Palette
from chatterm.tui.screens.choices import Action, Choice, ChoiceRows, Filter, Picked
from chatterm.tui.screens.field import Field
from chatterm.tui.screens.painting import ERROR, MUTED, as_line, shown
from chatterm.tui.screens.panel import Hints, PanelScreen, Title
from chatterm.tui.screens.rows import LineRows

__all__ = ["Action", "Choice", "Picked", "Picker", "Prose"]

Source = Callable[[str], Awaitable[Sequence[Choice]]]


@dataclass(frozen=True, slots=True)
class Prose:
    """A part of a preview that is rendered in the width there is.

    Attributes:
        text: Sanitised Markdown.
    """

    text: str


Preview = Callable[[Choice], Awaitable[Sequence[Line | Prose]]]

_SOURCE_WAIT_S = 0.1
"""How long nothing more must have been typed before a source is asked."""
_PREVIEW_WAIT_S = 0.06
"""How long the cursor must have rested before a preview is made."""
_PREVIEW_LINES = 500
_LEAST_FOR_PROSE = 10


class Picker(PanelScreen[Picked | None]):
    """Asks for one of many choices.

    Args:
        palette: What roles look like.
        title: What is asked for.
        choices: The choices, or what finds some for what was typed. A source may raise
            `ChattermError` or `OSError`: its words are shown.
        preview: Makes what is shown of the choice under the cursor. It is cancelled when the
            cursor moves on.
        actions: What else can be done with a choice.
        highlighted: Is told of each choice that the cursor comes to, at once.
        current: The key of the choice that is in use.
        query: What is typed already.
        placeholder: What the empty filter says.
        nothing: What is said where nothing was found.
    """

    DEFAULT_CSS = """
    Picker {
        & #panel { max-width: 100; height: 80%; max-height: 44; }
        & #panel.-preview { max-width: 180; }
        & #body { height: 1fr; layout: vertical; margin-top: 1; }
        & ChoiceRows { height: 1fr; width: 1fr; }
        & #preview { height: 40%; margin-top: 1; display: none; scrollbar-gutter: stable; }
        & .-preview #preview { display: block; }
        &.-wide #body { layout: horizontal; }
        &.-wide #preview { height: 1fr; width: 50%; margin: 0 0 0 3; }
        &.-short #panel { height: 100%; }
        &.-short #body { margin-top: 0; }
        &.-short Hints { margin-top: 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "pick", "pick", id="picker.pick", key_display="Enter", priority=True),
        Binding("escape", "cancel", "close", id="picker.cancel", key_display="Esc", priority=True),
        Binding("up,ctrl+p", "move(-1)", "Up", show=False, id="picker.up", priority=True),
        Binding("down,ctrl+n", "move(1)", "Down", show=False, id="picker.down", priority=True),
        Binding("pageup", "page(-1)", "Page up", show=False, id="picker.page_up", priority=True),
        Binding("pagedown", "page(1)", "Page down", show=False, id="picker.page_down", priority=True),  # noqa: E501
        Binding("home", "first", "First", show=False, id="picker.first", priority=True),
        Binding("end", "last", "Last", show=False, id="picker.last", priority=True),
    ]  # fmt: skip

    def __init__(  # noqa: PLR0913 - each but the first three has a default that does nothing
        self,
        palette: Palette,
        title: Line | str,
        choices: Sequence[Choice] | Source,
        *,
        preview: Preview | None = None,
        actions: Sequence[Action] = (),
        highlighted: Callable[[Choice], None] | None = None,
        current: str | None = None,
        query: str = "",
        placeholder: str = "type to filter",
        nothing: str = "nothing found",
    ) -> None:
        super().__init__(palette)
        self._title = Title(palette, title)
        self._field = Field(query, placeholder=placeholder)
        self._rows = ChoiceRows(palette, current=current)
        self._preview_rows = LineRows(palette, id="preview")
        self._source: Source | None = choices if callable(choices) else None
        self._filter = Filter(() if callable(choices) else choices)
        self._total = 0 if callable(choices) else len(choices)
        self._preview = preview
        self._actions = actions
        self._highlighted = highlighted
        self._current = current
        self._nothing = nothing
        self._note = ""
        # What was typed when what is shown was found; none is shown yet.
        self._shown_for: str | None = None
        # What the source was asked for and hasn't answered yet.
        self._asking: str | None = None
        # What the cursor was last seen on, and its preview.
        self._seen: Choice | None = None
        self._preview_parts: Sequence[Line | Prose] = []
        self._acting = False
        # What to do once it is found: Enter came before the answer.
        self._then: Callable[[], None] | None = None
        self._then_for = ""
        for number, action in enumerate(actions):
            self.add_key(
                Binding(
                    action.key,
                    f"act({number})",
                    action.label,
                    id=f"picker.{action.name}",
                    priority=True,
                )
            )

    def compose(self) -> ComposeResult:
        """The title, the filter, the list, and what is shown of the choice."""
        with Vertical(id="panel", classes="-preview" if self._preview else ""):
            yield self._title
            yield self._field
            with Container(id="body"):
                yield self._rows
                yield self._preview_rows
            yield Hints(self.palette)

    def on_mount(self) -> None:
        """Show what there is, the current one under the cursor once its place is known."""
        self._field.focus()
        if self._source is None:
            self._find()
        else:
            self._ask(0)
        self.call_after_refresh(self._begin)

    def on_resize(self) -> None:
        """The choice stays in sight, and its preview fits."""
        self.call_after_refresh(self._bring_in_cursor)
        if self._preview_parts:
            self.call_after_refresh(self._show_preview, self._preview_parts)

    def renew(self, choices: Sequence[Choice], note: str = "") -> None:
        """Have other choices than those given; what is under the cursor stays there.

        Args:
            choices: The choices there are now.
            note: What goes on meanwhile; it is shown beside their number.
        """
        self._note = note
        self._filter, self._total = Filter(choices), len(choices)
        if self._shown_for is None:
            return  # they are shown once the picker is
        choice, row, top = self._rows.choice, self._rows.cursor, self._rows.top
        self._find()
        if choice is not None:
            self._rows.seek(choice.key, row)
            self._rows.go_to(top + self._rows.cursor - row)

    # --- what is shown ---

    @on(Field.Changed)
    def _typed(self) -> None:
        if self._field.value != self._then_for:  # it may be told only now, and waited for already
            self._then = None
        self._catch_up()

    def _catch_up(self) -> bool:
        """See to it that what is shown is what was typed for; whether it is already."""
        if self._field.value == self._shown_for:
            return True
        if self._source is None:
            self._find()
            return True
        if self._field.value != self._asking:
            self._ask(_SOURCE_WAIT_S)
        return False

    def _find(self) -> None:
        self._show(self._filter.find(self._field.value), self._field.value)

    def _ask(self, wait: float, keep: str | None = None, row: int = 0) -> None:
        """Ask the source, once nothing more is typed for a while."""
        self._asking = self._field.value
        self._title.show(right=as_line("searching", MUTED))
        asked = self._asked(self._asking, wait, keep, row)
        self.run_worker(asked, group="source", exclusive=True)

    async def _asked(self, query: str, wait: float, keep: str | None, row: int) -> None:
        if self._source is None:
            return
        await asyncio.sleep(wait)
        try:
            choices, nothing = await self._source(query), self._nothing
        except (ChattermError, OSError) as error:
            choices, nothing = (), str(error)
        if query != self._field.value:
            return  # more was typed: this answer is stale
        self._asking = None
        self._total = len(choices)
        self._show(choices, query, nothing)
        if keep is not None:
            self._rows.seek(keep, row)

    def _show(self, choices: Sequence[Choice], query: str, nothing: str = "") -> None:
        first = self._shown_for is None
        self._shown_for = query
        headed = self._source is not None or not query.strip()
        self._rows.show(
            choices,
            query,
            headed=headed,
            nothing=shown(nothing or self._nothing),
        )
        if first or not query:
            self._rows.seek(self._current)
        count = f"{len(choices):,}"
        if len(choices) != self._total:
            count = f"{count} of {self._total:,}"
        if self._note:
            count = f"{count}, {self._note}"
        self._title.show(right=as_line(count, MUTED))
        if self._rows.choice is None:
            self._moved()
        if self._then is not None:
            then, self._then = self._then, None
            then()

    def _begin(self) -> None:
        """Now that the room is known, show what is around the cursor."""
        self._rows.go_to(self._rows.cursor - self._rows.screenful // 2)

    def _bring_in_cursor(self) -> None:
        self._rows.bring_in(self._rows.cursor)

    @on(ChoiceRows.Moved)
    def _moved(self) -> None:
        choice = self._rows.choice
        if choice is self._seen and choice is not None:
            return
        self._seen = choice
        if choice is not None and self._highlighted is not None:
            self._highlighted(choice)
        if self._preview is not None:
            self.run_worker(self._previewed(choice), group="preview", exclusive=True)

    async def _previewed(self, choice: Choice | None) -> None:
        if self._preview is None or choice is None:
            self._show_preview([])
            return
        await asyncio.sleep(_PREVIEW_WAIT_S)
        try:
            parts = await self._preview(choice)
        except (ChattermError, OSError) as error:
            parts = [as_line(str(error), ERROR)]
        if choice is self._rows.choice:
            self._show_preview(parts[:_PREVIEW_LINES])

    def _show_preview(self, parts: Sequence[Line | Prose]) -> None:
        self._preview_parts = parts
        width = max(2, self._preview_rows.text_width)
        self._preview_rows.show([row for part in parts for row in _fitted(part, width)])

    # --- what keys do ---

    def on_key(self, event: events.Key) -> None:
        """A letter is for the filter, though that hasn't the focus yet."""
        if event.is_printable and event.character and not self._field.has_focus:
            self._field.insert_text_at_cursor(event.character)

    async def action_move(self, rows: int) -> None:
        """Move the cursor."""
        await self._found()
        self._rows.move(rows)

    async def action_page(self, pages: int) -> None:
        """Move the cursor by screens."""
        await self._found()
        self._rows.move(pages * max(1, self._rows.screenful - 1))

    async def action_first(self) -> None:
        """Go to the first choice."""
        await self._found()
        self._rows.move(-self._rows.row_count)

    async def action_last(self) -> None:
        """Go to the last choice."""
        await self._found()
        self._rows.move(self._rows.row_count)

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.answer(None)

    @on(ChoiceRows.Taken)
    async def action_pick(self) -> None:
        """Pick the choice under the cursor: of those for what was typed, never of earlier ones."""
        await self._once_found(self._pick)

    async def action_act(self, number: int) -> None:
        """Do something else with the choice under the cursor."""
        await self._once_found(lambda: self._act(self._actions[number]))

    async def _found(self) -> bool:
        """See what was typed before this key; whether what is shown is what was found for it."""
        await caught_up(self._field)
        return self._catch_up()

    async def _once_found(self, then: Callable[[], None]) -> None:
        if await self._found():
            then()
        else:
            self._then, self._then_for = then, self._field.value

    def _pick(self) -> None:
        choice = self._rows.choice
        if choice is not None and choice.blocked:
            self._title.say(as_line(choice.blocked, ERROR))
        elif choice is not None:
            self.answer(Picked(choice))

    def _act(self, action: Action) -> None:
        choice = self._rows.choice
        if choice is None or self._acting:
            return
        if action.run is None:
            self.answer(Picked(choice, action.name))
        else:
            self._acting = True
            self.run_worker(self._acted(action.run, choice), group="action")

    async def _acted(
        self, run: Callable[[Choice], Awaitable[Sequence[Choice] | None]], choice: Choice
    ) -> None:
        row = self._rows.cursor
        try:
            choices = await run(choice)
        except (ChattermError, OSError) as error:
            self._title.say(as_line(str(error), ERROR))
            return
        finally:
            self._acting = False
        if self._source is not None:
            self._ask(0, choice.key, row)
        elif choices is not None:
            self._filter, self._total = Filter(choices), len(choices)
            self._find()
            self._rows.seek(choice.key, row)


def _fitted(line: Line | Prose, width: int) -> list[Line]:
    """A part of a preview in the width there is: a line between words, unless it is set in."""
    if isinstance(line, Prose):
        from chatterm.render.markdown import render

        return render(line.text, max(width, _LEAST_FOR_PROSE))
    if line and line[0].text.startswith(" "):
        return cut(line, width)
    return wrap(line, width) or [()]
