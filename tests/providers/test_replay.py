"""Replays: recorded answers through the pipeline that reads the network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatterm.assembly import OpenStep, StepWriter
from chatterm.errors import ConfigError, ErrorKind, Failure
from chatterm.events import Event, StepDelta, StepFinished
from chatterm.providers.base import ModelInfo, ModelRequest, Provider, RoundEnd
from chatterm.providers.capture import Capture
from chatterm.providers.chat_request import ChatProtocol
from chatterm.providers.decoding import failed, stream_cut
from chatterm.providers.replay import Recording, ReplayProvider, protocol_of
from chatterm.providers.wire import Endpoint, HttpRequest
from chatterm.steps import NoticeStep, Step, TextStep, Turn, UserInput

CHAT = "https://a.example/v1/chat/completions"


class FakeDecoder:
    """Writes `{"text": …}` as text; `{"end": true}` is the last word."""

    def __init__(self, writer: StepWriter) -> None:
        self._writer = writer
        self._text: OpenStep | None = None
        self.ended = self.answered = False

    def event(self, name: str | None, data: Any) -> None:
        self._text = self._text or self._writer.open(TextStep)
        self._writer.append(self._text, data.get("text", ""))
        self.ended = self.answered = bool(data.get("end"))

    def close(self, failure: Failure | None = None) -> RoundEnd:
        if not self.ended:
            return failed(stream_cut(text_shown=True))
        if self._text is not None:
            self._writer.finish(self._text)
        return RoundEnd()


class FakeProtocol:
    """A protocol that can only read answers."""

    def encode(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest:
        raise AssertionError("a replay asks nothing")

    def decoder(self, request: ModelRequest, endpoint: Endpoint, writer: StepWriter) -> FakeDecoder:
        return FakeDecoder(writer)

    def models_request(self, endpoint: Endpoint) -> HttpRequest:
        raise AssertionError("a replay asks nothing")

    def read_models(self, data: Any) -> list[ModelInfo]:
        return []


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if seconds:
            self.slept.append(round(seconds, 6))


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def said(text: str) -> bytes:
    return sse({"text": text}, {"end": True})


def replay(path: Path, **options: Any) -> ReplayProvider:
    options = {"decoder_for": lambda _: FakeProtocol(), "protocol": "fake", **options}
    return ReplayProvider("again", path, **options)


def request(*rounds: int) -> ModelRequest:
    steps = tuple(TextStep(id=f"t.{n}", index=n, round=n) for n in rounds)
    return ModelRequest("m", (Turn("t", UserInput("hello"), "again/m", steps),))


async def play(provider: ReplayProvider, *rounds: int) -> tuple[list[Event], RoundEnd]:
    *events, end = [item async for item in provider.stream(request(*rounds), StepWriter("t"))]
    assert isinstance(end, RoundEnd)
    return events, end


async def text_of(provider: ReplayProvider, *rounds: int) -> str:
    events, _ = await play(provider, *rounds)
    return "".join(e.step.text for e in events if isinstance(e, StepFinished))


def record(directory: Path, *answers: tuple[int, bytes], same: bool = False) -> None:
    """Captures of answers, to requests that are all the same or all different."""
    capture = Capture(directory)
    for number, (status, body) in enumerate(answers):
        asked = {"n": 0 if same else number}
        capture.request(HttpRequest("POST", CHAT, body=asked))
        capture.response(status, {"X-Request-Id": f"r{number}"})
        capture.chunk(body)
        capture.end()


# --- what is played ---------------------------------------------------------------------------


async def test_it_is_a_provider(tmp_path):
    path = tmp_path / "yesterday.sse"
    path.write_bytes(said("a"))
    provider: Provider = replay(path)
    assert provider.name == "again"
    assert [model.id for model in await provider.models()] == ["yesterday"]
    await provider.aclose()


async def test_a_body_is_played_through_the_decoder(tmp_path):
    path = tmp_path / "a.sse"
    path.write_bytes(said("héllo"))
    events, end = await play(replay(path))
    assert [e.step.text for e in events if isinstance(e, StepFinished)] == ["héllo"]
    assert end == RoundEnd()


async def test_lines_of_json_are_a_body_too(tmp_path):
    path = tmp_path / "a.body"
    path.write_bytes(b'{"text": "a"}\n{"text": "b", "end": true}\n')
    assert await text_of(replay(path)) == "ab"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_how_the_body_is_cut_makes_no_difference(tmp_path, size):
    path = tmp_path / "a.sse"
    path.write_bytes(sse({"text": "wörld "}, {"text": "端末"}, {"end": True}))
    assert await text_of(replay(path, chunk_size=size)) == "wörld 端末"


async def test_a_body_that_breaks_off_is_a_stream_cut(tmp_path):
    path = tmp_path / "a.sse"
    path.write_bytes(sse({"text": "half"}) + b'data: {"te')
    _, end = await play(replay(path))
    assert end.failure.kind is ErrorKind.STREAM_CUT


async def test_rounds_play_the_answers_of_a_directory_in_order(tmp_path):
    record(tmp_path, (200, said("one")), (200, said("two")))
    provider = replay(tmp_path)
    assert await text_of(provider) == "one"
    assert await text_of(provider, 0) == "two"
    assert await play(provider, 0, 1) == ([], RoundEnd())


async def test_each_turn_begins_again(tmp_path):
    record(tmp_path, (200, said("one")), (200, said("two")))
    provider = replay(tmp_path)
    for _ in range(2):
        assert await text_of(provider) == "one"
        assert await text_of(provider, 0) == "two"


async def test_a_later_round_can_be_played_first(tmp_path):
    record(tmp_path, (200, said("one")), (200, said("two")))
    assert await text_of(replay(tmp_path), 0) == "two"


async def test_a_file_answers_one_round_and_then_nothing(tmp_path):
    path = tmp_path / "a.sse"
    path.write_bytes(said("a"))
    assert await play(replay(path), 0) == ([], RoundEnd())


async def test_numbers_are_numbers_and_other_files_are_passed_over(tmp_path):
    for number in (2, 10, 1000):
        (tmp_path / f"{number:03}-response.body").write_bytes(said(str(number)))
    (tmp_path / "notes.txt").write_text("x")
    provider = replay(tmp_path)
    assert [await text_of(provider, *range(n)) for n in range(3)] == ["2", "10", "1000"]


async def test_a_status_plays_as_the_failure_it_was(tmp_path):
    record(tmp_path, (401, b'{"error": {"message": "no such key", "code": "invalid_api_key"}}'))
    for path in (tmp_path, tmp_path / "001-response.body"):
        events, end = await play(replay(path, protocol=None))
        assert not [e for e in events if isinstance(e, StepDelta)]
        assert end.failure.kind is ErrorKind.KEY_REJECTED
        assert "no such key" in end.failure.message
        assert (end.failure.status, end.failure.request_id) == (401, "r0")


async def test_a_failure_that_was_retried_is_retried(tmp_path):
    answers = [(503, b"busy"), (200, said("one")), (200, said("one again"))]
    record(tmp_path, *answers, same=True)
    provider = replay(tmp_path)
    events, end = await play(provider)
    steps: list[Step] = [e.step for e in events if isinstance(e, StepFinished)]
    assert [s.reason for s in steps if isinstance(s, NoticeStep)] == ["retry"]
    assert end == RoundEnd()
    assert await text_of(provider, 0) == "one again"


async def test_a_failure_that_was_not_retried_is_not(tmp_path):
    record(tmp_path, (503, b"busy"), (200, said("other")))
    _, end = await play(replay(tmp_path))
    assert end.failure.kind is ErrorKind.OVERLOADED


# --- time -------------------------------------------------------------------------------------


def timed(directory: Path) -> None:
    clock = Clock()
    capture = Capture(directory, monotonic=clock)
    capture.request(HttpRequest("POST", CHAT, body={}))
    capture.response(200, {})
    for moment, text in [(0.5, "a"), (0.5, "b"), (2.0, "c")]:
        clock.now = moment
        capture.chunk(sse({"text": text}))
    capture.chunk(sse({"end": True}))
    capture.end()


async def test_at_recorded_speed_each_piece_comes_when_it_came(tmp_path):
    timed(tmp_path)
    clock = Clock()
    provider = replay(tmp_path, speed="recorded", sleep=clock.sleep, clock=clock)
    stream = provider.stream(request(), StepWriter("t"))
    deltas = [(clock.now, event.text) async for event in stream if isinstance(event, StepDelta)]
    assert deltas == [(0.5, "a"), (0.5, "b"), (2.0, "c")]


async def test_what_is_overdue_comes_at_once(tmp_path):
    timed(tmp_path)
    clock = Clock()
    provider = replay(tmp_path, speed="recorded", sleep=clock.sleep, clock=clock)
    async for event in provider.stream(request(), StepWriter("t")):
        if isinstance(event, StepDelta):
            clock.now += 1  # reading is slow
    assert clock.slept == [0.5]


async def test_at_full_speed_nothing_waits(tmp_path):
    timed(tmp_path)
    clock = Clock()
    assert await text_of(replay(tmp_path, sleep=clock.sleep, clock=clock)) == "abc"
    assert clock.slept == []


async def test_bytes_beyond_the_recorded_pieces_are_played_too(tmp_path):
    timed(tmp_path)
    path = tmp_path / "001-response.json"
    path.write_text(json.dumps({"status": 200, "headers": {}, "chunks": [[0, 5], "odd"]}))
    clock = Clock()
    provider = replay(tmp_path, speed="recorded", sleep=clock.sleep, clock=clock)
    assert await text_of(provider) == "abc"


# --- which protocol ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "protocol"),
    [
        ("/v1/responses", "responses"),
        ("/v1/responses/resp_1?stream=true&starting_after=4", "responses"),
        ("/v1/chat/completions", "chat"),
        ("/openai/deployments/x/chat/completions?api-version=1", "chat"),
        ("/v1/messages", "anthropic"),
        ("/v1beta/models/gemini-3:streamGenerateContent?alt=sse", "gemini"),
        ("/api/chat", "ollama"),
        ("/v1/streaming_query", "lightspeed"),
        ("/conversations/4/messages", "luxx"),
        ("/api/v1/responses?stream=true", "enclava"),
    ],
)
def test_the_requests_address_tells_the_protocol(path, protocol):
    assert protocol_of(Recording(b"", url=f"https://a.example{path}")) == protocol


@pytest.mark.parametrize(
    ("body", "protocol"),
    [
        (sse({"object": "chat.completion.chunk"}), "chat"),
        (sse({"choices": []}), "chat"),
        (b": hello\n\ndata: [DONE]\n\n" + sse({"choices": []}), "chat"),
        (b'{"object": "chat.completion", "choices": []}', "chat"),
        (b"event: response.created\n" + sse({"type": "response.created"}), "responses"),
        (b"event: response.created\n" + sse({"id": "r"}), "enclava"),
        (sse({"type": "message_start"}), "anthropic"),
        (sse({"type": "ping"}, {"type": "content_block_start"}), "anthropic"),
        (sse({"candidates": []}), "gemini"),
        (b'[{"candidates": []}]', "gemini"),
        (b'{"model": "m", "message": {}, "done": false}\n', "ollama"),
        (b'{"response": "a", "done": false}\n', "ollama"),
        (sse({"type": "error", "error": {"type": "overloaded_error"}}), "anthropic"),
        (sse({"error": {"message": "busy"}}), "chat"),
        (sse({"event": "start", "data": {}}), "lightspeed"),
        (b"event: process_step\n" + sse({"step": {}}), "luxx"),
        (sse({"what": "else"}), None),
        (b"<html>", "chat"),
        (b"", "chat"),
    ],
)
def test_the_first_telling_event_tells_it_otherwise(body, protocol):
    assert protocol_of(Recording(body)) == protocol


async def test_the_configurations_word_counts_most(tmp_path):
    record(tmp_path, (200, said("a")))
    asked_for: list[str] = []

    def decoder_for(name: str) -> FakeProtocol:
        asked_for.append(name)
        return FakeProtocol()

    await play(replay(tmp_path, decoder_for=decoder_for, protocol="fake"))
    await play(replay(tmp_path, decoder_for=decoder_for, protocol=None))
    assert asked_for == ["fake", "chat"]


async def test_an_unknown_protocol_is_a_failure_that_names_the_file(tmp_path):
    path = tmp_path / "a.sse"
    path.write_bytes(sse({"what": "else"}))
    events, end = await play(replay(path, protocol=None))
    assert events == []
    assert end.failure.kind is ErrorKind.STREAM_INVALID
    assert "a.sse" in end.failure.message


async def test_a_real_protocol_reads_a_real_body(tmp_path):
    path = tmp_path / "a.sse"
    chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}}]}
    first = {**chunk, "choices": [{"index": 0, "delta": {"content": "Hi."}}]}
    last = {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    path.write_bytes(sse(first, last) + b"data: [DONE]\n\n")
    provider = replay(path, decoder_for=lambda _: ChatProtocol(), protocol=None)
    assert await text_of(provider) == "Hi."


# --- what can't be played ---------------------------------------------------------------------


def test_a_missing_file_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match=r"can't read the recording .*no\.sse: No such file"):
        replay(tmp_path / "no.sse")


def test_an_empty_directory_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="no recorded answer"):
        replay(tmp_path)


def test_what_stands_beside_a_body_must_be_json(tmp_path):
    record(tmp_path, (200, said("a")))
    (tmp_path / "001-response.json").write_text("{")
    with pytest.raises(ConfigError, match=r"001-response\.json isn't JSON"):
        replay(tmp_path)
