"""What providers say when they fail, in every shape, as one failure."""

import json
from pathlib import Path

import pytest

from chatterm.errors import ErrorKind, ExitStatus
from chatterm.providers.failures import (
    error_in,
    failure_of_error,
    failure_of_response,
)

RECORDED = Path(__file__).parents[3] / "shared" / "streams" / "HTTP_ERRORS.jsonl"


def of(status, body, headers=None, provider="acme"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return failure_of_response(status, headers or {}, data, provider=provider)


# --- recorded answers -------------------------------------------------------------------------


def recorded():
    if not RECORDED.exists():
        return []
    return [json.loads(line) for line in RECORDED.read_text("utf-8").split("\n") if line]


def own_message(data):
    if isinstance(data.get("error"), str):
        return data["error"]
    error = data.get("error", data)
    return error.get("message") or error["detail"]


def recorded_kind(row):
    body = row["body"].lower()
    if "too long" in body or "context length" in body or "too many tokens" in body:
        return ErrorKind.TOO_LONG
    if row["status"] == 401 or "incorrect api key" in body or "api_key_invalid" in body:
        return ErrorKind.KEY_REJECTED
    if row["status"] == 404 or "model_not_found" in body:
        return ErrorKind.NOT_FOUND
    return {400: ErrorKind.BAD_REQUEST, 429: ErrorKind.RATE_LIMITED}[row["status"]]


EXITS = {
    ErrorKind.TOO_LONG: ExitStatus.PROVIDER_REFUSED,
    ErrorKind.KEY_REJECTED: ExitStatus.CONFIG,
    ErrorKind.NOT_FOUND: ExitStatus.PROVIDER_REFUSED,
    ErrorKind.BAD_REQUEST: ExitStatus.PROVIDER_REFUSED,
    ErrorKind.RATE_LIMITED: ExitStatus.TRY_AGAIN,
}


@pytest.mark.streams
@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded errors are not beside the checkout")
@pytest.mark.parametrize("row", recorded(), ids=lambda row: f"{row['status']}-{row['endpoint']}")
def test_every_recorded_error_keeps_its_own_words(row):
    failure = of(row["status"], row["body"].encode(), row["headers"])
    data = json.loads(row["body"])
    assert " ".join(own_message(data).split()) in failure.message
    assert failure.kind is recorded_kind(row)
    assert failure.kind.exit_status is EXITS[failure.kind]
    assert failure.status == row["status"]
    assert failure.retryable == (row["status"] == 429)
    assert failure.hint
    if "request_id" in data and not row["headers"]:
        assert failure.request_id == data["request_id"]


# --- shapes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "No such thing", "type": "x", "code": None}}, "No such thing"),
        ({"type": "error", "error": {"type": "x", "message": "Max 5"}, "request_id": "r"}, "Max 5"),
        ({"error": {"code": 400, "message": "Bad field", "status": "X"}}, "Bad field"),
        ([{"error": {"code": 400, "message": "In a list"}}], "In a list"),
        ({"code": "invalid-argument", "error": "Wrong effort"}, "Wrong effort"),
        ({"detail": "Not like this"}, "Not like this"),
        ({"id": "1", "message": "invalid tool"}, "invalid tool"),
        ({"detail": {"response": "No provider", "cause": "None configured"}}, "No provider"),
        ({"detail": {"response": "No provider", "cause": "None configured"}}, "None configured"),
        (
            {"detail": [{"loc": ["body", "query"], "msg": "field required", "type": "missing"},
                        {"loc": ["body", 0], "msg": "too short", "type": "x"}]},
            "body.query: field required; body.0: too short",
        ),
        ({"error": "model is loading"}, "model is loading"),
        ({"object": "error", "message": "Unknown field", "type": "x", "code": "1500"}, "Unknown"),
        ({"code": 40001, "message": "no such conversation"}, "no such conversation"),
        ({"errors": [{"message": "first"}, {"message": "second"}]}, "first; second"),
        ({"error": {"message": '{"error": {"message": "wrapped"}}'}}, "wrapped"),
        ({"error": {"message": "line one\n  line two"}}, "line one line two"),
        (b"plain words", "plain words"),
        (b'data: {"error": {"message": "framed"}}\n\n', "framed"),
        (b'event: error\r\ndata: {"error": "framed too"}\r\n\r\n', "framed too"),
        (b"\xef\xbb\xbf" + b'{"error": "after a mark"}', "after a mark"),
        (b"\xff\xfe broken", "broken"),
    ],
)  # fmt: skip
def test_the_words_are_found_in_every_shape(body, words):
    failure = of(400, body)
    assert words in failure.message
    assert failure.message.startswith("acme can't take the request (400): ")
    assert failure.kind is ErrorKind.BAD_REQUEST


def test_what_openrouter_passes_on():
    raw = json.dumps({"error": {"message": "upstream says no", "code": "x"}})
    for given, words in ((raw, "upstream says no"), ("just text", "just text")):
        metadata = {"provider_name": "Some AI", "raw": given}
        body = {"error": {"code": 502, "message": "Provider returned error", "metadata": metadata}}
        failure = of(502, body)
        assert "Provider returned error" in failure.message
        assert f"Some AI: {words}" in failure.message


def test_what_groq_s_model_had_written():
    error = {
        "message": "Failed",
        "code": "tool_use_failed",
        "failed_generation": '{"name": 1}\n' * 99,
    }
    failure = of(400, {"error": error})
    assert '{"name": 1} {"name": 1}' in failure.message
    assert len(failure.message) < 600


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (b"<html><head><title>502 Bad\n Gateway</title></head><body>x</body></html>",
         "it answered with a web page (502 Bad Gateway)"),
        (b"<!DOCTYPE html><h1>Oops</h1>", "it answered with a web page"),
        (b"<?xml version='1.0'?><Error><Code>X</Code></Error>", "it answered with a web page"),
        (json.dumps({"detail": "<html><title>A &amp; B</title></html>"}).encode(), "(A & B)"),
        (b"<html><title><script>x</script></title></html>", "it answered with a web page"),
    ],
)  # fmt: skip
def test_a_web_page_is_never_quoted(page, words):
    failure = of(502, page)
    assert words in failure.message
    assert "<" not in failure.message
    assert failure.kind is ErrorKind.SERVER


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"{}", b"[]", b"[[[[[[[[]]]]]]]]", b"[" * 50_000, b'{"error":' * 30_000, b"0",
     b'{"error": null, "message": 5}', b"\x00", b'{"error": {"error": {"error": {}}}}',
     b'{"message": {"message": {"message": {"message": {"message": "deep"}}}}}'],
)  # fmt: skip
def test_nothing_to_say_is_still_a_failure(body):
    failure = of(500, body)
    assert failure.kind is ErrorKind.SERVER
    assert failure.message.startswith("acme had an error of its own (500)")
    assert len(failure.message) < 1100


@pytest.mark.parametrize("body", [bytes(range(256)), b"\0\0\0", b"\x1f\x8b\x08\xff\xfe\xfd"])
def test_bytes_that_are_no_text_are_not_quoted(body):
    failure = failure_of_response(500, {}, body, provider="p")
    assert failure.message.endswith("it answered with something that isn't text")


def test_a_character_that_was_damaged_is_quoted_with_the_rest():
    failure = failure_of_response(500, {}, b"no caf\xe9 here", provider="p")
    assert "no caf\ufffd here" in failure.message


def test_long_words_are_cut():
    for body in ({"error": {"message": "x" * 50_000}}, b"y" * 50_000):
        assert len(of(500, body).message) < 1100


# --- kinds ------------------------------------------------------------------------------------

K = ErrorKind


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"message": "no"}, K.BAD_REQUEST),
        (422, {"message": "no"}, K.BAD_REQUEST),
        (401, {"message": "no"}, K.KEY_REJECTED),
        (402, {"message": "Insufficient Balance"}, K.QUOTA),
        (403, {"message": "no", "type": "permission_error"}, K.REFUSED),
        (403, {"message": "Your API key was reported as leaked"}, K.KEY_REJECTED),
        (403, {"message": "Free tier of the model has been exhausted"}, K.QUOTA),
        (404, {"message": "no"}, K.NOT_FOUND),
        (405, {"message": "no"}, K.REFUSED),
        (408, {"message": "no"}, K.TIMEOUT),
        (409, {"message": "no"}, K.REFUSED),
        (413, {"message": "no"}, K.TOO_LONG),
        (413, {"message": "Request too large: tokens per minute", "code": "rate_limit_exceeded"},
         K.TOO_LONG),
        (429, {"message": "no"}, K.RATE_LIMITED),
        (429, {"message": "You exceeded your current quota, please check your plan and billing",
               "code": "insufficient_quota"}, K.QUOTA),
        (429, {"message": "Rate limit reached on tokens per min: try again in 1.2s",
               "code": "rate_limit_exceeded", "type": "tokens"}, K.RATE_LIMITED),
        (429, {"message": "The model quota has been exceeded"}, K.QUOTA),
        (429, {"message": "User 1 has no available tokens"}, K.QUOTA),
        (429, {"message": "busy", "type": "engine_overloaded_error"}, K.OVERLOADED),
        (400, {"message": "Your credit balance is too low to access the API",
               "type": "invalid_request_error"}, K.QUOTA),
        (400, {"message": "x", "code": "context_length_exceeded"}, K.TOO_LONG),
        (400, {"message": "the request exceeds the available context size",
               "type": "exceed_context_size_error", "code": 400}, K.TOO_LONG),
        (400, {"message": "The input token count (9) exceeds the maximum number of tokens"},
         K.TOO_LONG),
        (400, {"message": "max_tokens is too large: 99. It supports at most 5"}, K.BAD_REQUEST),
        (400, {"message": "Invalid model: foo", "type": "invalid_model"}, K.NOT_FOUND),
        (400, {"message": "filtered", "code": "content_filter"}, K.REFUSED),
        (418, {"message": "teapot"}, K.REFUSED),
        (500, {"message": "no"}, K.SERVER),
        (503, {"message": "no"}, K.SERVER),
        (503, {"message": "The model is overloaded", "status": "UNAVAILABLE"}, K.OVERLOADED),
        (504, {"message": "no"}, K.TIMEOUT),
        (529, {"message": "no"}, K.OVERLOADED),
    ],
)  # fmt: skip
def test_kinds_of_answers(status, error, kind):
    failure = of(status, {"error": error})
    assert failure.kind is kind
    assert error["message"] in failure.message
    assert f"({status})" in failure.message


def gemini_429(quota, delay="48s"):
    details = [
        {"@type": "…QuotaFailure", "violations": [{"quotaId": quota}]},
        {"@type": "…RetryInfo", "retryDelay": delay},
    ]
    message = "You exceeded your current quota, please check your plan and billing details."
    error = {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details}
    return {"error": error}


def test_gemini_s_quotas_a_minute_and_a_day():
    minute = of(429, gemini_429("GenerateContentInputTokensPerModelPerMinute"))
    assert (minute.kind, minute.retryable) == (ErrorKind.RATE_LIMITED, True)
    day = of(429, gemini_429("GenerateRequestsPerDayPerProjectPerModel-FreeTier"))
    assert (day.kind, day.retryable) == (ErrorKind.QUOTA, False)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
         K.OVERLOADED, "Overloaded"),
        ({"type": "error", "code": "server_error", "message": "Oh no", "param": None},
         K.SERVER, "Oh no"),
        ({"type": "error", "error": {"code": "rate_limit_exceeded", "message": "Slow"}},
         K.RATE_LIMITED, "Slow"),
        ({"code": "invalid_prompt", "message": "Bad prompt", "type": "invalid_request_error"},
         K.BAD_REQUEST, "Bad prompt"),
        ({"code": "invalid_prompt", "message": "Bad prompt"}, K.BAD_REQUEST, "Bad prompt"),
        ({"code": "image_parse_error", "message": "No image"}, K.BAD_REQUEST, "No image"),
        ({"code": "image_content_policy_violation", "message": "No"}, K.REFUSED, "No"),
        ({"code": "vector_store_timeout", "message": "Late"}, K.TIMEOUT, "Late"),
        ({"error": {"code": 502, "message": "Upstream"}}, K.SERVER, "Upstream"),
        ({"error": {"code": "429", "message": "Slow"}}, K.RATE_LIMITED, "Slow"),
        ({"code": 401, "message": "User not found."}, K.KEY_REJECTED, "User not found."),
        ({"status_code": 413, "response": "Too big", "cause": "9 > 5"}, K.TOO_LONG, "9 > 5"),
        ({"error": {"message": "Bad call", "status_code": 400, "failed_generation": "<f>"}},
         K.BAD_REQUEST, "<f>"),
        ({"error": {"message": "Too many stops", "http_status_code": 422}},
         K.BAD_REQUEST, "Too many stops"),
        ({"code": "budget_exceeded", "message": "Budget"}, K.QUOTA, "Budget"),
        ("an error was encountered", K.SERVER, "an error was encountered"),
        ({"type": "api_error", "message": "Internal"}, K.SERVER, "Internal"),
        ({"type": "timeout_error", "message": "Late"}, K.TIMEOUT, "Late"),
        (None, K.SERVER, "had an error"),
        (5, K.SERVER, "had an error"),
    ],
)  # fmt: skip
def test_errors_inside_a_stream(error, kind, words):
    failure = failure_of_error(error, provider="acme", request_id="r-1")
    assert failure.kind is kind
    assert words in failure.message
    assert failure.request_id == "r-1"
    assert failure.retryable == (kind in (K.OVERLOADED, K.SERVER, K.RATE_LIMITED, K.TIMEOUT))


def test_the_status_of_a_stream_is_not_the_status_of_its_error():
    failure = failure_of_error({"code": 503, "message": "overloaded"}, status=200)
    assert failure.kind is ErrorKind.OVERLOADED
    assert failure.status == 503
    assert failure_of_error("no", status=200).status == 200


# --- ids, hints, other bodies -----------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["X-Request-Id", "request-id", "Apim-Request-Id", "x-generation-id"]
)
def test_request_ids_from_headers(name):
    assert of(500, b"", {name: "r-9"}).request_id == "r-9"


def test_request_ids_from_bodies():
    assert (
        of(500, {"type": "error", "error": {"message": "x"}, "request_id": "r"}).request_id == "r"
    )
    assert of(400, {"id": "c", "message": "x"}).request_id == "c"
    assert of(400, {"error": {"message": "x"}}).request_id is None


def test_hints_name_what_to_do():
    assert "chatterm key set acme" in of(401, b"").hint
    assert "chatterm models acme" in of(404, b"").hint
    assert "new conversation" in of(413, b"").hint
    assert "billing" in of(402, b"").hint


@pytest.mark.parametrize(
    ("data", "is_error"),
    [
        ({"error": {"message": "x"}}, True),
        ({"error": "x"}, True),
        ([{"error": "x"}], True),
        ({"type": "error", "message": "x"}, True),
        ({"detail": "x"}, True),
        ({"code": 401, "message": "x"}, True),
        ({"object": "response", "error": None, "output": []}, False),
        ({"choices": []}, False),
        ({"code": 0, "data": {}}, False),
        ([{"candidates": []}, {"error": 1}], False),
        ("x", False),
    ],
)
def test_errors_with_status_200_are_told_from_replies(data, is_error):
    assert (error_in(data) is not None) == is_error
