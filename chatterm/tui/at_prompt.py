"""What is typed at the prompt: each key for whom it is meant, the text completed, sent and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.timer import Timer

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat

_KEEP_S = 3.0
"""How long after something was typed it is kept, should the program be killed."""


class AtPrompt:
    """Sees to what is typed.

    Args:
        chat: The screen.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._keeping: Timer | None = None

    def takes(self, event: events.Key) -> bool:
        """A key in the prompt that is for something else."""
        chat = self._chat
        chat.disarm()
        if chat.skipped is not None:
            chat.skipped()
            return True
        if chat.asker is not None and chat.asker.takes(event):
            return True
        if self._completes and chat.completing.takes(event):
            return True
        if event.key == "tab" and chat.prompt.empty:
            chat.do("step_up")
            return True
        if event.character == "?" and chat.prompt.empty:
            chat.do("help")
            return True
        return False

    def sent(self, *, later: bool) -> None:
        """A message, a command, or a line is written."""
        chat = self._chat
        if chat.writing_line:
            chat.end_line(chat.bottom.line.text)
            return
        from chatterm.tui.sending import submit

        submit(chat, later=later)

    def typed(self) -> None:
        """Something was typed."""
        chat = self._chat
        if chat.writing_line:
            chat.bottom.typed()
            return
        if self._keeping is None:
            self._keeping = chat.set_timer(_KEEP_S, self._keep)
        chat.look()
        if self._completes:
            chat.completing.typed()
        else:
            chat.suggestions.hide()
        vim = chat.prompt.vim
        if vim is not None:
            chat.bottom.sign.tell(mode=vim.mode)

    @property
    def _completes(self) -> bool:
        """Whether what stands there may be the beginning of something that is known."""
        text = self._chat.prompt.text
        return text.startswith("/") or "@" in text

    async def _keep(self) -> None:
        from chatterm.tui.drafting import keep_typed

        self._keeping = None
        await keep_typed(self._chat)
