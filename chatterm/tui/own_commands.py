"""`!command` in the prompt: the user's own command, in their own shell, shown in the pane."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from chatterm.render.lines import Span
from chatterm.render.sanitize import sanitize_line
from chatterm.tui.greeting import take_away
from chatterm.tui.pane.coloured_item import ColouredItem
from chatterm.tui.steps.looks import Looks
from chatterm.tui.steps.output import shortened_output, whole_output
from chatterm.tui.steps.step_item import StepItem

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat


_NOT_RUN = 127  # as a shell says it of a command that can't be run


class OwnItem(StepItem):
    """A command that the user ran.

    Args:
        command: The command.
    """

    kind: ClassVar[str] = "own"
    __slots__ = ("_command", "_live", "_pieces", "_status")

    def __init__(self, key: str, looks: Looks, command: str) -> None:
        super().__init__(key, "", looks, gap=1)
        self._command = command
        self._live: ColouredItem | None = ColouredItem(f"{key}/live")
        self._pieces: list[str] = []
        self._status: int | None = None
        self.rebuild()

    def output(self, text: str) -> None:
        """More of its output."""
        self._pieces.append(text)
        if self._live is not None:
            self._live.feed(text)

    def end(self, status: int) -> None:
        """It has ended."""
        self._status, self._live = status, None
        self.rebuild()

    def build(self) -> None:
        """Show how it stands."""
        signs = self.looks.signs
        ended = self._status is not None
        role = "error" if self._status else "success"
        self.mark = Span(signs.done if ended else signs.still, (role if ended else "tool",))
        left = (
            self.folding_sign(is_open=not ended),
            Span("! ", ("tool",)),
            Span(sanitize_line(self._command)),
        )
        right = "" if not ended else "send along"
        if self._status:
            right = f"exit {self._status} {signs.dot} send along"
        self.head.right_act = "send_along" if ended else ""
        self.head.show(left, (Span(right, ("muted",)),) if right else ())
        if self._live is not None:
            self.body([self._live])
            return
        text = "".join(self._pieces)
        make = whole_output if self.unfolded else None
        shown = (
            make(f"{self.key}/whole", text)
            if make
            else shortened_output(f"{self.key}/short", text, signs.dots)
        )
        self.body([shown] if shown is not None else [])

    def copied(self) -> str:
        """The command and its output."""
        return f"$ {self._command}\n{''.join(self._pieces)}"


async def run_typed(chat: Chat, typed: str) -> None:
    """Run a command that was typed after `!`."""
    from chatterm.tui.shelling import run_own

    command = typed.removeprefix("!").strip()
    chat.own_commands += 1
    item = OwnItem(f"own/{chat.own_commands}", chat.setting.looks, command.removeprefix("!"))
    take_away(chat)
    chat.pane.append(item)
    chat.pane.follow()
    cancelled = asyncio.Event()
    chat.own_running.append(cancelled)
    try:
        ran = await run_own(chat, command, item.output, cancelled)
    finally:
        chat.own_running.remove(cancelled)
    item.end(ran[1] if ran is not None else _NOT_RUN)
