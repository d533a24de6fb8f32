"""Exports that are damaged anywhere: what is whole comes in, the rest is named, nothing breaks."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatterm.errors import UsageError
from chatterm.importing import recognise
from chatterm.store import Store

DATA = Path(__file__).parent / "data"
EXPORTS = {
    "chatgpt": json.loads((DATA / "chatgpt.json").read_text("utf-8")),
    "claude": json.loads((DATA / "claude.json").read_text("utf-8")),
}
OTHERS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**18), 10**18),
    st.floats(),
    st.text(st.characters(exclude_categories=()), max_size=5),
    st.just([]),
    st.just({}),
    st.just([[{}]]),
    st.just({"parts": [None], "children": "x", "text": 7}),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("store")) as opened:
        yield opened


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export") / "conversations.json"


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value within a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, inner in items:
        yield from places(inner, (*path, key))


PLACES = {name: [path for path in places(value) if path] for name, value in EXPORTS.items()}


def put(value: Any, path: tuple[Any, ...], other: Any, *, drop: bool) -> None:
    *above, last = path
    for key in above:
        value = value[key]
    if not drop:
        value[last] = other
    elif isinstance(value, dict):
        del value[last]


@settings(max_examples=120, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("source", sorted(EXPORTS))
def test_any_value_may_be_missing_or_something_else(
    source: str, data: st.DataObject, store: Store, file: Path
) -> None:
    export = copy.deepcopy(EXPORTS[source])
    path = data.draw(st.sampled_from(PLACES[source]), label="place")
    put(export, path, data.draw(OTHERS, label="value"), drop=data.draw(st.booleans(), label="drop"))
    file.write_text(json.dumps(export), "utf-8")
    import_into(store, file)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("source", sorted(EXPORTS))
def test_a_file_may_be_cut_off_or_spoilt_anywhere(
    source: str, data: st.DataObject, store: Store, file: Path
) -> None:
    whole = (DATA / f"{source}.json").read_bytes()
    at = data.draw(st.integers(0, len(whole)), label="at")
    junk = data.draw(
        st.sampled_from([b"", b"\0", b"\xff", b"}", b'"', b"[" * 20_000]), label="junk"
    )
    rest = whole[at + 1 :] if data.draw(st.booleans(), label="rest") else b""
    file.write_bytes(whole[:at] + junk + rest)
    import_into(store, file)


def import_into(store: Store, file: Path) -> None:
    """Import what can be; only a named error may end it, and the store stays sound."""
    with suppress(UsageError):
        importer = recognise(file)
        for conversation, turns, blobs in importer:
            store.merge(conversation, turns, blobs)
        assert all(importer.warnings)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": 1}', b"\xff", b'[{"mapping": 7}]'])
def test_what_holds_nothing_is_refused_by_its_name(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(UsageError, match=re.escape(str(file))):
        recognise(file)


def test_the_store_is_sound_afterwards(store: Store) -> None:
    assert store.check() == []
