from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.render.lines import Span, cells, crop, cut, line_cells, line_text, split_cells, wrap

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
PIECES = [*"ab .,-", "\u00e9", "e\u0301", "\u65e5", "\u672c", "\u3002", "\U0001f600", FAMILY]
TEXT = st.lists(st.sampled_from(PIECES), max_size=80).map("".join)
SPANS = st.lists(st.builds(Span, TEXT, st.sampled_from([(), ("strong",), ("code",)])), max_size=6)


def texts(lines):
    return [line_text(line) for line in lines]


def test_words_go_to_the_next_line_whole():
    assert texts(wrap([Span("one two three")], 8)) == ["one two", "three"]


def test_a_word_may_have_several_styles():
    lines = wrap([Span("see "), Span("this", ("strong",)), Span(", now")], 9)
    assert lines == [(Span("see "), Span("this", ("strong",)), Span(",")), (Span("now"),)]


def test_a_word_wider_than_the_line_is_cut():
    assert texts(wrap([Span("an abcdefghij k")], 4)) == ["an", "abcd", "efgh", "ij k"]


def test_a_newline_is_always_taken():
    assert texts(wrap([Span("a\nb"), Span("\n\nc")], 10)) == ["a", "b", "", "c"]


def test_no_text_gives_no_lines():
    assert wrap([], 10) == []
    assert wrap([Span("   ")], 10) == []


def test_lines_may_end_around_ideographs_but_not_before_a_full_stop():
    assert texts(wrap([Span("\u65e5\u672c\u8a9e\u3002\u7d42")], 6)) == [
        "\u65e5\u672c",
        "\u8a9e\u3002\u7d42",
    ]


def test_hangul_ends_lines_at_spaces():
    assert texts(wrap([Span("\ud55c\uad6d \uc5b4")], 6)) == ["\ud55c\uad6d", "\uc5b4"]


def test_what_is_joined_stays_joined():
    assert split_cells(f"a{FAMILY}b", 2)[0] == "a"
    assert split_cells("e\u0301e\u0301", 1) == ("e\u0301", "e\u0301")


def test_code_keeps_its_spaces():
    assert texts(cut([Span("  a  = 1")], 4)) == ["  a ", " = 1"]
    assert cut([], 4) == [()]


def test_crop_keeps_the_start():
    line = (Span("abc"), Span("def", ("strong",)))
    assert crop(line, 4) == (Span("abc"), Span("d", ("strong",)))
    assert crop(line, 10) == line


@pytest.mark.parametrize("width", [10, 11, 40, 300])
@given(spans=SPANS)
def test_no_line_is_wider_than_asked_for_and_no_text_is_lost(width, spans):
    for lines in (wrap(spans, width), cut(spans, width)):
        assert all(line_cells(line) <= width for line in lines)
        joined = "".join(texts(lines)).replace(" ", "")
        assert joined == line_text(spans).replace(" ", "")


@given(spans=SPANS)
def test_lines_before_the_last_do_not_depend_on_what_follows(spans):
    lines = wrap(spans, 12)
    longer = wrap([*spans, Span(" and more")], 12)
    assert longer[: len(lines) - 1] == lines[:-1]


@given(text=TEXT)
def test_cells_of_a_line_are_those_of_its_text(text):
    assert line_cells([Span(text)]) == cells(text)
