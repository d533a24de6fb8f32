"""Messages that the user gave while a turn runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from chatterm.errors import UsageError
from chatterm.steps import UserInput


class When(StrEnum):
    """When a message is sent."""

    ROUND = "round"  # steering: as soon as the model would be asked again within the turn
    TURN = "turn"  # when the turn has come to its own end


@dataclass(frozen=True, slots=True)
class Queued:
    """A message that waits.

    Attributes:
        id: Its id, and that of the turn that it begins.
        input: What the user wants to send.
        when: When it is sent.
    """

    id: str
    input: UserInput
    when: When = When.TURN


class MessageQueue:
    """Messages in the order in which they are sent; each can be seen and changed until it is.

    A message for the round's end goes before those that wait for the turn's, when there is such an
    end; otherwise all go in their order.
    """

    def __init__(self) -> None:
        self._messages: list[Queued] = []

    def __iter__(self) -> Iterator[Queued]:
        """The messages, the next first."""
        return iter(tuple(self._messages))

    def __len__(self) -> int:
        """How many wait."""
        return len(self._messages)

    @property
    def steers(self) -> bool:
        """Whether a message waits for the end of a round."""
        return any(message.when is When.ROUND for message in self._messages)

    def add(self, message: UserInput, when: When = When.TURN) -> Queued:
        """Add a message behind the others."""
        queued = Queued(os.urandom(8).hex(), message, when)
        self._messages.append(queued)
        return queued

    def edit(
        self, id_: str, message: UserInput | None = None, *, when: When | None = None
    ) -> Queued:
        """Change what a message says, or when it is sent; its place stays.

        Raises:
            UsageError: It doesn't wait any more.
        """
        place = self._place(id_)
        old = self._messages[place]
        changed = replace(old, input=message or old.input, when=when or old.when)
        self._messages[place] = changed
        return changed

    def move(self, id_: str, place: int) -> None:
        """Put a message at a place, from 0; beyond the ends is at the end.

        Raises:
            UsageError: It doesn't wait any more.
        """
        message = self.remove(id_)
        self._messages.insert(max(0, place), message)

    def remove(self, id_: str) -> Queued:
        """Take a message out, and return it.

        Raises:
            UsageError: It doesn't wait any more.
        """
        return self._messages.pop(self._place(id_))

    def take(self, *, steering: bool = False) -> Queued | None:
        """Take the message that is to be sent now, or None when there is none.

        Args:
            steering: A turn was stopped between two rounds for a message: that one.
        """
        if steering:
            found = next((m for m in self._messages if m.when is When.ROUND), None)
            return None if found is None else self.remove(found.id)
        return self._messages.pop(0) if self._messages else None

    def _place(self, id_: str) -> int:
        for place, message in enumerate(self._messages):
            if message.id == id_:
                return place
        raise UsageError(
            f"the message {id_!a} doesn't wait any more", hint="it was sent or removed"
        )
