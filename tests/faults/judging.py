"""What must hold however a turn ends: each broken promise as a sentence. No sentence: survived."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from chatterm.render.sanitize import sanitize
from faults.fault import Fault, Where
from faults.replies import HOSTED, SAID, reply
from faults.world import AFTER, World
from nursery import Ran
from wire_shapes import CHECKS

# The contract, in words of its own: which exit status an error has.
STATUS = {
    "completed": 0,
    "key_missing": 3,
    "key_rejected": 3,
    "quota": 4,
    "bad_request": 4,
    "not_found": 4,
    "too_long": 4,
    "refused": 4,
    "rate_limited": 5,
    "overloaded": 5,
    "server": 5,
    "network": 5,
    "timeout": 5,
    "tls": 5,
    "stream_cut": 5,
    "stream_invalid": 5,
    "incomplete": 9,
    "tool_loop": 9,
}
Events = list[dict[str, Any]]


def outcome(events: Events) -> str:
    """What a turn came to: `completed`, `incomplete`, or its error's kind."""
    last = events[-1] if events else {}
    error = last.get("error")
    return str(error["kind"] if error else last.get("status"))


def text_of(events: Events) -> str:
    """The text of a turn's finished steps."""
    return "".join(step["text"] for step in finished(events) if step["kind"] == "text")


def finished(events: Events) -> list[dict[str, Any]]:
    """The finished steps, in their order."""
    steps = [event["step"] for event in events if event["type"] == "step.finished"]
    return sorted(steps, key=lambda step: step["index"])


def judge_process(ran: Ran) -> Iterator[str]:
    """The process itself: it ended by itself, left nothing, and showed no traceback."""
    if ran.late:
        yield "it didn't end"
    for mark in (
        "Traceback",
        "ResourceWarning",
        "was destroyed",
        "never retrieved",
        "never awaited",
    ):
        if mark in ran.err:
            yield f"standard error says {mark}: {ran.err[-800:]}"
    yield from ran.left


def judge_events(events: Events) -> Iterator[str]:
    """The events' own laws."""
    kinds = [event["type"] for event in events]
    if kinds.count("turn.finished") != 1 or kinds[-1] != "turn.finished":
        yield f"turn.finished {kinds.count('turn.finished')} times, and last: {kinds[-1:]}"
        return
    shown: dict[str, str] = {}
    opened: list[str] = []
    for event in events:
        step = event.get("step", {})
        if event["type"] == "step.started":
            opened.append(step["id"])
            shown[step["id"]] = written(step)
        elif event["type"] == "step.delta":
            shown[event["id"]] = shown.get(event["id"], "") + event["text"]
        elif event["type"] == "step.updated":
            shown[step["id"]] = written(step)
    steps = finished(events)
    for step in steps:
        if step["status"] == "open":
            yield f"a step was finished as open: {step['kind']}"
        if step["id"] in shown and shown[step["id"]] != written(step):
            yield f"the pieces of a {step['kind']} step don't make its text"
    if sorted(opened) != sorted(step["id"] for step in steps if step["id"] in opened):
        yield "a step that was started was not finished, or twice"
    if [step["index"] for step in steps] != list(range(len(steps))):
        yield f"the steps are numbered {[step['index'] for step in steps]}"
    yield from _judge_calls(steps)
    yield from _judge_end(events[-1])


def written(step: dict[str, Any]) -> str:
    """What the pieces of a step add up to."""
    return str(step.get("arguments") if step["kind"] == "tool_call" else step.get("text") or "")


def _judge_calls(steps: list[dict[str, Any]]) -> Iterator[str]:
    for step in steps:
        if step["kind"] != "tool_call" or step.get("hosted"):
            continue
        same = (step["round"], step["call_id"])
        about = [s for s in steps if (s["round"], s.get("call_id")) == same]
        results = sum(each["kind"] == "tool_result" for each in about)
        called = sum(each["kind"] == "tool_call" and each["status"] == "done" for each in about)
        if results != called or called > 1:
            yield f"{called} whole calls have {results} results"


def _judge_end(end: dict[str, Any]) -> Iterator[str]:
    error = end.get("error")
    if (error is not None) != (end["status"] == "failed"):
        yield f"the status {end['status']} has the error {error}"
    if error is None:
        return
    message, hint = error["message"], error["hint"]
    if not message or len(message) > 1500:
        yield f"its message is {message!r}"
    if not hint:
        yield f"{error['kind']} says nothing of what to do: {message}"


def judge_status(ran: Ran, events: Events) -> Iterator[str]:
    """The exit status fits the end, and standard error says what happened."""
    what = outcome(events)
    if ran.status != STATUS.get(what):
        yield f"exit status {ran.status} of a turn that is {what}"
    error = events[-1].get("error") if events else None
    if error and " ".join(sanitize(error["message"]).split()) not in " ".join(ran.err.split()):
        yield f"standard error doesn't say {error['message']!r} but {ran.err!r}"


def judge_end(fault: Fault, events: Events) -> Iterator[str]:
    """The turn came to what it should."""
    what = outcome(events)
    if what not in fault.ends:
        error = events[-1].get("error") or {}
        yield f"it came to {what} ({error.get('message', '')}), not {' or '.join(fault.ends)}"


def judge_text(fault: Fault, protocol: str, events: Events) -> Iterator[str]:
    """What was decoded before the fault is there, and nothing that never came."""
    good = reply(protocol)
    first = SAID if fault.second else ""
    kept = first + fault.keeps(good)
    text = text_of(events)
    steps = finished(events)
    if any(step["kind"] == "tool_result" and not _hosted(steps, step) for step in steps):
        text = text.removesuffix(AFTER)
    if not text.startswith(kept):
        yield f"the text {text[:200]!r} doesn't begin with {kept[:200]!r}"
    elif fault.exact and not fault.free and text != kept:
        yield f"the text {text[:200]!r} isn't {kept[:200]!r}"
    elif not (fault.exact or fault.free) and not (first + SAID).startswith(text):
        yield f"the text {text[:200]!r} never came"


def _hosted(steps: list[dict[str, Any]], result: dict[str, Any]) -> bool:
    same = (result["round"], result["call_id"])
    calls = [s for s in steps if s["kind"] == "tool_call" and (s["round"], s["call_id"]) == same]
    return all(call.get("hosted") for call in calls)


def judge_requests(fault: Fault, world: World, events: Events) -> Iterator[str]:
    """The tool ran as often as it should; requests were sent as often, valid, and nowhere else."""
    runs = fault.runs(world.protocol)
    if world.ticks not in runs:
        yield f"the tool ran {world.ticks} times, not {' or '.join(map(str, runs))}"
    yield from judge_shapes(world, fault)
    for request in world.other.requests:
        yield f"another host was asked: {request.method} {request.path}"
    if not fault.reached:
        if fault.where is Where.TUNNEL and world.asked:
            yield "a request went through a tunnel that wasn't there"
        return
    asked = len(world.asked)
    steps = finished(events)
    retries = sum(step.get("reason") == "retry" for step in steps)
    results = [s for s in steps if s["kind"] == "tool_result" and s["outcome"] != "cancelled"]
    rounds = len({s["round"] for s in results}) if world.protocol not in HOSTED else 0
    if asked != 1 + retries + rounds:
        yield f"{asked} requests, with {retries} retries told and {rounds} rounds of calls"
    if fault.sends is not None and asked != fault.sends + rounds:
        yield f"{asked} requests, not {fault.sends + rounds}"


def judge_shapes(world: World, fault: Fault | None = None) -> Iterator[str]:
    """Each request is one that the protocol's servers take, with the key in its header."""
    for request in world.asked:
        try:
            if fault is None or not fault.shapeless:
                CHECKS[world.protocol](request.json)
        except (AssertionError, KeyError, ValueError, IndexError, TypeError) as error:
            yield f"a request isn't valid ({error!r}): {request.body[:2000]!r}"
        if world.key not in " ".join(request.headers.values()):
            yield "a request came without the key"


def judge_secrets(world: World, outputs: Iterable[bytes | str]) -> Iterator[str]:
    """The key is in nothing that was written, not even by half."""
    for part in (world.key[:24], world.key[-24:]):
        for said in outputs:
            known = said if isinstance(said, bytes) else said.encode()
            if part.encode() in known:
                yield f"the key is in the output: …{_around(known, part.encode())}…"
        for place in world.places_of(part):
            yield f"the key is in {place}"
    for request in [*world.other.requests, *_tunnelled(world)]:
        if world.key in json.dumps([request.path, request.headers]) + request.body.decode(
            "latin-1"
        ):
            yield "the key went to another host"


def _around(said: bytes, part: bytes) -> bytes:
    at = said.index(part)
    return said[max(0, at - 60) : at + 10]


def _tunnelled(world: World) -> list[Any]:
    return [request for request in world.server.requests if request.method == "CONNECT"]


def judge_stored(printed: Events, exported: Events) -> Iterator[str]:
    """What the store has of a turn is what was printed."""
    turn = printed[0].get("turn")
    stored: Events = []
    mine = False
    for event in exported:
        if event["type"] == "turn.started":
            mine = event["turn"] == turn
        if mine and event["type"] != "blob":
            stored.append(event)
    if [e["type"] for e in stored].count("turn.finished") != 1:
        yield "the store doesn't have the turn's end"
        return
    if finished(stored) != finished(printed):
        yield f"the store has other steps: {finished(stored)} and not {finished(printed)}"
    if stored[-1] != printed[-1]:
        yield f"the store has another end: {stored[-1]} and not {printed[-1]}"


def judge_next(events: Events, text: str) -> Iterator[str]:
    """The next message was answered."""
    if outcome(events) != "completed" or text_of(events) != text:
        error = (events[-1].get("error") or {}).get("message") if events else None
        yield f"the next message came to {outcome(events)} with {text_of(events)!r}: {error}"
