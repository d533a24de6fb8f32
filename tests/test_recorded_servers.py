"""Every recorded stream of the servers that run the tools themselves, whole and in pieces."""

from __future__ import annotations

import random

import pytest

from faultserver import Answer, FaultServer, split
from program import Program
from recordings import MISSING, Recording, cut, differences, read, recordings

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
