"""What is typed before the list is there that was asked for: it is for that list, not a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual import events

    from chatterm.tui.chat import Chat


class Early:
    """Keeps what is typed from the prompt, until somebody takes it.

    Enter does nothing meanwhile: nobody has seen yet what it would choose.

    Args:
        chat: The screen.
    """

    def __init__(self, chat: Chat) -> None:
        self._prompt = chat.prompt
        self._before = chat.prompt.taking
        self._typed = chat.prompt.take()
        chat.prompt.taking = self._takes

    def end(self) -> str:
        """Give the keys back to the prompt; what was typed, pasted texts behind it."""
        self._prompt.taking = self._before
        return " ".join(f"{self._typed}{self._prompt.take()}".split())

    def _takes(self, event: events.Key) -> bool:
        if event.is_printable:
            self._typed += event.character or ""
        elif event.key == "backspace":
            self._typed = self._typed[:-1]
        elif event.key == "ctrl+u":
            self._typed = ""
        return True
