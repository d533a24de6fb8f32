"""The difference that is shown: applied to what was there, it gives what will be."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from chatterm.tools.diffing import unified

texts = st.lists(st.sampled_from(["a", "b", "c", "", "a\r", "\u2028", "\\ No", "-x", "+y"])).map(
    "\n".join
)


def applied(diff: str, before: str) -> str:
    """What a text becomes; every line of the diff must be where it says."""
    old, new, at = before.split("\n"), [], 0
    old = [line + "\n" for line in old[:-1]] + ([old[-1]] if old[-1] else [])
    lines = re.findall(r"[^\n]*\n", diff)[2:]
    for index, line in enumerate(lines):
        bare = index + 1 < len(lines) and lines[index + 1] == "\\ No newline at end of file\n"
        body = line[1:-1] if bare else line[1:]
        if place := re.match(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", line):
            begin = int(place[1]) - (place[2] != "0")
            new += old[at:begin]
            at = begin
            assert int(place[3]) - (place[4] != "0") == len(new)
        elif line[0] in " -":
            assert old[at] == body
            at += 1
            new += [body] if line[0] == " " else []
        elif line[0] == "+":
            new.append(body)
    return "".join(new + old[at:])


@given(texts, texts)
def test_a_difference_leads_from_one_to_the_other(before: str, after: str) -> None:
    diff = unified(before, after, "name")
    assert applied(diff, before) == after if diff else before == after


@given(texts, texts, st.integers(0, 20), st.integers(0, 20))
def test_what_is_the_same_around_it_changes_only_the_place(
    before: str, after: str, above: int, below: int
) -> None:
    before, after = ("same\n" * above + text + "\nend" * below for text in (before, after))
    diff = unified(before, after, "name")
    assert applied(diff, before) == after if diff else before == after


def test_two_texts_with_nothing_in_common_are_told_at_once() -> None:
    before = "".join(f"old {number}\n" for number in range(30_000))
    after = "".join(f"new {number}\n" for number in range(30_000))
    assert applied(unified(before, after, "name"), before) == after


def test_a_new_file_comes_from_nothing() -> None:
    assert unified("", "a\n", "x", created=True) == "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"
    assert unified("a", "a", "x") == ""
