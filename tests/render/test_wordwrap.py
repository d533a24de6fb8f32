"""Plain text is broken between words, the same however it arrives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from chatterm.render.wordwrap import WordWrap, wrapped


def test_lines_end_between_words() -> None:
    assert wrapped("one two three four", 9) == "one two\nthree\nfour"


def test_breaks_and_indents_of_the_text_stay() -> None:
    assert wrapped("a\n\n  b", 20) == "a\n\n  b"


def test_a_word_wider_than_the_line_stands_alone_on_it() -> None:
    assert wrapped("a https://example.org/long b", 10) == "a\nhttps://example.org/long\nb"


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab \n端", max_size=60), st.integers(0, 60), st.integers(4, 20))
def test_any_split_gives_the_same_lines(text: str, at: int, width: int) -> None:
    wrap = WordWrap(width)
    assert wrap.feed(text[:at]) + wrap.feed(text[at:]) + wrap.finish() == wrapped(text, width)
    for line in wrapped(text, width).split("\n"):
        assert cell_len(line) <= width or " " not in line.strip()


def test_a_word_without_an_end_is_not_copied_with_each_piece() -> None:
    wrap = WordWrap(10)
    for _ in range(1000):
        assert wrap.feed("x") == ""
    assert len(wrap._word) == 1000
    assert wrap.finish() == "x" * 1000
