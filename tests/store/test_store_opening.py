"""Opening a store in whatever state it is: new, old, newer, damaged, read-only, without locks."""

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatterm.errors import ExitStatus, StoreError
from chatterm.events import StepFinished
from chatterm.steps import ToolResultStep
from chatterm.store import Store, database, locks, migrations
from chatterm.store.model import fold
from store.making import begin, finished, hold, record, started, whole_turn

TESTS = Path(__file__).parent.parent
ROOT = os.geteuid() == 0


def database_of(directory: Path) -> Path:
    return directory / "chatterm.db"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def kept_aside(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if ".damaged-" in path.name]


async def filled(directory: Path, turns: int = 30) -> None:
    """A store that takes some pages, all of them in the file."""
    with Store.open(directory) as store:
        for number in range(turns):
            id_ = f"t{number}"
            events = whole_turn(id_, conversation=f"c{number}", text=f"needle {number} " * 50)
            await record(store, events)


# --- a new one ---


def test_a_new_store_is_for_the_user_only(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "data"
    before = os.umask(0)
    try:
        with Store.open(directory) as store:
            store.put_blob(b"x")
            assert mode_of(directory) == 0o700
            for path in directory.iterdir():
                assert mode_of(path) == (0o700 if path.is_dir() else 0o600), path
            assert store.warnings == []
            assert store.list() == []
            assert store.newest() is None
            assert store.check() == []
    finally:
        os.umask(before)


async def test_what_is_too_open_is_closed(tmp_path: Path) -> None:
    await filled(tmp_path, 1)
    database_of(tmp_path).chmod(0o644)
    with Store.open(tmp_path):
        assert mode_of(database_of(tmp_path)) == 0o600


def test_an_empty_file_is_a_new_store(tmp_path: Path) -> None:
    database_of(tmp_path).touch()
    with Store.open(tmp_path) as store:
        assert store.list() == []
        assert store.warnings == []


def test_a_creator_that_died_is_no_harm(tmp_path: Path) -> None:
    with closing(sqlite3.connect(database_of(tmp_path))) as db:
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        db.execute("PRAGMA journal_mode=WAL")
    with Store.open(tmp_path) as store:
        assert store.list() == []
        assert store.warnings == []


def test_a_file_in_the_directorys_place(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(StoreError, match="can't be used") as caught:
        Store.open(path)
    assert caught.value.exit_status is ExitStatus.STORE
    assert "CHATTERM_DATA_DIR" in caught.value.hint


def test_a_directory_in_the_files_place(tmp_path: Path) -> None:
    database_of(tmp_path).mkdir()
    with pytest.raises(StoreError):
        Store.open(tmp_path)


# --- other versions ---


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    await filled(tmp_path, 1)
    with closing(sqlite3.connect(database_of(tmp_path))) as db:
        db.execute("PRAGMA user_version=99")
    before = database_of(tmp_path).read_bytes()
    with pytest.raises(StoreError, match="newer chatterm: its schema is version 99") as caught:
        Store.open(tmp_path)
    assert "upgrade" in caught.value.hint
    assert database_of(tmp_path).read_bytes() == before


async def test_an_older_schema_is_brought_up_to_date_after_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(tmp_path, 2)

    def colour(db: sqlite3.Connection) -> None:
        db.execute("ALTER TABLE conversation ADD COLUMN colour TEXT")

    present = len(migrations.MIGRATIONS)
    monkeypatch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS)
    migrations.MIGRATIONS.append(colour)
    try:
        with Store.open(tmp_path) as store:
            assert len(store.list()) == 2
            with store._reader() as db:
                assert migrations.version_of(db) == present + 1
                db.execute("SELECT colour FROM conversation").fetchall()
    finally:
        migrations.MIGRATIONS.remove(colour)
    copy = tmp_path / f"chatterm.db.before-{present + 1}"
    assert mode_of(copy) == 0o600
    with closing(sqlite3.connect(copy)) as db:
        assert migrations.version_of(db) == present
        assert db.execute("SELECT count(*) FROM conversation").fetchone() == (2,)


async def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    await filled(tmp_path, 2)

    def half(db: sqlite3.Connection) -> None:
        db.execute("DROP TABLE event")
        raise sqlite3.OperationalError("disk I/O error")

    migrations.MIGRATIONS.append(half)
    try:
        with pytest.raises(StoreError):
            Store.open(tmp_path)
    finally:
        migrations.MIGRATIONS.remove(half)
    with Store.open(tmp_path) as store:
        assert len(store.list()) == 2
        assert store.check() == []


# --- damage ---


@pytest.mark.parametrize(
    "content", [b"garbage" * 1000, b"x", b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_garbage_is_set_aside(tmp_path: Path, content: bytes) -> None:
    database_of(tmp_path).write_bytes(content)
    with Store.open(tmp_path) as store:
        (warning,) = store.warnings
        (aside,) = kept_aside(tmp_path)
        assert "was damaged: 0 turns could be recovered" in warning
        assert str(aside) in warning
        assert aside.read_bytes() == content
        assert store.list() == []
        assert mode_of(store.file) == 0o600
    with Store.open(tmp_path) as store:
        assert store.warnings == []


def test_another_programs_database_is_set_aside(tmp_path: Path) -> None:
    with closing(sqlite3.connect(database_of(tmp_path))) as db:
        db.execute("CREATE TABLE event (whatever)")
    with Store.open(tmp_path) as store:
        assert len(store.warnings) == 1
        assert store.list() == []


@pytest.mark.parametrize("part", [0.3, 0.7, 0.95])
async def test_of_a_truncated_file_what_is_left_is_recovered(tmp_path: Path, part: float) -> None:
    await filled(tmp_path)
    size = database_of(tmp_path).stat().st_size
    with database_of(tmp_path).open("r+b") as file:
        file.truncate(int(size * part))
    with Store.open(tmp_path) as store:
        assert "was damaged" in store.warnings[0]
        assert store.check() == []
        await record(store, whole_turn("new", conversation="new"))
        rows = store.list()
        assert all(store.turns(store.path(row.conversation.id)) for row in rows if row.turns)
        assert part < 0.9 or len(rows) > 10


@pytest.mark.parametrize("what", ["header", "conversation", "turn", "event"])
async def test_a_lost_root_loses_nothing_below_it(tmp_path: Path, what: str) -> None:
    large = ToolResultStep(id="x.0", index=0, round=0, content="y" * 300_000)
    with Store.open(tmp_path) as store:
        await record(store, [started("x", text="é" * 20_000), StepFinished(large), finished()])
    await filled(tmp_path, 60)
    with Store.open(tmp_path) as store:
        rows = store.list()
        turns = store.turns(["x", *(f"t{number}" for number in range(60))])
    page = 1
    if what != "header":
        with closing(sqlite3.connect(database_of(tmp_path))) as db:
            query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
            (page,) = db.execute(query, (what,)).fetchone()
    with database_of(tmp_path).open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    with Store.open(tmp_path) as store:
        assert "61 turns could be recovered" in store.warnings[0]
        assert store.turns([turn.id for turn in turns]) == turns
        assert [(row.turns, row.usage) for row in store.list()] == [
            (row.turns, row.usage) for row in rows
        ]
        assert what == "conversation" or store.list() == rows
        assert store.check() == []


async def test_what_was_only_in_the_log_is_recovered(tmp_path: Path) -> None:
    live, copy = tmp_path / "live", tmp_path / "copy"
    with Store.open(live) as store:
        await hold(store, "t1", "t2")
        shutil.copytree(live, copy)  # as a killed process leaves it
        turns = store.turns(["t1", "t2"])
    with database_of(copy).open("r+b") as file:
        file.write(b"\xff" * 4096)
    with Store.open(copy) as store:
        assert store.turns(["t1", "t2"]) == turns


@pytest.mark.parametrize("seed", range(12))
async def test_around_a_damaged_page_all_is_recovered(tmp_path: Path, seed: int) -> None:
    await filled(tmp_path)
    with closing(sqlite3.connect(database_of(tmp_path))) as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
    chance = random.Random(seed)
    page = chance.randrange(1, pages)  # the first is page 0 here
    with database_of(tmp_path).open("r+b") as file:
        file.seek(page * 4096)
        file.write(chance.randbytes(4096))
    with Store.open(tmp_path) as store:
        first = store.warnings
        problems = store.check()
    with Store.open(tmp_path) as store:
        await record(store, whole_turn("new", conversation="new"))
        # Either the damage hit nothing that matters, or it was found and mended.
        assert not problems or "was damaged" in store.warnings[0] or not store.warnings
        assert store.check() == [], (first, problems)
        assert store.turns(["new"])[0].events == fold(whole_turn("new", conversation="new"))
        # One page holds a few rows of one table; all else is there.
        assert len(store.list()) >= 15
        for row in store.list():
            for turn in store.turns(store.path(row.conversation.id)):
                assert turn.events[0].type == "turn.started"
                assert turn.events[-1].type == "turn.finished"
        store.search("needle")


async def test_damage_that_is_met_is_mended_at_the_next_opening(tmp_path: Path) -> None:
    await filled(tmp_path)
    with closing(sqlite3.connect(database_of(tmp_path))) as db:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'event_in_turn'"
        (page,) = db.execute(query).fetchone()
    with database_of(tmp_path).open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    with Store.open(tmp_path) as store:
        with pytest.raises(StoreError, match="is damaged") as caught:
            store.turns(["t1"])
        assert "start again" in caught.value.hint
    with Store.open(tmp_path) as store:
        assert "30 turns could be recovered" in store.warnings[0]
        expected = whole_turn("t1", conversation="c1", text="needle 1 " * 50)
        assert store.turns(["t1"])[0].events == fold(expected)
        assert len(store.search("needle", limit=100)) == 30
        assert len(kept_aside(tmp_path)) == 1


async def test_lost_tables_are_made_anew_from_the_log(tmp_path: Path) -> None:
    result = ToolResultStep(id="t2.0", index=0, round=0, content="x" * 300_000)
    with Store.open(tmp_path) as store:
        await hold(store, "t1")
        await record(store, [started("t2", "t1"), StepFinished(result), finished()])
        row, turns = store.list()[0], store.turns(["t1", "t2"])
    with closing(sqlite3.connect(database_of(tmp_path))) as db:
        db.execute("DELETE FROM conversation")
        db.execute("DELETE FROM turn")
        db.commit()
    with Store.open(tmp_path) as store:
        assert store.check() != []
    (tmp_path / "chatterm.db.suspect").touch()
    _spoil_header(database_of(tmp_path))
    with Store.open(tmp_path) as store:
        again = store.list()[0]
        assert (again.turns, again.usage, again.conversation.head) == (2, row.usage, "t2")
        assert again.conversation.title == "hello"
        assert store.turns(["t1", "t2"]) == turns
        assert store.check() == []


def _spoil_header(path: Path) -> None:
    """Make SQLite call the file damaged although every row can be read: a wrong free list."""
    with path.open("r+b") as file:
        file.seek(32)
        file.write((3).to_bytes(4, "big") + (500).to_bytes(4, "big"))


async def test_a_suspicion_without_cause_is_dropped(tmp_path: Path) -> None:
    await filled(tmp_path, 2)
    (tmp_path / "chatterm.db.suspect").touch()
    with Store.open(tmp_path) as store:
        assert store.warnings == []
        assert len(store.list()) == 2
    assert not (tmp_path / "chatterm.db.suspect").exists()
    assert kept_aside(tmp_path) == []


async def test_an_event_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    await filled(tmp_path, 2)
    with Store.open(tmp_path) as store:
        store._change(
            lambda db: db.execute(
                "UPDATE event SET data = '{\"ty' WHERE step GLOB '*.0'"
            ).fetchall()
        )
        assert len(store.check()) == 2
        (turn,) = store.turns(["t0"])
        assert [step.kind for step in turn.steps][-1] == "notice"
        assert turn.steps[-1].reason == "damaged"
        assert turn.events[-1] == finished()
        assert len(store.search("needle")) == 2


async def test_a_damaged_store_in_use_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatterm.store.opening._PATIENCE_SECONDS", 0.05)
    await filled(tmp_path, 2)
    with Store.open(tmp_path) as store:
        (tmp_path / "chatterm.db.suspect").touch()
        with pytest.raises(StoreError, match="another chatterm uses it"):
            Store.open(tmp_path)
        assert len(store.list()) == 2


# --- where things can't be written ---


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that other users can reach."""
    directory = Path(tempfile.mkdtemp(prefix="chatterm-store-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        directory.chmod(0o755)
        shutil.rmtree(directory)


READ_ONLY = """
import asyncio, os, sys
from pathlib import Path
from chatterm.errors import StoreError
from chatterm.store import Store, search
from store.making import begin, started
if os.geteuid() == 0:  # may do anything, so be somebody else
    os.setgid(65534)
    os.setuid(65534)
with Store.open(Path(sys.argv[1])) as store:
    print(*store.warnings)
    print(len(store.list()), len(store.turns(["t0"])), len(store.search("needle")))
    try:
        asyncio.run(begin(store, started("new")))
    except StoreError as error:
        print(error)
"""


def run_as_reader(directory: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(directory)],
        env={"PYTHONPATH": f"{TESTS}:{TESTS.parent}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("log_left", [False, True])
async def test_a_read_only_directory_can_be_read(public: Path, log_left: bool) -> None:
    directory = public / "data"
    await filled(directory, 2)
    with Store.open(directory) as store:
        store.search("needle")
    if log_left:  # as a killed process leaves it
        with Store.open(directory) as store:
            await record(store, whole_turn("t2", conversation="c2"))
            copy = public / "copy"
            shutil.copytree(directory, copy)
        directory = copy
        assert (directory / "chatterm.db-wal").exists()
    for path in (directory, *directory.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    warning, counts, refused = run_as_reader(directory)
    assert "can't be written" in warning
    assert "nothing will be kept" in warning
    assert counts == ("3 1 2" if log_left else "2 1 2")
    assert "could only be opened for reading" in refused


def test_a_read_only_directory_without_a_store(public: Path) -> None:
    public.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(public / "data")],
        env={"PYTHONPATH": f"{TESTS}:{TESTS.parent}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "can't be used: permission denied" in done.stderr


async def test_without_shared_memory_a_rollback_journal_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "VFS", "unix-dotfile")
    with Store.open(tmp_path) as store:
        assert "without shared memory or locks" in store.warnings[0]
        await hold(store, "t1", "t2")
        assert store.path("c") == ["t1", "t2"]
        assert len(store.search("there")) == 4
        store.delete("c")
        assert store.list() == []


async def test_where_files_cannot_be_locked_turns_are_kept_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(locks.fcntl, "flock", no_locks)
    with Store.open(tmp_path) as store:
        await hold(store, "t1", "t2")
        assert store.path("c") == ["t1", "t2"]
        assert store.check() == []
    with Store.open(tmp_path) as store:
        assert [turn.running for turn in store.turns(["t1", "t2"])] == [False, False]


async def test_a_store_that_was_moved_there_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(tmp_path, 2)
    monkeypatch.setattr(database, "VFS", "unix-dotfile")
    with Store.open(tmp_path) as store:
        assert "without shared memory or locks" in store.warnings[0]
        assert len(store.list()) == 2
    monkeypatch.setattr(database, "VFS", None)
    with Store.open(tmp_path) as store:
        assert store.warnings == []
        assert len(store.list()) == 2


async def test_a_file_that_is_locked_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    with Store.open(tmp_path) as store, closing(sqlite3.connect(database_of(tmp_path))) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another process"):
            await begin(store, started("t"))
        other.rollback()
        log = await begin(store, started("t"))
        log.close()


# --- a full disk ---


async def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        await hold(store, "t1")
        limit = "PRAGMA max_page_count=%d"
        (pages,) = store._writer.run(lambda db: db.execute("PRAGMA page_count").fetchone())
        store._writer.run(lambda db: db.execute(limit % (pages + 20)).fetchone())
        events = whole_turn("t2", "t1")
        log = await record(store, events[:-1])
        large = StepFinished(ToolResultStep(id="t2.9", index=9, round=0, content="x" * 200_000))
        with pytest.raises(StoreError, match="the disk is full") as caught:
            await log.record(large)
        assert caught.value.exit_status is ExitStatus.STORE
        assert [s.kind for s in store.turns(["t2"])[0].steps][-1] == "tool_result"
        # With space again, what couldn't be written is not lost either.
        store._writer.run(lambda db: db.execute(limit % 1_000_000).fetchone())
        await log.record(finished())
        log.close()
        assert store.turns(["t2"])[0].events == fold([*events[:-1], large, finished()])
    with Store.open(tmp_path) as store:
        assert store.check() == []


async def test_an_error_in_what_waits_is_raised_by_the_next_call(tmp_path: Path) -> None:
    with Store.open(tmp_path, persist_min_chars=1) as store:
        log = await begin(store, started("t"))
        store._writer.run(lambda db: db.execute("PRAGMA max_page_count=1").fetchone())
        first, second = whole_turn("t")[4:6]
        await log.record(whole_turn("t", text="x" * 9000)[1])
        while log._error is None:
            await log.record(second) if log._error is None else None
            store._writer.run(lambda db: None)
        with pytest.raises(StoreError, match="the disk is full"):
            await log.record(first)
        store._writer.run(lambda db: db.execute("PRAGMA max_page_count=1000000").fetchone())
        log.close()


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from chatterm.errors import StoreError
from chatterm.store import Store
from store.making import record, whole_turn
async def main():
    with Store.open(Path(sys.argv[1])) as store:
        size = 400_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        for number in range(1000):
            try:
                await record(store, whole_turn(f"t{number}", conversation="c%d" % number))
            except StoreError as error:
                print(error, flush=True)
                return
            print(f"t{number}", flush=True)
asyncio.run(main())
"""


def test_files_that_may_not_grow(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)],
        env={"PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    *acknowledged, error = done.stdout.splitlines()
    assert "can't be read or written" in error or "disk is full" in error, done.stderr
    with Store.open(tmp_path) as store:
        assert store.warnings == []
        assert [turn.id for turn in store.turns(acknowledged)] == acknowledged
        assert store.check() == []
