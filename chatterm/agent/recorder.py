"""Recording a turn: each event goes to the store before anybody is shown it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatterm.agent.titles import title_of
from chatterm.errors import StoreError
from chatterm.events import Event, TurnStarted

if TYPE_CHECKING:
    from chatterm.store import Store, TurnLog


class Recorder:
    """Records a turn's events; after an error it takes no more and keeps the error.

    Args:
        store: Where; None keeps nothing.
        origin: What began the conversation.
        directory: The directory it belongs to.

    Attributes:
        error: What went wrong.
    """

    def __init__(self, store: Store | None, origin: str, directory: str | None) -> None:
        self._store = store
        self._origin = origin
        self._directory = directory
        self._log: TurnLog | None = None
        self.error: StoreError | None = None

    @property
    def begun(self) -> bool:
        """Whether the turn's beginning is recorded."""
        return self._log is not None

    @property
    def branched(self) -> bool:
        """Whether another process went on with the conversation meanwhile."""
        return self._log is not None and self._log.branched

    async def record(self, event: Event) -> None:
        """Record an event; returns when it may be shown."""
        if self._store is None or self.error is not None:
            return
        try:
            if isinstance(event, TurnStarted):
                self._log = await self._store.begin(
                    event,
                    directory=self._directory,
                    origin=self._origin,
                    title=title_of(event.input),
                    attachments=event.input.attachments,
                )
            elif self._log is not None:
                await self._log.record(event)
        except StoreError as error:
            self.error = error

    def close(self) -> None:
        """The turn is over, or given up."""
        if self._log is not None:
            self._log.close()
