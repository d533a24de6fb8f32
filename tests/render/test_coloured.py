"""Coloured output: colours come through, and nothing else that a terminal would obey."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.render.coloured import ColouredText
from chatterm.render.lines import Line, Span


def looks(text: str) -> list[Line]:
    made = ColouredText(text)
    return [made.line(number) for number in range(len(made))]


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("31", ("fg:1",)),
        ("1;31", ("bold", "fg:1")),
        ("92;44", ("bg:4", "fg:10")),
        ("38;5;208", ("fg:208",)),
        ("38;2;1;2;255", ("fg:#0102ff",)),
        ("48:2::1:2:3", ("bg:#010203",)),
        ("38:5:9", ("fg:9",)),
        ("4:3", ("underline",)),
        ("3;9;7", ("italic", "reverse", "strike")),
        ("8", ()),
        ("5", ()),
        ("38;5;999", ()),
        ("38;2;1", ()),
        ("", ()),
        (";" * 200 + "31", ()),
    ],
)
def test_colours_and_attributes(codes: str, style: tuple[str, ...]) -> None:
    assert looks(f"\x1b[{codes}mx") == [(Span("x", style),)]


def test_attributes_end() -> None:
    assert looks("\x1b[1;2;3;31mA\x1b[22;23mB\x1b[39mC\x1b[7mD\x1b[0mE") == [
        (
            Span("A", ("bold", "dim", "fg:1", "italic")),
            Span("B", ("fg:1",)),
            Span("C", ()),
            Span("D", ("reverse",)),
            Span("E", ()),
        )
    ]


def test_a_colour_goes_on_until_it_ends() -> None:
    red = ("fg:1",)
    assert looks("\x1b[31ma\nb\nc\x1b[0md\ne") == [
        (Span("a", red),),
        (Span("b", red),),
        (Span("c", red), Span("d", ())),
        (Span("e", ()),),
    ]


def test_text_in_the_colour_of_its_background_is_shown() -> None:
    assert looks("\x1b[31;41mhidden") == [(Span("hidden", ()),)]
    assert looks("\x1b[38;5;7;47mx") == [(Span("x", ()),)]


def test_links_titles_and_movements_are_left_out() -> None:
    hostile = "\x1b]8;;http://x\x07link\x1b]8;;\x07 \x1b]0;title\x07\x1b[2J\x1b[Aup\x1bc\x9b31mx"
    assert looks(hostile) == [(Span("link upx", ()),)]


def test_a_carriage_return_hides_nothing() -> None:
    assert looks("safe\rrm -rf /\r\nx") == [
        (Span("safe", ()),),
        (Span("rm -rf /", ()),),
        (Span("x", ()),),
    ]


TEXT = st.lists(
    st.sampled_from(
        ["a", "bc", "日", "\n", "\r", "\r\n", "\x1b[31m", "\x1b[0m", "\x1b[1", "m", "\t"]
    )
).map("".join)


@given(text=TEXT, cuts=st.lists(st.integers(0, 60)))
def test_it_looks_the_same_however_it_arrives(text: str, cuts: list[int]) -> None:
    made = ColouredText()
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    for start, end in pairwise(places):
        made.feed(text[start:end])
    if not text.endswith("\r"):
        assert [made.line(n) for n in range(len(made))] == looks(text)


@given(text=TEXT, width=st.integers(2, 9))
def test_rows_are_counted_as_they_are_cut(text: str, width: int) -> None:
    made = ColouredText(text)
    rows = [len(made.rows(number, width)) for number in range(len(made))]
    assert made.counts(width) == rows
    assert made.counts(width, 1) == rows[1:]


def test_a_line_without_an_end_is_kept_in_pieces_until_it_is_looked_at() -> None:
    made = ColouredText("\x1b[3")
    for piece in ("1mr", "", "ed", "\r", "x"):
        made.feed(piece)
    assert [made.plain(number) for number in range(len(made))] == ["red", "x"]
    for _ in range(1000):
        made.feed("x")
    assert len(made._rest) > 1000  # nothing was copied
    assert made.plain(1) == "x" * 1001


def test_feeding_says_which_lines_changed() -> None:
    made = ColouredText("a\nb")
    assert made.feed("c\nd") == 1
    assert made.text() == "a\nbc\nd"


@given(st.lists(st.sampled_from(["a", "é", "日", "\t", " ", "\x1b[31m", "\x1b[m", "\x1b]0;t\x07",
                                 "\u202e", "\x1b", "\x9b", "\ufeff", "\u3164"])))  # fmt: skip
def test_plain_is_what_a_line_says_without_its_colours(parts: list[str]) -> None:
    text = ColouredText("".join(parts))
    for number in range(len(text)):
        assert text.plain(number) == "".join(span.text for span in text.line(number))
