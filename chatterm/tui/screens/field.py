"""One line to type into: plain, still, and never with anything in it that can't be seen."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from chatterm.tui.keys_in_order import act
from chatterm.tui.screens.painting import shown


class Field(Input):
    """A line of text being typed.

    Args:
        value: What stands in it at first.
        placeholder: What is shown while it is empty.
    """

    DEFAULT_CSS = """
    Field, Field:focus {
        border: none;
        height: 1;
        padding: 0;
        background: transparent;
        background-tint: transparent;
        & .input--placeholder { color: $text-muted; }
    }
    """

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(
            shown(value),
            placeholder=shown(placeholder),
            select_on_focus=False,
            compact=True,
            id=id,
        )
        self.cursor_blink = False  # nothing moves while nothing happens

    def replace(self, text: str, start: int, end: int) -> None:
        """Put text in the place of another: all that is typed or pasted comes this way."""
        super().replace(shown(text), start, end)

    async def _on_key(self, event: events.Key) -> None:
        if await act(self, event):
            event.stop()
            event.prevent_default()
