"""A file is recognised by what it holds."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import pytest

from chatterm.errors import UsageError
from chatterm.events import StepFinished, TurnFinished, TurnStarted
from chatterm.importing import recognise
from chatterm.importing.chatgpt import ChatGPTImporter
from chatterm.importing.claude import ClaudeImporter
from chatterm.importing.llm_logs import LlmImporter
from chatterm.importing.own import OwnImporter
from chatterm.steps import FinishReason, Status, TextStep, TurnStatus, UserInput
from chatterm.store.model import Conversation, RecordedTurn
from chatterm.transcripts import to_jsonl

AT = "2026-03-04T05:06:07.890Z"


def own_export(identity: str = "c1") -> tuple[Conversation, list[RecordedTurn]]:
    about = Conversation(identity, "T", "user", "/x", "app", "t1", AT, AT)
    step = TextStep(id="t1.0", index=0, round=0, status=Status.DONE, text="half \ud83d")
    events = (
        TurnStarted(identity, "t1", None, UserInput("hi"), None, "a/b", {}, AT),
        StepFinished(step),
        TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP),
    )
    return about, [RecordedTurn("t1", None, identity, events)]


def test_our_own_export_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "x.html"
    records = [own_export("c1"), own_export("c2")]
    path.write_bytes(b"".join(line for record in records for line in to_jsonl(*record, {})))
    importer = recognise(path)
    assert isinstance(importer, OwnImporter)
    assert [(about, turns) for about, turns, _ in importer] == records
    assert not importer.warnings


def test_our_own_export_with_damage_gives_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "x"
    lines = [line for name in "ab" for line in to_jsonl(*own_export(name), {})]
    path.write_bytes(b"".join([lines[0][:9] + b"\n", *lines[1:]]))
    importer = recognise(path)
    assert [about.id for about, _, _ in importer] == ["b"]
    assert len(importer.warnings) == 1


def test_whatever_the_file_is_called(data: Path, tmp_path: Path) -> None:
    for name, kind in (("chatgpt.json", ChatGPTImporter), ("claude.json", ClaudeImporter)):
        path = tmp_path / f"{kind.__name__}.db"
        path.write_bytes(b"\xef\xbb\xbf\n " + (data / name).read_bytes())
        assert type(recognise(path)) is kind
    path = tmp_path / "conversations.json"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE responses (id, prompt, response, model)")
    assert isinstance(recognise(path), LlmImporter)


@pytest.mark.parametrize("form", ["{}", '{{"conversations": [{}]}}', "[null, 5, {{}}, {}]"])
def test_a_single_conversation_or_a_wrapped_list(data: Path, tmp_path: Path, form: str) -> None:
    path = tmp_path / "one.json"
    [record] = json.loads((data / "chatgpt.json").read_text())
    path.write_text(form.format(json.dumps(record)))
    importer = recognise(path)
    assert len(list(importer)) == 1


NOTHING = [
    b"",
    b"\n\n",
    b"hello",
    b"[]",
    b"{}",
    b"[1, 2]",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"type":"turn.started"}\n',
    b'[{"messages": []}]',
    b"\x00\x01\x02\xff",
    b"\x89PNG\r\n\x1a\n",
    "[{]".encode("utf-16"),
]


@pytest.mark.parametrize("content", NOTHING)
def test_anything_else_is_an_error_that_says_what_is_understood(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="holds no conversations that can be imported") as caught:
        recognise(path)
    for name in ("JSON Lines", "ChatGPT", "Claude", "llm"):
        assert name in caught.value.hint


def test_another_database_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE responses (id, question)")
    with pytest.raises(UsageError, match="holds no conversations"):
        recognise(path)


def test_a_damaged_database_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"SQLite format 3\0" + b"garbage" * 100)
    with pytest.raises(UsageError, match="can't read the database"):
        recognise(path)


def test_an_archive_without_conversations_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with ZipFile(path, "w") as target:
        target.writestr("a.json", "[]")
    with pytest.raises(UsageError, match="holds no conversations"):
        recognise(path)


def test_a_damaged_archive_is_an_error(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "x.zip"
    with ZipFile(path, "w") as target:
        target.write(data / "claude.json", "conversations.json")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UsageError, match="can't read the archive"):
        recognise(path)
    path.write_bytes(content.replace(b"Flour", b"Floor"))
    with pytest.raises(UsageError, match=r"can't read conversations\.json"):
        recognise(path)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UsageError, match="can't read"):
            recognise(path)
