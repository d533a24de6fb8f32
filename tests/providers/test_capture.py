"""Captures: what is written, how it is numbered, and that no key is in it."""

from __future__ import annotations

import json
import os
import stat
from io import FileIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.errors import OutputError
from chatterm.providers.capture import Capture
from chatterm.providers.wire import HttpRequest
from chatterm.redaction import Redactor

KEY = "sk-secret/key+1"
URL = "https://api.example/v1/responses"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def asked(url: str = URL, headers: dict[str, str] | None = None, **body: object) -> HttpRequest:
    return HttpRequest("POST", url, headers or {}, body)


def exchange(capture: Capture, request: HttpRequest | None = None, *chunks: bytes) -> None:
    capture.request(request or asked())
    capture.response(200, {"content-type": "text/event-stream"})
    for chunk in chunks:
        capture.chunk(chunk)
    capture.end()


def read(path):
    return json.loads(path.read_bytes())


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def everything(directory) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())


# --- files ------------------------------------------------------------------------------------


def test_an_exchange_is_three_files(tmp_path):
    clock = Clock()
    capture = Capture(tmp_path, monotonic=clock)
    capture.request(asked(headers={"Accept": "x"}, model="m", input="é"))
    clock.now += 0.25
    capture.response(200, {"x-request-id": "r1"})
    capture.chunk(b"data: 1\n")
    clock.now += 1
    capture.chunk(b"\n\xff")
    capture.end()
    assert names(tmp_path) == ["001-request.json", "001-response.body", "001-response.json"]
    assert read(tmp_path / "001-request.json") == {
        "method": "POST",
        "url": URL,
        "headers": {"Accept": "x"},
        "body": {"model": "m", "input": "é"},
    }
    assert (tmp_path / "001-response.body").read_bytes() == b"data: 1\n\n\xff"
    assert read(tmp_path / "001-response.json") == {
        "status": 200,
        "headers": {"x-request-id": "r1"},
        "chunks": [[250.0, 8], [1250.0, 2]],
    }


def test_only_the_owner_may_read_them(tmp_path):
    directory = tmp_path / "new" / "captures"
    exchange(Capture(directory))
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


def test_a_directory_that_is_there_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    exchange(Capture(tmp_path))
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_numbers_go_on_and_nothing_is_overwritten(tmp_path):
    exchange(Capture(tmp_path), None, b"one")
    capture = Capture(tmp_path)
    exchange(capture, None, b"two")
    (tmp_path / "041-response.body").write_bytes(b"other")
    exchange(capture, None, b"three")
    assert (tmp_path / "001-response.body").read_bytes() == b"one"
    assert (tmp_path / "002-response.body").read_bytes() == b"two"
    assert (tmp_path / "042-response.body").read_bytes() == b"three"


def test_two_captures_in_one_directory_take_different_numbers(tmp_path):
    first, second = Capture(tmp_path), Capture(tmp_path)
    first.request(asked())
    second.request(asked())
    for capture, body in [(first, b"a"), (second, b"b")]:
        capture.response(200, {})
        capture.chunk(body)
        capture.end()
    assert (tmp_path / "001-response.body").read_bytes() == b"a"
    assert (tmp_path / "002-response.body").read_bytes() == b"b"


def test_the_body_is_there_as_it_comes(tmp_path):
    capture = Capture(tmp_path)
    capture.request(asked())
    capture.response(200, {})
    capture.chunk(b"half")
    assert (tmp_path / "001-response.body").read_bytes() == b"half"
    capture.end()


def test_a_request_without_an_answer_is_one_file(tmp_path):
    capture = Capture(tmp_path)
    capture.request(asked())
    capture.end()
    capture.end()
    assert names(tmp_path) == ["001-request.json"]


def test_the_next_request_ends_the_answer_before(tmp_path):
    capture = Capture(tmp_path)
    capture.request(asked())
    capture.response(200, {})
    capture.request(asked())
    assert "001-response.json" in names(tmp_path)


def test_a_lone_surrogate_does_no_harm(tmp_path):
    exchange(Capture(tmp_path), asked(text="\ud83d"))
    assert read(tmp_path / "001-request.json")["body"] == {"text": "\ud83d"}


def test_what_cannot_be_written_is_an_output_error_with_its_path(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OutputError, match=r"can't write the capture .*file"):
        Capture(file).request(asked())


def test_a_full_disk_is_an_output_error(tmp_path):
    if not os.access("/dev/full", os.W_OK):
        pytest.skip("there is no /dev/full")
    capture = Capture(tmp_path)
    capture.request(asked())
    capture.response(200, {})
    capture._answer._file.close()
    capture._answer._file = FileIO("/dev/full", "wb")
    with pytest.raises(OutputError, match=r"001-response\.body: No space left"):
        capture.chunk(b"x")
    capture.end()


# --- keys -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "proxy-authorization",
        "x-api-key",
        "API-KEY",
        "x-goog-api-key",
        "Cookie",
        "MCP-HEADERS",
        "x-auth-token",
    ],
)
def test_headers_that_carry_keys_are_redacted_whatever_their_value(tmp_path, name):
    exchange(Capture(tmp_path), asked(headers={name: "Bearer abc", "Accept": "text/plain"}))
    headers = read(tmp_path / "001-request.json")["headers"]
    assert headers == {name: "[redacted]", "Accept": "text/plain"}


def test_cookies_of_the_answer_are_redacted_and_limits_are_not(tmp_path):
    capture = Capture(tmp_path, Redactor([KEY]))
    capture.request(asked())
    capture.response(
        200, {"set-cookie": "a=b", "x-ratelimit-remaining-tokens": "7", "x-echo": f"<{KEY}>"}
    )
    capture.end()
    assert read(tmp_path / "001-response.json")["headers"] == {
        "set-cookie": "[redacted]",
        "x-ratelimit-remaining-tokens": "7",
        "x-echo": "<[redacted]>",
    }


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://a.example/m?alt=sse&key=abc", "https://a.example/m?alt=sse&key=[redacted]"),
        ("https://a.example/m?api_key=abc#f", "https://a.example/m?api_key=[redacted]#f"),
        ("https://a.example/m?%6Bey=abc", "https://a.example/m?%6Bey=[redacted]"),
        ("https://a.example/m?accessToken=abc", "https://a.example/m?accessToken=[redacted]"),
        ("https://me:pass@a.example/m", "https://[redacted]@a.example/m"),
        ("https://a.example/m?stream=true", "https://a.example/m?stream=true"),
        (f"https://a.example/{KEY}/m", "https://a.example/[redacted]/m"),
        ("https://a.example/m?x=sk-secret%2Fkey%2B1", "https://a.example/m?x=[redacted]"),
    ],
)
def test_keys_in_the_address_are_redacted(tmp_path, url, written):
    exchange(Capture(tmp_path, Redactor([KEY])), asked(url))
    assert read(tmp_path / "001-request.json")["url"] == written


def test_a_secret_is_redacted_wherever_it_stands_in_the_request(tmp_path):
    body = {"text": f"my key is {KEY}!", "list": [{"deep": KEY}], KEY: 1, "n": 2.5, "none": None}
    exchange(Capture(tmp_path, Redactor([KEY])), asked(headers={"X-Other": f"a {KEY}"}, **body))
    request = read(tmp_path / "001-request.json")
    assert request["headers"] == {"X-Other": "a [redacted]"}
    assert request["body"] == {
        "text": "my key is [redacted]!",
        "list": [{"deep": "[redacted]"}],
        "[redacted]": 1,
        "n": 2.5,
        "none": None,
    }


def test_a_secret_that_begins_another_does_not_leave_the_rest(tmp_path):
    capture = Capture(tmp_path, Redactor(["secret", "secret-long"]))
    exchange(capture, asked(text="secret-long secret"))
    assert read(tmp_path / "001-request.json")["body"] == {"text": "[redacted] [redacted]"}


def test_what_is_too_short_for_a_secret_is_left_alone(tmp_path):
    exchange(Capture(tmp_path, Redactor(["", "a"])), asked(text="a b"), b"a b")
    assert read(tmp_path / "001-request.json")["body"] == {"text": "a b"}
    assert (tmp_path / "001-response.body").read_bytes() == b"a b"


def test_a_secret_with_quotes_is_found_in_an_answer_of_json(tmp_path):
    secret = 'pass"wörd'
    exchange(Capture(tmp_path, Redactor([secret])), None, json.dumps({"key": secret}).encode())
    (value,) = read(tmp_path / "001-response.body").values()
    assert set(value) == {"*"}


@given(st.binary(max_size=40), st.binary(max_size=40), st.lists(st.integers(0, 100), max_size=8))
def test_however_the_answer_is_cut_a_secret_in_it_is_masked_at_its_length(
    tmp_path_factory, before, after, cuts
):
    directory = tmp_path_factory.mktemp("capture")
    key = KEY.encode()
    body = before + key + after
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    chunks = [body[a:b] for a, b in pairwise(edges)]
    exchange(Capture(directory, Redactor([KEY])), None, *chunks)
    written = (directory / "001-response.body").read_bytes()
    assert written == before + b"*" * len(key) + after
    recorded = read(directory / "001-response.json")["chunks"]
    assert [size for _, size in recorded] == [len(chunk) for chunk in chunks]


@given(st.text(st.characters(codec="utf-8"), min_size=6, max_size=20))
def test_no_file_holds_the_secret(tmp_path_factory, secret):
    directory = tmp_path_factory.mktemp("capture")
    marked = f"§{secret}§"  # so that it can't be a part of what is written anyway
    request = asked(f"{URL}?q={marked}", {"x-a": marked, "Authorization": marked}, a=[marked])
    exchange(Capture(directory, Redactor([marked])), request, marked.encode())
    assert marked.encode() not in everything(directory)
    assert json.dumps(marked)[1:-1].encode() not in everything(directory)
