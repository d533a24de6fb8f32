"""Bytes into events, however the bytes were cut."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatterm.errors import ErrorKind
from chatterm.providers.sse import EventTooLarge, JsonFramer, Shape, SseFramer, shape_of

ODD = "\u2028\u0085\x0b\x0c\x1c é 🙂"  # str.splitlines would cut all of these


def read(framer, *chunks):
    events = [event for chunk in chunks for event in framer.feed(chunk)]
    return events + framer.finish()


def events_of(*chunks):
    return read(SseFramer(), *chunks)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"data: a\n\n", [(None, "a")]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [(None, "a"), (None, "b"), (None, "c")]),
        (b"data: a\r\n\ndata: b\n\r\n", [(None, "a"), (None, "b")]),
        (b"data:a\n\ndata:  b\n\n", [(None, "a"), (None, " b")]),
        (b"data: a\ndata: b\ndata\ndata:\n\n", [(None, "a\nb\n\n")]),
        (b"event: x\ndata: a\n\ndata: b\n\n", [("x", "a"), (None, "b")]),
        (b"data: a\nevent:x\n\n", [("x", "a")]),
        (b"event:\ndata: a\n\n", [(None, "a")]),
        (b"event: x\nevent: y\ndata: a\n\n", [("y", "a")]),
        (b"id: 1\n\nretry: 5\n\n: note\n\nevent: x\n\n", []),
        (b"id: 1\ndata: a\n\n", [(None, "a")]),
        (b": note\ndata: a\n: note\n\n", [(None, "a")]),
        (b"data\n\n", [(None, "")]),
        (b"\n\n\n\ndata: a\n\n\n\n\ndata: b\n\n", [(None, "a"), (None, "b")]),
        (b"\ndata: a\n\n", [(None, "a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [(None, "a")]),
        (b"\xef\xbb\xbf: note\n\ndata: a\n\n", [(None, "a")]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [(None, "a")]),  # a BOM is one at the start only
        (b"data: a", [(None, "a")]),
        (b"data: a\n", [(None, "a")]),
        (b"data: a\r", [(None, "a")]),
        (b"event: x\r\ndata: a", [("x", "a")]),
        (b"unknown: a\nDATA: b\n\n", []),
        (b'data: a\n\nerror: {"code":500}\n\n', [(None, "a"), ("error", '{"code":500}')]),
        (b"error: plain words\n\n", []),
        (b"data: a: b\n\n", [(None, "a: b")]),
        (b"data: \x00\n\n", [(None, "\x00")]),
        (
            "data: \u2028\u0085\x0b\x0c\x1c é 🙂\n\n".encode(),
            [(None, "\u2028\u0085\x0b\x0c\x1c é 🙂")],
        ),
        (b"data: \xff\xe2\x82\n\ndata: b\n\n", [(None, "\ufffd\ufffd"), (None, "b")]),
        (b"", []),
        (b"\xef\xbb", []),
    ],
)
def test_events_of_a_body_whole_and_byte_by_byte(body, expected):
    assert events_of(body) == expected
    assert events_of(*(body[i : i + 1] for i in range(len(body)))) == expected
    for cut in range(len(body)):
        assert events_of(body[:cut], body[cut:]) == expected


def test_an_event_is_handed_out_as_soon_as_its_blank_line_is_there():
    framer = SseFramer()
    assert framer.feed(b"data: a\r\n") == []
    assert framer.feed(b"\r") == [(None, "a")]
    assert framer.feed(b"\ndata: b\n\n") == [(None, "b")]


def test_events_and_comments_are_signs_of_life_and_bytes_are_not():
    framer = SseFramer()
    framer.feed(b"data: a\n\nda")
    assert framer.signs == 1
    framer.feed(b"ta: long")
    assert framer.signs == 1
    framer.feed(b"\n: still here")
    assert framer.signs == 2  # though the event around it is not finished
    framer.feed(b"\n:\n")
    assert framer.signs == 3
    framer.feed(b"\n: processing\n\n: processing\n\nid: 1\n\n")
    assert framer.signs == 6


def test_signs_do_not_depend_on_the_cuts():
    body = b"\xef\xbb\xbf: a\n: b\n\ndata: x\r\n: c\r\n\r\n:\n\nid: 1\n\ndata: y\n:d"
    whole = SseFramer()
    read(whole, body)
    drip = SseFramer()
    read(drip, *(body[i : i + 1] for i in range(len(body))))
    assert whole.signs == drip.signs == 7


LINES = st.sampled_from(
    [
        b"data: a",
        b"data:\xe2\x82\xac\xf0\x9f\x99\x82",
        b"data",
        b"data: \xff\xe2",
        b"event: x",
        b"event",
        b"id: 1",
        b": c",
        b":",
        b"",
        b"",
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbfdata: z",
        b"junk",
        b"data: \xe2\x80\xa8",
    ]
)
BODIES = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r", b"\r\n"])), max_size=25).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


@settings(max_examples=300)
@given(
    body=BODIES, cuts=st.lists(st.integers(0, 200), max_size=30), tail=st.sampled_from([0, 1, 3])
)
def test_any_split_gives_the_same_events_and_signs(body, cuts, tail):
    body = body[: len(body) - tail]
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    whole, split = SseFramer(), SseFramer()
    assert read(split, *(body[a:b] for a, b in itertools.pairwise(edges))) == read(whole, body)
    assert split.signs == whole.signs


@given(texts=st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"))))
def test_what_is_written_as_events_is_read_back(texts):
    body = "".join(f"data: {text}\n\n" for text in texts).encode()
    assert events_of(body) == [(None, text) for text in texts]


@pytest.mark.parametrize("size", [1000, 7, 1])
def test_an_event_over_the_cap_is_an_error_after_the_events_before_it(size):
    body = b"data: a\n\ndata: " + b"x" * 200 + b"\n\ndata: b\n\n"
    framer = SseFramer(max_event=100)
    events = []

    def read_all():
        for start in range(0, len(body), size):
            events.extend(framer.feed(body[start : start + size]))
        framer.finish()

    with pytest.raises(EventTooLarge) as raised:
        read_all()
    assert events == [(None, "a")]
    assert raised.value.failure.kind is ErrorKind.STREAM_INVALID


def test_a_large_event_is_read_in_linear_time_from_a_drip():
    # Quadratic work on 2 MiB would be some 10^12 byte copies; this ends in seconds or never.
    framer = SseFramer()
    piece = b"x" * 16
    assert framer.feed(b"data: ") == []
    for _ in range(131_072):
        assert not framer.feed(piece)
    ((_, text),) = framer.feed(b"\n\n")
    assert len(text) == 2 * 1024 * 1024
    for _ in range(200_000):
        framer.feed(b"\n")


_ELEMENTS = ['{"a":"],[{"}', "[1,[2]]", '"\\\\\\"]"', "3"]


# --- bodies of JSON ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":1}\n{"b":2}\n', ['{"a":1}', '{"b":2}']),
        (b'\n\r\n {"a":1}\r\n\r\n{"b":2}', ['{"a":1}', '{"b":2}']),
        (b'{\n  "a": 1\n}\n', ['{\n  "a": 1\n}']),
        (b'[{\n"a": 1}\n,\n{"b": 2}]', ['{\n"a": 1}', '{"b": 2}']),
        (b'\xef\xbb\xbf [{"a":"],[{"},[1,[2]],"\\\\\\"]",3\r\n]\n', _ELEMENTS),
        (b'[{"a":1},{"cut', ['{"a":1}', '{"cut']),
        (b"[]", []),
        (b'{"damaged\n{"b":2}\n{"c":3}\n', ['{"damaged', '{"b":2}', '{"c":3}']),
        (b'{"a":1}', ['{"a":1}']),
        (b'\xef\xbb\xbf{"a":1}\n{"b":2}\n', ['{"a":1}', '{"b":2}']),
        ('{"a":"\u2028"}\n{"b":"é"}\n'.encode(), ['{"a":"\u2028"}', '{"b":"é"}']),
        (b'{"a":1}\n{"cut', ['{"a":1}', '{"cut']),
        (b"", []),
    ],
)
def test_json_is_taken_line_by_line_or_whole(body, expected):
    wanted = [(None, text) for text in expected]
    assert read(JsonFramer(), body) == wanted
    assert read(JsonFramer(), *(body[i : i + 1] for i in range(len(body)))) == wanted


def test_lines_of_json_are_handed_out_as_they_come():
    framer = JsonFramer()
    assert framer.feed(b'{"a":1}\n{"b"') == [(None, '{"a":1}')]
    assert framer.feed(b":2}\n") == [(None, '{"b":2}')]
    assert framer.signs == 2


def test_elements_of_an_array_are_handed_out_as_they_come():
    framer = JsonFramer()
    assert framer.feed(b'[{"a":1}\n') == []
    assert framer.feed(b',{"b":') == [(None, '{"a":1}')]
    assert framer.feed(b"[2]}]") == [(None, '{"b":[2]}')]
    assert framer.signs == 2


def test_an_element_over_the_cap_is_an_error():
    framer = JsonFramer(max_event=100)
    assert framer.feed(b'[1,"' + b"x" * 200) == [(None, "1")]
    with pytest.raises(EventTooLarge):
        framer.feed(b"x")


def test_json_over_the_cap_is_an_error():
    framer = JsonFramer(max_event=100)
    assert framer.feed(b'{"a":1}\n"' + b"x" * 200) == [(None, '{"a":1}')]
    with pytest.raises(EventTooLarge):
        framer.feed(b"x")


@pytest.mark.parametrize(
    ("start", "shape"),
    [
        (b"data: {}", Shape.EVENTS),
        (b": hello", Shape.EVENTS),
        (b"\n\nevent: x", Shape.EVENTS),
        (b'{"a"', Shape.JSON),
        (b"\xef\xbb\xbf\r\n [", Shape.JSON),
        (b" <!doctype html>", Shape.PAGE),
        (b" \n", None),
        (b"", None),
    ],
)
def test_the_first_bytes_show_what_a_body_is(start, shape):
    assert shape_of(start) is shape


def test_a_framed_payload_survives_json():
    data = {"text": "line\nbreak \u2028 \u0085 🙂"}
    body = b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"
    ((_, text),) = events_of(body)
    assert json.loads(text) == data
