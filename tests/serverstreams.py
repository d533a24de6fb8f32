"""Reading the streams of servers that run the tools themselves, as tests write them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from chatterm.assembly import Clock, StepWriter
from chatterm.errors import ProviderError
from chatterm.events import StepDelta, StepFinished, StepUpdated
from chatterm.providers.base import RoundEnd
from chatterm.providers.body import Body
from chatterm.providers.decoding import Decoder
from chatterm.steps import (
    NoticeStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
)


def named(*events: tuple[str, dict[str, Any]]) -> bytes:
    """An event stream with names."""
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events).encode()


class Reading:
    """What a decoder made of a body."""

    def __init__(self, decoder: Decoder, writer: StepWriter, pieces: Iterable[bytes]) -> None:
        body = Body(decoder, "p")
        failure = None
        try:
            for piece in pieces:
                body.feed(piece)
            body.finish()
        except ProviderError as error:
            failure = error.failure
        self.reported = writer.usage
        self.end: RoundEnd = decoder.close(failure)
        self.events = writer.take()
        self.steps: list[Step] = [e.step for e in self.events if isinstance(e, StepFinished)]
        self.steps.sort(key=lambda step: step.index)

    @property
    def told(self) -> list[tuple[Any, ...]]:
        """The steps in short: round, kind and what is in them."""
        return [(step.round, *_short(step)) for step in self.steps]

    @property
    def text(self) -> str:
        return "".join(step.text for step in self.steps if isinstance(step, TextStep))

    @property
    def notices(self) -> list[str]:
        return [step.reason for step in self.steps if isinstance(step, NoticeStep)]

    def check(self) -> None:
        """What holds for every stream: steps are closed, numbered, and hosted where they are calls.

        The deltas (and updates) of a step come to its final text.
        """
        assert [step.index for step in self.steps] == list(range(len(self.steps)))
        rounds = [step.round for step in self.steps]
        assert rounds[:1] in ([], [0])
        shown: dict[str, str] = {}
        for event in self.events:
            if isinstance(event, StepDelta):
                shown[event.id] = shown.get(event.id, "") + event.text
            elif isinstance(event, StepUpdated):
                shown[event.step.id] = _text(event.step)
        for step in self.steps:
            assert step.status is not Status.OPEN
            assert shown.get(step.id, "") == _text(step)
            if isinstance(step, ToolCallStep):
                assert step.hosted
                assert step.call_id


def reader(make: Any) -> Any:
    """A function from bodies to readings, for decoders made by `make(writer, …)`."""

    def read(*pieces: bytes, **options: Any) -> Reading:
        writer = StepWriter("t", Clock(lambda: 0.0, lambda: 0.0))
        reading = Reading(make(writer, "p", **options), writer, pieces)
        reading.check()
        return reading

    return read


def _text(step: Step) -> str:
    return getattr(step, "arguments" if isinstance(step, ToolCallStep) else "text", "")


def _short(step: Step) -> tuple[Any, ...]:
    match step:
        case ToolCallStep():
            return "call", step.call_id, step.name, step.input
        case ToolResultStep():
            return "result", step.call_id, step.name, step.content, step.outcome.value
        case ThinkingStep():
            return "thinking", step.text
        case NoticeStep():
            return "notice", step.reason
        case _:
            return step.kind, _text(step)
