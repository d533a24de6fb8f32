"""Sending a request again: whether, after how long, and in which words."""

import json
import time

import pytest

from chatterm.providers.failures import failure_of_response
from chatterm.providers.retrying import duration, retry_after, should_retry, until

GEMINI = json.dumps({"error": {"details": [{"@type": "…RetryInfo", "retryDelay": "48s"}]}}).encode()


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({}, b"", None),
        ({"Retry-After": "5"}, b"", 5.0),
        ({"retry-after": "1.5"}, b"", 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, b"", 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, b"", 9.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:01:40 GMT"}, b"", 90.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:01 GMT"}, b"", 0.0),
        ({"Retry-After": "-3"}, b"", None),
        ({"Retry-After": "nan"}, b"", None),
        ({"Retry-After": "inf"}, b"", None),
        ({"Retry-After": "tomorrow"}, b"", None),
        ({"Retry-After": "1e300"}, b"", None),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, b"", 1e9),
        ({"Retry-After": "Thu, 99 Jan 99999 00:00:01 GMT"}, b"", None),
        ({}, GEMINI, 48.0),
        ({}, b'{"error": "Please retry in 48.93s."}', 48.93),
        ({}, b'{"error": "Please try again in 7.5s. Visit"}', 7.5),
        ({}, b'{"error": "try again in a week"}', None),
        ({"Retry-After": "2"}, GEMINI, 2.0),
    ],
)
def test_how_long_to_wait(headers, body, seconds):
    assert retry_after(headers, body, now=10.0) == seconds


@pytest.mark.parametrize(
    ("status", "headers", "retried"),
    [
        (408, {}, True), (409, {}, True), (429, {}, True), (500, {}, True), (529, {}, True),
        (400, {}, False), (401, {}, False), (403, {}, False), (404, {}, False), (422, {}, False),
        (500, {"X-Should-Retry": "false"}, False),
        (400, {"x-should-retry": "true"}, True),
        (402, {"x-should-retry": "true"}, False),
        (413, {"x-should-retry": "true"}, False),
    ],
)  # fmt: skip
def test_what_is_worth_another_try(status, headers, retried):
    failure = failure_of_response(status, headers, b"", provider="acme")
    assert should_retry(status, headers, failure) is retried
    assert failure.retryable is retried


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 s"), (0.2, "1 s"), (119, "119 s"), (120, "2 min"), (3600, "60 min"),
        (7200, "2 h"), (86_400, "24 h"), (172_800, "2 days"), (1e9, "11575 days"),
    ],
)  # fmt: skip
def test_a_number_of_seconds_for_people(seconds, words):
    assert duration(seconds) == words


@pytest.fixture
def zone(monkeypatch):
    monkeypatch.setenv("TZ", "XYZ-2")  # two hours ahead of UTC
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("seconds", "moment"),
    [
        (60, "02:01"), (61, "02:02"), (3600, "03:00"), (22 * 3600, "1970-01-02 00:00"),
        (1e9, "2001-09-09 03:47"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("zone")
def test_a_moment_on_the_user_s_clock(seconds, moment):
    assert until(0.0, seconds) == moment
