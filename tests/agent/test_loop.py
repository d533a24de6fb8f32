"""The turn loop: rounds, answers to calls, limits, interrupts; always one `turn.finished`, last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import ClassVar

import pytest

from chatterm.agent.calls import (
    Answered,
    CallAnswer,
    CallEvent,
    NoTools,
    Told,
    nobody_to_approve,
)
from chatterm.agent.interrupt import Interrupt
from chatterm.agent.loop import TurnRequest, run_turn
from chatterm.assembly import StepWriter
from chatterm.errors import ErrorKind, Failure
from chatterm.events import Event, StepFinished, TurnFinished, TurnStarted, UsageReported
from chatterm.providers.base import ModelInfo, ModelRequest, RoundEnd, ToolSpec
from chatterm.providers.demo import DemoProvider
from chatterm.providers.script import parse
from chatterm.steps import (
    FinishReason,
    NoticeStep,
    Outcome,
    Status,
    TextStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
    Usage,
    UserInput,
)

REQUEST = TurnRequest("conversation", "turn", UserInput("hello"), "p", "m")


class Scripted(DemoProvider):
    """Plays a script without waiting, and keeps the requests."""

    def __init__(self, script: str) -> None:
        super().__init__("p", parse(script), pace=0)
        self.requests: list[ModelRequest] = []

    async def stream(
        self, request: ModelRequest, writer: StepWriter
    ) -> AsyncGenerator[Event | RoundEnd, None]:
        self.requests.append(request)
        async for item in super().stream(request, writer):
            yield item


class Tools(NoTools):
    """Answers every call with its name, unless told otherwise."""

    def __init__(self, answer: CallAnswer | None = None) -> None:
        self.ran: list[ToolCallStep] = []
        self._answer = answer

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return (ToolSpec("look", "Look.", {"type": "object"}),)

    async def answer(self, calls: Sequence[ToolCallStep]) -> AsyncGenerator[CallEvent, None]:
        for call in calls:
            if call.hosted:
                yield Answered(call, nobody_to_approve(call))
                continue
            self.ran.append(call)
            yield Answered(call, self._answer or CallAnswer(f"{call.name} was run"))


async def play(provider: DemoProvider, request: TurnRequest = REQUEST, **options) -> list[Event]:
    return [event async for event in run_turn(provider, request, **options)]


def steps(events: list[Event], kind: type) -> list:
    return [e.step for e in events if isinstance(e, StepFinished) and isinstance(e.step, kind)]


def end(events: list[Event]) -> TurnFinished:
    ends = [event for event in events if isinstance(event, TurnFinished)]
    assert len(ends) == 1
    assert events[-1] is ends[0]
    return ends[0]


CALLS = """
call look: {"at": 1}
call look: {"at": 2}
usage input=10 output=5
round
text: I have looked.
usage input=20 output=7 cached_input=10
"""


async def test_what_the_user_is_told_while_calls_are_answered_stands_in_the_turn() -> None:
    class Telling(Tools):
        async def answer(self, calls: Sequence[ToolCallStep]) -> AsyncGenerator[CallEvent, None]:
            yield Told("rules", "a file is broken")
            async for event in super().answer(calls):
                yield event

    events = await play(Scripted(CALLS), calls=Telling())
    assert [(n.reason, n.text) for n in steps(events, NoticeStep)] == [
        ("rules", "a file is broken")
    ]
    assert [result.content for result in steps(events, ToolResultStep)] == ["look was run"] * 2


async def test_a_turn_begins_with_what_was_asked() -> None:
    events = await play(Scripted("text: hi"), replace(REQUEST, system="Be brief."))
    assert isinstance(events[0], TurnStarted)
    assert (events[0].model, events[0].system, events[0].input.text) == (
        "p/m",
        "Be brief.",
        "hello",
    )
    assert end(events).status is TurnStatus.COMPLETED


async def test_calls_are_answered_in_order_and_the_model_is_asked_again() -> None:
    provider, tools = Scripted(CALLS), Tools()
    events = await play(provider, calls=tools)
    assert [call.input for call in tools.ran] == [{"at": 1}, {"at": 2}]
    results = steps(events, ToolResultStep)
    assert [result.call_id for result in results] == [call.call_id for call in tools.ran]
    assert [step.text for step in steps(events, TextStep)] == ["I have looked."]
    assert [step.round for step in steps(events, TextStep)] == [1]
    # The second request holds the first round, answered.
    assert [type(step) for step in provider.requests[1].turns[-1].steps] == [
        ToolCallStep,
        ToolCallStep,
        ToolResultStep,
        ToolResultStep,
    ]


async def test_usage_is_the_turns_total_over_its_rounds() -> None:
    events = await play(Scripted(CALLS), calls=Tools())
    reported = [event.usage for event in events if isinstance(event, UsageReported)]
    assert reported == [Usage(10, 5), Usage(30, 12, cached_input=10)]
    assert end(events).usage == reported[-1]


async def test_step_indexes_count_through_the_turn() -> None:
    events = await play(Scripted(CALLS), calls=Tools())
    finished = [event.step.index for event in events if isinstance(event, StepFinished)]
    assert sorted(finished) == list(range(len(finished)))


async def test_a_tool_that_is_not_on_offer_is_a_failed_result() -> None:
    events = await play(Scripted(CALLS))
    first, second = steps(events, ToolResultStep)
    assert (first.ok, first.outcome) == (False, Outcome.FAILED)
    assert "no tool named 'look'" in second.content
    assert end(events).status is TurnStatus.COMPLETED


async def test_at_the_round_limit_open_calls_are_answered_and_a_notice_says_so() -> None:
    tools = Tools()
    events = await play(Scripted(CALLS), replace(REQUEST, max_rounds=1), calls=tools)
    assert tools.ran == []
    assert [result.outcome for result in steps(events, ToolResultStep)] == [Outcome.CANCELLED] * 2
    assert [notice.reason for notice in steps(events, NoticeStep)] == ["round_limit"]
    last = end(events)
    assert (last.status, last.finish_reason) == (TurnStatus.INCOMPLETE, FinishReason.ROUND_LIMIT)


async def test_three_identical_failing_calls_in_a_row_end_the_turn() -> None:
    again = "\nround\n".join(["call look: {}"] * 9)
    tools = Tools(CallAnswer("no such thing", Outcome.FAILED))
    last = end(await play(Scripted(again), calls=tools))
    assert len(tools.ran) == 3
    assert last.error is not None
    assert last.error.kind is ErrorKind.TOOL_LOOP


async def test_a_failure_carries_the_providers_word_and_keeps_what_came() -> None:
    events = await play(Scripted("text: so far\ncut"))
    last = end(events)
    assert (last.status, last.finish_reason) == (TurnStatus.FAILED, FinishReason.ERROR)
    assert last.error is not None
    assert last.error.kind is ErrorKind.STREAM_CUT
    assert steps(events, TextStep)[0].text == "so far"


async def test_calls_of_a_failed_round_are_not_run_but_answered() -> None:
    tools = Tools()
    script = "call look: {}\nfail server: broken"
    events = await play(Scripted(script), calls=tools)
    assert tools.ran == []
    whole = [call for call in steps(events, ToolCallStep) if call.status is Status.DONE]
    assert len(steps(events, ToolResultStep)) == len(whole)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("text: x\nfinish length", FinishReason.LENGTH),
        ("text: x\nfinish content_filter", FinishReason.CONTENT_FILTER),
        ("refuse: no", FinishReason.REFUSAL),
    ],
)
async def test_what_stops_a_reply_early_makes_the_turn_incomplete(script, reason) -> None:
    last = end(await play(Scripted(script)))
    assert (last.status, last.finish_reason) == (TurnStatus.INCOMPLETE, reason)


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_no_call_of_a_reply_that_was_stopped_early_is_run(reason) -> None:
    tools = Tools()
    provider = Scripted(f"call look: {{}}\nfinish {reason}")
    events = await play(provider, calls=tools)
    assert end(events).finish_reason.value == reason
    assert tools.ran == []
    assert [step.outcome for step in steps(events, ToolResultStep)] == [Outcome.CANCELLED]
    assert len(provider.requests) == 1


class Hanging(Scripted):
    """Says something and then nothing."""

    closed = False

    async def stream(self, request, writer):
        opened = writer.open(TextStep)
        writer.append(opened, "so far")
        for event in writer.take():
            yield event
        try:
            await asyncio.sleep(3600)
        finally:
            self.closed = True


async def interrupted(provider: Hanging, failure: Failure | None = None) -> list[Event]:
    interrupt = Interrupt()
    events = []
    async for event in run_turn(provider, REQUEST, interrupt=interrupt):
        events.append(event)
        if len(events) == 3:  # turn.started, step.started, step.delta
            asyncio.get_running_loop().call_soon(interrupt.request, failure)
    return events


async def test_an_interrupt_keeps_what_came_and_closes_the_stream() -> None:
    provider = Hanging("")
    events = await interrupted(provider)
    assert provider.closed
    (text,) = steps(events, TextStep)
    assert (text.text, text.status) == ("so far", Status.INTERRUPTED)
    last = end(events)
    assert (last.status, last.error) == (TurnStatus.INTERRUPTED, None)


async def test_a_deadline_is_an_interrupt_with_a_failure() -> None:
    failure = Failure(ErrorKind.TIMEOUT, "too late")
    last = end(await interrupted(Hanging(""), failure))
    assert (last.status, last.error) == (TurnStatus.FAILED, failure)


async def test_an_interrupt_before_the_turn_asks_nobody() -> None:
    interrupt, provider = Interrupt(), Scripted("text: hi")
    interrupt.request()
    events = await play(provider, interrupt=interrupt)
    assert end(events).status is TurnStatus.INTERRUPTED
    assert provider.requests == []


async def test_an_interrupted_tool_leaves_its_call_answered() -> None:
    interrupt = Interrupt()

    class Slow(Tools):
        async def answer(self, calls: Sequence[ToolCallStep]) -> AsyncGenerator[CallEvent, None]:
            asyncio.get_running_loop().call_soon(interrupt.request)
            await asyncio.sleep(3600)
            yield Answered(calls[0], CallAnswer("too late"))

    events = await play(Scripted(CALLS), calls=Slow(), interrupt=interrupt)
    assert [result.outcome for result in steps(events, ToolResultStep)] == [Outcome.CANCELLED] * 2
    assert end(events).status is TurnStatus.INTERRUPTED


async def test_a_call_that_fails_again_and_again_goes_on_when_the_user_says_so() -> None:
    class Patient(Tools):
        asked: ClassVar[list[str]] = []

        async def go_on_failing(self, call: ToolCallStep) -> AsyncGenerator[CallEvent | bool, None]:
            self.asked.append(call.name)
            yield True

    again = "\nround\n".join(["call look: {}"] * 4) + "\nround\ntext: at last"
    tools = Patient(CallAnswer("no such thing", Outcome.FAILED))
    events = await play(Scripted(again), calls=tools)
    assert tools.asked == ["look"]
    assert end(events).status is TurnStatus.COMPLETED


async def test_a_denied_call_is_no_failure_of_the_models() -> None:
    again = "\nround\n".join(["call look: {}"] * 4) + "\nround\ntext: all right"
    events = await play(Scripted(again), calls=Tools(CallAnswer("no", Outcome.DENIED)))
    assert end(events).status is TurnStatus.COMPLETED


async def test_an_answer_that_stops_the_turn_leaves_every_call_answered() -> None:
    provider = Scripted(CALLS)
    stopping = Tools(CallAnswer("denied by the user", Outcome.DENIED, stop=True))
    events = await play(provider, calls=stopping)
    assert len(steps(events, ToolResultStep)) == 2
    assert end(events).status is TurnStatus.INTERRUPTED
    assert len(provider.requests) == 1


async def test_a_turn_stops_when_it_has_cost_what_it_may() -> None:
    script = CALLS.replace("usage input=10 output=5", "usage input=10 output=5 cost_usd=0.75")
    events = await play(Scripted(script), replace(REQUEST, max_cost_usd=0.5), calls=Tools())
    assert end(events).finish_reason is FinishReason.ROUND_LIMIT
    assert [step.text for step in steps(events, NoticeStep)] == [
        "stopped after $0.75, the limit for a turn"
    ]
    assert {result.outcome for result in steps(events, ToolResultStep)} == {Outcome.CANCELLED}


async def test_a_round_that_the_provider_has_no_cost_for_is_priced() -> None:
    asked = []

    def price(usage: Usage) -> float:
        asked.append(usage)
        return usage.input / 100

    events = await play(Scripted(CALLS), replace(REQUEST, price=price), calls=Tools())
    reported = [event.usage.cost_usd for event in events if isinstance(event, UsageReported)]
    assert reported == pytest.approx([0.1, 0.3])
    # Round by round: what a token costs can depend on how many go at once.
    assert asked == [Usage(10, 5), Usage(20, 7, cached_input=10)]


async def test_what_the_provider_says_it_cost_comes_before_a_price() -> None:
    script = "text: hi\nusage input=10 output=5 cost_usd=0.75"
    events = await play(Scripted(script), replace(REQUEST, price=lambda _: 9.0))
    assert end(events).usage.cost_usd == 0.75


async def test_a_cost_that_nobody_knows_stays_unknown() -> None:
    events = await play(Scripted(CALLS), replace(REQUEST, price=lambda _: None), calls=Tools())
    assert end(events).usage == Usage(30, 12, cached_input=10)


async def test_the_limit_holds_for_costs_that_were_worked_out() -> None:
    request = replace(REQUEST, max_cost_usd=0.5, price=lambda _: 0.75)
    events = await play(Scripted(CALLS), request, calls=Tools())
    assert end(events).finish_reason is FinishReason.ROUND_LIMIT
    assert end(events).usage.cost_usd == 0.75


async def test_a_round_that_breaks_off_is_priced_as_far_as_it_was_told() -> None:
    class Breaking(Scripted):
        async def stream(
            self, request: ModelRequest, writer: StepWriter
        ) -> AsyncGenerator[Event | RoundEnd, None]:
            writer.usage = Usage(10, 1)
            raise RuntimeError("a defect")
            yield

    events = await play(Breaking(""), replace(REQUEST, price=lambda _: 0.25))
    assert end(events).usage == Usage(10, 1, cost_usd=0.25)


async def test_a_result_tells_how_long_its_call_ran() -> None:
    events = await play(Scripted(CALLS), calls=Tools(CallAnswer("done", seconds=1.5)))
    assert steps(events, ToolResultStep)[0].duration_ms >= 1500


async def test_a_cancelled_task_is_not_mistaken_for_an_interrupt() -> None:
    async def consume() -> None:
        async for _ in run_turn(Hanging(""), REQUEST, interrupt=Interrupt()):
            pass

    task = asyncio.create_task(consume())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_defect_of_ours_ends_the_turn_and_is_logged(caplog) -> None:
    class Broken(Scripted):
        async def stream(self, request, writer):
            writer.open(TextStep)
            raise ZeroDivisionError("oops")
            yield

        async def models(self) -> list[ModelInfo]:
            return []

    events = await play(Broken(""))
    last = end(events)
    assert last.error is not None
    assert last.error.kind is ErrorKind.INTERNAL
    assert steps(events, TextStep)[0].status is Status.INTERRUPTED
    assert "ZeroDivisionError" in caplog.text


async def test_a_message_that_steers_ends_the_turn_when_its_calls_are_answered() -> None:
    provider, tools, interrupt = Scripted(CALLS), Tools(), Interrupt()
    interrupt.steer = lambda: bool(tools.ran)
    events = await play(provider, calls=tools, interrupt=interrupt)
    assert [result.outcome for result in steps(events, ToolResultStep)] == [Outcome.DONE] * 2
    assert len(provider.requests) == 1
    (notice,) = steps(events, NoticeStep)
    assert (notice.reason, notice.round) == ("steered", 0)
    last = end(events)
    assert (last.status, last.finish_reason) == (TurnStatus.INTERRUPTED, FinishReason.INTERRUPTED)


async def test_a_turn_without_another_round_is_not_steered() -> None:
    interrupt = Interrupt()
    interrupt.steer = lambda: True
    last = end(await play(Scripted("text: hi"), interrupt=interrupt))
    assert last.status is TurnStatus.COMPLETED


async def test_an_interrupt_keeps_the_usage_that_the_round_had_reported() -> None:
    class Counting(Hanging):
        async def stream(self, request, writer):
            writer.usage = Usage(7, 2)
            async for item in super().stream(request, writer):
                yield item

    events = await interrupted(Counting(""))
    assert [e.usage for e in events if isinstance(e, UsageReported)] == [Usage(7, 2)]
    assert end(events).usage == Usage(7, 2)


class Pausing(Scripted):
    """Pauses its first rounds, as a provider does whose own tools take long."""

    async def stream(
        self, request: ModelRequest, writer: StepWriter
    ) -> AsyncGenerator[Event | RoundEnd, None]:
        async for item in super().stream(request, writer):
            if isinstance(item, RoundEnd) and len(self.requests) < 3:
                yield replace(item, paused=True)
            else:
                yield item


async def test_a_paused_round_is_asked_again_with_what_came() -> None:
    provider = Pausing("text: one\nround\ntext: two\nround\ntext: three")
    events = await play(provider)
    assert [step.text for step in steps(events, TextStep)] == ["one", "two", "three"]
    assert end(events).status is TurnStatus.COMPLETED
    assert [len(request.turns[-1].steps) for request in provider.requests] == [0, 1, 2]


async def test_pauses_count_as_rounds() -> None:
    events = await play(Pausing("text: one\nround\ntext: two"), replace(REQUEST, max_rounds=1))
    assert end(events).finish_reason is FinishReason.ROUND_LIMIT
