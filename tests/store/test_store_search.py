"""Full-text search."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatterm.events import StepFinished
from chatterm.steps import NoticeStep, RefusalStep, Status, ToolResultStep
from chatterm.store import Filter, Hit, Store
from store.making import Making, finished, record, started, whole_turn


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


async def say(store: Store, turn: str, text: str, **values: str) -> None:
    await record(store, [started(turn, text=text, conversation=f"c-{turn}"), finished()], **values)


def marked(hit: Hit) -> list[str]:
    return [hit.snippet[start:end] for start, end in hit.matched]


async def test_all_kinds_of_steps_are_searched(store: Store) -> None:
    make = Making("t")
    events = [
        started("t", text="needle one"),
        *make.answer("needle two", thinking="needle three"),
        *make.call("needle"),
        *make.result("needle four"),
        StepFinished(RefusalStep(id="t.r", index=8, round=0, text="needle five")),
        StepFinished(NoticeStep(id="t.n", index=9, round=0, text="needle six", reason="retry")),
        finished(),
    ]
    await record(store, events)
    hits = store.search("needle")
    kinds = ["notice", "refusal", "tool_result", "text", "thinking", "user"]
    assert [hit.kind for hit in hits] == kinds
    assert {hit.conversation.id for hit in hits} == {"c"}
    assert (hits[-1].step, hits[-1].index, hits[-1].at) == (None, None, "2026-01-01T00:00:00.000Z")
    assert (hits[2].step, hits[2].index) == ("t.3", 3)
    assert all(marked(hit) == ["needle"] for hit in hits)
    assert [hit.kind for hit in store.search("look it")] == ["tool_call"]


async def test_all_words_have_to_be_there(store: Store) -> None:
    await say(store, "a", "the quick brown fox")
    await say(store, "b", "the lazy dog")
    assert [hit.turn for hit in store.search("fox quick")] == ["a"]
    assert store.search("fox dog") == []
    assert [hit.turn for hit in store.search("the")] == ["b", "a"]
    assert [hit.turn for hit in store.search("the", limit=1)] == ["b"]


@pytest.mark.parametrize(
    "words",
    ['"', "a AND", "NEAR(", "x*", "-", "^", "text:x", "(", "'", "\\", "\0", "\ud800", "", "*", "%"],
)
async def test_no_syntax_is_wrong(store: Store, words: str) -> None:
    await say(store, "a", "something else")
    assert store.search(words) == []


async def test_punctuation_joins_words(store: Store) -> None:
    await say(store, "a", "call foo_bar(baz) in src/main.py, don't")
    for words in ("foo_bar", "foo", "main.py", "src/main.py", "don't", "FOO_BAR(baz)"):
        assert len(store.search(words)) == 1, words
    assert store.search("bar_foo") == []
    assert marked(store.search("main.py")[0]) == ["main.py"]


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("Crème Brûlée", "creme brulee", ["Crème", "Brûlée"]),
        ("cafe\u0301 noir", "café", ["cafe\u0301"]),
        ("STRASSE", "strasse", ["STRASSE"]),
        ("我们在北京吃饭", "北京", ["北京"]),
        ("東京タワーに行く", "タワー", ["タワー"]),
        ("Привет мир", "привет", ["Привет"]),
        ("42 is 3.14", "3.14", ["3.14"]),
    ],
)
async def test_any_script_is_found(store: Store, text: str, words: str, found: list[str]) -> None:
    await say(store, "a", text)
    (hit,) = store.search(words)
    assert marked(hit) == found


async def test_a_snippet_shows_the_surroundings(store: Store) -> None:
    await say(store, "a", "before " * 1000 + "needle" + " after" * 1000)
    (hit,) = store.search("needle")
    assert len(hit.snippet) < 300
    assert (hit.snippet[0], hit.snippet[-1]) == ("…", "…")
    assert marked(hit) == ["needle"]


async def test_large_results_are_found(store: Store) -> None:
    content = "needle " + "hay\n" * 100_000
    step = ToolResultStep(id="t.0", index=0, round=0, status=Status.DONE, content=content)
    await record(store, [started("t"), StepFinished(step), finished()])
    assert marked(store.search("needle")[0]) == ["needle"]


async def test_half_characters_do_not_hide_a_text(store: Store) -> None:
    await say(store, "a", "half \ud83d\0needle")
    assert marked(store.search("needle")[0]) == ["needle"]


async def test_filters(store: Store) -> None:
    await say(store, "a", "needle", directory="/a")
    await say(store, "b", "needle", directory="/b", origin="app")
    assert [hit.turn for hit in store.search("needle", filter=Filter(directory="/a"))] == ["a"]
    assert [hit.turn for hit in store.search("needle", filter=Filter(origin="app"))] == ["b"]
    assert len(store.search("needle", filter=Filter(model="p/m"))) == 2
    assert store.search("needle", filter=Filter(model="q")) == []


async def test_another_process_finds_it_at_once(store: Store, tmp_path: Path) -> None:
    await say(store, "a", "needle")
    with Store.open(tmp_path) as other:
        assert len(other.search("needle")) == 1


async def test_a_repaired_turn_is_found(store: Store, tmp_path: Path) -> None:
    log = await record(store, whole_turn("t", text="needle")[:5])
    log.close()
    store.repair("c")
    assert len(store.search("needle")) == 1


# --- the index is only an index ---


def spoilt(seed: int) -> str:
    return f"UPDATE words_data SET block = x'{random.Random(seed).randbytes(50).hex()}'"


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE words",
        "DROP TABLE words_data",
        "DROP TABLE words_config",
        "DELETE FROM words_data",
        "UPDATE words_data SET block = x'00ff00ff' WHERE id > 10",
        *map(spoilt, (1, 2, 3)),
        spoilt(33),  # of which SQLite says that there isn't enough memory for it
    ],
)
async def test_a_damaged_index_is_made_anew(store: Store, tmp_path: Path, damage: str) -> None:
    await say(store, "a", "needle")
    assert len(store.search("needle")) == 1
    store._change(lambda db: db.execute(damage).fetchall())
    store.check()  # may find it, and ends
    await say(store, "b", "needle too")
    assert len(store.search("needle")) in {1, 2}  # what the index doesn't notice, it can't tell
    store.reindex()
    assert len(store.search("needle")) == 2
    store.delete("c-a")
    assert len(store.search("needle")) == 1
    assert store.check() == []


async def test_deleting_with_a_damaged_index_works(store: Store) -> None:
    await say(store, "a", "needle")
    await say(store, "b", "needle")
    store.search("needle")
    store._change(lambda db: db.execute("DROP TABLE words_data").fetchall())
    store.delete("c-a")
    assert [hit.turn for hit in store.search("needle")] == ["b"]


async def test_while_it_is_typed_the_last_word_may_be_a_beginning(store: Store) -> None:
    await say(store, "a", "the parser drops it")
    await say(store, "b", "a sparse tree, the comparison")
    hits = store.search("the pars", unfinished=True)
    assert [(hit.turn, marked(hit)) for hit in hits] == [("a", ["the", "pars"])]
    assert store.search("th parser", unfinished=True) == []
    assert store.search("pars") == []
    assert store.search("...", unfinished=True) == []
