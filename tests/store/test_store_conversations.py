"""Finding, listing, forking, deleting and merging conversations."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatterm.assembly import Clock
from chatterm.errors import StoreError
from chatterm.events import StepFinished
from chatterm.steps import Attachment, FileEdit, ToolResultStep, Usage
from chatterm.store import Conversation, Filter, ImportResult, RecordedTurn, Store
from chatterm.store.maintenance import size_of
from chatterm.store.rows import digests_in
from store.making import COUNT, begin, die, finished, hold, record, started, whole_turn


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "other") as opened:
        yield opened


def exported(store: Store, id_: str) -> tuple[Conversation, list[RecordedTurn], dict[str, bytes]]:
    turns = store.turns([turn for turn, _ in store.tree(id_)])
    digests = {digest for turn in turns for event in turn.events for digest in digests_in(event)}
    return store.find(id_), turns, {digest: store.blob(digest) for digest in digests}


def everything(store: Store) -> list[tuple[object, ...]]:
    """All that a store holds, as far as it can be told from outside."""
    return [
        (row, store.path(row.conversation.id), store.turns(store.path(row.conversation.id)))
        for row in store.list()
    ]


# --- finding and listing ---


async def test_a_conversation_is_found_by_a_prefix_of_its_id(store: Store) -> None:
    for id_ in ("abc1", "abc2", "abd", "ab"):
        await hold(store, f"t-{id_}", conversation=id_)
    assert store.find("abc1").id == "abc1"
    assert store.find("abd").id == "abd"
    assert store.find("ab").id == "ab"
    with pytest.raises(StoreError, match="several conversations begin with 'abc': abc1, abc2"):
        store.find("abc")


@pytest.mark.parametrize("prefix", ["x", "abx", "%", "\ud800", "\0"])
async def test_what_is_not_there_is_not_found(store: Store, prefix: str) -> None:
    await hold(store, "t", conversation="ab")
    with pytest.raises(StoreError, match="no conversation"):
        store.find(prefix)


async def test_of_many_candidates_five_are_named(store: Store) -> None:
    for number in range(8):
        await hold(store, f"t{number}", conversation=f"c{number}")
    with pytest.raises(StoreError, match="c0, c1, c2, c3, c4 and more"):
        store.find("")


async def test_a_new_conversation_says_where_it_comes_from(store: Store) -> None:
    first = started("t", text="words")
    await begin(store, first, directory="/x", origin="app", title="Words")
    assert store.find("c") == Conversation(
        "c", "Words", "first_message", "/x", "app", "t", first.at, first.at
    )


async def test_the_list_counts_turns_and_usage_over_the_path(store: Store) -> None:
    await hold(store, "t1", "t2", "t3")
    (row,) = store.list()
    assert (row.turns, row.model) == (3, "p/m")
    assert row.usage == COUNT + COUNT + COUNT
    store.set_head("c", "t2")
    await record(store, [started("t4", "t2", model="q/n"), finished(Usage(cost_usd=0.5))])
    (row,) = store.list()
    assert (row.turns, row.model) == (3, "q/n")
    assert row.usage == replace(COUNT + COUNT, cost_usd=0.5)


async def test_a_parent_that_ends_later_still_counts(store: Store) -> None:
    log = await begin(store, started("t1"))
    await record(store, [started("t2", "t1"), finished()])
    await log.record(finished())
    log.close()
    (row,) = store.list()
    assert row.usage == COUNT + COUNT


async def test_the_list_has_the_newest_first_and_pages(store: Store) -> None:
    for number in range(5):
        await hold(store, f"t{number}", conversation=f"c{number}")
    await record(store, whole_turn("t9", "t1", conversation="c1"))

    def ids(**options: int) -> list[str]:
        return [row.conversation.id for row in store.list(**options)]

    assert ids() == ["c1", "c4", "c3", "c2", "c0"]
    assert ids(limit=2) == ["c1", "c4"]
    assert ids(limit=2, offset=3) == ["c2", "c0"]
    assert store.newest().id == "c1"


async def test_filters(store: Store) -> None:
    await hold(store, "t1", conversation="c1", directory="/a")
    await record(
        store, whole_turn("t2", conversation="c2", model="q/m/x"), directory="/b", origin="app"
    )
    everywhen = "2000-01-01T00:00:00.000Z"

    def ids(**values: str) -> list[str]:
        return [row.conversation.id for row in store.list(Filter(**values))]

    assert ids(directory="/a") == ["c1"]
    assert ids(origin="app") == ["c2"]
    assert ids(model="p/m") == ids(model="p") == ids(model="m") == ["c1"]
    assert ids(model="q/m/x") == ids(model="m/x") == ["c2"]
    assert ids(since=everywhen) == ["c2", "c1"]
    assert ids(until=everywhen) == []
    assert ids(directory="/a", origin="app") == []
    assert store.newest(directory="/a").id == "c1"
    assert store.newest(origin="ask").id == "c1"
    assert store.newest(directory="/none") is None


async def test_a_title_does_not_move_a_conversation(store: Store) -> None:
    await hold(store, "t1", conversation="c1")
    await hold(store, "t2", conversation="c2")
    store.set_title("c1", "Better \ud800", "user")
    assert (store.find("c1").title, store.find("c1").title_from) == ("Better \ud800", "user")
    assert store.newest().id == "c2"


async def test_a_head_can_be_set_to_any_turn(store: Store) -> None:
    await hold(store, "t1", "t2")
    store.set_head("c", "t1")
    assert store.path("c") == ["t1"]
    assert [turn for turn, _ in store.tree("c")] == ["t1", "t2"]
    store.set_head("c", None)
    assert store.path("c") == []
    log = await begin(store, started("t3"))
    assert not log.branched
    assert store.path("c") == ["t3"]
    with pytest.raises(StoreError, match="no turn"):
        store.set_head("c", "unknown")
    log.close()


# --- forks and deletion ---


async def test_a_fork_shares_the_turns(store: Store) -> None:
    await hold(store, "t1", "t2", "t3")
    fork = store.fork("c", at="t2")
    assert fork.id != "c"
    assert store.find(fork.id) == fork
    assert store.path(fork.id) == ["t1", "t2"]
    await record(store, whole_turn("t4", "t2", conversation=fork.id))
    assert store.path(fork.id) == ["t1", "t2", "t4"]
    assert store.path("c") == ["t1", "t2", "t3"]
    assert [turn for turn, _ in store.tree("c")] == ["t1", "t2", "t3"]
    assert [turn for turn, _ in store.tree(fork.id)] == ["t1", "t2", "t4"]


async def test_a_fork_at_a_step_or_at_the_head(store: Store) -> None:
    await hold(store, "t1", "t2")
    step = store.turns(["t1"])[0].steps[1].id
    assert store.fork("c", at=step).head == "t1"
    assert store.fork("c", at=None).head == "t2"
    with pytest.raises(StoreError, match="no turn or step"):
        store.fork("c", at="unknown")


async def test_deleting_removes_what_nobody_else_reaches(store: Store) -> None:
    await hold(store, "t1", "t2", "t3")
    await hold(store, "u1", conversation="d")
    fork = store.fork("c", at="t2")
    before = everything(store)
    store.delete("c")
    assert store.turns(["t3"]) == []
    # The fork's own id is random, and may begin with a c.
    assert everything(store) == [entry for entry in before if entry[0].conversation.id != "c"]
    assert [hit.conversation.id for hit in store.search("there")].count(fork.id) == 4
    store.delete(fork.id)
    assert store.turns(["t1", "t2"]) == []
    assert [turn.id for turn in store.turns(["u1"])] == ["u1"]
    assert store.check() == []


async def test_deleting_a_fork_leaves_the_original(store: Store) -> None:
    await hold(store, "t1", "t2")
    fork = store.fork("c", at="t1")
    await record(store, whole_turn("t3", "t1", conversation=fork.id))
    before = everything(store)[1:]
    store.delete(fork.id)
    assert everything(store) == before
    assert store.turns(["t3"]) == []


async def test_deleting_removes_branches_too(store: Store) -> None:
    await hold(store, "t1", "t2")
    store.set_head("c", None)
    await record(store, whole_turn("b1"))
    store.delete("c")
    assert store.turns(["t1", "t2", "b1"]) == []


async def test_what_was_deleted_is_not_on_the_disk(store: Store) -> None:
    data = b"seventeen badgers in a picture" * 2000
    picture = Attachment("a", "image/png", len(data), hashlib.sha256(data).hexdigest(), data)
    secret = "xylophonically unspeakable " * 50
    await hold(store, "t0", conversation="other")
    events = whole_turn("t", text=secret, attachments=(picture,))
    large = ToolResultStep(id="t.9", index=9, round=0, content=secret * 500)
    await record(store, [*events[:-1], StepFinished(large), events[-1]])
    assert len(store.search("xylophonically")) == 2
    before = size_of(store.file)
    store.delete("c")
    assert store.search("xylophonically") == []
    log = store.file.with_name("chatterm.db-wal")
    kept = store.file.read_bytes() + log.read_bytes()
    assert b"xylophonically" not in kept
    assert b"seventeen badgers" not in kept
    assert before - size_of(store.file) > 700_000
    assert store.check() == []


async def test_content_is_kept_while_somebody_uses_it(store: Store) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    picture = Attachment("a", "image/png", 1, digest, b"x")
    await record(store, [started("t1", attachments=(picture,)), finished()])
    first = started("t2", conversation="d", attachments=(picture,))
    await record(store, [first, finished()])
    store.delete("c")
    assert store.blob(digest) == b"x"
    store.delete("d")
    with pytest.raises(StoreError):
        store.blob(digest)


async def test_content_that_a_result_names_goes_with_it(store: Store) -> None:
    digest = store.put_blob(b"whole output")
    result = ToolResultStep(id="t.0", index=0, round=0, full_output=f"blob:{digest}")
    await record(store, [started("t"), StepFinished(result), finished()])
    store.compact()
    assert store.blob(digest) == b"whole output"
    store.delete("c")
    with pytest.raises(StoreError):
        store.blob(digest)


async def test_what_a_tool_gave_and_what_it_replaced_are_kept_with_the_turn(store: Store) -> None:
    picture, whole, before = b"a picture", b"whole output", b"as it was"
    seen = Attachment("p.png", "image/png", len(picture), store.put_blob(picture))
    edit = FileEdit("/w/a.py", store.put_blob(before), hashlib.sha256(b"as it is").hexdigest())
    created = FileEdit("/w/b.py", None, hashlib.sha256(b"new").hexdigest())
    result = ToolResultStep(
        id="t.0",
        index=0,
        round=0,
        full_output=store.put_blob(whole),
        attachments=(seen,),
        edits=(edit, created),
    )
    await record(store, [started("t"), StepFinished(result), finished()])
    kept, conversation = exported(store, "c"), everything(store)
    assert set(kept[2].values()) == {picture, whole, before}
    store.delete("c")
    for digest in kept[2]:
        with pytest.raises(StoreError):
            store.blob(digest)
    store.merge(*kept)
    assert everything(store) == conversation
    assert {store.blob(digest) for digest in kept[2]} == {picture, whole, before}
    assert store.check() == []


# --- keeping for some days ---


async def test_what_has_not_gone_on_for_so_many_days_goes(store: Store) -> None:
    await record(store, [started("old", conversation="old"), finished()])
    now = Clock().timestamp()
    await record(store, [started("new", conversation="new", at=now), finished()])
    _backdate(store, "old", days=40)
    assert store.expire(41) == 0
    assert store.expire(30) == 1
    assert [row.conversation.id for row in store.list()] == ["new"]


async def test_what_is_running_does_not_expire(store: Store) -> None:
    log = await store.begin(started("t"), directory=None, origin="app", title="t")
    _backdate(store, "c", days=40)
    assert store.expire(30) == 0
    log.close()


async def test_a_few_expire_at_once(store: Store) -> None:
    for n in range(25):
        await record(store, [started(f"t{n}", conversation=f"c{n}"), finished()])
        _backdate(store, f"c{n}", days=40)
    assert [store.expire(30), store.expire(30), store.expire(30)] == [20, 5, 0]


def _backdate(store: Store, conversation: str, *, days: int) -> None:
    moment = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
    with closing(sqlite3.connect(store.file)) as db, db:
        row = (moment.replace("+00:00", "Z"), conversation)
        db.execute("UPDATE conversation SET updated_at = ? WHERE id = ?", row)


# --- merging ---


async def test_export_delete_import_restores_the_same(store: Store) -> None:
    data = b"picture"
    picture = Attachment("a", "image/png", 7, hashlib.sha256(data).hexdigest(), data)
    await record(store, whole_turn("t1", attachments=(picture,)))
    await record(store, whole_turn("t2", "t1"))
    store.set_head("c", "t1")
    await record(store, whole_turn("t3", "t1"))
    before, saved, tree = everything(store), exported(store, "c"), store.tree("c")
    store.delete("c")
    assert store.merge(*saved) == ImportResult(conversations_added=1, turns_added=3)
    assert everything(store) == before
    assert store.tree("c") == tree
    assert store.blob(picture.sha256) == data
    assert len(store.search("picture a")) == 0
    assert {hit.turn for hit in store.search("there")} == {"t1", "t2", "t3"}


async def test_importing_what_is_there_changes_nothing(store: Store) -> None:
    await hold(store, "t1", "t2")
    before = everything(store)
    assert store.merge(*exported(store, "c")) == ImportResult(turns_known=2)
    assert everything(store) == before


async def test_stores_of_several_machines_merge(store: Store, other: Store) -> None:
    await hold(store, "t1", "t2")
    other.merge(*exported(store, "c"))
    await record(other, whole_turn("t3", "t2"))
    await record(store, whole_turn("t4", "t2"))
    went_on = exported(other, "c")
    assert store.merge(*went_on) == ImportResult(turns_added=1, turns_known=2)
    assert store.find("c").head == "t4"
    assert [turn for turn, _ in store.tree("c")] == ["t1", "t2", "t4", "t3"]


async def test_a_known_conversation_goes_on_with_a_newer_one(store: Store, other: Store) -> None:
    await hold(store, "t1")
    other.merge(*exported(store, "c"))
    other.set_title("c", "Better", "user")
    await record(other, whole_turn("t2", "t1"))
    added = ImportResult(conversations_updated=1, turns_added=1, turns_known=1)
    assert store.merge(*exported(other, "c")) == added
    assert store.find("c") == other.find("c")
    assert store.list() == other.list()


async def test_a_title_of_the_users_stays(store: Store, other: Store) -> None:
    await hold(store, "t1")
    other.merge(*exported(store, "c"))
    store.set_title("c", "Mine", "user")
    other.set_title("c", "A machine's", "model")
    await record(other, whole_turn("t2", "t1"))
    store.merge(*exported(other, "c"))
    assert (store.find("c").title, store.find("c").head) == ("Mine", "t2")


async def test_children_may_come_before_their_parents(store: Store, other: Store) -> None:
    await hold(store, "t1", "t2", "t3")
    conversation, turns, blobs = exported(store, "c")
    other.merge(conversation, [turns[2]], blobs)
    assert other.path("c") == ["t3"]
    other.merge(conversation, turns[1::-1], blobs)
    assert everything(other) == everything(store)


async def test_a_fork_comes_without_its_original(store: Store, other: Store) -> None:
    await hold(store, "t1", "t2")
    fork = store.fork("c", at="t1")
    other.merge(*exported(store, fork.id))
    assert other.path(fork.id) == ["t1"]
    other.merge(*exported(store, "c"))
    assert other.path("c") == ["t1", "t2"]
    other.delete(fork.id)
    assert other.path("c") == ["t1", "t2"]
    other.delete("c")
    assert other.turns(["t1", "t2"]) == []


async def test_a_circle_is_refused(store: Store, other: Store) -> None:
    await hold(store, "t1", "t2")
    conversation, (first, second), blobs = exported(store, "c")
    with pytest.raises(StoreError, match="follows itself"):
        other.merge(conversation, [replace(first, parent="t2"), second], blobs)
    other.merge(conversation, [second], blobs)
    with pytest.raises(StoreError, match="follows itself"):
        other.merge(conversation, [replace(first, parent="t2")], blobs)
    assert other.path("c") == ["t2"]


async def test_content_that_is_not_what_it_says_is_refused(store: Store, other: Store) -> None:
    await hold(store, "t1")
    conversation, turns, _ = exported(store, "c")
    with pytest.raises(StoreError, match="digest"):
        other.merge(conversation, turns, {"0" * 64: b"x"})
    assert other.list() == []


async def test_half_a_character_in_an_id_is_refused(store: Store) -> None:
    await hold(store, "t1")
    conversation, turns, blobs = exported(store, "c")
    with pytest.raises(StoreError):
        store.merge(replace(conversation, id="\ud800"), turns, blobs)
    with pytest.raises(StoreError):
        store.merge(replace(conversation, id="d", head="\ud800"), [], {})
    with pytest.raises(StoreError):
        await begin(store, started("\ud800"))


async def test_a_dead_turn_is_imported_with_an_end(store: Store, other: Store) -> None:
    log = await record(store, whole_turn("t")[:-6])
    die(store, log)
    with Store.open(store.file.parent) as again:
        other.merge(*exported(again, "c"))
    (turn,) = other.turns(["t"])
    assert turn.events[-1].type == "turn.finished"
