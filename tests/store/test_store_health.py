"""A quick look at the store changes nothing and says what is wrong."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from chatterm.store import Store
from chatterm.store.database import FILE_NAME
from chatterm.store.health import Health, health


def test_where_there_is_no_store_none_is_made(tmp_path: Path) -> None:
    assert health(tmp_path / "none") == Health()
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_well(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    found = health(tmp_path)
    assert (found.exists, found.conversations, found.problem) == (True, 0, "")
    assert found.bytes > 0


def test_a_store_that_is_in_use(tmp_path: Path) -> None:
    with Store.open(tmp_path):
        assert health(tmp_path).problem == ""


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 1000)
    assert "not a database" in health(tmp_path).problem


def test_a_database_of_somebody_else(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.execute("CREATE TABLE t (x)")
        db.commit()
    assert health(tmp_path).problem == "it isn't a store of chatterm"


def test_a_store_of_a_newer_chatterm(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.execute("PRAGMA user_version=999")
    assert health(tmp_path).problem == "a newer chatterm wrote it"


def test_damage_that_was_met_before(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    (tmp_path / f"{FILE_NAME}.suspect").touch()
    assert "damage was met" in health(tmp_path).problem
