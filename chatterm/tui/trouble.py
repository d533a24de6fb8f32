"""What can't be done, shown where one reads: never a crash, always with what to do next."""

from __future__ import annotations

from typing import ClassVar

from chatterm.errors import ChattermError
from chatterm.render.lines import Line, Span
from chatterm.render.sanitize import sanitize
from chatterm.tui.steps.looks import Looks
from chatterm.tui.steps.remarks import RemarkItem


class TroubleItem(RemarkItem):
    """An error that belongs to no turn; it isn't part of the conversation."""

    kind: ClassVar[str] = "trouble"
    __slots__ = ()

    def __init__(self, key: str, looks: Looks, error: ChattermError) -> None:
        super().__init__(key, "", gap=1)
        self.mark = Span(looks.signs.failed, ("error",))
        lines: list[Line] = [
            (Span(text, ("error",)),) for text in sanitize(error.message).split("\n")
        ]
        if error.hint:
            lines += [(Span(text, ("muted",)),) for text in sanitize(error.hint).split("\n")]
        self.say(lines)


def unexpected(error: Exception) -> ChattermError:
    """What is said of an error that nobody expected, and that is in the log."""
    from chatterm.config import log_dir

    return ChattermError(
        f"an error inside chatterm: {type(error).__name__}: {error}",
        hint=f"the details are in {log_dir() / 'chatterm.log'}; the conversation can go on",
    )
