"""Splitting `<think>…</think>` off the start of a message."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatterm.providers.think_tags import Part, Piece, ThinkTagSplitter


def read(*fragments: str) -> tuple[str, str]:
    """All thinking and all text of a message that comes in these fragments."""
    splitter = ThinkTagSplitter()
    thinking = text = ""
    pieces: list[Piece] = []
    for fragment in fragments:
        if splitter.lets_pass(fragment):
            pieces.append(Piece(Part.TEXT, fragment))
        else:
            pieces += splitter.feed(fragment)
    for piece in pieces + splitter.finish():
        match piece.part:
            case Part.THINKING:
                thinking += piece.text
            case Part.TEXT:
                text += piece.text
            case Part.TEXT_WAS_THINKING:
                thinking, text = thinking + text, ""
    return thinking, text


CASES = {
    "plain": ("Hello, world", ("", "Hello, world")),
    "thinking first": ("<think>hm</think>So.", ("hm", "So.")),
    "white space around": ("\n <think>\nhm\n</think>\n\nSo.", ("\nhm\n", "\n\nSo.")),
    "no thought": ("<think></think>So.", ("", "So.")),
    "no closer": ("<think>hm, and", ("hm, and", "")),
    "no closer, a tag begun": ("<think>hm</thi", ("hm</thi", "")),
    "no opener": ("hm, and\n</think>\n\nSo.", ("hm, and\n", "\n\nSo.")),
    "only a closer": ("</think>So.", ("", "So.")),
    "an opener begun": ("<thin", ("", "<thin")),
    "another tag": ("<thing>x</thing>", ("", "<thing>x</thing>")),
    "tags later on": ("So: <think>no</think>", ("", "So: <think>no</think>")),
    "a second pair": ("<think>a</think>b<think>c</think>", ("a", "b<think>c</think>")),
    "an opener in the thought": ("<think>a<think>b</think>c", ("a<think>b", "c")),
    "comparisons": ("a < b, b <t, c </ d", ("", "a < b, b <t, c </ d")),
    "quoted with a tick": ("the tag `</think>` ends", ("", "the tag `</think>` ends")),
    "quoted with quotes": ('write "</think>" then', ("", 'write "</think>" then')),
    "quoted, and again": ("`</think>` and </think>", ("", "`</think>` and </think>")),
    "only white space": (" \n ", ("", " \n ")),
    "nothing": ("", ("", "")),
}


@pytest.mark.parametrize(("message", "read_as"), CASES.values(), ids=CASES)
def test_a_message_is_read_the_same_however_it_is_split(
    message: str, read_as: tuple[str, str]
) -> None:
    assert read(message) == read_as
    assert read(*message) == read_as
    for first in range(len(message) + 1):
        assert read(message[:first], message[first:]) == read_as
        for second in range(first, len(message) + 1):
            assert read(message[:first], message[first:second], message[second:]) == read_as


def test_a_thought_is_not_held_back_to_its_end() -> None:
    splitter = ThinkTagSplitter()
    assert splitter.feed("<think>one ") == [Piece(Part.THINKING, "one ")]
    assert splitter.feed("two</") == [Piece(Part.THINKING, "two")]
    assert splitter.feed("b> three</think>\nfour") == [
        Piece(Part.THINKING, "</b> three"),
        Piece(Part.TEXT, "\nfour"),
    ]


def test_where_thinking_comes_by_another_way_tags_are_text() -> None:
    splitter = ThinkTagSplitter()
    splitter.stop()
    assert splitter.feed("<think>x</think>") == [Piece(Part.TEXT, "<think>x</think>")]
    assert splitter.finish() == []


def test_thinking_that_has_begun_still_ends_at_its_closer() -> None:
    splitter = ThinkTagSplitter()
    splitter.feed("<think>a")
    splitter.stop()
    assert splitter.feed("b</think>c") == [Piece(Part.THINKING, "b"), Piece(Part.TEXT, "c")]


def test_a_message_is_untouched_until_text_comes() -> None:
    splitter = ThinkTagSplitter()
    assert splitter.untouched
    splitter.feed("")
    assert splitter.untouched
    splitter.feed(" ")
    assert not splitter.untouched


def test_what_was_given_up_waiting_for_is_text_and_stays_so() -> None:
    splitter = ThinkTagSplitter()
    assert splitter.feed("<th") == []
    assert splitter.finish() == [Piece(Part.TEXT, "<th")]
    assert splitter.feed("ink>") == [Piece(Part.TEXT, "ink>")]


ALPHABET = ["<think>", "</think>", "<", "/", "think", ">", "`", "\n", "a", "\u2028"]


@settings(max_examples=300, derandomize=True)
@given(st.lists(st.sampled_from(ALPHABET), max_size=12).map("".join), st.data())
def test_any_split_of_any_message_is_read_the_same(message: str, data: st.DataObject) -> None:
    whole = read(message)
    cuts = data.draw(st.lists(st.integers(0, len(message)), max_size=6).map(sorted))
    assert read(*(message[a:b] for a, b in pairwise([0, *cuts, len(message)]))) == whole
    assert read(*message) == whole

    # Nothing is lost but a pair of tags, or half of one, and white space before it.
    thinking, text = whole
    assert (
        whole == ("", message)
        or message == f"{thinking}</think>{text}"
        or message.lstrip() in (f"<think>{thinking}", f"<think>{thinking}</think>{text}")
    )
