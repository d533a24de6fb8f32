"""One conversation being talked to: every event is recorded, then handed on.

This is the one way in which anybody runs a turn. What a front end is shown was in the log before;
a turn that stops half-way, however it stops, leaves a conversation that can go on.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from chatterm.agent.calls import CallRunner
from chatterm.agent.interrupt import Interrupt
from chatterm.agent.loop import TurnRequest, run_turn
from chatterm.agent.titles import title_of
from chatterm.assembly import Clock
from chatterm.errors import Failure, StoreError
from chatterm.events import Event, StepFinished, TurnStarted
from chatterm.providers.base import Provider, Settings
from chatterm.steps import Attachment, Step, Turn, UserInput

if TYPE_CHECKING:
    from chatterm.store import Conversation, Store, TurnLog


def new_id() -> str:
    """An id for a conversation or a turn: random, so that a few characters name one of many."""
    return os.urandom(8).hex()


@dataclass(frozen=True, slots=True)
class Prompt:
    """What one turn is run with.

    Attributes:
        input: What the user sent.
        provider: Who is asked.
        model: The model's name, as the provider knows it.
        system: The system text.
        settings: What else is asked of the model.
        max_rounds: The most model calls.
        max_cost_usd: What the turn may cost, where the provider tells what it did.
        turn: An id for the turn; the same id again doesn't ask again.
    """

    input: UserInput
    provider: Provider
    model: str
    system: str | None = None
    settings: Settings = field(default_factory=Settings)
    max_rounds: int = 50
    max_cost_usd: float | None = None
    turn: str | None = None


class Session:
    """A conversation being talked to.

    Args:
        store: Where it is kept, or None to keep it only as long as the session lasts.
        origin: `app` or `ask`: which of them began it.
        directory: The directory it belongs to.
        conversation: One that goes on; None begins one with its first turn.
        clock: Where times come from.

    Attributes:
        id: The conversation's id.
        head: The turn that the next one follows, or None.
        turns: The turns up to the head, oldest first.
        queue: Messages that wait for the turn under way to end.
        branched: Another process went on with the conversation meanwhile, so that the last turn
            became a branch beside what that process wrote.
    """

    def __init__(
        self,
        store: Store | None,
        *,
        origin: str,
        directory: str | None = None,
        conversation: Conversation | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._origin = origin
        self._directory = directory
        self._clock = clock
        self._interrupt: Interrupt | None = None
        self.id = conversation.id if conversation else new_id()
        self.head = conversation.head if conversation else None
        self.turns: tuple[Turn, ...] = ()
        self.queue: deque[UserInput] = deque()
        self.branched = False

    @classmethod
    def resume(
        cls, store: Store, conversation: Conversation, *, clock: Clock | None = None
    ) -> Session:
        """Go on with a conversation.

        Turns that a process left unfinished when it died get their ends first: open steps become
        interrupted, calls without an answer get one that says so. Nothing is sent again by itself.

        Raises:
            StoreError: It can't be read.
        """
        store.repair(conversation.id)
        session = cls(
            store,
            origin=conversation.origin,
            directory=conversation.directory,
            conversation=store.find(conversation.id),
            clock=clock,
        )
        session.turns = tuple(turn.turn() for turn in store.turns(store.path(conversation.id)))
        return session

    @property
    def running(self) -> bool:
        """Whether a turn is under way."""
        return self._interrupt is not None

    def interrupt(self, failure: Failure | None = None) -> None:
        """Stop the turn under way and keep what came; `failure` says why, when it is an error."""
        if self._interrupt is not None:
            self._interrupt.request(failure)

    async def run(
        self,
        prompt: Prompt,
        *,
        calls: CallRunner | None = None,
        interrupt: Interrupt | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Run a turn and yield its events, each after it was recorded.

        A turn whose id is known and which has its answer isn't asked again: its recorded events are
        yielded. When the store fails, the turn is stopped and brought to its end before the error
        is raised.

        Args:
            prompt: The turn.
            calls: Who answers the model's calls; nobody, by default.
            interrupt: Stops the turn, as `interrupt()` does.

        Raises:
            StoreError: The turn, or a part of it, couldn't be recorded.
        """
        turn = prompt.turn or new_id()
        recorded = self._recorded(turn) if prompt.turn else None
        if recorded is not None:
            for event in recorded:
                yield event
            return
        self._interrupt = interrupt = interrupt or Interrupt()
        recorder = _Recorder(self._store, self._origin, self._directory)
        request = self._request(prompt, turn)
        steps: list[Step] = []
        try:
            running = run_turn(
                prompt.provider, request, calls=calls, interrupt=interrupt, clock=self._clock
            )
            async with aclosing(running) as events:
                async for event in events:
                    await recorder.record(event)
                    if recorder.error is not None:
                        interrupt.request()
                    if isinstance(event, StepFinished):
                        steps.append(event.step)
                    yield event
        finally:
            self._interrupt = None
            recorder.close()
        self.branched = recorder.branched
        self.head = turn
        model = f"{prompt.provider.name}/{prompt.model}"
        self.turns = (*self.turns, Turn(turn, prompt.input, model, tuple(steps)))
        if recorder.error is not None:
            raise recorder.error

    def _request(self, prompt: Prompt, turn: str) -> TurnRequest:
        return TurnRequest(
            conversation=self.id,
            turn=turn,
            input=prompt.input,
            provider=prompt.provider.name,
            model=prompt.model,
            parent=self.head,
            earlier=tuple(self._with_content(turn) for turn in self.turns),
            system=prompt.system,
            settings=prompt.settings,
            max_rounds=prompt.max_rounds,
            max_cost_usd=prompt.max_cost_usd,
        )

    def _with_content(self, turn: Turn) -> Turn:
        """A turn whose attachments have their content, as a request needs them."""
        if self._store is None or all(a.data is not None for a in turn.input.attachments):
            return turn
        attachments = tuple(self._fetched(self._store, a) for a in turn.input.attachments)
        return replace(turn, input=replace(turn.input, attachments=attachments))

    @staticmethod
    def _fetched(store: Store, attachment: Attachment) -> Attachment:
        if attachment.data is not None:
            return attachment
        return replace(attachment, data=store.blob(attachment.sha256))

    def _recorded(self, turn: str) -> tuple[Event, ...] | None:
        """The events of a turn that was run before, when it has its answer."""
        if self._store is None:
            return None
        found = self._store.turns([turn])
        if not found or found[0].running:
            return None
        return found[0].events


class _Recorder:
    """Records a turn's events; after an error it takes no more and keeps the error."""

    def __init__(self, store: Store | None, origin: str, directory: str | None) -> None:
        self._store = store
        self._origin = origin
        self._directory = directory
        self._log: TurnLog | None = None
        self.error: StoreError | None = None

    @property
    def branched(self) -> bool:
        return self._log is not None and self._log.branched

    async def record(self, event: Event) -> None:
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
        if self._log is not None:
            self._log.close()
