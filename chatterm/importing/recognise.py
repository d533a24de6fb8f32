"""Which importer a file is for: a matter of what it holds, whatever it is called."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from chatterm.errors import UsageError
from chatterm.importing.base import Importer
from chatterm.importing.documents import conversations, open_export

_SQLITE = b"SQLite format 3\0"
_FIRST_LINES = 10  # among which one of ours has to be; the very first may be damaged
_LONGEST_LINE = 1 << 22
_LOOKED_AT = 50  # conversations of an export, until one tells whose it is
_HINT = (
    "understood are chatterm's own JSON Lines, the data exports of ChatGPT and Claude "
    "(the .zip or its conversations.json), and the logs database of llm"
)


def recognise(path: Path) -> Importer:
    """The importer for a file.

    Raises:
        UsageError: The file can't be read, or holds nothing that is understood.
    """
    try:
        with path.open("rb") as file:
            first = [file.readline(_LONGEST_LINE) for _ in range(_FIRST_LINES)]
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror or error}") from error
    if first[0].startswith(_SQLITE):
        found = _of_database(path)
    elif any(map(_begins_our_export, first)):
        from chatterm.importing.own import OwnImporter

        found = OwnImporter(path)
    else:
        found = _of_export(path)
    if found is None:
        raise UsageError(f"{path} holds no conversations that can be imported", hint=_HINT)
    return found


def _begins_our_export(line: bytes) -> bool:
    try:
        data = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and data.get("type") == "conversation"


def _of_database(path: Path) -> Importer | None:
    import sqlite3

    from chatterm.importing.llm_logs import LlmImporter, connect
    from chatterm.importing.llm_tables import Tables

    try:
        with closing(connect(path)) as database:
            return LlmImporter(path) if Tables(database, lambda _: None).are_logs else None
    except sqlite3.Error as error:
        raise UsageError(f"can't read the database {path}: {error}", hint=_HINT) from error


def _of_export(path: Path) -> Importer | None:
    for record in islice(_records(path), _LOOKED_AT):
        if isinstance(record.get("mapping"), dict):
            from chatterm.importing.chatgpt import ChatGPTImporter

            return ChatGPTImporter(path)
        if isinstance(record.get("chat_messages"), list):
            from chatterm.importing.claude import ClaudeImporter

            return ClaudeImporter(path)
    return None


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with open_export(path) as export:
        for name, data in export.documents():
            yield from conversations(name, data, lambda _: None)
