"""Errors that nobody expected stay where they happened: what raised one goes on taking messages.

In Textual a widget whose handler raises takes no message any more, and its app ends. Here the app
tells the error and lives on; a screen that took no more messages would leave it dead all the same.
"""

# ruff: noqa: SLF001 - textual has no public way to it

from __future__ import annotations

import traceback
from typing import Any, ClassVar

from textual.message import Message
from textual.message_pump import MessagePump
from textual.worker import WorkerFailed

_MOST = 50


class Sturdy:
    """An app whose parts survive errors in what they do about a message."""

    sturdy: ClassVar[bool] = True


class Unexpected:
    """The errors that nobody expected, each place told once: one may come back with every frame.

    Attributes:
        errors: The first of them.
    """

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self._places: set[tuple[Any, ...]] = set()

    def is_new(self, error: BaseException) -> bool:
        """Whether no such error came from the same place before; it is noted."""
        place = _place_of(error)
        if place in self._places or len(self.errors) >= _MOST:
            return False
        self._places.add(place)
        self.errors.append(error)
        return True


def cause_of(error: BaseException) -> BaseException:
    """What was raised, without what Textual wraps around it."""
    while True:
        if isinstance(error, WorkerFailed):
            error = error.error
        elif type(error).__name__ == "CallbackError" and error.__context__ is not None:
            error = error.__context__
        else:
            return error


def _place_of(error: BaseException) -> tuple[Any, ...]:
    frames = traceback.extract_tb(error.__traceback__)
    last = (frames[-1].filename, frames[-1].lineno) if frames else ("", 0)
    return (type(error), *last)


def make_sturdy() -> None:
    """Have the parts of sturdy apps survive errors. Once is enough; other apps are as ever."""
    plain = MessagePump._dispatch_message
    if getattr(plain, "sturdy", False):
        return

    async def dispatch(self: MessagePump, message: Message) -> None:
        try:
            await plain(self, message)
        except Exception as error:  # the edge: whatever it was, the widget goes on
            if not getattr(self.app, "sturdy", False):
                raise
            self.app._handle_exception(error)

    dispatch.sturdy = True  # type: ignore[attr-defined]
    MessagePump._dispatch_message = dispatch  # type: ignore[method-assign]
