"""Background responses over real HTTP: the answer that breaks off is picked up, or cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from chatterm.assembly import StepWriter
from chatterm.errors import ErrorKind
from chatterm.events import Event, StepDelta, StepFinished
from chatterm.providers.base import ModelRequest, RoundEnd
from chatterm.providers.http import HttpProvider, StreamLimits
from chatterm.providers.registry import wire_protocol
from chatterm.providers.transport import Transport
from chatterm.providers.wire import Endpoint
from chatterm.steps import (
    FinishReason,
    NoticeStep,
    Status,
    Step,
    TextStep,
    ToolCallStep,
    Turn,
    UserInput,
)
from faultserver import Action, Answer, Cut, FaultServer, Received, Reset, Stall
from responses_server import KeptResponses, call, message, thought

WORDS = "An answer that is long enough to be cut anywhere in the middle of it."
OUTPUT = [thought("hm"), message(WORDS), call("add", a=1)]
ASKED = ModelRequest("gpt-5", (Turn("t", UserInput("hello"), "p/gpt-5"),))


class Heard:
    """What came of a round."""

    def __init__(self, events: Sequence[Event | RoundEnd]) -> None:
        self.events = events
        end = events[-1]
        assert isinstance(end, RoundEnd)
        self.end = end
        self.steps: list[Step] = [e.step for e in events if isinstance(e, StepFinished)]
        self.notices = [step for step in self.steps if isinstance(step, NoticeStep)]

    @property
    def text(self) -> str:
        return "".join(step.text for step in self.steps if isinstance(step, TextStep))

    def is_whole(self) -> bool:
        """Nothing is lost and nothing is there twice, in the steps and in what streamed."""
        (text,) = [step for step in self.steps if isinstance(step, TextStep)]
        deltas = [e.text for e in self.events if isinstance(e, StepDelta) and e.id == text.id]
        (called,) = [step for step in self.steps if isinstance(step, ToolCallStep)]
        return (
            self.end.failure is None
            and self.end.finish_reason is FinishReason.STOP
            and text.text == "".join(deltas) == WORDS
            and called.arguments == '{"a": 1}'
            and all(step.status is Status.DONE for step in self.steps)
        )


class Waits:
    """Waits for nothing, and knows how long it should have."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def provider(server: FaultServer, waits: Waits | None = None, **limits: Any) -> HttpProvider:
    return HttpProvider(
        wire_protocol("responses"),
        Endpoint("p", server.url, background=True),
        Transport(),
        stream=StreamLimits(**limits),
        sleep=waits or Waits(),
    )


async def hear(server: FaultServer, waits: Waits | None = None, **limits: Any) -> Heard:
    asked = provider(server, waits, **limits)
    events = [event async for event in asked.stream(ASKED, StepWriter("t"))]
    await asked.aclose()
    return Heard(events)


def after(marker: bytes, *then: Action) -> Any:
    """Break the first stream off after a text."""

    def cut(request: Received, data: bytes) -> list[Action]:
        if request.method != "POST":
            return [data]
        end = data.index(marker) + len(marker)
        return [data[:end], *then]

    return cut


BREAKS = {"cut": Cut(), "reset": Reset(), "silence": Stall()}


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize(
    "marker",
    [b'"hm"', b"long enou", b"of it.", b'"type": "response.completed"'],
)
async def test_what_broke_off_is_picked_up(server: FaultServer, how: str, marker: bytes) -> None:
    kept = KeptResponses([OUTPUT], after(marker, BREAKS[how]))
    server.script(kept)
    heard = await hear(server, idle_timeout_s=1 if how == "silence" else 60)
    assert kept.asked[0]["background"] is kept.asked[0]["store"] is True
    assert heard.is_whole()
    assert [notice.reason for notice in heard.notices] == ["resumed"]
    ((method, path),) = kept.seen[1:]
    assert method == "GET"
    assert path.startswith("/responses/resp_1?stream=true&starting_after=")


async def test_before_the_answer_has_an_id_it_is_asked_again(server: FaultServer) -> None:
    kept = KeptResponses([OUTPUT])
    half = after(b'"response.created"', Reset())
    server.script(KeptResponses([OUTPUT], half), kept)
    heard = await hear(server)
    assert heard.is_whole()
    assert [notice.reason for notice in heard.notices] == ["retry"]
    assert [method for method, _ in kept.seen] == ["POST"]


async def test_it_may_break_off_again_and_again(server: FaultServer) -> None:
    def cut(_: Received, data: bytes) -> list[Action]:
        events = data.split(b"\n\n")
        return [b"\n\n".join(events[:3]) + b"\n\n", Reset()] if len(events) > 3 else [data]

    kept = KeptResponses([OUTPUT], cut)
    server.script(kept)
    heard = await hear(server)
    assert heard.is_whole()
    assert len(kept.seen) > 4


async def test_a_server_that_begins_anew_says_nothing_twice(server: FaultServer) -> None:
    kept = KeptResponses([OUTPUT], after(b"long enou", Reset()))

    def answers(request: Received) -> Answer:
        path = request.path.partition("starting_after=")[0]
        again = Received(request.method, f"{path}starting_after=-1", {}, request.body, 0)
        return kept(again if request.method == "GET" else request)

    server.script(answers)
    assert (await hear(server)).is_whole()


async def test_a_server_that_does_not_stream_the_rest_is_asked_until_it_is_done(
    server: FaultServer,
) -> None:
    kept = KeptResponses([OUTPUT], after(b"long enou", Reset()))
    kept.streams = False
    kept.statuses = ["queued", "in_progress", "in_progress", "completed"]
    server.script(kept)
    waits = Waits()
    heard = await hear(server, waits)
    assert heard.is_whole()
    assert [path for _, path in kept.seen[2:]] == ["/responses/resp_1"] * 4
    assert [notice.reason for notice in heard.notices] == ["resumed", "resumed"]
    assert waits.seconds[1:] == sorted(waits.seconds[1:])
    assert max(waits.seconds) <= 5.0


@pytest.mark.parametrize("status", ["failed", "cancelled"])
async def test_an_answer_that_failed_meanwhile_has_failed(server: FaultServer, status: str) -> None:
    kept = KeptResponses([OUTPUT], after(b"long enou", Reset()))
    kept.streams, kept.statuses = False, [status]
    server.script(kept)
    heard = await hear(server)
    assert heard.end.failure is not None
    assert heard.text.startswith("An answer that is long")


async def test_attempts_come_to_an_end(server: FaultServer) -> None:
    kept = KeptResponses([OUTPUT], after(b"long enou", Reset()))

    def answers(request: Received) -> Answer:
        return kept(request) if request.method == "POST" else Answer(status=503)

    server.script(answers)
    waits = Waits()
    heard = await hear(server, waits)
    assert heard.end.failure is not None
    assert heard.end.failure.kind is ErrorKind.SERVER
    assert len(waits.seconds) == 6
    assert all(0.5 <= wait <= 8 for wait in waits.seconds)
    assert len([request for request in server.requests if request.method == "POST"]) == 1


async def test_the_server_s_wish_to_wait_is_heeded(server: FaultServer) -> None:
    kept = KeptResponses([OUTPUT], after(b"long enou", Reset()))
    busy = [Answer(status=429, headers={"Retry-After": "7"})]

    def answers(request: Received) -> Answer:
        return busy.pop() if request.method == "GET" and busy else kept(request)

    server.script(answers)
    waits = Waits()
    assert (await hear(server, waits)).is_whole()
    assert waits.seconds[1] == 7


async def test_without_retries_nothing_is_picked_up(server: FaultServer) -> None:
    kept = KeptResponses([OUTPUT], after(b"long enou", Reset()))
    server.script(kept)
    heard = await hear(server, retries=0)
    assert heard.end.failure is not None
    assert len(kept.seen) == 1


async def test_an_answer_that_is_gone_is_given_up(server: FaultServer) -> None:
    kept = KeptResponses([OUTPUT], after(b"long enou", Reset()))
    server.script(kept, Answer(status=404))
    heard = await hear(server)
    assert heard.end.failure is not None
    assert heard.end.failure.kind is ErrorKind.NOT_FOUND
    assert [request.method for request in server.requests] == ["POST", "GET", "GET"]


@pytest.mark.parametrize("then", [Stall(), Reset()])
async def test_an_interrupt_cancels_it_on_the_server(server: FaultServer, then: Action) -> None:
    """While the stream is silent, and while nothing but a wait is under way."""
    kept = KeptResponses([OUTPUT], after(b"long enou", then))
    server.script(kept)
    waiting = asyncio.Event()

    async def wait(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    asked = HttpProvider(
        wire_protocol("responses"),
        Endpoint("p", server.url, background=True),
        Transport(),
        sleep=wait,
    )

    async def listen() -> None:
        async for event in asked.stream(ASKED, StepWriter("t")):
            if isinstance(event, StepDelta) and isinstance(then, Stall):
                waiting.set()

    listening = asyncio.create_task(listen())
    await asyncio.wait_for(waiting.wait(), 30)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await asked.aclose()
    assert kept.seen[1:] == [("POST", "/responses/resp_1/cancel")]


async def test_what_is_not_in_the_background_is_cut(server: FaultServer) -> None:
    server.script(KeptResponses([OUTPUT], after(b"long enou", Reset())))
    asked = HttpProvider(wire_protocol("responses"), Endpoint("p", server.url), Transport())
    heard = Heard([event async for event in asked.stream(ASKED, StepWriter("t"))])
    await asked.aclose()
    assert heard.end.failure is not None
    assert len(server.requests) == 1
