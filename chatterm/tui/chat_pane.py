"""The pane of a conversation: its keys are deeds, and letters typed in it go back to the prompt."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from chatterm.tui.deeds.deed import no_key
from chatterm.tui.deeds.every import DEEDS
from chatterm.tui.pane.reading import ReadingPane


def bindings(*, reading: bool) -> list[BindingType]:
    """The keys of deeds: those that count in the pane, or those that always do.

    A deed without any is bound all the same, so that the user's keys find it.
    """
    return [
        Binding(
            deed.keys or no_key(deed),
            f"screen.do('{deed.name}')",
            deed.text,
            id=deed.name,
            show=False,
            priority=not reading,
        )
        for deed in DEEDS
        if deed.reading == reading
    ]


class ChatPane(ReadingPane):
    """Shows the conversation."""

    FOCUS_ON_CLICK = False  # what is typed after a click is meant for the prompt

    DEFAULT_CSS = """
    ChatPane { height: 1fr; background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(reading=True)

    def get_ready(self) -> None:
        """The screen loads everything, in the order in which it is needed."""
