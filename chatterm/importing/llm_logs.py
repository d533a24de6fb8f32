"""The logs of the command line tool `llm`: its SQLite database.

Its tables have grown from version to version, so only the columns that are there are read. A
response is a model call: one with a prompt begins a turn; one that only takes the results of tools
goes on with it. The oldest versions kept everything in one table, `logs`.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chatterm.errors import UsageError
from chatterm.importing.base import (
    Imported,
    Importer,
    TurnBuilder,
    count_of,
    derived_id,
    imported,
    text_of,
)
from chatterm.importing.llm_tables import Row, Tables
from chatterm.moments import timestamp_of
from chatterm.steps import (
    Outcome,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    Usage,
)

if TYPE_CHECKING:
    import sqlite3

    from chatterm.store.model import RecordedTurn


class LlmImporter(Importer):
    """Reads the logs database of `llm`."""

    source = "llm's logs database"

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def __iter__(self) -> Iterator[Imported]:
        """Yield the conversations."""
        import sqlite3

        try:
            with closing(connect(self._path)) as database:
                tables = Tables(database, self.warn)
                for name, key, rowids in tables.conversations():
                    yield from self._conversation(name, key, "responses", rowids, tables)
                for key, rowids in tables.old_logs():
                    yield from self._conversation("", f"log {key}", "logs", rowids, tables)
        except sqlite3.Error as error:
            # What came before the damage was yielded already, and stays.
            self.warn(f"{self._path.name} can't be read to its end: {error}")

    def _conversation(
        self, name: str, key: str, table: str, rowids: list[int], tables: Tables
    ) -> Iterator[Imported]:
        identity = derived_id("llm", key)
        rows = tables.rows(table, rowids)
        turns = self._turns(rows, identity, tables)
        if not turns:
            return
        times = [timestamp_of(row.get("datetime_utc")) for row in rows]
        head = turns[-1].id
        yield imported(identity, name, turns, head=head, created_at=times[0], updated_at=times[-1])

    def _turns(self, rows: list[Row], conversation: str, tables: Tables) -> list[RecordedTurn]:
        turns: list[RecordedTurn] = []
        for group in _grouped(rows, tables):
            first = group[0]
            turn = TurnBuilder(
                derived_id("llm", conversation, *(str(row.get("id")) for row in group)),
                conversation=conversation,
                parent=turns[-1].id if turns else None,
                at=timestamp_of(first.get("datetime_utc")),
            )
            turn.text = "\n".join([*tables.fragments("prompt_fragments", first), *_text(first)])
            system = [*tables.fragments("system_fragments", first)]
            system += [text_of(first.get("system"))] if first.get("system") else []
            turn.system = "\n".join(system) or None
            turn.model = f"llm/{_model(first)}"
            turn.settings = _options(first)
            for attachment in tables.attachments(first):
                _attach(attachment, turn)
            for number, row in enumerate(group):
                turn.round = number
                self._response(row, group[number + 1 :][:1], turn, tables)
            turns.append(turn.build())
        return turns

    def _response(self, row: Row, following: list[Row], turn: TurnBuilder, tables: Tables) -> None:
        at = timestamp_of(row.get("datetime_utc"))
        for thought in tables.reasoning(row):
            turn.add(ThinkingStep, at=at, text=thought)
        text = text_of(row.get("response"))
        if text:
            turn.add(TextStep, at=at, text=text, duration_ms=count_of(row.get("duration_ms")))
        for call in tables.tool_calls(row):
            arguments = text_of(call.get("arguments"))
            turn.add(
                ToolCallStep,
                at=at,
                call_id=_call_id(call),
                name=text_of(call.get("name")),
                arguments=arguments,
                input=_object(arguments),
            )
        # The results of a response's calls are kept with the response that they were sent for.
        for result in (each for later in following for each in tables.tool_results(later)):
            failure = text_of(result.get("exception"))
            turn.add(
                ToolResultStep,
                at=at,
                call_id=_call_id(result),
                name=text_of(result.get("name")),
                content=text_of(result.get("output")) or failure,
                ok=not failure,
                outcome=Outcome.FAILED if failure else Outcome.DONE,
            )
        turn.usage += Usage(
            input=count_of(row.get("input_tokens")), output=count_of(row.get("output_tokens"))
        )


def connect(path: Path) -> sqlite3.Connection:
    """The database, for reading only.

    Raises:
        UsageError: It can't be opened.
    """
    import sqlite3

    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    try:
        database = sqlite3.connect(address, uri=True)
    except sqlite3.Error as error:
        raise UsageError(f"can't open the database {path}: {error}") from error
    database.text_factory = lambda data: data.decode("utf-8", "replace")
    return database


def _grouped(rows: list[Row], tables: Tables) -> Iterator[list[Row]]:
    """The responses of each turn."""
    group: list[Row] = []
    for row in rows:
        goes_on = group and not row.get("prompt") and tables.tool_results(row)
        if group and not goes_on:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _text(row: Row) -> list[str]:
    prompt = text_of(row.get("prompt"))
    return [prompt] if prompt else []


def _model(row: Row) -> str:
    return text_of(row.get("resolved_model")) or text_of(row.get("model")) or "unknown"


def _options(row: Row) -> dict[str, Any]:
    return _object(text_of(row.get("options_json"))) or {}


def _call_id(row: Row) -> str:
    return text_of(row.get("tool_call_id")) or text_of(row.get("name"))


def _attach(row: Row, turn: TurnBuilder) -> None:
    content = row.get("content")
    kind = text_of(row.get("type")) or "application/octet-stream"
    where = text_of(row.get("path")) or text_of(row.get("url"))
    name = where.rstrip("/").rpartition("/")[2]
    if isinstance(content, bytes):
        extension = mimetypes.guess_extension(kind) or ""
        turn.attach(name or f"{text_of(row.get('id'))[:12]}{extension}", kind, content)
    else:
        # A path or an address: what is there now needn't be what was sent, so it isn't looked at.
        turn.missing.append(where or "a file")


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
