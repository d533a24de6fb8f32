"""`ask` against servers that fail: a clear error, the text so far, no hang, no key elsewhere."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import time

import pytest

from faultserver import Answer, Cut, FaultServer, Pause, Reset, Stall, drip, sse, unused_port
from program import Finished, Program
from recordings import MISSING, http_errors

KEY = "sk-test-0123456789abcdef0123456789"
TEXT = '{"choices":[{"index":0,"delta":{"content":"caf\u00e9 so far"}}]}'
CALL = (
    '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function",'
    '"function":{"name":"shell","arguments":"{\\"command\\": \\"rm"}}]}}]}'
)
END = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
LIMITS = "[stream]\nidle_timeout_s = 1.0\nconnect_timeout_s = 2.0\nretries = 0"


def ask(program: Program, server: FaultServer, *answers: Answer) -> Finished:
    """Ask a server that answers so, with a key, in the format that shows everything."""
    server.script(*answers)
    program.provider(server.url, api_key_env='"TEST_KEY"', tables=LIMITS)
    done = program.run("ask", "-n", "hello", "--format", "jsonl", env={"TEST_KEY": KEY})
    assert "Traceback" not in done.stderr
    assert KEY not in done.stderr + done.text
    assert [event["type"] for event in done.events].count("turn.finished") == 1
    assert done.events[-1]["type"] == "turn.finished"
    return done


def text_so_far(done: Finished) -> str:
    return "".join(step["text"] for step in done.steps if step["kind"] == "text")


def kind(done: Finished) -> str:
    error = done.events[-1]["error"]
    assert error["message"] in done.stderr
    return error["kind"]


class TestCutOff:
    def test_between_events(self, program: Program, server: FaultServer) -> None:
        done = ask(program, server, Answer(sse(TEXT)))
        assert (done.status, kind(done), text_so_far(done)) == (5, "stream_cut", "café so far")
        assert done.steps[0]["status"] == "interrupted"

    def test_in_the_middle_of_an_event(self, program: Program, server: FaultServer) -> None:
        done = ask(program, server, Answer([sse(TEXT) + b'data: {"choices":[{"ind', Cut()]))
        assert (done.status, kind(done), text_so_far(done)) == (5, "stream_cut", "café so far")

    def test_in_the_middle_of_a_character(self, program: Program, server: FaultServer) -> None:
        whole = sse(TEXT)
        broken = sse(TEXT) + whole[: whole.index("é".encode()) + 1]
        done = ask(program, server, Answer([broken, Reset()]))
        assert (done.status, text_so_far(done)) == (5, "café so far")

    def test_in_the_middle_of_a_call_which_is_never_run(
        self, program: Program, server: FaultServer
    ) -> None:
        done = ask(program, server, Answer(sse(TEXT, CALL)))
        (call,) = [step for step in done.steps if step["kind"] == "tool_call"]
        assert (done.status, call["status"], call["input"]) == (5, "interrupted", None)
        assert call["arguments"] == '{"command": "rm'
        assert [step for step in done.steps if step["kind"] == "tool_result"] == []
        assert len(server.requests) == 1

    def test_by_a_body_that_is_framed_by_its_end(
        self, program: Program, server: FaultServer
    ) -> None:
        done = ask(program, server, Answer(sse(TEXT), framing="eof"))
        assert (done.status, kind(done)) == (5, "stream_cut")

    def test_the_text_so_far_is_printed_in_plain_text_too(
        self, program: Program, server: FaultServer
    ) -> None:
        server.script(Answer(sse(TEXT)))
        program.provider(server.url, tables=LIMITS)
        done = program.run("ask", "-n", "hello")
        assert (done.status, done.text) == (5, "café so far\n")
        assert "ended before the reply was finished" in done.stderr


class TestSlow:
    def test_a_server_that_stalls(self, program: Program, server: FaultServer) -> None:
        done = ask(program, server, Answer([sse(TEXT), Stall()]))
        assert (done.status, kind(done), text_so_far(done)) == (5, "timeout", "café so far")

    def test_a_server_that_never_answers(self, program: Program, server: FaultServer) -> None:
        done = ask(program, server, Answer(b"", before=[Stall()]))
        assert (done.status, kind(done)) == (5, "timeout")

    def test_a_server_that_drips_one_event_for_ever(
        self, program: Program, server: FaultServer
    ) -> None:
        done = ask(program, server, Answer(drip(sse(TEXT) * 9, 0.05)))
        assert (done.status, kind(done)) == (5, "timeout")

    def test_comments_are_signs_of_life(self, program: Program, server: FaultServer) -> None:
        waiting = [part for _ in range(6) for part in (b": still here\n\n", Pause(0.4))]
        done = ask(program, server, Answer([*waiting, sse(TEXT, END, "[DONE]")]))
        assert (done.status, text_so_far(done)) == (0, "café so far")


class TestNotAStream:
    def test_a_web_page_with_status_200(self, program: Program, server: FaultServer) -> None:
        page = b"<html><head><title>Sign in</title></head><body>hello</body></html>"
        done = ask(program, server, Answer(page, headers={"Content-Type": "text/html"}))
        assert (done.status, kind(done)) == (5, "stream_invalid")
        assert "Sign in" in done.stderr

    def test_an_error_with_status_200(self, program: Program, server: FaultServer) -> None:
        body = json.dumps(
            {"error": {"message": "you have no credit", "code": "insufficient_quota"}}
        )
        done = ask(
            program, server, Answer(body.encode(), headers={"Content-Type": "application/json"})
        )
        assert (done.status, kind(done)) == (4, "quota")

    def test_a_whole_answer_that_is_not_streamed(
        self, program: Program, server: FaultServer
    ) -> None:
        message = {"role": "assistant", "content": "all at once"}
        body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
        done = ask(
            program, server, Answer(body.encode(), headers={"Content-Type": "application/json"})
        )
        assert (done.status, text_so_far(done)) == (0, "all at once")

    def test_compressed_though_it_was_not_asked_for(
        self, program: Program, server: FaultServer
    ) -> None:
        bomb = gzip.compress(b"data: " + b"0" * (64 << 20) + b"\n\n")
        done = ask(program, server, Answer(bomb, headers={"Content-Encoding": "gzip"}))
        assert done.status == 5
        assert server.requests[0].headers["accept-encoding"] == "identity"

    def test_an_event_of_a_hundred_megabytes(self, program: Program, server: FaultServer) -> None:
        block = b"x" * (1 << 20)
        done = ask(program, server, Answer([sse(TEXT) + b"data: ", *[block] * 100]))
        assert (done.status, kind(done), text_so_far(done)) == (5, "stream_invalid", "café so far")

    def test_nul_bytes_and_events_that_are_not_json_are_passed_over(
        self, program: Program, server: FaultServer
    ) -> None:
        odd = b"data: \0\0\0\n\n\0\0\n\ndata: not json\n\n"
        done = ask(program, server, Answer(odd + sse(TEXT, END, "[DONE]")))
        assert (done.status, text_so_far(done)) == (0, "café so far")

    def test_json_nested_a_thousand_deep_is_passed_over(
        self, program: Program, server: FaultServer
    ) -> None:
        deep = '{"usage":' * 900 + "1" + "}" * 900
        done = ask(program, server, Answer(sse(deep) + sse(TEXT, END, "[DONE]")))
        assert (done.status, text_so_far(done)) == (0, "café so far")


class TestElsewhere:
    def test_a_redirect_is_not_followed(self, program: Program, server: FaultServer) -> None:
        with FaultServer() as other:
            answer = Answer(status=307, headers={"Location": f"{other.url}/chat/completions"})
            done = ask(program, server, answer)
            assert other.requests == []
        assert done.status in (4, 5)
        assert "redirect" in done.stderr

    def test_nobody_listens(self, program: Program) -> None:
        program.provider(f"http://127.0.0.1:{unused_port()}", tables=LIMITS)
        done = program.run("ask", "-n", "hello")
        assert (done.status, done.text) == (5, "")
        assert "127.0.0.1" in done.stderr

    def test_the_key_goes_to_the_provider_and_nowhere_else(
        self, program: Program, server: FaultServer
    ) -> None:
        echo = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}})
        done = ask(program, server, Answer(echo.encode(), status=401))
        assert (done.status, kind(done)) == (3, "key_rejected")
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


class TestLookup:
    """A name server that doesn't answer holds nothing up."""

    SLOW = "import socket, time\nsocket.getaddrinfo = lambda *a, **k: time.sleep(30)\n"

    def start(self, program: Program, limits: str) -> subprocess.Popen[bytes]:
        (program.home / "sitecustomize.py").write_text(self.SLOW)
        program.provider("http://nowhere.invalid", api_key_env='"TEST_KEY"', tables=limits)
        env = {"PYTHONPATH": str(program.home), "TEST_KEY": KEY}
        return program.start("ask", "-n", "hi", env=env, stderr=subprocess.PIPE)

    def test_the_connect_timeout_ends_it(self, program: Program) -> None:
        limits = "[stream]\nconnect_timeout_s = 1.0\nretries = 0"
        with self.start(program, limits) as running:
            _, told = running.communicate(timeout=15)
        assert running.returncode == 5
        assert b"nowhere.invalid" in told
        assert b"Traceback" not in told

    def test_so_does_an_interrupt(self, program: Program) -> None:
        with self.start(program, "[stream]\nconnect_timeout_s = 60.0") as running:
            time.sleep(2)
            running.send_signal(signal.SIGINT)
            _, told = running.communicate(timeout=15)
        assert (running.returncode, told) == (130, b"")


class TestTelling:
    def test_a_failure_of_the_way_is_told_once_and_as_what_it_was(
        self, program: Program, server: FaultServer
    ) -> None:
        done = ask(program, server, Answer([sse(TEXT), Stall()]))
        assert [step["kind"] for step in done.steps] == ["text"]
        done = ask(program, server, Answer(sse(TEXT)))
        assert done.stderr.count("the provider's stream ended") == 1
        assert [step.get("reason") for step in done.steps] == [None, "stream_cut"]

    def test_an_error_inside_a_stream_names_the_request_too(
        self, program: Program, server: FaultServer
    ) -> None:
        headers = {"x-request-id": "req_1"}
        for body in (sse(TEXT), sse('{"error":{"message":"broken"}}')):
            done = ask(program, server, Answer(body, headers=headers))
            assert done.events[-1]["error"]["request_id"] == "req_1"
            assert "req_1" in done.stderr

    def test_a_key_is_not_told_in_part_either(self, program: Program, server: FaultServer) -> None:
        for filler in range(960, 1001, 8):
            words = "x" * filler + " " + KEY
            body = json.dumps({"error": {"message": words}}).encode()
            done = ask(program, server, Answer(body, status=400))
            assert KEY[:8] not in done.stderr + done.text

    def test_a_whole_reply_is_not_waited_for_long(
        self, program: Program, server: FaultServer
    ) -> None:
        done = ask(program, server, Answer([sse(TEXT, END), Stall()]))
        assert (done.status, text_so_far(done)) == (0, "café so far")


class TestRetry:
    RETRY = "[stream]\nretries = 2\nidle_timeout_s = 2.0"

    def test_an_overloaded_server_is_asked_again_and_it_says_so(
        self, program: Program, server: FaultServer
    ) -> None:
        busy = Answer(b"{}", status=503, headers={"Retry-After": "0"})
        server.script(busy, Answer(sse(TEXT, END, "[DONE]")))
        program.provider(server.url, tables=self.RETRY)
        done = program.run("ask", "-n", "hello", "--format", "jsonl")
        assert (done.status, text_so_far(done)) == (0, "café so far")
        assert done.steps[0]["reason"] == "retry"
        assert len(server.requests) == 2

    def test_nothing_is_asked_again_once_text_was_shown(
        self, program: Program, server: FaultServer
    ) -> None:
        server.script(Answer([sse(TEXT), Cut()]))
        program.provider(server.url, tables=self.RETRY)
        assert program.run("ask", "-n", "hello").status == 5
        assert len(server.requests) == 1

    def test_a_spent_quota_is_not_asked_again(self, program: Program, server: FaultServer) -> None:
        body = b'{"error":{"message":"You exceeded your quota","code":"insufficient_quota"}}'
        server.script(Answer(body, status=429))
        program.provider(server.url, tables=self.RETRY)
        assert program.run("ask", "-n", "hello").status == 4
        assert len(server.requests) == 1

    def test_a_wait_longer_than_a_minute_is_an_error_that_says_when(
        self, program: Program, server: FaultServer
    ) -> None:
        server.script(Answer(b"{}", status=429, headers={"Retry-After": "3600"}))
        program.provider(server.url, tables=self.RETRY)
        done = program.run("ask", "-n", "hello")
        assert done.status == 5
        assert "60 min" in done.stderr or "1 h" in done.stderr or "3600 s" in done.stderr
        assert len(server.requests) == 1


ERRORS = http_errors()


@pytest.mark.streams
@pytest.mark.skipif(not ERRORS, reason=MISSING)
@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_every_recorded_error_body_has_its_own_message_and_exit_status(
    program: Program, server: FaultServer, number: int
) -> None:
    row = ERRORS[number]
    headers = {"Content-Type": row["content_type"] or "application/json", **row["headers"]}
    server.script(Answer(row["body"].encode(), status=row["status"], headers=headers))
    program.provider(server.url, tables="[stream]\nretries = 0")
    done = program.run("ask", "-n", "hello")
    assert done.status == _status(row)
    assert _words(json.loads(row["body"]))[:60] in " ".join(done.stderr.split())
    for name in ("x-request-id", "request-id", "apim-request-id"):
        if name in row["headers"]:
            assert row["headers"][name] in done.stderr


def _words(body: dict) -> str:
    error = body.get("error", body)
    message = error if isinstance(error, str) else error.get("message") or error.get("detail")
    return " ".join(message.split())


def _status(row: dict) -> int:
    words = _words(json.loads(row["body"])).lower()
    if row["status"] == 401 or ("api key" in words and row["status"] == 400):
        return 3
    return 5 if row["status"] == 429 else 4
