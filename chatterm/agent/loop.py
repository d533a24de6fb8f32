"""The turn loop: stream a round, answer its calls, go on until the model stops.

`run_turn` is an async generator of events that every front end consumes. It knows no screen; who
answers calls is passed in. It ends, always, with exactly one `turn.finished`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from chatterm.agent.calls import NOT_RUN, Answered, CallAnswer, CallRunner, NoTools, Told
from chatterm.agent.interrupt import Interrupt, Interrupted
from chatterm.assembly import Clock, StepWriter
from chatterm.errors import ErrorKind, Failure, OutputError
from chatterm.events import Event, StepFinished, TurnFinished, TurnStarted, UsageReported
from chatterm.providers.base import ModelRequest, Provider, RoundEnd, Settings
from chatterm.providers.history import sendable
from chatterm.steps import (
    FinishReason,
    Outcome,
    Status,
    Step,
    ToolCallStep,
    ToolResultStep,
    Turn,
    TurnStatus,
    Usage,
    UserInput,
)

log = logging.getLogger(__name__)

# A call that fails in so many rounds in a row: the model is going round in circles.
_SAME_FAILURES = 3
_LIMIT_REACHED = CallAnswer("not run: the limit for this turn was reached", Outcome.CANCELLED)
_CANCELLED = CallAnswer(NOT_RUN, Outcome.CANCELLED)
# Nobody knows what a reply would have said that ended so, not even where its calls look whole.
_CUT_OFF = frozenset({FinishReason.LENGTH, FinishReason.CONTENT_FILTER})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """A turn to run.

    Attributes:
        conversation: The conversation's id.
        turn: The turn's id.
        input: What the user sent.
        provider: The provider's name.
        model: The model's name, as the provider knows it.
        parent: The turn it follows.
        earlier: The turns before it, oldest first.
        system: The system text.
        settings: What else is asked of the model.
        max_rounds: The most model calls.
        max_cost_usd: What the turn may cost, as far as its cost is known, in US dollars.
        price: Tells what a round cost where the provider doesn't; called in a thread.
        noted: What is recorded among the settings and not sent.
        notices: What the user is told as the turn begins: reasons, and sentences.
    """

    conversation: str
    turn: str
    input: UserInput
    provider: str
    model: str
    parent: str | None = None
    earlier: tuple[Turn, ...] = ()
    system: str | None = None
    settings: Settings = field(default_factory=Settings)
    max_rounds: int = 50
    max_cost_usd: float | None = None
    price: Callable[[Usage], float | None] | None = None
    noted: Mapping[str, Any] = field(default_factory=dict)
    notices: Sequence[tuple[str, str]] = ()

    @property
    def recorded_settings(self) -> dict[str, Any]:
        """The settings as the turn's beginning records them."""
        return self.settings.to_json() | dict(self.noted)


async def run_turn(
    provider: Provider,
    request: TurnRequest,
    *,
    calls: CallRunner | None = None,
    interrupt: Interrupt | None = None,
    clock: Clock | None = None,
) -> AsyncGenerator[Event, None]:
    """Run one turn and yield its events as they come about.

    Args:
        provider: Who is asked.
        request: The turn.
        calls: Who answers the model's calls; nobody, by default.
        interrupt: Through which the turn can be stopped; what came is kept.
        clock: Where times come from.

    Raises:
        OutputError: After the last event: raw traffic was to be recorded and couldn't be.
    """
    clock = clock or Clock()
    run = _Run(provider, request, calls or NoTools(), interrupt or Interrupt(), clock)
    yield TurnStarted(
        conversation=request.conversation,
        turn=request.turn,
        parent=request.parent,
        input=request.input,
        system=request.system,
        model=run.model,
        settings=request.recorded_settings,
        at=clock.timestamp(),
    )
    try:
        async with aclosing(run.rounds()) as events:
            async for event in events:
                yield event
    except Interrupted:
        await run.price()
        for event in run.interrupted():
            yield event
    except OutputError as error:  # raw traffic was to be recorded and can't be
        for event in run.failed(error.as_failure()):
            yield event
        yield run.finished
        raise
    except Exception as error:  # the one broad catch: a defect of ours ends the turn, not the log
        log.exception("the turn failed")
        await run.price()
        for event in run.failed(_defect(error)):
            yield event
    _log_failure(run.finished)
    yield run.finished


def _log_failure(finished: TurnFinished) -> None:
    """A line for the log file: what failed, never what was said."""
    error = finished.error
    if error is not None:
        status, request_id = error.status or "-", error.request_id or "-"
        log.warning("a turn failed: %s, status %s, request %s", error.kind, status, request_id)


class _Run:
    """The state of one running turn."""

    def __init__(
        self,
        provider: Provider,
        request: TurnRequest,
        calls: CallRunner,
        interrupt: Interrupt,
        clock: Clock,
    ) -> None:
        self.model = f"{request.provider}/{request.model}"
        self._provider = provider
        self._request = request
        self._calls = calls
        self._interrupt = interrupt
        self._writer = StepWriter(request.turn, clock)
        self._steps: list[Step] = []
        self._usage = Usage()
        self._denied: list[str] = []
        self._word: str | None = None
        self._failing: dict[tuple[str, str], int] = {}  # call: rounds in a row that it failed in
        self._stop = False  # the user's answer to a question was to stop
        self._over = False
        self.finished = TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP)

    async def rounds(self) -> AsyncGenerator[Event, None]:
        """Run rounds until the turn is over, and leave how it ended in `finished`."""
        for reason, text in self._request.notices:
            self._writer.notice(reason, text)
        for event in self._writer.take():
            yield self._kept(event)
        for number in range(self._request.max_rounds):
            async for event in self._round(number):
                yield event
            if self._over:
                return

    async def _round(self, number: int) -> AsyncGenerator[Event, None]:
        self._writer.round = number
        self._word = None
        end = RoundEnd()
        async with aclosing(self._stream()) as items:
            async for item in items:
                if isinstance(item, RoundEnd):
                    end = item
                else:
                    yield self._kept(item)
        self._word = end.provider_finish_reason
        self._writer.usage = end.usage
        await self.price()
        for event in self._counted():
            yield event
        waiting = self._waiting(number, end)
        cut_off = end.finish_reason in _CUT_OFF
        if end.failure or cut_off or not (waiting or end.paused):
            for event in self._answer_all(waiting, _CANCELLED):
                yield event
            self._finish(end.finish_reason, end.failure)
        elif (limit := self._limit(number)) is not None:
            for event in self._limit_reached(waiting, limit):
                yield event
        elif waiting:
            async for event in self._answer(waiting):
                yield event

    def interrupted(self) -> list[Event]:
        """Close what is open, answer what waits, and end as interrupted."""
        self._writer.interrupt()
        events = [self._kept(event) for event in self._writer.take()]
        events += self._counted()
        for call in self._unanswered():
            events += self._result(call, self._calls.cut_short(call))
        failure = self._interrupt.failure
        self._finish(FinishReason.ERROR if failure else FinishReason.INTERRUPTED, failure)
        return events

    def failed(self, failure: Failure) -> list[Event]:
        """Close what is open, answer what waits, and end as failed."""
        events = self.interrupted()
        self._finish(FinishReason.ERROR, failure)
        return events

    async def price(self) -> None:
        """Work out what the round has cost so far, where the provider doesn't tell."""
        usage, price = self._writer.usage, self._request.price
        if price is not None and usage and usage.cost_usd is None:
            cost = await asyncio.to_thread(price, usage)
            self._writer.usage = replace(usage, cost_usd=cost)

    async def _stream(self) -> AsyncGenerator[Event | RoundEnd, None]:
        """The provider's stream, cut short by an interrupt."""
        request = ModelRequest(
            model=self._request.model,
            turns=sendable((*self._request.earlier, self._turn())),
            system=self._request.system,
            tools=self._calls.specs,
            settings=self._request.settings,
        )
        async with aclosing(self._provider.stream(request, self._writer)) as stream:
            async for item in self._watched(stream):
                yield item

    def _counted(self) -> list[Event]:
        """Count what the round took, once, and report it; a broken one as far as it was told."""
        usage, self._writer.usage = self._writer.usage, Usage()
        if not usage:
            return []
        self._usage += usage
        return [UsageReported(self._usage)]

    def _turn(self) -> Turn:
        return Turn(self._request.turn, self._request.input, self.model, tuple(self._steps))

    def _kept(self, event: Event) -> Event:
        if isinstance(event, StepFinished):
            self._steps.append(event.step)
        return event

    # --- calls ---

    def _waiting(self, number: int, end: RoundEnd) -> list[ToolCallStep]:
        """The calls of a round that wait for an answer: whole ones, run here or to be approved."""
        return [
            step
            for step in self._steps
            if isinstance(step, ToolCallStep)
            and step.round == number
            and step.status is Status.DONE
            and (not step.hosted or step.call_id in end.approvals)
        ]

    def _unanswered(self) -> list[ToolCallStep]:
        answered = {
            (step.round, step.call_id) for step in self._steps if isinstance(step, ToolResultStep)
        }
        return [
            step
            for step in self._steps
            if isinstance(step, ToolCallStep)
            and not step.hosted
            and step.status is Status.DONE
            and (step.round, step.call_id) not in answered
        ]

    async def _answer(self, waiting: list[ToolCallStep]) -> AsyncGenerator[Event, None]:
        failing: dict[tuple[str, str], int] = {}
        async with aclosing(self._calls.answer(waiting)) as items:
            async for item in self._watched(items):
                if isinstance(item, Told):
                    for event in self._told(item):
                        yield event
                    continue
                if not isinstance(item, Answered):
                    yield item
                    continue
                call, answer = item.call, item.answer
                if answer.outcome is Outcome.FAILED:
                    signature = (call.name, call.arguments)
                    failing[signature] = self._failing.get(signature, 0) + 1
                if answer.nobody_asked:
                    self._denied.append(call.call_id)
                self._stop = self._stop or answer.stop
                for event in self._result(call, answer):
                    yield event
        self._failing = failing
        if self._stop:
            self._finish(FinishReason.INTERRUPTED)
            return
        if self._interrupt.steer():
            self._writer.notice("steered", "stopped after this round: the next message steers it")
            for event in self._writer.take():
                yield self._kept(event)
            self._finish(FinishReason.INTERRUPTED)
            return
        async for event in self._in_circles():
            yield event

    async def _watched(self, items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """What a generator yields; a wait for it is cut short by an interrupt."""
        while True:
            with self._interrupt.watched():
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    return
            yield item

    def _answer_all(self, waiting: list[ToolCallStep], answer: CallAnswer) -> list[Event]:
        events: list[Event] = []
        for call in waiting:
            refused = {"approve": False} if call.hosted else None
            events += self._result(call, replace(answer, opaque=refused))
        return events

    def _told(self, told: Told) -> list[Event]:
        self._writer.notice(told.reason, told.text)
        return [self._kept(event) for event in self._writer.take()]

    def _result(self, call: ToolCallStep, answer: CallAnswer) -> list[Event]:
        self._writer.round = call.round
        self._writer.add(
            ToolResultStep,
            ago=answer.seconds,
            call_id=call.call_id,
            name=call.name,
            **answer.fields(),
        )
        return [self._kept(event) for event in self._writer.take()]

    async def _in_circles(self) -> AsyncGenerator[Event, None]:
        """Ask whether a call that failed in several rounds in a row may go on; else end the turn.

        A yes counts for as many rounds again.
        """
        counts = self._failing.items()
        stuck = next((key for key, count in counts if count >= _SAME_FAILURES), None)
        if stuck is None:
            return
        call = next(
            step
            for step in reversed(self._steps)
            if isinstance(step, ToolCallStep) and (step.name, step.arguments) == stuck
        )
        goes_on = False
        async with aclosing(self._calls.go_on_failing(call)) as items:
            async for item in self._watched(items):
                if isinstance(item, bool):
                    goes_on = item
                elif not isinstance(item, Answered | Told):
                    yield item
        if goes_on:
            self._failing = {}
        else:
            self._finish(FinishReason.ERROR, _tool_loop(call.name))

    def _limit(self, number: int) -> str | None:
        """The limit that the turn has come to with the round of this number, in words."""
        most = self._request.max_rounds
        if number + 1 == most:
            return "1 round" if most == 1 else f"{most} rounds"
        cost = self._request.max_cost_usd
        if cost is not None and (self._usage.cost_usd or 0) >= cost:
            return f"${self._usage.cost_usd:.2f}"
        return None

    def _limit_reached(self, waiting: list[ToolCallStep], limit: str) -> list[Event]:
        events = self._answer_all(waiting, _LIMIT_REACHED)
        self._writer.notice("round_limit", f"stopped after {limit}, the limit for a turn")
        events += [self._kept(event) for event in self._writer.take()]
        self._finish(FinishReason.ROUND_LIMIT)
        return events

    # --- the end ---

    def _finish(self, reason: FinishReason, failure: Failure | None = None) -> None:
        self._over = True
        self.finished = TurnFinished(
            status=reason.turn_status,
            finish_reason=reason,
            provider_finish_reason=self._word,
            usage=self._usage,
            denied=tuple(self._denied),
            error=failure,
        )


def _tool_loop(name: str) -> Failure:
    return Failure(
        ErrorKind.TOOL_LOOP,
        f"the model made the same failing call of {name!r} {_SAME_FAILURES} times in a row",
        hint="ask differently, or offer the tool it wants",
    )


def _defect(error: Exception) -> Failure:
    return Failure(
        ErrorKind.INTERNAL,
        f"an error inside chatterm: {type(error).__name__}: {error}",
        hint="the log file has the details; please report it",
    )
