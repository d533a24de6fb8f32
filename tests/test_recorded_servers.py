"""Every recorded stream of the servers that run the tools themselves, whole and in pieces."""

from __future__ import annotations

import random
from typing import Any

import pytest

from chatterm.assembly import Clock, StepWriter
from chatterm.events import StepFinished
from chatterm.providers.base import ModelRequest, RoundEnd
from chatterm.providers.body import Body
from chatterm.providers.registry import wire_protocol
from chatterm.providers.wire import Endpoint
from faultserver import Answer, FaultServer, split
from program import Program
from recordings import MISSING, Recording, differences, recordings

pytestmark = pytest.mark.streams
ALL = recordings("lightspeed", "luxx", "enclava")
if not ALL:
    pytest.skip(MISSING, allow_module_level=True)

each = pytest.mark.parametrize("recording", ALL, ids=lambda recording: recording.file)


@each
def test_a_recorded_stream_is_read_through_the_command_line(
    recording: Recording, server: FaultServer, program: Program
) -> None:
    server.script(Answer(split(recording.body, 100)))
    program.provider(server.url, recording.protocol)

    done = program.run("ask", "--format", "jsonl", "-n", "hello")

    end = done.events[-1]
    assert end["type"] == "turn.finished"
    assert [event["type"] for event in done.events].count("turn.finished") == 1
    assert differences(recording, done.steps, end) == []
    assert "Traceback" not in done.stderr


@each
def test_any_split_of_the_bytes_gives_the_same_steps(recording: Recording) -> None:
    whole = read(recording.protocol, [recording.body])
    generator = random.Random(recording.file)
    for most in (1, 7, 100):
        for _ in range(5):
            assert read(recording.protocol, cut(recording.body, generator, most)) == whole


def cut(body: bytes, generator: random.Random, most: int) -> list[bytes]:
    pieces, start = [], 0
    while start < len(body):
        size = generator.randint(1, most)
        pieces.append(body[start : start + size])
        start += size
    return pieces


def read(protocol: str, pieces: list[bytes]) -> tuple[list[dict[str, Any]], RoundEnd]:
    """The finished steps and the end of a round, with a clock that stands still."""
    writer = StepWriter("turn", Clock(now=lambda: 0.0, monotonic=lambda: 0.0))
    endpoint = Endpoint("p", "http://127.0.0.1")
    decoder = wire_protocol(protocol).decoder(ModelRequest("m", ()), endpoint, writer)
    body = Body(decoder, "p")
    for piece in pieces:
        body.feed(piece)
    body.finish()
    end = decoder.close()
    steps = [event.step for event in writer.take() if isinstance(event, StepFinished)]
    return [step.to_json() for step in steps], end


def test_a_conversation_is_continued_by_another_run_of_the_program(
    server: FaultServer, program: Program
) -> None:
    body = next(each.body for each in ALL if each.file == "lightspeed/compaction.sse")
    server.script(Answer(body))
    program.provider(server.url, "lightspeed")

    assert program.run("ask", "-n", "hello").text == "Hi\n"
    assert program.run("ask", "-n", "-c", "and then?").text == "Hi\n"

    first, second = (request.json for request in server.requests)
    assert "conversation_id" not in first
    assert second["conversation_id"] == "0d21ba731f21f798dc9680125d5d6f493e4a7ab79f25670e"
    assert second["query"] == "and then?"
