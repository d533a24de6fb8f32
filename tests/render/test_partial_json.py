"""Values of an object that is still being written are those it will have."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatterm.render.partial_json import PartialJson, Piece

CHARACTERS = st.one_of(st.characters(), st.sampled_from('\\"/{}[]:,\n\t\x00u😀\ud83d\ude00'))
STRINGS = st.text(CHARACTERS, max_size=12)
VALUES = st.recursive(
    st.one_of(STRINGS, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(STRINGS, VALUES, max_size=5)
WRITTEN = st.builds(
    lambda data, ascii_only, indent: json.dumps(data, ensure_ascii=ascii_only, indent=indent),
    OBJECTS,
    st.booleans(),
    st.sampled_from([None, 1]),
)
# Texts that are nearly objects: what a model may write that has lost its way.
SCRAPS = st.lists(
    st.sampled_from(
        ['{"', '"', "a", ":", '":"', '","', "\\", "\\u", "d83d", "\\ude00", "\\ud83d", "\\u0041",
         "{", "}", "[", "]", ",", " ", "\n", "1", "null", "é", "\\n", "\\q"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


def read(*texts: str) -> PartialJson:
    reader = PartialJson()
    for text in texts:
        reader.feed(text)
    return reader


def parts(text: str, cuts: list[int]) -> list[str]:
    at = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(at)]


def state(reader: PartialJson) -> tuple[object, ...]:
    return reader.values, list(reader.values), reader.open_key, reader.done


@given(WRITTEN)
@example('{"a":"\\ud83d\\ude00","b":"\\ude00\\ud83d","c":"\\\\ud83d"}')
def test_finished_values_are_those_of_the_json_module(text: str):
    reader = read(text)
    known = json.loads(text)
    assert reader.values == {key: value for key, value in known.items() if isinstance(value, str)}
    assert reader.done
    assert reader.open_key is None


@given(st.one_of(WRITTEN, SCRAPS), st.lists(st.integers(0, 400)))
def test_any_split_of_the_text_gives_the_same(text: str, cuts: list[int]):
    assert state(read(*parts(text, cuts))) == state(read(text))


@given(st.one_of(WRITTEN, SCRAPS))
def test_character_by_character_gives_the_same(text: str):
    assert state(read(*text)) == state(read(text))


@given(st.one_of(WRITTEN, SCRAPS), st.lists(st.integers(0, 400)))
def test_the_pieces_put_together_are_the_values(text: str, cuts: list[int]):
    reader = PartialJson()
    values: dict[str, str] = {}
    for part in parts(text, cuts):
        for piece in reader.feed(part):
            assert piece.first or piece.key in values
            values[piece.key] = ("" if piece.first else values[piece.key]) + piece.text
    assert {key: values[key] for key in reader.values} == reader.values


@given(WRITTEN, st.integers(0, 400))
def test_an_open_value_is_the_beginning_of_the_whole_one(text: str, cut: int):
    reader = read(text[:cut])
    whole = json.loads(text)
    for key, value in reader.values.items():
        assert whole[key].startswith(value)
        assert key == reader.open_key or whole[key] == value


def test_a_command_is_seen_as_it_is_written():
    reader = read('{"comm')
    assert (reader.values, reader.open_key) == ({}, None)
    reader.feed('and":"git sta')
    assert (reader.values, reader.open_key) == ({"command": "git sta"}, "command")
    reader.feed('tus"')
    assert (reader.values, reader.open_key, reader.done) == ({"command": "git status"}, None, False)
    reader.feed(',"timeout":5}')
    assert (reader.values, reader.done) == ({"command": "git status"}, True)


def test_an_escape_waits_until_it_is_whole():
    reader = read('{"a":"x\\')
    assert reader.values == {"a": "x"}
    reader.feed("u00e")
    assert reader.values == {"a": "x"}
    reader.feed("9y")
    assert reader.values == {"a": "xéy"}


def test_half_a_surrogate_pair_waits_for_its_other_half():
    reader = read('{"a":"\\ud83d')
    assert reader.values == {"a": ""}
    reader.feed("\\ude")
    assert reader.values == {"a": ""}
    reader.feed("00")
    assert reader.values == {"a": "😀"}


def test_the_last_value_of_a_key_counts():
    assert read('{"a":"one","a":"two"}').values == {"a": "two"}
    assert read('{"a":"one","a":2}').values == {}


def test_pieces_tell_where_a_value_begins_and_ends():
    reader = PartialJson()
    assert reader.feed('{"a":"x') == [Piece("a", "x", first=True, last=False)]
    assert reader.feed('y","b":""') == [
        Piece("a", "y", first=False, last=True),
        Piece("b", "", first=True, last=True),
    ]


def test_strings_within_other_values_are_passed_over():
    assert read('{"list":["}","]",{"a":"\\"}"}],"b":"yes"}').values == {"b": "yes"}


@pytest.mark.parametrize("text", ["", "[]", '"a"', "null", "sure! {", '{a:"b"}', '{"a" "b"}'])
def test_what_is_no_object_has_no_values(text: str):
    reader = read(text)
    assert (reader.values, reader.done) == ({}, False)


def test_what_comes_after_the_object_is_left_alone():
    assert read('{"a":"b"}{"c":"d"}').values == {"a": "b"}


@pytest.mark.parametrize(
    ("text", "value"),
    [("\\q", "q"), ("\\u12x4", "\\u12x4"), ("a\nb", "a\nb"), ("\\ud83dx", "\ud83dx")],
)
def test_what_json_would_refuse_is_shown_as_well_as_it_can_be(text: str, value: str):
    assert read(f'{{"a":"{text}"}}').values == {"a": value}


@given(st.lists(STRINGS, max_size=5))
def test_many_small_deltas_cost_each_character_once(texts: list[str]):
    reader = PartialJson()
    read_characters = 0
    for text in json.dumps({"a": "".join(texts)}):
        reader.feed(text)
        read_characters += len(reader._held)
    assert read_characters <= 12 * len(json.dumps({"a": "".join(texts)}))
