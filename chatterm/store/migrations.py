"""The schema, as a list of steps from nothing to the present one.

A step that was released is never changed; what is to be different is one more step. The number of
the last step that a file has been through is its `user_version`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

Migration = Callable[[sqlite3.Connection], None]

MIGRATIONS: list[Migration] = []


def migration(function: Migration) -> Migration:
    """Add a step to the list; it runs in a transaction of its caller's."""
    MIGRATIONS.append(function)
    return function


def migrate(db: sqlite3.Connection) -> None:
    """Take the steps that the file hasn't been through."""
    for number in range(version_of(db), len(MIGRATIONS)):
        MIGRATIONS[number](db)
        db.execute(f"PRAGMA user_version={number + 1}")


def version_of(db: sqlite3.Connection) -> int:
    """The number of the last step that the file has been through."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


@migration
def conversations_turns_events(db: sqlite3.Connection) -> None:
    """The log, the tree of turns, names for its heads, and the index of words."""
    for statement in _FIRST.split(";\n"):
        if statement.strip():
            db.execute(statement)
    create_index(db)


def create_index(db: sqlite3.Connection) -> None:
    """Create the index of words: their places only, the words themselves are in the log."""
    db.execute(
        "CREATE VIRTUAL TABLE words USING fts5(text, content='', columnsize=0,"
        " tokenize='unicode61 remove_diacritics 2')"
    )


_FIRST = """
CREATE TABLE conversation (
    key        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    title      TEXT NOT NULL,
    title_from TEXT NOT NULL,
    directory  TEXT,
    origin     TEXT NOT NULL,
    head       TEXT,               -- a turn's id
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX conversation_by_time ON conversation (updated_at);
CREATE INDEX conversation_by_directory ON conversation (directory, updated_at);
CREATE INDEX conversation_by_head ON conversation (head);

CREATE TABLE turn (
    key      INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    parent   TEXT,                 -- a turn's id; one that isn't here ends the path
    home     TEXT NOT NULL,        -- the conversation that counts it among its branches
    at       TEXT NOT NULL,
    model    TEXT NOT NULL,
    finished INTEGER NOT NULL,     -- has its turn.finished
    usage    TEXT NOT NULL,        -- its own, JSON
    depth    INTEGER NOT NULL,     -- turns on the path to it, itself included; acts aren't counted
    total    TEXT NOT NULL         -- usage over that path, JSON
);
CREATE INDEX turn_by_parent ON turn (parent);
CREATE INDEX turn_by_home ON turn (home);
CREATE INDEX turn_unfinished ON turn (home) WHERE finished = 0;

CREATE TABLE event (
    key  INTEGER PRIMARY KEY,
    turn INTEGER NOT NULL,         -- a turn's key
    seq  INTEGER NOT NULL,
    type TEXT NOT NULL,
    step TEXT,
    data TEXT NOT NULL,            -- the event, JSON
    blob TEXT                      -- where a tool's large content is, left out of the JSON
);
CREATE UNIQUE INDEX event_in_turn ON event (turn, seq);

CREATE TABLE blob (
    key      INTEGER PRIMARY KEY,
    sha256   TEXT NOT NULL UNIQUE,
    added_at TEXT NOT NULL,
    data     BLOB NOT NULL
);
CREATE TABLE blob_use (
    turn   INTEGER NOT NULL,       -- a turn's key
    sha256 TEXT NOT NULL,
    PRIMARY KEY (turn, sha256)
) WITHOUT ROWID;
CREATE INDEX blob_use_by_blob ON blob_use (sha256);

CREATE TABLE to_index (
    event INTEGER PRIMARY KEY      -- an event's key whose words aren't in the index yet
);
"""
