"""Ids of calls as a server takes them."""

from __future__ import annotations

import re

from chatterm.providers.call_ids import CallIds


def test_ids_keep_what_can_be_kept() -> None:
    ids = CallIds()
    assert [ids.valid(each) for each in ("call_1", "functions.add:0", "")] == [
        "call_1",
        "functions_add_0",
        "call",
    ]


def test_no_two_are_alike() -> None:
    ids = CallIds(20)
    assert ids.own("a:1") == "a:1"
    given = [ids.valid(each) for each in ("a_1", "a:1", "a.1", "a_1", "a_1_2")]
    assert given == ["a_1", "a_1_2", "a_1_3", "a_1_4", "a_1_2_2"]
    long = [ids.valid("x" * size) for size in (20, 21, 22, 21, 21)]
    assert len(set(long)) == 5
    assert all(len(each) <= 20 for each in long)


def test_long_ids_that_begin_alike_are_told_apart_the_same_way_each_time() -> None:
    first, second = [f"call_{'0' * 60}{letter}" for letter in "ab"]
    one, other = CallIds(40), CallIds(40)
    given = one.valid(first), one.valid(second)
    assert given[0] != given[1]
    assert {len(each) for each in given} == {40}
    assert (other.valid(first), other.valid(second)) == given


def test_a_server_that_takes_only_letters_and_digits_of_a_length_gets_them() -> None:
    ids = CallIds(exactly=9)
    given = [ids.valid(each) for each in ("call_1", "call_2", "call_1")]
    assert len(set(given)) == 3
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", each) for each in given)
