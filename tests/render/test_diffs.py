"""Diffs on a screen: nothing of them is hidden, and an edit is seen as it is being written."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.render.diffs import StreamingEdit, diff_lines
from chatterm.render.lines import ROLES, Line, Span, line_text
from chatterm.render.sanitize import sanitize
from chatterm.render.word_changes import Budget, changed_words
from chatterm.tools.diffing import unified

ADDED, REMOVED = ("diff_added",), ("diff_removed",)
ADDED_WORD, REMOVED_WORD = (*ADDED, "diff_added.word"), (*REMOVED, "diff_removed.word")

NASTY = st.text(
    st.one_of(
        st.characters(), st.sampled_from("ab \n\r\t\\\x1b[]\x07\x85\u2028\u200b\u202e\ud83d-+@")
    )
)
PARTS = st.lists(st.integers(0, 300))


def shown(before: str, after: str, **options: int) -> list[Line]:
    return diff_lines(unified(before, after, "x.py"), **options)


def texts(lines: list[Line]) -> list[str]:
    return [line_text(line) for line in lines]


def split(text: str, cuts: list[int]) -> list[str]:
    at = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(at)]


# --- whole diffs ------------------------------------------------------------------------------


def test_each_kind_of_line_has_its_role():
    assert shown("one\ntwo\nsame\n", "same\nsix\n") == [
        (Span("@@ -1,3 +1,2 @@", ("muted",)),),
        (Span("-one", REMOVED),),
        (Span("-two", REMOVED),),
        (Span(" same"),),
        (Span("+six", ADDED),),
    ]


def test_what_differs_in_a_line_is_marked():
    _, removed, added = shown("total = add(one, two)\n", "total = add(one, three)\n")
    assert removed == (
        Span("-total = add(one, ", REMOVED),
        Span("two", REMOVED_WORD),
        Span(")", REMOVED),
    )
    assert added == (Span("+total = add(one, ", ADDED), Span("three", ADDED_WORD), Span(")", ADDED))


def test_a_blank_between_two_changed_words_is_marked_with_them():
    _, removed, _ = shown("say the old word here\n", "say the new words here\n")
    assert [span.text for span in removed] == ["-say the ", "old word", " here"]


def test_lines_that_have_little_in_common_are_not_compared():
    _, removed, added = shown("return None\n", "for line in lines:\n")
    assert removed == (Span("-return None", REMOVED),)
    assert added == (Span("+for line in lines:", ADDED),)


def test_lines_are_compared_where_as_many_came_as_went():
    lines = shown("a = 1\nb = 2\n", "a = 3\n")
    assert all(len(line) == 1 for line in lines)
    lines = shown("a = 1\nb = 2\n", "a = 3\nb = 4\n")
    assert [line[-1] for line in lines[1:]] == [
        Span("1", REMOVED_WORD),
        Span("2", REMOVED_WORD),
        Span("3", ADDED_WORD),
        Span("4", ADDED_WORD),
    ]


def test_very_long_lines_are_not_compared():
    _, removed, _ = shown("x = " + "a " * 400 + "1\n", "x = " + "a " * 400 + "2\n")
    assert len(removed) == 1


def test_a_missing_last_newline_is_told_on_its_side():
    assert texts(shown("end", "end of it")) == [
        "@@ -1 +1 @@",
        "-end",
        "\\ No newline at end of file",
        "+end of it",
        "\\ No newline at end of file",
    ]


def test_the_heads_of_one_file_are_left_out():
    assert texts(shown("", "-- dashes\n++ plus\n")) == ["@@ -0,0 +1,2 @@", "+-- dashes", "+++ plus"]
    assert texts(shown("-- dashes\n", "")) == ["@@ -1 +0,0 @@", "--- dashes"]


def test_a_second_file_is_named():
    diff = unified("a\n", "b\n", "one.py") + unified("c\n", "d\n", "two.py")
    assert texts(diff_lines(diff)) == [
        *("@@ -1 +1 @@", "-a", "+b"),
        *("+++ b/two.py", "@@ -1 +1 @@", "-c", "+d"),
    ]


def test_most_lines_are_followed_by_how_many_there_are_beyond():
    before = "".join(f"{n}\n" for n in range(50))
    lines = shown(before, "", most=10)
    assert len(lines) == 11
    assert lines[-1] == (Span("… 41 more lines", ("muted",)),)
    assert len(shown(before, "", most=51)) == 51


def test_nothing_that_will_be_in_the_file_is_hidden():
    after = "a\x1b]0;rm -rf /\x07b\u200bc\u202ed\x7f\x85\u2028\ud83d\n"
    assert texts(shown("", after))[1] == "+a␛]0;rm -rf /␇b⟨U+200B⟩c⟨U+202E⟩d␡⟨U+0085⟩⟨U+2028⟩\ufffd"


def test_tabs_go_to_their_stops():
    assert texts(shown("", "\tx\ty\n"))[1] == "+        x       y"


def test_line_ends_of_a_whole_file_are_not_shown_but_a_change_of_them_is():
    assert texts(shown("a\r\nb\r\n", "a\r\nc\r\n"))[1:] == [" a", "-b", "+c"]
    assert texts(shown("a\n", "a\r\n"))[1:] == ["-a", "+a␍"]


def test_a_line_of_another_kind_is_shown_muted():
    assert diff_lines("index 12..34\n") == [(Span("index 12..34", ("muted",)),)]


def test_a_line_that_nobody_reads_to_its_end_is_cut():
    assert len(texts(shown("", "x" * 30_000 + "\n"))[1]) == 20_001


@given(NASTY, NASTY)
def test_a_diff_is_fit_for_a_screen(before: str, after: str):
    for line in shown(before, after):
        text = line_text(line)
        assert sanitize(text) == text
        assert "\n" not in text
        assert all(role in ROLES for span in line for role in span.style)


@given(NASTY, st.integers(0, 200))
def test_a_diff_may_end_anywhere_or_be_none(text: str, cut: int):
    diff_lines(text)
    diff_lines(unified("one\ntwo\nthree\n", text, "x")[:cut])


@given(st.text("abc =\n", max_size=60), st.text("abc =\n", max_size=60))
def test_marks_change_no_text(before: str, after: str):
    diff = unified(before, after, "x")
    assert texts(diff_lines(diff)) == diff.split("\n")[2:-1]


@given(st.text("ab .\n"), st.text("ab .\n"))
def test_marked_parts_are_the_lines(old: str, new: str):
    marked = changed_words(old, new, Budget())
    if marked:
        for line, parts in zip((old, new), marked, strict=True):
            assert "".join(text for text, _ in parts) == line
            assert all(one[1] != other[1] for one, other in pairwise(parts))


def test_comparing_ends_when_it_has_cost_enough():
    budget = Budget(50)
    pairs = [changed_words("a b c = 1", "a b c = 2", budget) is not None for _ in range(5)]
    assert pairs[0]
    assert not pairs[-1]


# --- edits that are being written -------------------------------------------------------------


def test_an_edit_is_seen_as_it_is_written():
    edit = StreamingEdit()
    edit.feed('{"path":"src/a.')
    assert (edit.path, edit.lines) == ("src/a.", [])
    edit.feed('py","old":"one\\ntw')
    assert (edit.path, texts(edit.lines)) == ("src/a.py", ["-one", "-tw"])
    edit.feed('o\\n","new":"')
    assert texts(edit.lines) == ["-one", "-two"]
    edit.feed("three")
    assert edit.lines == [
        (Span("-one", REMOVED),),
        (Span("-two", REMOVED),),
        (Span("+three", ADDED),),
    ]


def partial_edit(arguments: str) -> tuple[str, list[Line]]:
    """The path and the lines of an edit whose arguments have come so far."""
    edit = StreamingEdit()
    edit.feed(arguments)
    return edit.path, edit.lines


def test_a_file_that_is_written_is_all_added():
    assert partial_edit('{"path":"a","content":"x\\n\\ny') == (
        "a",
        [(Span("+x", ADDED),), (Span("+", ADDED),), (Span("+y", ADDED),)],
    )


def test_what_is_removed_stands_first_however_it_came():
    _, lines = partial_edit('{"new":"n","old":"o","path":"p"}')
    assert texts(lines) == ["-o", "+n"]


def test_an_argument_that_comes_again_takes_the_place_of_the_first():
    path, lines = partial_edit('{"path":"a","path":"b","new":"x\\n","new":"y"')
    assert (path, texts(lines)) == ("b", ["+y"])


def test_a_path_is_fit_for_one_line():
    assert partial_edit(json.dumps({"path": "a\nb\u202e\x1b[2Jc"}))[0] == "a↵b⟨U+202E⟩c"


@pytest.mark.parametrize("arguments", ["", "{", "[1]", "nonsense", '{"path":3,"old":null}'])
def test_arguments_that_are_none_show_nothing(arguments: str):
    assert partial_edit(arguments) == ("", [])


@given(NASTY, NASTY, PARTS)
def test_any_split_of_the_arguments_gives_the_same(old: str, new: str, cuts: list[int]):
    arguments = json.dumps({"path": "p", "old": old, "new": new})
    edit = StreamingEdit()
    for part in split(arguments, cuts):
        edit.feed(part)
        edit.lines  # noqa: B018 - looking changes nothing
    assert (edit.path, edit.lines) == partial_edit(arguments)


@given(NASTY)
def test_a_whole_argument_shows_all_its_lines(content: str):
    _, lines = partial_edit(json.dumps({"content": content}))
    content = json.loads(json.dumps(content))  # halves of a pair that stand together are joined
    assert len(lines) == len(content.removesuffix("\n").split("\n")) if content else not lines


@given(NASTY)
def test_an_edit_is_fit_for_a_screen(content: str):
    for line in partial_edit(json.dumps({"content": content}))[1]:
        assert sanitize(line_text(line)) == line_text(line)


def test_each_line_is_made_once():
    edit = StreamingEdit()
    edit.feed('{"content":"one\\ntwo')
    first = edit.lines[0]
    edit.feed("\\nthree")
    assert edit.lines[0] is first
