"""Asks for one line, or for a yes or a no."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from chatterm.render.lines import Line
from chatterm.tui.keys_in_order import caught_up
from chatterm.tui.pane.palette import Palette
from chatterm.tui.screens.field import Field
from chatterm.tui.screens.painting import ERROR, STRONG, as_line
from chatterm.tui.screens.panel import Hints, PanelScreen, Title
from chatterm.tui.screens.rows import Words

GUARD_S = 0.3
"""For how long after it came up a question takes no key: those were typed for something else."""


class Entry(PanelScreen[str | None]):
    """Asks for one line; answers it, or None.

    Args:
        palette: What roles look like.
        title: What is asked for.
        initial: What stands there at first.
        validate: Says what is wrong with a line; None where nothing is.
        placeholder: What is shown while nothing stands there.
    """

    DEFAULT_CSS = """
    Entry {
        & #panel { max-width: 80; }
        & Field { margin-top: 1; }
        &.-short Field { margin-top: 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "accept", id="entry.accept", key_display="Enter", priority=True),
        Binding("escape", "cancel", "cancel", id="entry.cancel", key_display="Esc", priority=True),
    ]

    def __init__(
        self,
        palette: Palette,
        title: Line | str,
        initial: str = "",
        *,
        validate: Callable[[str], str | None] | None = None,
        placeholder: str = "",
    ) -> None:
        super().__init__(palette)
        self._title = Title(palette, title)
        self._field = Field(initial, placeholder=placeholder)
        self._wrong = Words(palette)
        self._validate = validate

    def compose(self) -> ComposeResult:
        """The title, the line, what is wrong with it."""
        with Vertical(id="panel"):
            yield self._title
            yield self._field
            yield self._wrong
            yield Hints(self.palette)

    async def action_accept(self) -> None:
        """Answer the line, unless something is wrong with it."""
        await caught_up(self._field)
        wrong = self._validate(self._field.value) if self._validate else None
        if wrong:
            self._wrong.show([as_line(wrong, ERROR)])
        else:
            self.answer(self._field.value)

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.answer(None)

    @on(Field.Changed)
    def _changed(self) -> None:
        self._wrong.show([])


class Confirm(PanelScreen[bool]):
    """Asks for a yes or a no; anything but a yes is a no.

    Args:
        palette: What roles look like.
        question: What is asked.
        detail: What more there is to know.
        yes: What a yes does, in a word.
        no: What a no does, in a word.
        clock: Tells the time, in seconds.
    """

    DEFAULT_CSS = """
    Confirm {
        & #panel { max-width: 72; }
        & .detail { margin-top: 1; max-height: 1fr; }
        &.-short .detail { margin-top: 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "yes", id="confirm.yes"),
        Binding("n,enter,escape", "no", "no", id="confirm.no"),
    ]
    AUTO_FOCUS = ""

    def __init__(
        self,
        palette: Palette,
        question: Line | str,
        *,
        detail: Sequence[Line] = (),
        yes: str = "yes",
        no: str = "no",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(palette)
        self._question = Words(palette, [as_line(question, STRONG)])
        self._detail = Words(palette, detail)
        self._clock = clock
        self._since: float | None = None
        self.add_key(Binding("y", "yes", yes, id="confirm.yes"))
        self.add_key(Binding("n,enter,escape", "no", no, id="confirm.no"))

    def compose(self) -> ComposeResult:
        """The question, and what there is to know."""
        with Vertical(id="panel"):
            yield self._question
            yield self._detail.add_class("detail")
            yield Hints(self.palette)

    def on_mount(self) -> None:
        """From when it can be seen on, the time counts."""
        self.call_after_refresh(self._seen)

    def action_yes(self) -> None:
        """Answer yes."""
        self._answer(yes=True)

    def action_no(self) -> None:
        """Answer no."""
        self._answer(yes=False)

    def _seen(self) -> None:
        self._since = self._clock()

    def _answer(self, *, yes: bool) -> None:
        if self._since is not None and self._clock() - self._since >= GUARD_S:
            self.answer(yes)
