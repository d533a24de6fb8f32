"""Fuzzy matching: what is found, which is best, and where it stands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatterm.tui.screens.matching import Query, rank
from chatterm.tui.screens.painting import folded


def found(query: str, *texts: str) -> list[str]:
    return [texts[number] for number in rank(query, [folded(text) for text in texts])]


def marked(query: str, text: str) -> str:
    """The text with what was found in capital letters."""
    places = Query(query).places(folded(text))
    return "".join(c.upper() if n in places else c for n, c in enumerate(text))


def test_characters_are_found_in_order_and_apart() -> None:
    assert found("abc", "a-b-c", "cba", "ab") == ["a-b-c"]


def test_case_does_not_matter() -> None:
    assert found("READ", "readme") == ["readme"]
    assert found("read", "README") == ["README"]


def test_the_beginning_is_better_than_a_words_which_is_better_than_its_middle() -> None:
    texts = ("rethink", "a big thing", "thing", "t-h-i-n-k")
    assert found("thin", *texts) == ["thing", "a big thing", "rethink", "t-h-i-n-k"]


def test_pieces_at_word_starts_are_better_than_elsewhere() -> None:
    assert found("fb", "afxxb", "foo bar") == ["foo bar", "afxxb"]
    assert marked("fb", "off to foo_bar") == "off to Foo_Bar"


def test_pieces_that_stand_together_are_better() -> None:
    assert found("abcd", "axbxcxd", "abxxxxcd") == ["abxxxxcd", "axbxcxd"]
    assert marked("abcd", "axb abxcd") == "axb ABxCD"


def test_every_word_must_be_found_in_any_order() -> None:
    assert found("two one", "one two", "one", "two") == ["one two"]
    assert marked("two one", "one two") == "ONE TWO"


def test_those_that_fit_as_well_stay_in_their_order() -> None:
    assert found("a", "a2", "a1", "a3") == ["a2", "a1", "a3"]


def test_places_are_those_of_the_text_as_it_was() -> None:
    assert marked("b", "İb") == "İB"  # in lower case the first letter would be two


def test_brackets_and_the_like_are_themselves() -> None:
    assert found("[/]", "see [/] here", "see / here") == ["see [/] here"]
    assert found(".*", "anything") == []


def test_among_very_many_it_finds_the_same_ones() -> None:
    texts = [f"a{n}b" for n in range(5000)]
    assert sorted(rank("ab", texts)) == list(range(5000))
    assert rank("ab", [*texts, "xab", "ab"])[:2] == [5001, 5000]


@given(st.text("ab c_", max_size=8), st.text("ab c_", max_size=20))
def test_what_is_found_is_there(query: str, text: str) -> None:
    compared = Query(query)
    if compared.score(text) is None:
        return
    places = compared.places(text)
    assert all(0 <= place < len(text) for place in places)
    assert {text[place] for place in places} == set(query.replace(" ", ""))


@given(st.text("abc", min_size=1, max_size=5), st.text("abc-", max_size=20))
def test_found_exactly_where_the_characters_are_in_order(query: str, text: str) -> None:
    rest = iter(text)
    assert (Query(query).score(text) is not None) == all(c in rest for c in query)
