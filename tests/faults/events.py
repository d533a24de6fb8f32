"""Faults of the events: doubled, missing, contradictory, trailing, of wrong types, ill-written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from faults.fault import CALLING, Fault, before, everything, sent
from faults.replies import PIECES, Reply, Sent, framed, framed_bytes, reply, said, short

SSE = ("chat", "responses", "anthropic", "gemini", "lightspeed", "luxx", "enclava")
NAMED = ("responses", "anthropic", "luxx", "enclava")
_WHOLE = {"ends": ("completed",), "whole": True}


def doubled() -> Iterator[Fault]:
    """Events that come twice."""
    twice = partial(Fault, chapter="doubled", keeps=everything, **_WHOLE)
    began = ("chat", "responses", "anthropic", "lightspeed")
    yield twice("the start twice", answers=sent(partial(_twice, "start")), protocols=began)
    yield twice("the end twice", answers=sent(partial(_twice, "last")))
    once = ("chat", "responses", "anthropic", "lightspeed", "luxx", "enclava")
    call = partial(twice, protocols=once)
    yield call("the call twice", answers=sent(partial(_twice, "call")))
    yield call("each event of the call twice", answers=sent(_each_twice), protocols=once[3:])
    yield twice(
        "the last text twice",
        answers=sent(
            lambda r: r.until(r.place("call")).body + _again(r) + r.since(r.place("call")).body
        ),
        free=True,
    )
    yield Fault(
        "every event twice",
        "doubled",
        sent(lambda r: b"".join(frame + frame for frame in r.frames())),
        ("completed", "incomplete"),
        lambda r: PIECES[0] if r.protocol != "anthropic" else "",
        free=True,
        whole=None,
        protocols=tuple(p for p in once if p != "chat"),
    )


def _twice(role: str, whole: Reply) -> bytes:
    last = whole.place(role, last=True) + 1
    return whole.until(last).body + whole.only(role).body + whole.since(last).body


def _each_twice(whole: Reply) -> bytes:
    pairs = zip(whole.events, whole.frames(), strict=True)
    return b"".join(frame * (2 if event.role == "call" else 1) for event, frame in pairs)


def _again(whole: Reply) -> bytes:
    return Reply(whole.protocol, (whole.events[whole.place("text", last=True)],)).body


def missing() -> Iterator[Fault]:
    """Events that don't come."""
    without = partial(Fault, chapter="missing", keeps=everything, **_WHOLE)

    def leaving_out(*roles: str) -> Callable[[Reply], Any]:
        return sent(lambda r: r.without(*roles).body)

    yield without("no start", answers=leaving_out("start"))
    yield without("no thinking", answers=leaving_out("think"))
    yield without("nothing opens", answers=leaving_out("open"), protocols=("responses",))
    yield without("nothing closes", answers=leaving_out("close"))
    yield without(
        "nothing opens or closes",
        answers=leaving_out("start", "open", "close"),
        protocols=("responses", "lightspeed"),
    )
    yield without("nothing after the end", answers=leaving_out("after"))
    yield without("no finish reason, but the end", answers=leaving_out("last"), protocols=("chat",))
    yield Fault("no end", "missing", leaving_out("last", "after"), ("stream_cut",), everything)
    yield Fault(
        "only the end",
        "missing",
        sent(lambda r: r.only("start", "last", "after").body),
        ("completed", "incomplete"),
    )
    yield Fault(
        "only the start",
        "missing",
        sent(lambda r: r.only("start").body),
        ("stream_cut",),
        protocols=("chat", "responses", "anthropic", "lightspeed"),
        sends=None,
    )
    lost = partial(
        Fault,
        chapter="missing",
        ends=("completed", "incomplete"),
        keeps=before("call"),
        free=True,
        whole=None,
    )
    yield lost("a call without its beginning", answers=sent(partial(_without_call, 0)))
    yield lost("a call without its end", answers=sent(partial(_without_call, -1)))
    yield lost(
        "a call without its middle",
        answers=sent(partial(_without_call, 2)),
        protocols=("chat", "responses", "anthropic"),
    )


def _without_call(which: int, whole: Reply) -> bytes:
    places = [number for number, event in enumerate(whole.events) if event.role == "call"]
    gone = places[which]
    return whole.until(gone).body + whole.since(gone + 1).body


# How each protocol says that it ended for want of tokens.
_LENGTH: dict[str, tuple[str, Any]] = {
    "chat": ("last", {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}),
    "responses": (
        "last",
        {
            "type": "response.incomplete",
            "response": {
                "status": "incomplete",
                "incomplete_details": {"reason": "max_output_tokens"},
            },
        },
    ),
    "gemini": ("last", {"candidates": [{"index": 0, "finishReason": "MAX_TOKENS"}]}),
    "ollama": ("last", {"message": {"content": ""}, "done": True, "done_reason": "length"}),
    "enclava": (
        "last",
        {
            "object": "response",
            "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"},
        },
    ),
}


def _cut_by_length(whole: Reply) -> bytes:
    if whole.protocol == "anthropic":
        number = whole.place("close", last=True)
        data: Any = {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}}
    else:
        role, data = _LENGTH[whole.protocol]
        number = whole.place(role)
    events = list(whole.events)
    name = data.get("type") if whole.protocol != "enclava" else "response.incomplete"
    events[number] = replace(events[number], data=data, name=name)
    return Reply(whole.protocol, tuple(events)).body


def contradictory() -> Iterator[Fault]:
    """Events that disagree with one another."""
    odd = partial(Fault, chapter="contradictory", keeps=everything)
    yield odd(
        "at the token limit, with a call",
        answers=sent(_cut_by_length),
        ends=("incomplete",),
        protocols=(*_LENGTH, "anthropic"),
    )
    yield odd(
        "a call is said to come, and doesn't",
        answers=sent(_no_such_call),
        ends=("completed",),
        protocols=("chat", "anthropic"),
    )
    yield odd(
        "a call comes, and none is said to",
        answers=sent(_unsaid_call),
        protocols=("chat", "anthropic"),
        **_WHOLE,
    )
    yield odd(
        "names that say something else",
        answers=sent(_misnamed),
        protocols=("responses", "anthropic"),
        **_WHOLE,
    )
    yield odd("no names", answers=sent(_unnamed), protocols=("responses", "anthropic"), **_WHOLE)
    yield odd(
        "negative, huge and wordy usage", answers=sent(_odd_usage), ends=("completed",), whole=True
    )
    yield odd(
        "the end before everything",
        answers=sent(lambda r: r.only("last").body + r.body),
        ends=("completed", "incomplete"),
        keeps=lambda _: "",
        free=True,
        whole=None,
    )
    yield odd(
        "in reverse",
        answers=sent(lambda r: b"".join(reversed(list(r.frames())))),
        ends=("completed", "incomplete", "stream_cut"),
        keeps=lambda _: "",
        free=True,
        whole=None,
        sends=None,
    )
    yield odd(
        "another protocol's stream",
        answers=sent(_other_protocol),
        ends=("stream_cut", "stream_invalid", "completed"),
        keeps=lambda _: "",
        free=True,
        whole=None,
        sends=None,
    )


def _no_such_call(whole: Reply) -> bytes:
    return whole.without("call").body


def _unsaid_call(whole: Reply) -> bytes:
    quiet = reply(whole.protocol, call=False)
    role = "last" if whole.protocol == "chat" else "close"
    number, other = whole.place(role, last=True), quiet.place(role, last=True)
    return whole.with_data(number, quiet.events[other].data).body


def _misnamed(whole: Reply) -> bytes:
    return b"".join(framed(whole.protocol, e.data, "ping") for e in whole.events)


def _unnamed(whole: Reply) -> bytes:
    return b"".join(framed(whole.protocol, e.data) for e in whole.events)


_NUMBERS = (-5, 1e308, 10**30, "many", None, [], {}, True)


def _odd_usage(whole: Reply) -> bytes:
    def odd(value: Any, number: int) -> Any:
        if isinstance(value, dict):
            return {k: odd(v, number + n) for n, (k, v) in enumerate(value.items())}
        return _NUMBERS[number % len(_NUMBERS)]

    usages = (
        "usage",
        "usageMetadata",
        "token_count",
        "prompt_eval_count",
        "eval_count",
        "input_tokens",
        "output_tokens",
    )

    def changed(value: Any, number: int) -> Any:
        if isinstance(value, dict):
            return {
                k: odd(v, number) if k in usages else changed(v, number) for k, v in value.items()
            }
        return [changed(v, number) for v in value] if isinstance(value, list) else value

    events = [replace(e, data=changed(e.data, n)) for n, e in enumerate(whole.events)]
    return Reply(whole.protocol, tuple(events)).body


def _other_protocol(whole: Reply) -> bytes:
    other = "anthropic" if whole.protocol != "anthropic" else "chat"
    return reply(other).body


def trailing() -> Iterator[Fault]:
    """What comes after the end."""
    after = partial(Fault, chapter="trailing", keeps=everything, **_WHOLE)
    yield after("garbage after the end", answers=sent(lambda r: r.body + b"\0\xff}{]garbage\n\n"))
    yield after("a page after the end", answers=sent(lambda r: r.body + b"<html>late</html>\n\n"))
    yield after(
        "text after the end", answers=sent(lambda r: r.body + r.only("text").body), free=True
    )
    yield after(
        "a whole reply after the end",
        answers=sent(lambda r: r.body + short(r.protocol, "Once more.").body),
        free=True,
    )
    unended = ("chat", "gemini")  # an error says more than the finish reason before it
    yield after(
        "an error after the end",
        answers=sent(lambda r: r.body + framed(r.protocol, {"error": {"message": "late"}})),
        protocols=tuple(
            p for p in (*CALLING, "lightspeed", "luxx", "enclava") if p not in unended[1:]
        ),
    )


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in items:
        yield from _paths(inner, (*path, key))


def _changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = _changed(value[path[0]], path[1:], new)
    return changed


_VALUES: dict[str, Any] = {
    "null": None,
    "a number": 5,
    "a list": [1],
    "an object": {"a": 1},
    "true": True,
    "a text": "x",
}


def _wrong(new: Any, whole: Reply) -> bytes:
    bad = []
    for event in whole.events:
        if event.role in ("text", "think", "open", "close", "start") and not isinstance(
            event.data, str
        ):
            bad += [
                replace(event, data=_changed(event.data, path, new)) for path in _paths(event.data)
            ]
    first = whole.place("text") + 1
    return (
        whole.until(first).body + Reply(whole.protocol, tuple(bad)).body + whole.since(first).body
    )


def wrong_types() -> Iterator[Fault]:
    """Every field of every event, once with a value of another type."""
    for name, value in _VALUES.items():
        yield Fault(
            f"every field once {name}",
            "types",
            sent(partial(_wrong, value)),
            ("completed", "incomplete", "server", "stream_cut", "refused", "bad_request"),
            lambda r: (
                ""
                if r.protocol == "anthropic"
                else PIECES[0][:1]
                if r.protocol in ("luxx", "responses")
                else ""
            ),
            free=True,
            whole=None,
            sends=None,
            shapeless=True,
        )


def _inserted(*frames: Callable[[str], bytes]) -> Callable[[Reply], bytes]:
    def body(whole: Reply) -> bytes:
        number = whole.place("text") + 1
        more = b"".join(frame(whole.protocol) for frame in frames)
        return whole.until(number).body + more + whole.since(number).body

    return body


def _data(raw: bytes) -> Callable[[str], bytes]:
    return lambda protocol: framed_bytes(protocol, raw)


def odd_events() -> Iterator[Fault]:
    """Events in between that are no JSON, or none that means anything: passed over."""
    between = partial(Fault, chapter="odd event", keeps=everything, **_WHOLE)
    events: dict[str, bytes] = {
        "no JSON": b"not json",
        "half of an object": b'{"choices": [{"delta": {"content": "no',
        "two objects": b"{} {}",
        "an object with a comma too many": b'{"a": 1,}',
        "null": b"null",
        "a number": b"5",
        "a word": b'"word"',
        "a list": b"[1, 2]",
        "an empty object": b"{}",
        "nothing": b"",
        "NaN": b'{"a": NaN, "b": -Infinity}',
        "a number out of range": b'{"a": 1e99999, "b": 1' + b"0" * 5000 + b"}",
        "a key twice": b'{"a": 1, "a": 2}',
        "nested a thousand deep": b'{"a":' * 1000 + b"1" + b"}" * 1000,
        "nested a mile deep": b"[" * 100_000,
        "NUL": b"\0\0\0",
        "a raw NUL in a string": b'{"type": "a\0b"}',
        "no UTF-8": b"\xff\xfe\x80",
        "UTF-16": '{"a": 1}'.encode("utf-16"),
        "an overlong character": b'{"type": "\xc0\xaf"}',
        "half of a character": b'{"type": "\xf0\x9f\x99"}',
        "a lone surrogate": b'{"type": "\\ud83d", "event": "\\udc00"}',
        "an unknown event": b'{"type": "new.thing", "event": "new", "data": {"token": 5}}',
    }
    for name, raw in events.items():
        if name == "nested a mile deep":  # not one that begins a body of JSON lines
            yield between(f"{name} in between", answers=sent(_inserted(_data(raw))))
        else:
            yield between(f"{name} in between", answers=sent(_inserted(_data(raw))))
    yield between(
        "an event of a megabyte in between",
        answers=sent(_inserted(_data(b'{"type": "' + b"x" * (1 << 20) + b'"}'))),
    )
    yield Fault(
        "an event of nine megabytes",
        "odd event",
        sent(_inserted(_data(b'{"type": "' + b"x" * (9 << 20) + b'"}'))),
        ("stream_invalid",),
        lambda _: PIECES[0],
    )


def _first_broken(whole: Reply) -> bytes:
    return framed_bytes(whole.protocol, b'{"half": ') + whole.body


def _with_text(raw: bytes) -> Callable[[Reply], bytes]:
    # The second piece of text is these bytes, as they stand in a JSON string.
    def body(whole: Reply) -> bytes:
        mark = "MARK"
        marked = reply(whole.protocol, [PIECES[0], mark, *PIECES[2:]])
        return marked.body.replace(mark.encode(), raw)

    return body


def odd_texts() -> Iterator[Fault]:
    """Texts with what strings may hold, and with what they may not."""
    text = partial(Fault, chapter="odd text", keeps=lambda _: PIECES[0], free=True, **_WHOLE)
    texts: dict[str, bytes] = {
        "an escaped NUL": b"a\\u0000b",
        "control characters": b"\\u001b[2J\\u001b]0;x\\u0007\\u009b1m\\r\\u0008",
        "a lone surrogate": b"a\\ud83db",
        "surrogates in the wrong order": b"\\udc00\\ud83d",
        "no UTF-8": b"a\xff\xfeb",
        "half of a character": b"a\xf0\x9f\x99b",
        "UTF-8 of a surrogate": b"a\xed\xa0\xbdb",
        "line separators": "\u2028\u2029\u0085\x0b\x0c".encode().replace(
            b"\x0b\x0c", b"\\u000b\\f"
        ),
        "marks of direction": "\u202e\u2066abc\u200b\ufeff".encode(),
    }
    for name, raw in texts.items():
        yield text(f"{name} in the text", answers=sent(_with_text(raw)))
    yield text(
        "a pair of surrogates in two events",
        answers=sent(_pair),
        keeps=lambda _: PIECES[0] + "🙂",
        protocols=tuple(p for p in (*SSE, "ollama") if p != "luxx"),
    )
    yield text("a raw NUL in the text", answers=sent(_with_text(b"a\0b")))
    long = "word " * 60_000
    yield text(
        "a text of 300 kB in one event",
        answers=sent(lambda r: reply(r.protocol, [PIECES[0], long]).body),
        keeps=lambda _: PIECES[0] + long,
        exact=True,
        free=False,
    )
    many = [f"{number} " for number in range(3000)]
    yield text(
        "3,000 small events",
        answers=sent(lambda r: reply(r.protocol, many).body),
        keeps=lambda _: "".join(many),
        exact=True,
        free=False,
        protocols=tuple(p for p in (*SSE, "ollama") if p != "luxx"),  # cumulative: 20 MB
    )


def _pair(whole: Reply) -> bytes:
    halves = reply(whole.protocol, [PIECES[0], "MARK1", "MARK2", *PIECES[2:]])
    return (
        halves.body.replace(b"MARK1MARK2", "🙂".encode())
        .replace(b"MARK1", b"\\ud83d")
        .replace(b"MARK2", b"\\ude42")
    )


def framing() -> Iterator[Fault]:
    """Event streams written in all the ways that they may be."""
    whole = partial(Fault, chapter="framing", keeps=everything, protocols=SSE, **_WHOLE)

    def lines(end: bytes) -> Callable[[Reply], bytes]:
        return lambda r: r.body.replace(b"\r\n", b"\n").replace(b"\n", end)

    yield whole("lines ended by CR", answers=sent(lines(b"\r")))
    yield whole("lines ended by CRLF", answers=sent(lines(b"\r\n")))
    yield whole("lines ended by LF", answers=sent(lines(b"\n")))
    yield whole("a mark of byte order first", answers=sent(lambda r: b"\xef\xbb\xbf" + r.body))
    yield whole("no blank after data:", answers=sent(lambda r: r.body.replace(b"data: ", b"data:")))
    yield whole("no blank line at the end", answers=sent(lambda r: r.body.rstrip(b"\r\n")))
    yield whole("comments, ids and times", answers=sent(_with_fields))
    yield whole("data in several lines", answers=sent(_several_lines))
    yield whole(
        "blank lines everywhere", answers=sent(lambda r: b"\n\n\n".join([b"", *r.frames(), b""]))
    )
    broken = partial(Fault, chapter="framing", keeps=everything, **_WHOLE)
    yield broken("the first event is broken", answers=sent(_first_broken))
    yield broken("lines of JSON, CRLF", answers=sent(lines(b"\r\n")), protocols=("ollama",))
    yield broken(
        "no newline at the end", answers=sent(lambda r: r.body[:-1]), protocols=("ollama",)
    )


def _with_fields(whole: Reply) -> bytes:
    return b"".join(
        b": x\nid: 7\nretry: 10\nunknown: y\n\n" + b"id: 8\n" + f for f in whole.frames()
    )


def _several_lines(whole: Reply) -> bytes:
    frames = []
    for event in whole.events:
        if isinstance(event.data, str):
            frames.append(framed(whole.protocol, event.data))
            continue
        name = f"event: {event.name}\n" if event.name else ""
        data = json.dumps(event.data, ensure_ascii=False, indent=1).split("\n")
        frames.append((name + "".join(f"data: {line}\n" for line in data) + "\n").encode())
    return b"".join(frames)


FAULTS = [
    *doubled(),
    *missing(),
    *contradictory(),
    *trailing(),
    *wrong_types(),
    *odd_events(),
    *odd_texts(),
    *framing(),
]
__all__ = ["FAULTS", "Sent", "said"]
