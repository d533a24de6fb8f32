"""Fuzzing the decoders: damaged streams of every protocol, from bytes to steps and back.

Whatever a server sends, however it is cut: the same steps, all closed, in order, once; what was cut
off is never `done`; nothing is raised; and what was read can be sent to any provider again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from chatterm.assembly import Clock, StepWriter
from chatterm.errors import ErrorKind, Failure, ProviderError
from chatterm.events import (
    Event,
    StepDelta,
    StepFinished,
    StepStarted,
    StepUpdated,
    event_from_json,
    event_to_json,
    to_json_line,
)
from chatterm.providers.base import ModelRequest, RoundEnd, ToolSpec
from chatterm.providers.body import Body
from chatterm.providers.registry import wire_protocol
from chatterm.providers.transport import body_bytes
from chatterm.providers.wire import Endpoint
from chatterm.steps import (
    FinishReason,
    Status,
    Step,
    ToolCallStep,
    ToolResultStep,
    Turn,
    Usage,
    UserInput,
    field_names,
)
from fuzz.damage import CHANGES, CUTS, SEEDS, VALUES, damaged, pieces, spoilt
from fuzz.streams import FORMS, PROTOCOLS, Events, body_of, streams
from fuzz.target import Target

ENDPOINT = Endpoint("p", "http://127.0.0.1")
_TOOLS = (ToolSpec("add", "adds", {"type": "object", "properties": {}}),)


# --- reading ----------------------------------------------------------------------------------


@dataclass
class Reading:
    """What was made of a body."""

    events: list[Event]
    end: RoundEnd
    reported: Usage

    @property
    def steps(self) -> list[Step]:
        found = [event.step for event in self.events if isinstance(event, StepFinished)]
        return sorted(found, key=lambda step: step.index)


def read(protocol: str, parts: Sequence[bytes]) -> Reading:
    """Read a body that comes in these parts, as a provider does."""
    writer = StepWriter("t", Clock(now=lambda: 0.0, monotonic=lambda: 0.0))
    decoder = wire_protocol(protocol).decoder(ModelRequest("m", ()), ENDPOINT, writer)
    body = Body(decoder, "p")
    events: list[Event] = []
    failure: Failure | None = None
    try:
        for part in parts:
            if decoder.ended:
                break
            body.feed(part)
            events += writer.take()
        if not decoder.ended:
            body.finish()
    except ProviderError as error:
        failure = error.failure
    end = decoder.close(failure)
    events += writer.take()
    return Reading(events, end, writer.usage)


# --- what holds for every stream --------------------------------------------------------------


def content(step: Step) -> str:
    """The text that deltas add up to."""
    return str(getattr(step, "arguments" if isinstance(step, ToolCallStep) else "text", ""))


def hold(reading: Reading) -> None:
    """What is true of whatever was read."""
    text: dict[str, str] = {}
    closed: set[str] = set()
    started: list[Step] = []
    for event in reading.events:
        match event:
            case StepStarted(step):
                started.append(step)
                text[step.id] = content(step)
            case StepDelta(name, more):
                assert name not in closed
                assert more
                text[name] += more
            case StepUpdated(step):
                assert step.id not in closed
                text[step.id] = content(step)
            case StepFinished(step):
                assert step.id not in closed
                closed.add(step.id)
                assert step.status is not Status.OPEN
                if not isinstance(step, ToolResultStep):
                    assert text[step.id] == content(step)
    assert [step.index for step in started] == list(range(len(started)))
    assert closed == {step.id for step in started}
    _hold_end(reading)
    _hold_calls(reading.steps)
    for event in reading.events:
        line = to_json_line(event_to_json(event))
        assert b"\n" not in line
        assert repr(event_from_json(strict_json(line))) == repr(event)


def strict_json(data: bytes) -> Any:
    """JSON by the letter: another program need not know of NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"JSON has no {constant}")

    return json.loads(data, parse_constant=refuse)


def _hold_end(reading: Reading) -> None:
    end = reading.end
    assert (end.failure is not None) == (end.finish_reason is FinishReason.ERROR)
    if end.failure is not None:
        assert end.failure.message
        assert to_json_line(end.failure.to_json())
    for usage in (end.usage, reading.reported):
        for name in field_names(Usage):
            value = getattr(usage, name)
            assert value is None or 0 <= value < float("inf"), (name, value)


def _hold_calls(steps: list[Step]) -> None:
    own = [s for s in steps if isinstance(s, ToolCallStep) and not s.hosted]
    ids = [call.call_id for call in own if call.status is Status.DONE]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    for call in own:
        if call.status is Status.DONE and call.input is not None and not call.opaque:
            assert call.name
            # What runs is what was shown.
            shown = json.loads(call.arguments) if call.arguments.strip() else {}
            assert repr(call.input) == repr(shown)


def check_stream(protocol: str, body: bytes, cuts: list[int]) -> None:
    """Any body is read, and the same however it is cut."""
    whole = read(protocol, [body])
    hold(whole)
    cut = read(protocol, pieces(body, cuts))
    hold(cut)
    assert repr(cut.steps) == repr(whole.steps)
    assert repr(cut.end) == repr(whole.end)
    if len(body) < 1500:
        single = read(protocol, [body[at : at + 1] for at in range(len(body))])
        assert repr(single.steps) == repr(whole.steps)
        assert repr(single.end) == repr(whole.end)


def check_cut(protocol: str, body: bytes, at: int) -> None:
    """Of a stream that breaks off, no call is done that the whole stream doesn't know as done."""
    whole, cut = read(protocol, [body]), read(protocol, [body[: at % (len(body) + 1)]])
    hold(cut)
    known = {(c.call_id, c.name, c.arguments) for c in _done(whole)}
    for call in _done(cut):
        assert (call.call_id, call.name, call.arguments) in known
    if len(cut.events) < len(whole.events) and not at % (len(body) + 1):
        assert cut.end.failure is not None
        assert cut.end.failure.kind in (ErrorKind.STREAM_CUT, ErrorKind.STREAM_INVALID)


def _done(reading: Reading) -> list[ToolCallStep]:
    calls = (step for step in reading.steps if isinstance(step, ToolCallStep))
    return [call for call in calls if call.status is Status.DONE and not call.hosted]


def check_sent_again(protocol: str, body: bytes, other: str) -> None:
    """What was read, with an answer to each call, makes a request of JSON for every protocol."""
    steps = read(protocol, [body]).steps
    calls = [s for s in steps if isinstance(s, ToolCallStep) and not s.hosted]
    results = [
        ToolResultStep(
            id=f"t.{len(steps) + n}",
            index=len(steps) + n,
            round=call.round,
            status=Status.DONE,
            call_id=call.call_id,
            name=call.name,
            content="the result",
        )
        for n, call in enumerate(calls)
        if call.status is Status.DONE
    ]
    turn = Turn("t", UserInput("hello"), "p/m", (*steps, *results))
    request = ModelRequest("m", (turn, Turn("u", UserInput("more"), "p/m")), "be kind", _TOOLS)
    endpoint = ENDPOINT if other == protocol else Endpoint("q", "http://127.0.0.1")
    sent = wire_protocol(other).encode(request, endpoint).body
    assert sent is not None
    strict_json(body_bytes(sent))


# --- strategies -------------------------------------------------------------------------------


def shuffled(events: Events, others: list[Events], seeds: list[int]) -> Events:
    """Events dropped, doubled, moved, joined by those of another stream, or with other names."""
    events = list(events)
    for seed in seeds:
        dice = random.Random(seed)
        at = dice.randrange(len(events) + 1)
        match dice.randrange(7):
            case 0:
                del events[at : at + dice.choice((1, 1, 2, 9))]
            case 1:
                events[at:at] = events[at : at + dice.choice((1, 2, 5))]
            case 2 if events:
                events.insert(at, events.pop(dice.randrange(len(events))))
            case 3:
                other = dice.choice(others)
                start = dice.randrange(len(other))
                events[at:at] = other[start : start + dice.choice((1, 3))]
            case 4 if at < len(events):
                events[at] = (dice.choice((None, "error", "ping", "x", "done")), events[at][1])
            case 5:
                events = events[:at]
            case _:
                events[at:at] = events[at : at + 1] * dice.choice((2, 30))
    return events


@st.composite
def damaged_events(draw: st.DrawFn, protocol: str) -> bytes:
    """The body of a stream whose events are out of order, or hold what they shouldn't."""
    valid = streams(protocol)
    events = shuffled(draw(st.sampled_from(valid)), valid, draw(SEEDS))
    for where, changes in draw(st.lists(st.tuples(st.integers(0, 60), CHANGES), max_size=4)):
        if events:
            at = where % len(events)
            name, data = events[at]
            events[at] = (name, damaged(data, changes))
    if draw(st.integers(0, 7)) == 0:
        events.insert(draw(st.integers(0, len(events))), (None, draw(VALUES)))
    return body_of(events, draw(st.sampled_from(FORMS.get(protocol, ("sse", "sse", "crlf", "cr")))))


@st.composite
def damaged_bytes(draw: st.DrawFn, protocol: str) -> bytes:
    """A valid body whose bytes were tampered with."""
    events = draw(st.sampled_from(streams(protocol)))
    body = body_of(events, draw(st.sampled_from(FORMS.get(protocol, ("sse", "crlf")))))
    return spoilt(body, draw(SEEDS))


@st.composite
def valid_bodies(draw: st.DrawFn, protocol: str) -> bytes:
    """A valid body."""
    events = draw(st.sampled_from(streams(protocol)))
    return body_of(events, draw(st.sampled_from(FORMS.get(protocol, ("sse",)))))


def _targets(protocol: str) -> list[Target]:
    name, this = f"decoders/{protocol}", st.just(protocol)
    events, octets = damaged_events(protocol), damaged_bytes(protocol)
    others = st.sampled_from(PROTOCOLS)
    valid = valid_bodies(protocol)
    return [
        Target(f"{name}-events", st.tuples(this, events, CUTS), check_stream, 8),
        Target(f"{name}-bytes", st.tuples(this, octets, CUTS), check_stream, 8),
        Target(f"{name}-cut", st.tuples(this, valid, st.integers(0, 40_000)), check_cut, 6),
        Target(f"{name}-again", st.tuples(this, events, others), check_sent_again, 6),
    ]


def _any_body() -> st.SearchStrategy[Any]:
    body = st.binary(max_size=200) | st.text(max_size=100).map(str.encode)
    return st.tuples(st.sampled_from(PROTOCOLS), body, CUTS)


TARGETS = [target for protocol in PROTOCOLS for target in _targets(protocol)]
TARGETS.append(Target("decoders/any-bytes", _any_body(), check_stream))
