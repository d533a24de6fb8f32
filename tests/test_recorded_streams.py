"""Every recorded stream, read as a user reads it, and read in pieces."""

from __future__ import annotations

import random

import pytest

from faultserver import Answer, FaultServer, split
from program import Program
from recordings import MISSING, Recording, cut, differences, read, recordings

pytestmark = pytest.mark.streams
ALL = recordings("chat", "responses", "anthropic", "gemini", "ollama")
if not ALL:
    pytest.skip(MISSING, allow_module_level=True)

each = pytest.mark.parametrize("recording", ALL, ids=lambda recording: recording.file)


@each
def test_a_recorded_stream_is_read_through_the_command_line(
    recording: Recording, server: FaultServer, program: Program
) -> None:
    server.script(Answer(split(recording.body, 1000)))
    program.provider(server.url, recording.protocol)

    done = program.run("ask", "--format", "jsonl", "--max-rounds", "1", "-n", "hello")

    end = done.events[-1]
    assert end["type"] == "turn.finished"
    assert [event["type"] for event in done.events].count("turn.finished") == 1
    assert differences(recording, done.steps, end) == []
    assert "Traceback" not in done.stderr


@each
def test_any_split_of_the_bytes_gives_the_same_steps(recording: Recording) -> None:
    body = recording.body
    whole = read(recording.protocol, [body])
    generator = random.Random(recording.file)
    for most in (1, 7, 300, 5000) if len(body) < 50_000 else (300, 5000):
        assert read(recording.protocol, cut(body, generator, most)) == whole
