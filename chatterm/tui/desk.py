"""Where questions are asked on the screen: under their calls, seen from their beginning."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chatterm.agent.questions import Question, Reply
from chatterm.errors import ChattermError
from chatterm.tui.asking import Asking
from chatterm.tui.steps.call import CallItem

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat


class Desk:
    """What asking needs of the screen.

    Args:
        chat: The screen.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.asking = Asking(self, chat.setting.looks.signs)

    async def ask(self, question: Question) -> Reply:
        """Ask the user about a call, under it.

        Raises:
            ChattermError: The call isn't on the screen.
        """
        chat = self._chat
        call = chat.transcript.call(question.call.id)
        if call is None:
            raise ChattermError("a question about a call that isn't there")
        chat.telling.asked()
        if not chat.writing_line:
            chat.back_to_prompt()
        reply = await self.asking.ask(question, call)
        chat.pane.follow()
        return reply

    def has_draft(self) -> bool:
        """Whether something is half typed in the prompt."""
        return not self._chat.prompt.empty

    def is_read(self) -> bool:
        """Whether the keys are those of the conversation."""
        return self._chat.pane.has_focus

    def begin(self, item: CallItem) -> None:
        """Show a question's beginning, and all of it where there is room."""
        pane = self._chat.pane
        pane.follow()
        if pane.rows_shown(item.key).start:
            pane.show_item(item.key)
            self.say("it goes on below; the answers are at its end")

    def rows_shown(self, item: CallItem) -> range:
        """Which rows of an item are on the screen; none while another screen lies above."""
        return self._chat.pane.rows_shown(item.key) if self._chat.is_current else range(0)

    def show_from(self, item: CallItem, row: int) -> None:
        """Have a row of an item stand high on the screen."""
        self._chat.pane.show_from(item.key, row)

    def say(self, text: str) -> None:
        """Say something for a moment."""
        self._chat.say(text)

    def write_line(self, label: str, text: str, done: Callable[[str | None], None]) -> None:
        """Have the user write something; None when it is given up."""
        self._chat.write_line(label, text, done)

    def end_line(self, text: str | None) -> None:
        """End that; None gives it up."""
        self._chat.end_line(text)
