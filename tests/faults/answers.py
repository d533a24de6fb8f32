"""Faults of the answer: statuses, waits that are asked for, pages and JSON instead of a stream."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from faults.fault import Fault, always, everything, sent
from faults.replies import PROTOCOLS, Reply, framed
from faultserver import Answer

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}
PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body>Please</body></html>"
AGAIN = frozenset({408, 409, 429, *range(500, 1000)})  # statuses that are worth another try

KINDS: dict[int, tuple[str, ...]] = {
    400: ("bad_request",),
    401: ("key_rejected",),
    402: ("quota",),
    403: ("refused",),
    404: ("not_found",),
    405: ("refused",),
    408: ("timeout",),
    409: ("refused",),
    413: ("too_long",),
    418: ("refused",),
    422: ("bad_request",),
    429: ("rate_limited",),
    451: ("refused",),
    500: ("server",),
    501: ("server",),
    502: ("server",),
    503: ("server", "overloaded"),
    504: ("timeout",),
    520: ("server",),
    529: ("overloaded",),
    599: ("server",),
    999: ("server",),
}


def error(message: str = "It broke.", **more: Any) -> bytes:
    """An error object, as most providers send it."""
    return json.dumps({"error": {"message": message, **more}}).encode()


def statuses() -> Iterator[Fault]:
    """Every status, with an error object, with nothing, and with a page."""
    for status, kinds in KINDS.items():
        sends = 2 if status in AGAIN else 1
        anew = ("lightspeed", "luxx") if status == 404 else ()
        answer = partial(Fault, chapter="status", ends=kinds, sends=sends, anew=anew)
        said = Answer(error(), status, JSON)
        yield answer(f"status {status}", answers=always(said))
        yield answer(f"status {status}, no body", answers=always(Answer(b"", status)))
        page = Answer(PAGE, status, HTML)
        yield answer(
            f"status {status}, a page", answers=always(page), long=status not in (401, 502)
        )
    odd = partial(Fault, chapter="status", ends=("server",), sends=2)
    yield odd("status 500, JSON cut", answers=always(Answer(error()[:20], 500, JSON)))
    yield odd("status 500, JSON null", answers=always(Answer(b"null", 500, JSON)))
    yield odd("status 500, binary", answers=always(Answer(bytes(range(256)) * 9, 500)))
    yield odd(
        "status 500, a megabyte", answers=always(Answer(b'{"error":"' + b"x" * 1_000_000, 500))
    )
    deep = b"[" * 50_000
    yield odd("status 500, JSON a mile deep", answers=always(Answer(deep, 500, JSON)))
    odd_keys = json.dumps({"error": {"message": ["no", {"text": 1}], "code": {"a": 1}}}).encode()
    yield odd("status 500, fields of other types", answers=always(Answer(odd_keys, 500, JSON)))
    escapes = error("\x1b]0;owned\x07\x1b[2J red\r\n\u202egnp")
    yield odd("status 500, control characters", answers=always(Answer(escapes, 500, JSON)))


def quotas() -> Iterator[Fault]:
    """Credit that is used up is told as that, and not asked again, whatever its form."""
    spent = partial(Fault, chapter="quota", ends=("quota",))
    words = "You exceeded your current quota, please check your plan and billing details."
    over = error(words, code="insufficient_quota", type="insufficient_quota")
    yield spent("quota with 429", answers=always(Answer(over, 429, JSON)))
    told = {**JSON, "Retry-After": "1"}
    yield spent("quota with 429 and Retry-After", answers=always(Answer(over, 429, told)))
    yield spent("quota with 403", answers=always(Answer(over, 403, JSON)))
    credit = error("Your credit balance is too low", type="invalid_request_error")
    yield spent("no credit with 400", answers=always(Answer(credit, 400, JSON)))
    yield spent("quota with 200", answers=always(Answer(over, 200, JSON)))
    yield spent("quota with 200, a page by its type", answers=always(Answer(over, 200, HTML)))


def waits() -> Iterator[Fault]:
    """Retry-After in its forms: heeded up to a minute, an error when longer, else passed over."""
    limit = error("Slow down.", type="rate_limit_error")

    def busy(status: int = 429, **headers: str) -> Answer:
        return Answer(limit, status, JSON | {k.replace("_", "-"): v for k, v in headers.items()})

    again: dict[str, Answer] = {
        "nothing": busy(),
        "Retry-After 0": busy(Retry_After="0"),
        "Retry-After 0.2": busy(Retry_After="0.2"),
        "Retry-After in the past": busy(Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
        "Retry-After, an old form of date": busy(Retry_After="Sunday, 06-Nov-94 08:49:37 GMT"),
        "Retry-After soon": busy(Retry_After="soon"),
        "Retry-After, empty": busy(Retry_After=""),
        "Retry-After -5": busy(Retry_After="-5"),
        "Retry-After nan": busy(Retry_After="nan"),
        "Retry-After 1e999": busy(Retry_After="1e999"),
        "Retry-After, no such date": busy(Retry_After="Wed, 99 Foo 9999 99:99:99 GMT"),
        "retry-after-ms 50": busy(retry_after_ms="50"),
        "overloaded, 529": Answer(error("Overloaded", type="overloaded_error"), 529, JSON),
        "overloaded, 503": busy(503, Retry_After="0"),
        "x-should-retry with 400": busy(400, x_should_retry="true"),
    }
    for name, answer in again.items():
        yield Fault(
            f"once: {name}",
            "wait",
            lambda reply, answer=answer: [answer, Answer(reply.body)],
            ("completed",),
            everything,
            whole=True,
            sends=2,
        )
    never: dict[str, Answer] = {
        "Retry-After 3600": busy(Retry_After="3600"),
        "Retry-After in 2099": busy(Retry_After="Thu, 31 Dec 2099 23:59:59 GMT"),
        "retry-after-ms 90000": busy(retry_after_ms="90000"),
        "x-should-retry false": busy(x_should_retry="false"),
    }
    for name, answer in never.items():
        yield Fault(name, "wait", always(answer), ("rate_limited", "bad_request"))
    yield Fault(
        "limited for ever", "wait", always(busy(Retry_After="0")), ("rate_limited",), sends=2
    )
    wait = busy(503, Retry_After="3600")
    yield Fault(
        "overloaded, Retry-After 3600",
        "wait",
        always(wait),
        ("server", "overloaded", "rate_limited"),
    )


def not_streams() -> Iterator[Fault]:
    """Status 200, and no stream."""
    page = partial(Fault, chapter="no stream", ends=("stream_invalid",))
    yield page("a page", answers=always(Answer(PAGE, 200, HTML)))
    yield page("a page that says it is a stream", answers=always(Answer(PAGE)))
    yield page("a page after blank lines", answers=always(Answer(b"\r\n \n" + PAGE, 200, HTML)))
    yield page("a page of a megabyte", answers=always(Answer(PAGE + b"x" * 1_000_000, 200, HTML)))
    yield page("an xml document", answers=always(Answer(b'<?xml version="1.0"?><error/>')))
    others = tuple(p for p in PROTOCOLS if p != "lightspeed")  # there it would be the answer
    words = Answer(b"upstream connect error or disconnect/reset before headers", 200)
    yield page("words", answers=always(words), protocols=others)
    odd = partial(
        Fault, chapter="no stream", ends=("stream_cut", "stream_invalid", "server"), sends=None
    )
    for text in ("{}", "[]", "null", "5", '"word"', "[[[", '{"a": {"b"', "[{}, {}]", "\0\0\0\0"):
        protocols = PROTOCOLS if text.startswith("{") else others
        yield odd(
            f"the JSON {text!r}",
            answers=always(Answer(text.encode(), 200, JSON)),
            protocols=protocols,
        )
    for status in (400, 500):
        failed = error(f"It broke with {status}.", code=status)
        ends = ("server", "bad_request", "refused")
        yield Fault(
            f"an error with 200, code {status}",
            "no stream",
            always(Answer(failed, 200, JSON)),
            ends,
            sends=None,
        )


def encodings() -> Iterator[Fault]:
    """Content types that lie, and bodies that were compressed though nobody asked."""
    good = partial(Fault, chapter="encoding", ends=("completed",), keeps=everything, whole=True)
    for kind in (
        "text/html",
        "application/octet-stream",
        "",
        "text/event-stream; charset=utf-16",
        "?",
    ):
        headers = {"Content-Type": kind}
        yield good(f"content type {kind!r}", answers=sent(lambda r: r.body, headers=headers))

    def packed(name: str) -> dict[str, Any]:
        return {"headers": {"Content-Encoding": name}}

    yield good("gzip", answers=sent(lambda r: gzip.compress(r.body), **packed("gzip")))
    yield good("deflate", answers=sent(lambda r: zlib.compress(r.body), **packed("deflate")))
    bad = partial(Fault, chapter="encoding", ends=("stream_invalid",))
    yield bad("gzip that is none", answers=sent(lambda r: r.body, **packed("gzip")))
    yield bad("an unknown compression", answers=sent(lambda r: r.body, **packed("zstd")))
    yield bad(
        "a gzip bomb",
        answers=sent(lambda _: gzip.compress(b"data: " + b"0" * (64 << 20)), **packed("gzip")),
    )
    yield bad(
        "a gzip bomb after the text",
        answers=sent(_bomb, **packed("gzip")),
        keeps=lambda r: r.until(r.place("call")).text,
    )
    yield Fault(
        "gzip cut",
        "encoding",
        sent(lambda r: gzip.compress(r.until(r.place("last")).body)[:-9], **packed("gzip")),
        ("stream_cut",),
        exact=False,
        sends=None,
    )


def _bomb(reply: Reply) -> bytes:
    return gzip.compress(reply.until(reply.place("call")).body + b"data: " + b"0" * (64 << 20))


def error_event(protocol: str, message: str, code: str, status: int) -> bytes:
    """An error inside a stream, as the protocol says it."""
    match protocol:
        case "responses":
            data: Any = {"type": "error", "error": {"message": message, "code": code}}
        case "anthropic":
            data = {"type": "error", "error": {"type": code, "message": message}}
        case "gemini":
            data = {"error": {"code": status, "message": message, "status": code.upper()}}
        case "ollama":
            data = {"error": message}
        case "lightspeed":
            details = {"status_code": status, "response": message, "cause": code}
            data = {"event": "error", "data": details}
        case "luxx":
            return framed(protocol, {"content": message, "code": code}, "error")
        case "enclava":
            failed = {"status": "failed", "error": {"code": code, "message": message}}
            return framed(protocol, {"object": "response", **failed}, "response.failed")
        case _:
            data = {"error": {"message": message, "code": code}}
    return framed(protocol, data, data.get("type"))


def _error_at(role: str | None, *about: Any, then: bool = False) -> Any:
    def body(reply: Reply) -> bytes:
        number = reply.place(role) if role else 0
        rest = reply.since(number).body if then else b""
        return reply.until(number).body + error_event(reply.protocol, *about) + rest

    return sent(body)


def errors_inside() -> Iterator[Fault]:
    """Errors inside a stream whose status was 200: before anything, after text, after a call."""
    overloaded = ("The server is overloaded.", "overloaded_error", 503)
    spent = ("You exceeded your current quota.", "insufficient_quota", 402)
    broken = ("It broke.", "server_error", 500)
    busy = ("overloaded", "server")
    inside = partial(Fault, chapter="error inside")
    yield inside("overloaded first", answers=_error_at(None, *overloaded), ends=busy, sends=2)
    yield Fault(
        "overloaded first, then not",
        "error inside",
        lambda r: [Answer(error_event(r.protocol, *overloaded)), Answer(r.body)],
        ("completed",),
        everything,
        whole=True,
        sends=2,
    )
    middle = partial(inside, keeps=lambda r: r.until(r.place("call")).text)
    yield middle("overloaded after text", answers=_error_at("call", *overloaded), ends=busy)
    yield middle("quota after text", answers=_error_at("call", *spent), ends=("quota",))
    yield middle("broken after text", answers=_error_at("call", *broken), ends=("server",))
    last = partial(middle, keeps=lambda r: r.until(r.place("last")).text)
    yield last("overloaded after a call", answers=_error_at("last", *overloaded), ends=busy)
    yield last(
        "an error, and then the end",
        answers=_error_at("last", *broken, then=True),
        ends=("server",),
    )
    yield inside("quota first", answers=_error_at(None, *spent), ends=("quota",))
    yield middle(
        "an error in the call",
        answers=sent(
            lambda r: r.until(r.place("call") + 1).body + error_event(r.protocol, *broken)
        ),
        ends=("server",),
        protocols=("chat", "responses", "anthropic"),
    )


FAULTS = [*statuses(), *quotas(), *waits(), *not_streams(), *encodings(), *errors_inside()]
