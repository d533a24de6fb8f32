"""Faults of the connection: no answer, cut at every kind of place, silent, slow, without end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from faults.fault import Answers, Fault, acted, always, everything, raw, sent
from faults.replies import Reply, framed
from faultserver import Action, Answer, Cut, Pause, Reset, Stall, drip, split

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_IN_PIECES = ("chat", "responses", "anthropic")  # a call's arguments come in pieces
Offset = Callable[[Reply], int]


def no_answer() -> Iterator[Fault]:
    """Nothing that is an HTTP answer, or one without a body."""
    never = partial(Fault, chapter="no answer", ends=("network",), sends=2)
    yield never("closed before the answer", answers=raw(Cut()))
    yield never("reset before the answer", answers=raw(Reset()))
    yield never("closed in the status line", answers=raw(HEAD[:12], Cut()))
    yield never("reset in the head", answers=raw(HEAD, Pause(0.05), Reset()))
    yield never("another protocol", answers=raw(b"SSH-2.0-OpenSSH_9.6\r\n"))
    yield never("a status that is no number", answers=raw(b"HTTP/1.1 abc OK\r\n\r\n"))
    yield never("a head that is none", answers=raw(HEAD + b"\0\r\nno colon\r\n\r\n"))
    yield never("a head without end", answers=raw(HEAD + b"X-A: " + b"a" * 900_000))
    silent = partial(Fault, chapter="no answer", ends=("timeout",), hasty=True)
    yield silent("silence", answers=raw(Stall()))
    yield silent("silence in the head", answers=raw(HEAD, Stall()))
    yield silent("silence after the head", answers=acted(lambda _: [b"", Stall()]))
    empty = partial(Fault, chapter="no answer", ends=("stream_cut", "stream_invalid"), sends=None)
    yield empty("an empty body", answers=always(Answer(b"")))
    yield empty("an empty body by its length", answers=always(Answer(b"", framing="length")))
    yield empty("an empty body by its end", answers=always(Answer(b"", framing="eof")))
    yield empty("no content", answers=raw(b"HTTP/1.1 204 No Content\r\n\r\n"))
    yield empty("only blank lines", answers=always(Answer(b"\n" * 50)))
    yield empty("only comments", answers=always(Answer(b": hello\n\n" * 5)))
    yield Fault(
        "continue, continue, then the answer",
        "no answer",
        lambda reply: [
            Answer(b"HTTP/1.1 100 Continue\r\n\r\n" * 5 + _chunked(reply.body), raw=True)
        ],
        ("completed",),
        everything,
        whole=True,
    )


def in_character(reply: Reply) -> int:
    """The offset of the middle of a character of four bytes."""
    return reply.body.index("🙂".encode()) + 2


def _in_line(reply: Reply) -> int:
    return reply.offset(reply.place("text") + 1) + 3


def _in_string(reply: Reply) -> int:
    return reply.body.index(b" open") + 3


def _between(reply: Reply) -> int:
    return reply.offset(reply.place("text") + 2)


def _in_call(reply: Reply) -> int:
    call = reply.offset(reply.place("call") + (1 if reply.protocol in _IN_PIECES else 0))
    return call + reply.body[call:].index(b"comm") + 2


def _after_call(reply: Reply) -> int:
    return reply.offset(reply.place("last"))


PLACES: dict[str, Offset] = {
    "in a character": in_character,
    "in an event's first line": _in_line,
    "in a JSON string": _in_string,
    "between two events": _between,
    "in a call's arguments": _in_call,
    "after a whole call": _after_call,
}
_ENDS: dict[str, Action] = {"closed": Cut(), "reset": Reset(), "stalled": Stall()}


def _until(offset: Offset, end: Action, **options: str) -> Answers:
    return acted(lambda reply: [reply.body[: offset(reply)], Pause(0.05), end], **options)


def _text_at(offset: Offset) -> Callable[[Reply], str]:
    return lambda reply: reply.text_before(offset(reply))


def cuts() -> Iterator[Fault]:
    """The reply breaks off: at every kind of place, and byte after byte of the way."""
    cut = partial(Fault, chapter="cut", ends=("stream_cut",), exact=False)
    for place, offset in PLACES.items():
        kept = _text_at(offset)
        for end, action in _ENDS.items():
            ends = ("timeout",) if end == "stalled" else ("stream_cut",)
            hasty = end == "stalled"
            yield cut(
                f"{end} {place}", answers=_until(offset, action), ends=ends, keeps=kept, hasty=hasty
            )
        ended = sent(lambda reply, at=offset: reply.body[: at(reply)])
        yield cut(f"ended properly {place}", answers=ended, keeps=kept)
        short = sent(lambda reply, at=offset: reply.body[: at(reply)], framing="eof")
        yield cut(f"ended by the connection {place}", answers=short, keeps=kept)
    for part in range(1, 32):
        offset = partial(_of_the_way, part)
        yield cut(
            f"reset {part}/32 of the way",
            answers=_until(offset, Reset()),
            keeps=_text_at(offset),
            sends=None,
            long=part % 8 != 3,
        )


def _of_the_way(part: int, reply: Reply) -> int:
    return _after_call(reply) * part // 32


def _chunked(body: bytes) -> bytes:
    return CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def lengths() -> Iterator[Fault]:
    """Bodies whose end is told wrongly."""
    told = partial(Fault, chapter="lengths", keeps=everything)
    whole = partial(told, ends=("completed",), whole=True)
    yield whole("closed after the reply, its end untold", answers=acted(lambda r: [r.body, Cut()]))
    yield whole("reset after the reply", answers=acted(lambda r: [r.body, Pause(0.05), Reset()]))
    yield whole("stalled after the reply", answers=acted(lambda r: [r.body, Stall()]))
    yield whole(
        "closed once the reply is over", answers=raw_of(lambda r: [_chunked(r.body), Cut()])
    )
    yield whole("ended by the connection", answers=sent(lambda r: r.body, framing="eof"))
    yield whole("a length longer than the body", answers=raw_of(lambda r: [_sized(r.body, 99)]))
    yield whole("byte after byte", answers=acted(lambda r: split(r.body, 1)))
    yield whole("in pieces of 7 bytes", answers=acted(lambda r: split(r.body, 7)))
    cut = partial(told, ends=("stream_cut",), exact=False)
    yield cut(
        "a length shorter than the body",
        answers=raw_of(lambda r: [_sized(r.body, -(len(r.body) - _after_call(r)))]),
    )
    yield cut(
        "a chunk of no size",
        answers=raw_of(lambda r: [_chunked(r.until(r.place("last")).body)[:-5] + b"zz\r\nx\r\n"]),
    )
    yield cut(
        "a chunk longer than its bytes",
        answers=raw_of(lambda r: [CHUNKED + b"fffff\r\n" + r.until(r.place("last")).body]),
    )


def raw_of(make: Callable[[Reply], list[Action]]) -> Answers:
    """All that is sent, the head included, made of the good reply."""
    return lambda reply: [Answer(make(reply), raw=True)]


def _sized(body: bytes, more: int) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) + more) + body


def _ever(reply: Reply, piece: bytes) -> list[Action]:
    return [reply.until(reply.place("text") + 2).body, *drip(piece * 300, 0.1, len(piece))]


def _two_pieces(reply: Reply) -> str:
    return reply.until(reply.place("text") + 2).text


def without_end() -> Iterator[Fault]:
    """What never ends, slowly or fast."""
    ever = partial(Fault, chapter="without end", ends=("timeout",), keeps=_two_pieces, hasty=True)
    yield ever("comments for ever", answers=acted(lambda r: _ever(r, b": busy\n\n")))
    yield ever("blank lines for ever", answers=acted(lambda r: _ever(r, b"\n")))
    yield ever("one event for ever", answers=acted(lambda r: _ever(r, b"x")))
    unknown = {"type": "ping", "event": "ping"}
    yield ever(
        "unknown events for ever",
        answers=acted(lambda r: _ever(r, framed(r.protocol, unknown))),
    )
    flood = partial(Fault, chapter="without end", ends=("stream_invalid",), keeps=_two_pieces)
    million = b"x" * (1 << 20)
    yield flood(
        "twelve megabytes without a line's end",
        answers=acted(lambda r: [r.until(r.place("text") + 2).body + b"data: ", *[million] * 12]),
    )
    yield Fault(
        "a flood after the end",
        "without end",
        acted(lambda r: [r.body, *[b": x\n\n" * 200_000] * 8, Stall()]),
        ("completed",),
        everything,
        whole=True,
    )
    yield Fault(
        "a call, and comments for ever",
        "without end",
        acted(lambda r: [r.until(r.place("last")).body, *drip(b": busy\n\n" * 300, 0.1, 8)]),
        ("timeout",),
        everything,
        hasty=True,
    )


FAULTS = [*no_answer(), *cuts(), *lengths(), *without_end()]
