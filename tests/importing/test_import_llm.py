"""The logs database of `llm`, in several versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from chatterm.errors import UsageError
from chatterm.events import UsageReported
from chatterm.importing import recognise
from chatterm.steps import (
    NoticeStep,
    Outcome,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Usage,
)
from importing.reading import finished, is_well_formed, path_to_head, read, started, steps

FIRST = """
CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT,
    prompt_json TEXT, options_json TEXT, response TEXT, response_json TEXT,
    conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT);
INSERT INTO conversations VALUES ('c1', 'Capitals', 'gpt-4o');
INSERT INTO responses VALUES
    ('r2', 'gpt-4o', 'And Spain?', NULL, NULL, NULL, 'Madrid', '{}', 'c1', 5,
     '2024-02-01T00:00:09.5'),
    ('r1', 'gpt-4o', 'France?', 'Be brief', NULL, '{"temperature": 0.5}', 'Paris', '{}', 'c1', 12,
     '2024-02-01T00:00:01.123456+00:00'),
    ('r3', 'gpt-4o', 'alone', NULL, NULL, '[1', 'yes', NULL, NULL, NULL, NULL);
"""
LATEST = """
ALTER TABLE responses ADD COLUMN input_tokens INTEGER;
ALTER TABLE responses ADD COLUMN output_tokens INTEGER;
ALTER TABLE responses ADD COLUMN token_details TEXT;
ALTER TABLE responses ADD COLUMN resolved_model TEXT;
CREATE TABLE attachments (id TEXT PRIMARY KEY, type TEXT, path TEXT, url TEXT, content BLOB);
CREATE TABLE prompt_attachments (response_id TEXT, attachment_id TEXT, "order" INTEGER,
    PRIMARY KEY (response_id, attachment_id));
CREATE TABLE fragments (id INTEGER PRIMARY KEY, hash TEXT, content TEXT, source TEXT);
CREATE TABLE prompt_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER);
CREATE TABLE system_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER);
CREATE TABLE tool_calls (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT,
    arguments TEXT, tool_call_id TEXT);
CREATE TABLE tool_results (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT,
    output TEXT, tool_call_id TEXT, exception TEXT);
CREATE TABLE parts (id INTEGER PRIMARY KEY, response_id TEXT, direction TEXT, role TEXT,
    part_type TEXT, "order" INTEGER, content TEXT);
INSERT INTO conversations VALUES ('c2', NULL, 'm');
INSERT INTO responses (id, model, prompt, response, conversation_id, datetime_utc, input_tokens,
    output_tokens, resolved_model) VALUES
    ('s1', 'latest', 'Count', 'Let me see.', 'c2', '2025-01-01T00:00:01', 10, 2, 'm-1'),
    ('s2', 'latest', '', 'Two.', 'c2', '2025-01-01T00:00:02', 20, 3, 'm-1'),
    ('s3', 'latest', 'Thanks', '', 'c2', '2025-01-01T00:00:03', NULL, NULL, NULL);
INSERT INTO attachments VALUES ('aa11', 'image/png', NULL, NULL, x'89504e47'),
    ('bb22', 'image/png', '/home/u/a.png', NULL, NULL);
INSERT INTO prompt_attachments VALUES ('s1', 'bb22', 1), ('s1', 'aa11', 0);
INSERT INTO fragments VALUES (1, 'h', 'one', NULL), (2, 'i', 'two', NULL);
INSERT INTO prompt_fragments VALUES ('s1', 2, 1), ('s1', 1, 0);
INSERT INTO system_fragments VALUES ('s1', 1, 0);
INSERT INTO tool_calls VALUES (1, 's1', 1, 'count', '{"what": "a"}', 'call_1'),
    (2, 's1', 1, 'fail', 'x', NULL);
INSERT INTO tool_results VALUES (1, 's2', 1, 'count', '2', 'call_1', NULL),
    (2, 's2', 1, 'fail', '', NULL, 'Error: no');
INSERT INTO parts VALUES (1, 's1', 'output', 'assistant', 'reasoning', 0, 'Hm.'),
    (2, 's1', 'output', 'assistant', 'text', 1, 'Let me see.'),
    (3, 's1', 'input', 'user', 'reasoning', 0, 'not mine');
"""
OLDEST = """
CREATE TABLE logs (id INTEGER PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, response TEXT,
    chat_id INTEGER, datetime_utc TEXT);
INSERT INTO logs VALUES (1, 'gpt-3.5', 'Hi', NULL, 'Hello', NULL, '2023-04-01 10:00:00'),
    (2, 'gpt-3.5', 'Bye', NULL, 'So long', 1, '2023-04-01 10:00:05');
"""


def database(path: Path, scripts: Iterable[str]) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for script in scripts:
            connection.executescript(script)
    return path


def test_the_first_version(tmp_path: Path) -> None:
    [alone, capitals], warnings = read(database(tmp_path / "logs.db", [FIRST]))
    is_well_formed(capitals)
    is_well_formed(alone)
    assert not warnings
    about = capitals.conversation
    assert (about.title, about.title_from) == ("Capitals", "model")
    assert (about.created_at, about.updated_at) == (
        "2024-02-01T00:00:01.123Z",
        "2024-02-01T00:00:09.500Z",
    )
    france, spain = path_to_head(capitals)
    assert started(france).input.text == "France?"
    assert (started(france).system, started(spain).system) == ("Be brief", None)
    assert started(france).settings == {"temperature": 0.5}
    assert started(france).model == "llm/gpt-4o"
    [text] = steps(spain)
    assert isinstance(text, TextStep)
    assert (text.text, text.duration_ms) == ("Madrid", 5)
    assert alone.conversation.title == "alone"


def test_the_latest_version(tmp_path: Path) -> None:
    found, _ = read(database(tmp_path / "logs.db", [FIRST, LATEST]))
    imported = found[-1]
    is_well_formed(imported)
    counting, thanks = path_to_head(imported)
    start = started(counting)
    assert (start.input.text, start.system) == ("one\ntwo\nCount", "one")
    assert start.model == "llm/m-1"
    [picture] = start.input.attachments
    assert (picture.name, picture.data) == ("aa11.png", b"\x89PNG")
    thinking, first, call, failing, result, failure, second, note = steps(counting)
    assert isinstance(thinking, ThinkingStep)
    assert thinking.text == "Hm."
    assert isinstance(call, ToolCallStep)
    assert (call.call_id, call.input, call.hosted) == ("call_1", {"what": "a"}, False)
    assert isinstance(failing, ToolCallStep)
    assert (failing.call_id, failing.input) == ("fail", None)
    assert isinstance(result, ToolResultStep)
    assert (result.call_id, result.content, result.round) == ("call_1", "2", 0)
    assert isinstance(failure, ToolResultStep)
    assert (failure.content, failure.outcome) == ("Error: no", Outcome.FAILED)
    assert isinstance(second, TextStep)
    assert (first.round, second.round) == (0, 1)
    assert isinstance(note, NoticeStep)
    assert "/home/u/a.png" in note.text
    assert finished(counting).usage == Usage(input=30, output=5)
    assert any(isinstance(event, UsageReported) for event in counting.events)
    assert finished(thanks).usage == Usage()


def test_the_oldest_version(tmp_path: Path) -> None:
    [imported], _ = read(database(tmp_path / "log.db", [OLDEST]))
    is_well_formed(imported)
    assert [started(turn).input.text for turn in path_to_head(imported)] == ["Hi", "Bye"]
    assert imported.conversation.created_at == "2023-04-01T10:00:00.000Z"


def test_several_versions_in_one_file_and_twice_the_same(tmp_path: Path) -> None:
    path = database(tmp_path / "x", [FIRST, LATEST, OLDEST])
    first, _ = read(path)
    again, _ = read(path)
    assert first == again
    assert len({each.conversation.id for each in first}) == 4


def test_nothing_is_written(tmp_path: Path) -> None:
    path = database(tmp_path / "logs.db", [FIRST, LATEST])
    before = path.read_bytes()
    read(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["logs.db"]


def test_text_that_is_not_utf_8_and_values_of_other_types(tmp_path: Path) -> None:
    odd = "UPDATE responses SET response = CAST(x'ff61' AS TEXT), prompt = 5, model = x'00'"
    found, _ = read(database(tmp_path / "logs.db", [FIRST, odd]))
    for imported in found:
        is_well_formed(imported)
    [text] = steps(found[0].turns[0])
    assert isinstance(text, TextStep)
    assert text.text == "\N{REPLACEMENT CHARACTER}a"


def test_a_damaged_page_costs_what_is_on_it(tmp_path: Path) -> None:
    row = "INSERT INTO responses (id, prompt, response) VALUES ('x{0}', 'p', hex(zeroblob(900)));"
    path = database(tmp_path / "logs.db", [FIRST, *(row.format(n) for n in range(40))])
    whole, _ = read(path)
    content = path.read_bytes()
    page = content.rindex(b"0" * 900) // 4096 * 4096 - 5 * 4096
    path.write_bytes(content[:page] + b"\xee" * 4096 + content[page + 4096 :])
    found, warnings = read(path)
    assert any("the table responses is damaged" in warning for warning in warnings)
    assert len(whole) - 4 <= len(found) < len(whole)
    assert {each.conversation.id for each in found} < {each.conversation.id for each in whole}


def test_a_file_cut_off_is_an_error(tmp_path: Path) -> None:
    path = database(tmp_path / "logs.db", [FIRST, LATEST])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UsageError, match="can't read the database"):
        recognise(path)


@pytest.mark.parametrize("table", ["conversations", "tool_calls", "attachments", "fragments"])
def test_tables_that_are_missing_are_passed_over(tmp_path: Path, table: str) -> None:
    path = database(tmp_path / "logs.db", [FIRST, LATEST, f"DROP TABLE {table}"])
    found, warnings = read(path)
    assert len(found) == 3
    assert not warnings
