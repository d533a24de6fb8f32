"""One conversation being talked to: every event is recorded, then handed on.

This is the one way in which anybody runs a turn. What a front end is shown was in the log before;
a turn that stops half-way, however it stops, leaves a conversation that can go on.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chatterm.agent.calls import CallRunner
from chatterm.agent.interrupt import Interrupt, Interrupted
from chatterm.agent.loop import TurnRequest, run_turn
from chatterm.agent.queue import MessageQueue, Queued, When
from chatterm.agent.recorder import Recorder
from chatterm.assembly import Clock
from chatterm.errors import Failure
from chatterm.events import Event, StepFinished, TurnFinished, UsageReported, context_report
from chatterm.providers.base import Provider, Settings
from chatterm.providers.history import sendable
from chatterm.steps import NoticeStep, Turn, TurnStatus, Usage, UserInput

if TYPE_CHECKING:
    from chatterm.agent.context import ContextUse
    from chatterm.config import Context
    from chatterm.store import Conversation, RecordedTurn, Store

_OWN_END = (TurnStatus.COMPLETED, TurnStatus.INCOMPLETE)


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
        max_cost_usd: What the turn may cost, as far as its cost is known.
        price: Tells what a round cost where the provider doesn't; called in a thread.
        turn: An id for the turn; the same id again doesn't ask again.
        noted: What the turn records among its settings beside those.
        notices: What the user is told as it begins: reasons, and sentences.
    """

    input: UserInput
    provider: Provider
    model: str
    system: str | None = None
    settings: Settings = field(default_factory=Settings)
    max_rounds: int = 50
    max_cost_usd: float | None = None
    price: Callable[[Usage], float | None] | None = None
    turn: str | None = None
    noted: Mapping[str, Any] = field(default_factory=dict)
    notices: Sequence[tuple[str, str]] = ()


class Session:
    """A conversation being talked to.

    Args:
        store: Where it is kept, or None to keep it only as long as the session lasts.
        origin: `app`, `ask` or `demo`: what began it.
        directory: The directory it belongs to.
        conversation: One that goes on; None begins one with its first turn.
        clock: Where times come from.

    Attributes:
        id: The conversation's id.
        head: The turn that the next one follows, or None.
        queue: Messages that were given while a turn runs; `run_all` sends them.
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
        self._path: list[str] = []
        self._turns: tuple[Turn, ...] | None = ()
        self.queue = MessageQueue()
        self.branched = False
        self._windows: dict[str, int | None] = {}  # by provider/model, as far as was asked
        self._settings: dict[str, Mapping[str, Any] | None] = {}  # of turns, as far as was asked

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
        session._path = store.path(conversation.id)
        session._turns = None
        return session

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns up to the head, oldest first.

        Those of a conversation that goes on are read when they are first asked for, all of them:
        a request needs them, a screen that shows the end of the conversation doesn't.

        Raises:
            StoreError: They can't be read.
        """
        if self._turns is None:
            recorded = self._store.turns(self._path) if self._store is not None else []
            self._turns = tuple(turn.turn() for turn in recorded)
        return self._turns

    def recorded(self, most: int, *, before: str | None = None) -> list[RecordedTurn]:
        """The last turns, or the last before one of them, oldest first, as they were recorded.

        Costs what is returned, not what the conversation holds. The turn under way isn't one.

        Args:
            most: How many at most.
            before: The id of a turn; one that isn't on the way to the head has nothing before it.

        Raises:
            StoreError: They can't be read.
        """
        if self._store is None:
            return []
        end = len(self._path) if before is None else self._place.get(before, 0)
        return self._store.turns(self._path[max(0, end - most) : end])

    @property
    def last_settings(self) -> Mapping[str, Any]:
        """What the last turn with words of the user recorded of how it asked; empty before one.

        Raises:
            StoreError: It can't be read.
        """
        for turn in reversed(self._path):
            if turn not in self._settings:
                found = self._store.turns([turn]) if self._store is not None else []
                self._settings[turn] = found[0].settings if found else None
            if (settings := self._settings[turn]) is not None:
                return settings
        return {}

    @cached_property
    def _place(self) -> dict[str, int]:
        """Where each turn that the session began with stands on the way to the head."""
        return {turn: place for place, turn in enumerate(self._path)}

    def rewind(self, turn: str | None) -> None:
        """Have the next turn follow another one on the way to the head, or be the first again.

        What came after it stays in the store, as a branch.

        Raises:
            StoreError: It can't be recorded.
            ValueError: The turn isn't on the way to the head, or a turn is under way.
        """
        if self.running:
            raise ValueError("a turn is under way")
        kept = 0 if turn is None else self._place_of(turn) + 1
        turns = self.turns[:kept]
        if self._store is not None and self._path:
            self._store.set_head(self.id, turn)
        self._turns = turns
        for gone in self._path[kept:]:
            del self._place[gone]
        del self._path[kept:]
        self.head = turn

    def before(self, turn: str) -> str | None:
        """The turn before one on the way to the head; None for the first.

        Raises:
            ValueError: The turn isn't on the way to the head.
        """
        place = self._place_of(turn)
        return self._path[place - 1] if place else None

    def _place_of(self, turn: str) -> int:
        if turn not in self._place:
            raise ValueError("no such turn on the way to the head")
        return self._place[turn]

    @property
    def running(self) -> bool:
        """Whether a turn is under way."""
        return self._interrupt is not None

    def interrupt(self, failure: Failure | None = None) -> None:
        """Stop the turn under way and keep what came; `failure` says why, when it is an error."""
        if self._interrupt is not None:
            self._interrupt.request(failure)

    def enqueue(self, message: UserInput | str, when: When = When.TURN) -> Queued:
        """Have a message sent when the turn under way, or its round, has ended.

        It waits in `queue`, where it can be seen and changed, until `run_all` takes it.
        """
        if isinstance(message, str):
            message = UserInput(message)
        return self.queue.add(message, when)

    async def run_all(
        self,
        prompt: Prompt,
        *,
        calls: CallRunner | None = None,
        context: Context | None = None,
        following: Callable[[], Prompt] | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Run a turn, then one for each message of the queue, and yield the events of all.

        A message for a round's end stops the turn between two rounds, when every call has its
        answer; it then begins the next turn, so that the model sees the rounds so far and the
        message after them. The turn ends as `interrupted`, with a notice (`steered`).

        An interrupt by the user, and a turn that fails, end this and keep the queue: nothing in it
        is sent by itself. What then waits is sent with the next call.

        Args:
            prompt: The first turn.
            calls: Who answers the model's calls; nobody, by default.
            context: When older turns are summarised before a turn; never, by default.
            following: Says who is asked, and how, by the time that a later turn begins; as the
                first one, by default.

        Raises:
            StoreError: A turn, or a part of it, couldn't be recorded.
        """
        while True:
            interrupt = Interrupt()
            interrupt.steer = lambda: self.queue.steers
            if context is not None:
                async with aclosing(self.make_room(prompt, context, interrupt)) as events:
                    async for event in events:
                        yield event
            end: TurnFinished | None = None
            steered = False
            running = self.run(prompt, calls=calls, interrupt=interrupt)
            async with aclosing(running) as events:
                async for event in events:
                    match event:
                        case TurnFinished():
                            end = event
                        case StepFinished(NoticeStep(reason="steered")):
                            steered = True
                    yield event
            came_to_its_end = end is not None and end.status in _OWN_END
            if not steered and not came_to_its_end:
                return
            taken = self.queue.take(steering=steered)
            if taken is None:
                return
            if following is not None:
                prompt = following()
            prompt = replace(prompt, input=taken.input, turn=taken.id)

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
        is raised; one whose beginning couldn't be recorded is no part of the conversation.

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
        recorder = Recorder(self._store, self._origin, self._directory)
        request = self._request(prompt, turn)
        kept: list[Event] = []
        try:
            running = run_turn(
                prompt.provider, request, calls=calls, interrupt=interrupt, clock=self._clock
            )
            async with aclosing(running) as events:
                async for event in events:
                    await recorder.record(event)
                    if recorder.error is not None:
                        interrupt.request()
                    if isinstance(event, StepFinished | UsageReported):
                        kept.append(event)
                    yield event
        finally:
            self._interrupt = None
            recorder.close()
        if recorder.error is not None and not recorder.begun:
            raise recorder.error  # nothing of it is kept: what comes next can't follow it
        self.branched = self.branched or recorder.branched
        self.head = turn
        model = f"{prompt.provider.name}/{prompt.model}"
        steps = sorted(
            (event.step for event in kept if isinstance(event, StepFinished)),
            key=lambda step: step.index,
        )
        ran = Turn(turn, prompt.input, model, tuple(steps), context_report(kept))
        self._turns = (*self.turns, ran)
        words = prompt.input.text or prompt.input.attachments
        self._settings[turn] = request.recorded_settings if words else None
        self._place[turn] = len(self._path)
        self._path.append(turn)
        if recorder.error is not None:
            raise recorder.error

    # --- the context ---

    async def context_use(self, prompt: Prompt, context: Context) -> ContextUse:
        """How much of its window the prompt's model has in use, without the prompt's own words.

        The window is asked of the provider once in a session, where the configuration has none.
        """
        from chatterm.agent.context import context_use, window_of

        model = f"{prompt.provider.name}/{prompt.model}"
        if model not in self._windows:
            asked = await window_of(prompt.provider, prompt.model, context.windows)
            self._windows[model] = asked
        return context_use(self.turns, window=self._windows[model], system=prompt.system)

    async def make_room(
        self, prompt: Prompt, context: Context, interrupt: Interrupt | None = None
    ) -> AsyncGenerator[Event, None]:
        """Compact the conversation before a prompt, when its context is nearly full by then.

        Yields the events of that turn, or nothing: when there is room, when the setting or an undo
        keeps it from being done unasked, and when the model's window isn't known. However it ends,
        the prompt can be run afterwards.

        Raises:
            StoreError: It couldn't be recorded.
        """
        if not context.compact or not self.turns:
            return
        from chatterm.agent.compaction import may_compact
        from chatterm.agent.context import SMALLEST_WINDOW, context_use, tokens_of_input

        coming = tokens_of_input(prompt.input)
        tokens = context_use(self.turns, system=prompt.system).tokens + coming
        named = context.windows.get(f"{prompt.provider.name}/{prompt.model}")
        least = context.compact_at * (named or SMALLEST_WINDOW)
        if tokens < least or not may_compact(self.turns):
            return
        self._interrupt = interrupt = interrupt or Interrupt()
        try:
            with interrupt.watched():
                window = (await self.context_use(prompt, context)).window
        except Interrupted:
            return
        finally:
            self._interrupt = None
        if window is None or tokens < context.compact_at * window:
            return
        async with aclosing(self.compact(prompt, window=window, interrupt=interrupt)) as events:
            async for event in events:
                yield event

    async def compact(
        self, prompt: Prompt, *, window: int | None = None, interrupt: Interrupt | None = None
    ) -> AsyncGenerator[Event, None]:
        """Have older turns summarised, and send the summary in their place from here on.

        That is a turn of its own, without words of the user; yields its events, or nothing where
        there is nothing to summarise. When no summary comes of it, everything is sent as before.

        Args:
            prompt: Says who is asked; its input doesn't count.
            window: The most tokens that the model takes, where that is known.
            interrupt: Stops it, as `interrupt()` does.

        Raises:
            StoreError: It couldn't be recorded.
        """
        from chatterm.agent.compaction import ACT, Summariser, to_summarise

        older = to_summarise(self.turns, window)
        if not older:
            return
        summariser = Summariser(prompt.provider, prompt.model, older)
        act = Prompt(UserInput(""), summariser, prompt.model, price=prompt.price, noted=ACT)
        async with aclosing(self.run(act, interrupt=interrupt)) as events:
            async for event in events:
                yield event

    async def expand(self) -> AsyncGenerator[Event, None]:
        """Undo a compaction: everything is sent again, and nothing is summarised unasked.

        Yields the events of a turn that says so, or nothing where nothing is compacted.

        Raises:
            StoreError: It couldn't be recorded.
        """
        from chatterm.agent.compaction import ACT, Expander, is_compacted

        if not is_compacted(self.turns):
            return
        provider, _, model = self.turns[-1].model.partition("/")
        act = Prompt(UserInput(""), Expander(provider), model, noted=ACT)
        async with aclosing(self.run(act)) as events:
            async for event in events:
                yield event

    def _request(self, prompt: Prompt, turn: str) -> TurnRequest:
        return TurnRequest(
            conversation=self.id,
            turn=turn,
            input=prompt.input,
            provider=prompt.provider.name,
            model=prompt.model,
            parent=self.head,
            earlier=tuple(self._earlier()),
            system=prompt.system,
            settings=prompt.settings,
            max_rounds=prompt.max_rounds,
            max_cost_usd=prompt.max_cost_usd,
            price=prompt.price,
            noted=prompt.noted,
            notices=prompt.notices,
        )

    def _earlier(self) -> Iterator[Turn]:
        """The turns so far; those that are sent have the content of their attachments."""
        sent = {turn.id for turn in sendable(self.turns)}
        for turn in self.turns:
            yield self._with_content(turn) if turn.id in sent else turn

    def _with_content(self, turn: Turn) -> Turn:
        """A turn whose attachments have their content, as a request needs them."""
        if self._store is None:
            return turn
        from chatterm.store.contents import with_content

        return with_content(turn, self._store)

    def _recorded(self, turn: str) -> tuple[Event, ...] | None:
        """The events of a turn that was run before, when it has its answer."""
        if self._store is None:
            return None
        found = self._store.turns([turn])
        if not found or found[0].running:
            return None
        return found[0].events
