"""Fuzzing what reads others' files: exports of other programs, our own JSON Lines, databases.

What is whole comes in, what isn't is named in a warning, and only the named error ends an import.
What came in can be written as an export again, and read back the same.
"""

from __future__ import annotations

import atexit
import json
import sqlite3
import tempfile
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from chatterm.errors import UsageError
from chatterm.events import to_json_line
from chatterm.importing import recognise
from chatterm.transcripts.jsonl import from_jsonl, read_jsonl, to_jsonl
from fuzz.damage import CHANGES, SEEDS, VALUES, damaged, spoilt
from fuzz.target import Target
from transcripts.samples import blobs, conversations, trees

_DATA = Path(__file__).resolve().parents[1] / "importing" / "data"
EXPORTS = [
    json.loads((_DATA / name).read_text("utf-8")) for name in ("chatgpt.json", "claude.json")
]


@cache
def _folder() -> Path:
    top = tempfile.TemporaryDirectory(prefix="chatterm-fuzz-")
    atexit.register(top.cleanup)
    return Path(top.name)


# --- checks -----------------------------------------------------------------------------------


def check_import(data: bytes, name: str) -> None:
    """A file of any content is read as far as it goes; only a UsageError that names it ends it."""
    path = _folder() / name
    path.write_bytes(data)
    try:
        importer = recognise(path)
        found = list(importer)
    except UsageError as error:
        assert str(path) in str(error) or name in str(error)
        return
    finally:
        path.unlink()
    assert all(importer.warnings)
    for conversation, turns, contents in found:
        lines = list(to_jsonl(conversation, turns, contents))
        [(again, read, _)] = list(from_jsonl(lines))
        assert again == conversation
        assert _by_id(read) == _by_id(turns)


def _by_id(turns: list[Any]) -> dict[str, str]:
    # Of two turns of one id, which only a damaged file has, the later counts.
    return {turn.id: repr(turn) for turn in turns}


def check_lines(data: bytes) -> None:
    """Of a damaged export of ours what is whole is read, and each line that isn't is told."""
    told: list[str] = []
    lines = data.split(b"\n")
    found = list(read_jsonl(lines, told.append))
    assert all(each.startswith("line ") for each in told)
    assert len(told) <= len(lines)
    for conversation, turns, contents in found:
        again = list(read_jsonl(to_jsonl(conversation, turns, contents), told.append))
        assert len(again) == 1
    with suppress(UsageError):
        strict = list(from_jsonl(lines))
        assert repr(strict) == repr(found)
        assert not told


def check_database(tables: list[tuple[str, list[str], list[list[Any]]]], seeds: list[int]) -> None:
    """A database of any tables, and one with damaged pages, is read or refused by its name."""
    path = _folder() / "logs.db"
    with closing(sqlite3.connect(path)) as database:
        for name, columns, rows in tables:
            quoted = ", ".join(f'"{column}"' for column in dict.fromkeys(columns))
            with suppress(sqlite3.Error):
                database.execute(f"CREATE TABLE {name} ({quoted})")
            for row in rows:
                values = (row * len(columns))[: len(dict.fromkeys(columns))]
                with suppress(sqlite3.Error, OverflowError, UnicodeEncodeError):
                    marks = ", ".join("?" * len(values))
                    database.execute(f"INSERT INTO {name} VALUES ({marks})", values)
        database.commit()
    data = path.read_bytes()
    path.unlink()
    check_import(spoilt(data, seeds), "logs.db")


# --- strategies -------------------------------------------------------------------------------


@st.composite
def exports(draw: st.DrawFn) -> bytes:
    """An export of another program with changes at some places, or in some bytes."""
    value = damaged(draw(st.sampled_from(EXPORTS)), draw(CHANGES))
    data = json.dumps(value).encode()
    return spoilt(data, draw(SEEDS)) if draw(st.integers(0, 3)) == 0 else data


@st.composite
def own_exports(draw: st.DrawFn) -> bytes:
    """Our own export with lines that were changed, lost, doubled or out of order."""
    lines: list[Any] = []
    for line in to_jsonl(draw(conversations), draw(trees()), draw(blobs)):
        value = json.loads(line)
        match draw(st.integers(0, 11)):
            case 0:
                value = damaged(value, draw(CHANGES))
            case 1:
                continue
            case 2:
                lines.append(value)
            case 3:
                value = draw(VALUES)
            case _:
                pass
        lines.insert(len(lines) - draw(st.integers(0, 1)) if lines else 0, value)
    data = b"\n".join(map(to_json_line, lines))
    return spoilt(data, draw(SEEDS)) if draw(st.integers(0, 3)) == 0 else data


_COLUMNS = ("id", "prompt", "response", "model", "system", "conversation_id", "chat_id", "datetime_utc",
            "prompt_json", "response_json", "options_json", "name", "tool_call_id", "response_id",
            "arguments", "output", "tool_id", "input_tokens", "output_tokens", "attachment_id", "content",
            "type", "path", "url", "order", "fragment_id", "hash", "text", "role", "exception")  # fmt: skip
_CELLS = st.one_of(
    st.sampled_from(("", "a", "1", "c1", "{}", "[]", '{"a":1}', "2024-01-01T00:00:00", "x", "\0", b"\xff")),
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
)  # fmt: skip
_tables = st.lists(
    st.tuples(
        st.sampled_from(("responses", "logs", "conversations", "tool_calls", "tool_results", "attachments",
                         "prompt_attachments", "fragments", "prompt_fragments", "system_fragments")),
        st.lists(st.sampled_from(_COLUMNS), min_size=4, max_size=14).map(
            lambda names: ["id", "prompt", "response", "model", *names]
        ),
        st.lists(st.lists(_CELLS, min_size=1, max_size=8), max_size=4),
    ),
    max_size=5,
)  # fmt: skip

TARGETS = [
    Target(
        "imports/exports", st.tuples(exports(), st.just("conversations.json")), check_import, 40
    ),
    Target(
        "imports/any",
        st.tuples(st.binary(max_size=300), st.sampled_from(("a.zip", "a.jsonl", "b.db"))),
        check_import,
        30,
    ),
    Target("imports/own", st.tuples(own_exports()), check_lines, 40),
    Target("imports/own-file", st.tuples(own_exports(), st.just("own.jsonl")), check_import, 20),
    Target("imports/database", st.tuples(_tables, SEEDS), check_database, 30),
]
