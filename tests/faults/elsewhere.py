"""Faults on the way and elsewhere: redirects, TLS, proxies, servers that give the key away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

from faults.answers import HTML, JSON, PAGE, error, error_event
from faults.connections import in_character
from faults.fault import KEY, OTHER_HOST, Fault, Where, acted, always, everything, raw, sent
from faults.replies import PROTOCOLS, Reply
from faultserver import Answer, Cut, Pause, Stall


def redirects() -> Iterator[Fault]:
    """Redirects are told and never followed: the other host hears nothing."""
    away = partial(Fault, chapter="redirect", ends=("refused",))
    for status in (301, 302, 303, 307, 308):
        there = Answer(PAGE, status, {"Location": f"{OTHER_HOST}/v1/chat/completions", **HTML})
        yield away(f"redirect {status} to another host", answers=always(there))
    places = {
        "to another path": "/elsewhere?x=1",
        "to a file": "file:///etc/passwd",
        "to nowhere": "",
        "to no address": "http://[::1",
        "with the key in it": f"{OTHER_HOST}/?key={KEY}",
        "with a user in it": f"http://{KEY}:x@127.0.0.1:1/",
    }
    for name, place in places.items():
        yield away(f"redirect {name}", answers=always(Answer(b"", 307, {"Location": place})))
    yield away("redirect without a place", answers=always(Answer(b"", 302)))
    yield away("not modified", answers=raw(b"HTTP/1.1 304 Not Modified\r\n\r\n"))


def _echo(reply: Reply) -> bytes:
    words = f"Incorrect API key provided: {KEY}."
    return reply.until(reply.place("call")).body + error_event(
        reply.protocol, words, "invalid_api_key", 401
    )


def given_away() -> Iterator[Fault]:
    """Servers that say the key aloud: it is in nothing that is shown, logged or kept."""
    said = partial(Fault, chapter="key")
    told = error(f"Incorrect API key provided: {KEY}. Find yours at https://x.invalid/?k={KEY}")
    for status, kinds in (
        (401, ("key_rejected",)),
        (400, ("key_rejected", "bad_request")),
        (403, ("key_rejected", "refused")),
    ):
        yield said(
            f"the key in an error {status}", answers=always(Answer(told, status, JSON)), ends=kinds
        )
    yield said(
        "the key in an error 200", answers=always(Answer(told, 200, JSON)), ends=("key_rejected",)
    )
    page = (
        b"<html><title>401 "
        + KEY.encode()
        + b"</title><body>Bearer "
        + KEY.encode()
        + b"</body></html>"
    )
    yield said(
        "the key in a page",
        answers=always(Answer(page, 403, HTML)),
        ends=("refused", "key_rejected"),
    )
    yield said(
        "the key in a page with 200",
        answers=always(Answer(page, 200, HTML)),
        ends=("stream_invalid",),
    )
    ids = {"x-request-id": KEY, "request-id": f"req-{KEY}", **JSON}
    yield said(
        "the key in the request's id",
        answers=always(Answer(error(), 400, ids)),
        ends=("bad_request",),
    )
    yield said(
        "the key in an error inside",
        answers=sent(_echo),
        ends=("key_rejected", "server"),
        keeps=lambda r: r.until(r.place("call")).text,
    )
    late = error("x" * 65_500 + KEY)
    yield said(
        "the key where an error is cut",
        answers=always(Answer(late, 400, JSON)),
        ends=("bad_request",),
    )
    words = Answer(f"denied for {KEY}".encode(), 403, {"Content-Type": "text/plain"})
    yield said("the key in words", answers=always(words), ends=("refused",))
    spelt = json.dumps(
        {"error": {"message": f"bad {KEY}", "key": KEY, "headers": {"authorization": KEY}}}
    )
    yield said(
        "the key everywhere in an error",
        answers=always(Answer(spelt.encode(), 422, JSON)),
        ends=("bad_request",),
    )


def _cut_inside(reply: Reply) -> list[bytes | Pause | Cut]:
    return [reply.body[: in_character(reply)], Pause(0.05), Cut()]


def tls() -> Iterator[Fault]:
    """TLS that fails: before a word is sent, or in the middle."""
    fails = partial(Fault, chapter="tls", answers=always(), ends=("tls",))
    yield fails("a certificate that isn't trusted", where=Where.UNTRUSTED)
    yield fails("another host's certificate", where=Where.OTHER_NAME)
    yield fails("a certificate out of date", where=Where.EXPIRED)
    yield fails("https to a server without TLS", where=Where.NO_TLS, ends=("tls", "network"))
    over = partial(Fault, chapter="tls", where=Where.TLS)
    yield over(
        "TLS cut in the middle",
        answers=acted(_cut_inside),
        ends=("stream_cut",),
        keeps=lambda r: r.text_before(in_character(r)),
        exact=False,
    )
    yield over(
        "TLS, ended by the connection",
        answers=sent(lambda r: r.until(r.place("last")).body, framing="eof"),
        ends=("stream_cut",),
        keeps=everything,
    )
    yield over("TLS cut before the answer", answers=raw(Cut()), ends=("network", "tls"), sends=None)
    yield over(
        "TLS as it should be",
        answers=sent(lambda r: r.body),
        ends=("completed",),
        keeps=everything,
        whole=True,
    )


def proxies() -> Iterator[Fault]:
    """Proxies that answer in the server's place, and tunnels that don't open."""
    through = partial(Fault, chapter="proxy", where=Where.PROXY)
    yield through(
        "a proxy's page 502", answers=always(Answer(PAGE, 502, HTML)), ends=("server",), sends=2
    )
    yield through(
        "a proxy that wants a password",
        answers=always(Answer(PAGE, 407, HTML)),
        ends=("refused", "network", "key_rejected"),
    )
    yield through(
        "a proxy's page with 200", answers=always(Answer(PAGE, 200, HTML)), ends=("stream_invalid",)
    )
    yield through("a proxy that hangs up", answers=raw(Cut()), ends=("network",), sends=2)
    yield through(
        "a proxy that redirects",
        answers=always(Answer(PAGE, 302, {"Location": OTHER_HOST})),
        ends=("refused",),
    )
    yield through(
        "a proxy that passes it on",
        answers=sent(lambda r: r.body),
        ends=("completed",),
        keeps=everything,
        whole=True,
    )
    tunnel = partial(Fault, chapter="proxy", where=Where.TUNNEL, ends=("network",))
    yield tunnel("no tunnel, 403", answers=always(Answer(PAGE, 403, HTML)))
    yield tunnel("no tunnel, 407", answers=always(Answer(b"", 407)))
    yield tunnel("no tunnel, 502", answers=always(Answer(PAGE, 502, HTML)))
    yield tunnel("a tunnel that is closed", answers=raw(Cut()))
    yield tunnel(
        "a tunnel to no TLS",
        answers=raw(b"HTTP/1.1 200 OK\r\n\r\n<html>hello</html>\n"),
        ends=("tls", "network"),
    )
    yield tunnel(
        "a tunnel that is cut",
        answers=raw(b"HTTP/1.1 200 OK\r\n\r\n", Pause(0.05), Cut()),
        ends=("network", "tls"),
    )
    yield tunnel("a tunnel that stays silent", answers=raw(Stall()), ends=("timeout",), hasty=True)


def refused() -> Iterator[Fault]:
    """Nobody listens."""
    yield Fault(
        "the connection is refused", "no answer", always(), ("network",), where=Where.REFUSED
    )


def openings() -> Iterator[Fault]:
    """The request that makes a conversation fails (luxx)."""
    opening = partial(Fault, chapter="opening", opening=True, protocols=("luxx",))
    yield opening(
        "no conversation: 500", answers=always(Answer(error(), 500, JSON)), ends=("server",)
    )
    yield opening(
        "no conversation: 401",
        answers=always(Answer(error("log in"), 401, JSON)),
        ends=("key_rejected",),
    )
    yield opening(
        "no conversation: a page", answers=always(Answer(PAGE, 200, HTML)), ends=("stream_invalid",)
    )
    yield opening("no conversation: nothing", answers=always(Answer(b"")), ends=("stream_invalid",))
    yield opening(
        "no conversation: JSON cut",
        answers=always(Answer([b'{"code": 0, "data": {"id', Cut()])),
        ends=("stream_invalid", "stream_cut"),
    )
    yield opening(
        "no conversation: no id",
        answers=always(Answer(b'{"code": 0, "data": {}}')),
        ends=("stream_invalid",),
    )
    yield opening(
        "no conversation: the key",
        answers=always(Answer(error(f"no {KEY}"), 403, JSON)),
        ends=("refused",),
    )
    yield opening("no conversation: hung up", answers=raw(Cut()), ends=("network",))
    yield opening("no conversation: silence", answers=raw(Stall()), ends=("timeout",), hasty=True)
    there = Answer(b"", 307, {"Location": f"{OTHER_HOST}/conversations"})
    yield opening("no conversation: redirected", answers=always(there), ends=("refused",))


FAULTS = [*redirects(), *given_away(), *tls(), *proxies(), *refused(), *openings()]
__all__ = ["FAULTS", "PROTOCOLS"]
