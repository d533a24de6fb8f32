"""A round over HTTP: what is shown, how it ends, and what is tried again, whatever the server does.

The wire protocol is a tiny one of the tests' own: `{"t": text}` grows the text, `{"usage": n}`
is the usage, `{"whole": true}` says that the reply is whole, `{"error": …}` fails, and `[DONE]`
ends it.
"""

import asyncio
import contextlib
import gzip
import json
import logging

import pytest

from chatterm.assembly import StepWriter
from chatterm.errors import ErrorKind, ProviderError
from chatterm.events import StepDelta, StepFinished, StepStarted
from chatterm.providers.base import ModelInfo, ModelRequest, RoundEnd
from chatterm.providers.decoding import failed, stream_cut
from chatterm.providers.failures import failure_of_error
from chatterm.providers.http import HttpProvider, StreamLimits
from chatterm.providers.pacing import Pace
from chatterm.providers.transport import Transport
from chatterm.providers.wire import Endpoint, HttpRequest, read_openai_models, request_headers
from chatterm.steps import FinishReason, NoticeStep, Status, TextStep, Usage
from faultserver import (
    Answer,
    Cut,
    FaultServer,
    Pause,
    Reset,
    Stall,
    drip,
    split,
    sse,
    unused_port,
)

KEY = "sk-secret-0123456789"
HELLO = sse('{"t":"Hel"}', '{"t":"lo"}', '{"usage":7}', "[DONE]")


class Decoder:
    def __init__(self, writer):
        self.writer = writer
        self.ended = False
        self.answered = False
        self.names = []
        self._text = None
        self._usage = Usage()
        self._failure = None

    def event(self, name, data):
        self.names.append(name)
        if data == "[DONE]":
            self.ended = True
        elif "error" in data:
            self._failure = failure_of_error(data, provider="acme")
            self.ended = True
        elif "usage" in data:
            self._usage = Usage(output=data["usage"])
        elif "whole" in data:
            self.answered = data["whole"]
        elif "t" in data:
            self._text = self._text or self.writer.open(TextStep)
            self.writer.append(self._text, data["t"])

    def close(self, failure=None):
        self._failure = failure or self._failure
        good = (self.ended or self.answered) and self._failure is None
        if good:
            if self._text:
                self.writer.finish(self._text)
            return RoundEnd(usage=self._usage)
        self.writer.interrupt()
        return failed(self._failure or stream_cut(self._text is not None), usage=self._usage)


class Wire:
    def __init__(self):
        self.decoders = []

    def encode(self, request, endpoint):
        body = {"model": request.model} | dict(endpoint.body)
        return HttpRequest("POST", f"{endpoint.base_url}/chat", request_headers(endpoint), body)

    def decoder(self, request, endpoint, writer):
        self.decoders.append(Decoder(writer))
        return self.decoders[-1]

    def models_request(self, endpoint):
        return HttpRequest("GET", f"{endpoint.base_url}/models", request_headers(endpoint))

    def read_models(self, data):
        return read_openai_models(data)


class Round:
    """One round, all of it."""

    def __init__(self, items):
        *self.events, self.end = items
        assert isinstance(self.end, RoundEnd)

    @property
    def text(self):
        return "".join(
            e.text for e in self.events if isinstance(e, StepDelta) and not self._note(e)
        )

    @property
    def failure(self):
        return self.end.failure

    @property
    def notices(self):
        steps = [e.step for e in self.events if isinstance(e, StepFinished)]
        return [step for step in steps if isinstance(step, NoticeStep)]

    @property
    def statuses(self):
        return [
            e.step.status
            for e in self.events
            if isinstance(e, StepFinished) and isinstance(e.step, TextStep)
        ]

    def _note(self, delta):
        return any(note.id == delta.id for note in self.notices)


class Naps:
    """Stands in for `asyncio.sleep` before retries."""

    def __init__(self):
        self.seconds = []

    async def __call__(self, seconds):
        self.seconds.append(seconds)


@pytest.fixture
def server():
    with FaultServer() as running:
        yield running


@contextlib.asynccontextmanager
async def provider_at(
    url, *, wire=None, headers=None, capture=None, sleep=None, now=lambda: 0.0, **limits
):
    endpoint = Endpoint("acme", url, KEY, headers or {})
    limits = {"idle_timeout_s": 5.0, "retries": 2} | limits
    provider = HttpProvider(
        wire or Wire(),
        endpoint,
        Transport(),
        stream=StreamLimits(**limits),
        capture=capture,
        sleep=sleep or Naps(),
        now=now,
    )
    try:
        yield provider
    finally:
        await provider.aclose()


async def ask(provider):
    writer = StepWriter("t")
    items = [item async for item in provider.stream(ModelRequest("m", ()), writer)]
    return Round(items)


async def ask_at(url, **options):
    async with provider_at(url, **options) as provider:
        return await ask(provider)


# --- replies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("framing", ["chunked", "length", "eof"])
@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_a_reply_is_read_however_it_is_cut(server, framing, size):
    body = sse('{"t":"é🙂"}', '{"t":"\u2028\\n"}', "[DONE]")
    server.script(Answer(split(body, size), framing=framing))
    got = await ask_at(server.url)
    assert got.text == "é🙂\u2028\n"
    assert got.end == RoundEnd()
    assert got.statuses == [Status.DONE]


async def test_the_request_carries_what_the_protocol_encoded(server):
    server.script(Answer(HELLO))
    await ask_at(server.url)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/chat")
    assert request.json == {"model": "m"}
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"].startswith("chatterm/")


async def test_events_come_while_the_server_still_sends(server):
    server.script(Answer([sse('{"t":"a"}'), Stall()]))
    async with provider_at(server.url) as provider:
        stream = provider.stream(ModelRequest("m", ()), StepWriter("t"))
        assert isinstance(await anext(stream), StepStarted)
        assert (await anext(stream)).text == "a"
        await stream.aclose()
    assert await asyncio.to_thread(server.requests[0].left.wait, 5)


async def test_cancelling_closes_the_connection_at_once(server):
    server.script(Answer([sse('{"t":"a"}'), Stall()]))
    async with provider_at(server.url) as provider:
        started = asyncio.Event()

        async def consume():
            async for _ in provider.stream(ModelRequest("m", ()), StepWriter("t")):
                started.set()

        task = asyncio.create_task(consume())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.requests[0].left.wait, 5)


async def test_nothing_is_read_after_the_last_word(server):
    server.script(Answer([HELLO, sse('{"t":"more"}'), Stall()]))
    got = await ask_at(server.url)
    assert got.text == "Hello"
    assert got.end == RoundEnd(usage=Usage(output=7))


async def test_a_connection_is_used_again(server):
    server.script(Answer(HELLO))
    async with provider_at(server.url) as provider:
        for _ in range(3):
            assert (await ask(provider)).text == "Hello"
    assert server.connections == 1


async def test_the_names_of_events_reach_the_decoder(server):
    server.script(Answer(sse('{"t":"a"}', event="delta") + sse("[DONE]")))
    async with provider_at(server.url) as provider:
        await ask(provider)
        assert provider._protocol.decoders[0].names == ["delta", None]


async def test_data_that_cannot_be_parsed_is_passed_over(server, caplog):
    deep = "[" * 100_000
    body = sse(
        '{"t":"a"}', "{not json", deep, "", '{"n":' + "9" * 5000 + "}", '{"t":"b"}', "[DONE]"
    )
    server.script(Answer(body))
    with caplog.at_level(logging.DEBUG, "chatterm"):
        got = await ask_at(server.url)
    assert got.text == "ab"
    assert got.failure is None
    warnings = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "not json" not in caplog.text


async def test_nul_bytes_and_bad_utf8_do_no_harm(server):
    server.script(
        Answer(b'data: {"t":"a\\u0000"}\n\ndata: {"t":"\xff"}\n\n\x00\n\ndata: [DONE]\n\n')
    )
    got = await ask_at(server.url)
    assert got.text == "a\x00\ufffd"
    assert got.failure is None


# --- how a reply can end ----------------------------------------------------------------------


@pytest.mark.parametrize("action", [Cut(), Reset()])
@pytest.mark.parametrize("framing", ["chunked", "length"])
async def test_a_cut_reply_keeps_its_text_and_isn_t_asked_for_again(server, action, framing):
    server.script(
        Answer(
            [sse('{"t":"kept"}', '{"usage":3}'), b'data: {"t":"\xf0\x9f', action],
            framing=framing,
            headers={"Content-Length": "999"} if framing == "length" else {},
        )
    )
    got = await ask_at(server.url)
    # A reset may overtake what was sent before it.
    assert got.text in ("kept", "") if isinstance(action, Reset) else got.text == "kept"
    assert got.failure.kind in (ErrorKind.STREAM_CUT, ErrorKind.NETWORK)
    assert got.failure.retryable
    if got.text:
        assert got.statuses == [Status.INTERRUPTED]
        assert got.end.usage == Usage(output=3)
        assert len(server.requests) == 1


async def test_an_end_of_file_without_the_last_word_is_a_cut(server):
    server.script(Answer(sse('{"t":"kept"}'), framing="eof"))
    got = await ask_at(server.url)
    assert got.text == "kept"
    assert got.end.finish_reason is FinishReason.ERROR
    assert got.failure.kind is ErrorKind.STREAM_CUT


async def test_an_unterminated_last_event_counts(server):
    server.script(Answer(b'data: {"t":"a"}\n\ndata: [DONE]', framing="eof"))
    got = await ask_at(server.url)
    assert (got.text, got.failure) == ("a", None)


@pytest.mark.parametrize("ending", [[Stall()], [Cut()], [Reset()]])
async def test_after_a_whole_reply_its_trail_is_not_missed(server, ending, monkeypatch):
    monkeypatch.setattr("chatterm.providers.pacing.GRACE_S", 0.05)
    server.script(
        Answer(
            [
                sse('{"t":"a"}', '{"whole":true}'),
                Pause(0.02),
                sse('{"usage":2}'),
                Pause(0.01),
                *ending,
            ]
        )
    )
    got = await ask_at(server.url)
    assert got.text == "a"
    assert got.failure is None
    assert got.statuses == [Status.DONE]


async def test_comments_do_not_stretch_the_grace_after_a_whole_reply(server, monkeypatch):
    monkeypatch.setattr("chatterm.providers.pacing.GRACE_S", 0.1)
    server.script(Answer([sse('{"t":"a"}', '{"whole":true}'), *drip(b": ping\n\n" * 500, 0.02, 8)]))
    got = await ask_at(server.url)
    assert got.failure is None
    assert server.requests[0].left.wait(5)


async def test_a_reply_that_goes_on_has_its_time_again(server, monkeypatch):
    monkeypatch.setattr("chatterm.providers.pacing.GRACE_S", 0.1)
    server.script(
        Answer(
            [
                sse('{"t":"a"}', '{"whole":true}'),
                Pause(0.02),
                sse('{"t":"b"}', '{"whole":false}'),
                Pause(0.3),
                sse('{"t":"c"}', '{"whole":true}'),
            ]
        )
    )
    got = await ask_at(server.url)
    assert (got.text, got.failure) == ("abc", None)


# --- silence ----------------------------------------------------------------------------------


async def test_silence_before_the_answer_is_a_timeout(server):
    server.script(Answer(before=[Stall()]))
    got = await ask_at(server.url, idle_timeout_s=0.1)
    assert got.failure.kind is ErrorKind.TIMEOUT
    assert f"127.0.0.1:{server.port}" in got.failure.message
    assert len(server.requests) == 1  # waiting as long again is the user's choice


async def test_silence_in_mid_reply_is_a_timeout_that_keeps_the_text(server):
    server.script(Answer([sse('{"t":"kept"}'), Stall()]))
    got = await ask_at(server.url, idle_timeout_s=0.15)
    assert got.text == "kept"
    assert got.statuses == [Status.INTERRUPTED]
    assert got.failure.kind is ErrorKind.TIMEOUT
    assert "0.15 s" in got.failure.message


async def test_bytes_of_one_endless_event_are_no_sign_of_life(server):
    server.script(Answer([sse('{"t":"kept"}'), *drip(b"data: " + b"x" * 1000, 0.02)]))
    got = await ask_at(server.url, idle_timeout_s=0.2)
    assert got.failure.kind is ErrorKind.TIMEOUT
    assert got.text == "kept"


async def test_comments_and_events_are_signs_of_life(server):
    pings = drip(b": processing\n\n" * 10, 0.15, 14)
    server.script(Answer([*pings, *drip(HELLO, 0.002, 5)]))
    got = await ask_at(server.url, idle_timeout_s=1.0)
    assert (got.text, got.failure) == ("Hello", None)


async def test_a_slow_listener_is_no_silence_of_the_server(server):
    server.script(Answer(drip(HELLO, 0.001, 15)))
    async with provider_at(server.url, idle_timeout_s=0.15) as provider:
        items = []
        async for item in provider.stream(ModelRequest("m", ()), StepWriter("t")):
            items.append(item)
            await asyncio.sleep(0.2 if len(items) < 3 else 0)
    assert Round(items).failure is None


async def test_a_timer_never_interrupts_the_listener(server):
    server.script(Answer([sse('{"t":"a"}'), Stall()]))
    async with provider_at(server.url, idle_timeout_s=0.05, total_timeout_s=0.1) as provider:
        stream = provider.stream(ModelRequest("m", ()), StepWriter("t"))
        await anext(stream)
        await asyncio.sleep(0.2)  # not cancelled, though all deadlines pass
        await anext(stream)
        rest = [item async for item in stream]
    assert rest[-1].failure.kind is ErrorKind.TIMEOUT


async def test_the_total_limit_holds_whatever_comes(server):
    server.script(Answer(drip(sse('{"t":"a"}') * 500, 0.02, 15)))
    got = await ask_at(server.url, total_timeout_s=0.8)
    assert got.failure.kind is ErrorKind.TIMEOUT
    assert "0.8 s" in got.failure.message
    assert set(got.text) == {"a"}


def pauses(*reads):
    pace = Pace()
    found = []
    for seconds, size in reads:
        pace.read(seconds, size)
        found.append(pace.pause > 0)
    return found


def test_reads_of_a_busy_wire_are_spaced_out():
    assert pauses(*[(0.001, 130)] * 7) == [False] * 4 + [True] * 3


def test_a_flood_is_never_held_back():
    socket_reads = ([(0.001, 130)] + [(0.00004, 130)] * 500) * 10
    assert not any(pauses(*socket_reads))
    assert not any(pauses(*[(0.001, 65_536)] * 20))


def test_a_slow_wire_is_not_slowed_down_more():
    assert not any(pauses(*[(0.05, 130)] * 20))


async def test_a_busy_stream_loses_nothing(server):
    texts = [json.dumps({"t": f"{number} "}) for number in range(300)]
    server.script(Answer([*drip(sse(*texts), 0.001, 40), sse("[DONE]")]))
    got = await ask_at(server.url)
    assert got.text == "".join(f"{number} " for number in range(300))


# --- bodies that are not a stream -------------------------------------------------------------


async def test_a_web_page_with_status_200_is_named(server):
    page = b"\n<!DOCTYPE html><html><title>Sign in &amp; go</title><b>x</b></html>"
    server.script(Answer(page, headers={"Content-Type": "text/html"}))
    got = await ask_at(server.url)
    assert got.failure.kind is ErrorKind.STREAM_INVALID
    assert "Sign in & go" in got.failure.message
    assert "<" not in got.failure.message
    assert "base_url" in got.failure.hint


async def test_an_endless_web_page_is_not_read_to_its_end(server):
    server.script(Answer([b"<html>" + b"x" * 100_000, Stall()]))
    got = await ask_at(server.url)
    assert got.failure.kind is ErrorKind.STREAM_INVALID


async def test_plain_text_is_no_event_stream(server):
    server.script(Answer(b"It works!\n", headers={"Content-Type": "text/plain"}))
    got = await ask_at(server.url)
    assert got.failure.kind is ErrorKind.STREAM_INVALID
    assert "It works!" in got.failure.message


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", "text/html", ""])
async def test_an_error_in_json_with_status_200(server, kind):
    body = b'{"error": {"message": "You exceeded it", "code": "insufficient_quota"}}'
    server.script(Answer(split(body, 9), headers={"Content-Type": kind}))
    got = await ask_at(server.url)
    assert got.failure.kind is ErrorKind.QUOTA
    assert "You exceeded it" in got.failure.message
    assert got.failure.status == 200


@pytest.mark.parametrize(
    "body",
    [
        b'{"t":"Hel"}\n{"t":"lo"}\n{"whole":true}\n',
        b'[{"t":"Hel"},\n {"t":"lo"},\n {"whole":true}]',
        b'{"t":"Hello", "more": [\n1]}\n',
    ],
)
async def test_json_instead_of_events_is_handed_to_the_decoder(server, body):
    server.script(Answer(split(body, 5), headers={"Content-Type": "application/json"}))
    got = await ask_at(server.url)
    assert got.text == "Hello"


async def test_lines_of_json_are_shown_as_they_come(server):
    server.script(Answer([b'{"t":"a"}\n', Stall()]))
    async with (
        provider_at(server.url) as provider,
        contextlib.aclosing(provider.stream(ModelRequest("m", ()), StepWriter("t"))) as stream,
    ):
        await anext(stream)
        assert (await anext(stream)).text == "a"


async def test_an_event_without_end_is_an_error_of_bounded_size(server):
    piece = b"x" * 1_000_000
    server.script(Answer([sse('{"t":"kept"}') + b"data: ", *[piece] * 100]))
    got = await ask_at(server.url)
    assert got.failure.kind is ErrorKind.STREAM_INVALID
    assert "8 MiB" in got.failure.message
    assert got.text == "kept"
    assert server.requests[0].left.wait(5)


async def test_a_compressed_reply_is_read(server):
    headers = {"Content-Encoding": "gzip"}
    server.script(Answer(split(gzip.compress(HELLO), 3), headers=headers))
    got = await ask_at(server.url)
    assert (got.text, got.failure) == ("Hello", None)


async def test_a_compressed_bomb_is_an_error(server):
    bomb = gzip.compress(b"data: " + b"x" * (64 * 1024 * 1024))
    server.script(Answer(bomb, headers={"Content-Encoding": "gzip"}))
    got = await ask_at(server.url)
    assert got.failure.kind is ErrorKind.STREAM_INVALID


# --- errors and retries -----------------------------------------------------------------------


def error_answer(status, message="no luck", headers=None, **more):
    body = json.dumps({"error": {"message": message} | more}).encode()
    json_type = {"Content-Type": "application/json"}
    return Answer(body, status, json_type | (headers or {}), framing="length")


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_what_may_pass_is_tried_again_and_announced(server, status):
    server.script(error_answer(status), error_answer(status), Answer(HELLO))
    naps = Naps()
    got = await ask_at(server.url, sleep=naps)
    assert got.text == "Hello"
    assert got.failure is None
    assert len(server.requests) == 3
    assert [note.reason for note in got.notices] == ["retry", "retry"]
    assert "no luck" in got.notices[0].text
    assert "; trying again in 1 s" in got.notices[0].text
    assert 0.5 <= naps.seconds[0] <= naps.seconds[1] <= 8


async def test_retries_have_an_end(server):
    server.script(error_answer(503, headers={"X-Request-Id": "req-1"}))
    got = await ask_at(server.url)
    assert len(server.requests) == 3
    assert got.failure.status == 503
    assert got.failure.request_id == "req-1"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
async def test_what_stays_as_it_is_is_not_tried_again(server, status):
    server.script(error_answer(status))
    got = await ask_at(server.url)
    assert len(server.requests) == 1
    assert not got.failure.retryable
    assert not got.notices


async def test_used_up_quota_is_not_tried_again(server):
    server.script(error_answer(429, code="insufficient_quota"))
    got = await ask_at(server.url)
    assert got.failure.kind is ErrorKind.QUOTA
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:23 GMT"}, 23),
        ({"Retry-After-Ms": "12500", "Retry-After": "1"}, 12.5),
    ],
)
async def test_the_provider_says_when(server, headers, seconds):
    server.script(error_answer(429, headers=headers), Answer(HELLO))
    naps = Naps()
    got = await ask_at(server.url, sleep=naps)
    assert got.text == "Hello"
    assert naps.seconds == [seconds]


async def test_a_long_wait_is_an_error_that_says_when(server):
    server.script(error_answer(429, headers={"Retry-After": "300"}))
    got = await ask_at(server.url)
    assert len(server.requests) == 1
    assert "it asks to wait 5 min, until " in got.failure.message
    assert got.failure.hint == "ask again then, or choose another model"


async def test_the_provider_may_forbid_a_retry(server):
    server.script(error_answer(500, headers={"X-Should-Retry": "false"}))
    got = await ask_at(server.url)
    assert len(server.requests) == 1
    assert not got.failure.retryable


async def test_an_error_as_the_first_event_is_tried_again(server):
    broken = Answer(sse('{"error":{"type":"overloaded_error","message":"Overloaded"}}'))
    server.script(broken, Answer(HELLO))
    got = await ask_at(server.url)
    assert got.text == "Hello"
    assert len(got.notices) == 1


async def test_an_error_after_the_first_text_is_not(server):
    server.script(Answer(sse('{"t":"a"}', '{"error":{"type":"overloaded_error","message":"no"}}')))
    got = await ask_at(server.url)
    assert len(server.requests) == 1
    assert got.text == "a"
    assert got.failure.kind is ErrorKind.OVERLOADED


@pytest.mark.parametrize(
    "broken",
    [
        Answer(b""),
        Answer(before=[Cut()]),
        Answer(b"HTTP/1.1 nonsense\r\n\r\n", raw=True),
        Answer([b": hello\n\n", Cut()]),
    ],
)
async def test_a_connection_that_breaks_before_anything_was_shown_is_tried_again(server, broken):
    server.script(broken, Answer(HELLO))
    got = await ask_at(server.url)
    assert got.text == "Hello"
    assert len(got.notices) == 1


async def test_nobody_listens(caplog):
    port = unused_port()
    naps = Naps()
    with caplog.at_level(logging.DEBUG):
        got = await ask_at(f"http://127.0.0.1:{port}", sleep=naps)
    assert got.failure.kind is ErrorKind.NETWORK
    assert f"127.0.0.1:{port} refused the connection" in got.failure.message
    assert "is the server running?" in got.failure.hint
    assert len(naps.seconds) == 2
    assert KEY not in caplog.text


async def test_waiting_for_a_retry_can_be_cancelled(server):
    server.script(error_answer(503))
    waiting = asyncio.Event()

    async def sleep(seconds):
        waiting.set()
        await asyncio.sleep(3600)

    async with provider_at(server.url, sleep=sleep) as provider:
        task = asyncio.create_task(ask(provider))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_no_retry_begins_that_the_total_limit_would_cut(server):
    server.script(error_answer(503, headers={"Retry-After": "30"}))
    got = await ask_at(server.url, total_timeout_s=5)
    assert len(server.requests) == 1
    assert got.failure.status == 503


async def test_a_redirect_is_not_followed(server):
    with FaultServer() as other:
        where = {"Location": f"{other.url}/elsewhere?key=1"}
        server.script(Answer(b"", 307, where, framing="length"))
        got = await ask_at(server.url)
        assert other.connections == 0
    assert f"127.0.0.1:{other.port}" in got.failure.message
    assert "elsewhere" not in got.failure.message
    assert len(server.requests) == 1


# --- secrets ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_a_key_that_the_provider_echoes_is_redacted(server, status, caplog):
    other = "tok-9876543210"
    message = f"bad key {KEY} and {other}\n at 3"
    server.script(error_answer(status, message, {"X-Request-Id": f"r-{KEY}"}))
    with caplog.at_level(logging.DEBUG):
        got = await ask_at(server.url, headers={"X-Custom-Token": other}, retries=1)
    shown = repr(got.events) + repr(got.end) + caplog.text
    assert KEY not in shown
    assert other not in shown
    assert "bad key [redacted] and [redacted] at 3" in got.failure.message


def told_by(words, status=400, kind="application/json"):
    return Answer(words.encode(), status, {"Content-Type": kind}, framing="length")


@pytest.mark.parametrize("cut", range(1, len(KEY), 3))
@pytest.mark.parametrize(
    ("form", "room"),
    [
        ('{"error":{"message":"%s"}}', 1000),
        ('{"error":{"message":"no","failed_generation":"%s"}}', 400),
        ("<html><title>%s</title></html>", 200),
        ("%s", 1000),
    ],
)
async def test_no_part_of_a_key_is_left_where_an_error_is_shortened(server, form, room, cut):
    # The key begins so far before the end of what is shown.
    words = "x" * (room - 1 - cut) + " " + KEY + " and more" * 300
    for status in (200, 400):
        server.script(told_by(form % words, status))
        got = await ask_at(server.url, retries=0)
        assert KEY[:4] not in got.failure.message
        async with provider_at(server.url) as provider:
            with pytest.raises(ProviderError) as raised:
                await provider.models()
        assert KEY[:4] not in raised.value.message


@pytest.mark.parametrize("cut", range(1, len(KEY), 3))
async def test_nor_where_blanks_take_up_the_room(server, cut):
    words = "x " * 400 + " " * (1200 - 1 - cut) + KEY
    error = {"error": {"message": words, "detail": "and more"}}
    server.script(told_by(json.dumps(error)))
    got = await ask_at(server.url)
    assert "and more" in got.failure.message
    assert KEY[:4] not in got.failure.message


async def test_nor_in_an_error_inside_a_stream(server):
    words = "x" * 990 + " " + KEY
    for error in (
        {"error": {"message": words}},
        {"response": {"error": {"message": words}}, "error": words},
    ):
        server.script(Answer(sse('{"t":"a"}', json.dumps(error))))
        got = await ask_at(server.url)
        assert KEY[:4] not in got.failure.message


async def test_a_key_in_the_reply_itself_is_left_in_it(server):
    server.script(Answer(sse(json.dumps({"t": f"your key is {KEY}"}), "[DONE]")))
    got = await ask_at(server.url)
    assert got.text == f"your key is {KEY}"


async def test_a_header_that_cannot_be_sent_is_not_quoted(server):
    for bad in ("tok-a\nb", "tok-schlüssel"):
        got = await ask_at(server.url, headers={"X-Token": bad})
        assert got.failure.kind is ErrorKind.BAD_REQUEST
        assert bad not in got.failure.message
        assert "key" in got.failure.hint


class Tape:
    def __init__(self):
        self.calls = []

    def request(self, request):
        self.calls.append(("request", request))

    def response(self, status, headers):
        self.calls.append(("response", status, headers))

    def chunk(self, data):
        self.calls.append(("chunk", data))

    def end(self):
        self.calls.append(("end",))


async def test_the_capture_sees_every_attempt(server):
    server.script(error_answer(503), Answer(HELLO))
    tape = Tape()
    await ask_at(server.url, capture=tape)
    names = [call[0] for call in tape.calls]
    assert names[:4] == ["request", "response", "chunk", "end"]
    assert names[4:6] == ["request", "response"]
    assert names[-1] == "end"
    assert b"".join(call[1] for call in tape.calls[6:-1]) == HELLO
    assert tape.calls[0][1].body == {"model": "m"}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(sse('{"t":"a"}'), headers={"X-Request-Id": "r-1"}),
        Answer([sse('{"t":"a"}'), Cut()], headers={"X-Request-Id": "r-1"}),
        Answer(sse('{"error":{"message":"no"}}'), headers={"X-Request-Id": "r-1"}),
        Answer(b'{"error":{"message":"no"}}', headers={"X-Request-Id": "r-1"}),
        Answer(b"<html>", headers={"X-Request-Id": "r-1"}),
    ],
)
async def test_a_failure_with_status_200_names_the_request(server, answer):
    server.script(answer)
    got = await ask_at(server.url, retries=0)
    assert got.failure.request_id == "r-1"


async def test_what_the_way_did_is_what_the_decoder_is_told(server):
    server.script(Answer([sse('{"t":"kept"}', '{"usage":3}'), Stall()]))
    async with provider_at(server.url, idle_timeout_s=0.1) as provider:
        got = await ask(provider)
        assert provider._protocol.decoders[0]._failure == got.failure
    assert got.failure.kind is ErrorKind.TIMEOUT
    assert got.end.usage == Usage(output=3)


# --- models -----------------------------------------------------------------------------------


async def test_models_are_listed(server):
    body = b'{"data":[{"id":"a","context_length":5},{"id":"b"}]}'
    server.script(Answer(body, headers={"Content-Type": "application/json"}))
    async with provider_at(server.url) as provider:
        assert await provider.models() == [ModelInfo("a", "", 5), ModelInfo("b")]
    assert server.requests[0].path == "/models"


class PagedWire(Wire):
    def more_models(self, data, endpoint):
        after = data.get("after")
        url = f"{endpoint.base_url}/models?after={after}"
        return HttpRequest("GET", url, request_headers(endpoint)) if after else None


async def test_models_that_come_by_the_page_are_all_listed(server):
    kind = {"Content-Type": "application/json"}
    pages = [b'{"data":[{"id":"a"}],"after":"a"}', b'{"data":[{"id":"b"}]}']
    server.script(*(Answer(page, headers=kind) for page in pages))
    async with provider_at(server.url, wire=PagedWire()) as provider:
        assert [model.id for model in await provider.models()] == ["a", "b"]
    assert [request.path for request in server.requests] == ["/models", "/models?after=a"]


async def test_a_server_whose_pages_never_end_is_left_at_last(server):
    kind = {"Content-Type": "application/json"}
    server.script(Answer(b'{"data":[{"id":"a"}],"after":"a"}', headers=kind))
    async with provider_at(server.url, wire=PagedWire()) as provider:
        assert len(await provider.models()) == 50


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error_answer(401, f"bad {KEY}"), ErrorKind.KEY_REJECTED),
        (error_answer(200, f"bad {KEY}", code="invalid_api_key"), ErrorKind.KEY_REJECTED),
        (Answer(b"<html><title>Hi</title>"), ErrorKind.STREAM_INVALID),
        (Answer(b"nonsense"), ErrorKind.STREAM_INVALID),
        (Answer([b'{"data":[', Cut()]), ErrorKind.STREAM_INVALID),
        (Answer(before=[Cut()]), ErrorKind.NETWORK),
    ],
)
async def test_models_that_cannot_be_listed(server, answer, kind):
    server.script(answer)
    async with provider_at(server.url) as provider:
        with pytest.raises(ProviderError) as raised:
            await provider.models()
    assert raised.value.failure.kind is kind
    assert KEY not in str(raised.value)


async def test_a_failure_to_list_models_names_the_request(server):
    for status in (200, 401):
        server.script(error_answer(status, headers={"X-Request-Id": "r-1"}))
        async with provider_at(server.url) as provider:
            with pytest.raises(ProviderError) as raised:
                await provider.models()
        assert raised.value.failure.request_id == "r-1"
