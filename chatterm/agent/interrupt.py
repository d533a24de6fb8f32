"""Stopping a turn from outside without losing what it has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chatterm.errors import Failure


class Interrupt:
    """A request to stop a turn, made by a signal, a key or a deadline.

    The turn loop waits inside `watched()`; a request made meanwhile cancels that wait and nothing
    else, so that the loop can still close its steps and say how the turn ended.

    Attributes:
        requested: Whether the turn is to stop.
        failure: Why, when it is an error (a deadline) and not the user's wish.
        steer: Asked between two rounds, when every call has its answer: whether a message waits
            that the model should see before it goes on, so that the turn ends there.
    """

    def __init__(self) -> None:
        self.requested = False
        self.failure: Failure | None = None
        self.steer: Callable[[], bool] = lambda: False
        self._waiting: asyncio.Task[object] | None = None

    def request(self, failure: Failure | None = None) -> None:
        """Stop the turn; the first request says why."""
        if self.requested:
            return
        self.requested = True
        self.failure = failure
        if self._waiting is not None:
            self._waiting.cancel()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Run a wait that a request cuts short.

        Raises:
            Interrupted: A request came, before or during the wait.
        """
        if self.requested:
            raise Interrupted
        task = asyncio.current_task()
        self._waiting = task
        try:
            yield
        except asyncio.CancelledError:
            if not self.requested or task is None:
                raise
            task.uncancel()
            raise Interrupted from None
        finally:
            self._waiting = None


class Interrupted(Exception):  # noqa: N818 - a state, like asyncio's own
    """A watched wait was cut short by a request."""
