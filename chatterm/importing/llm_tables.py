"""The tables of `llm`'s logs database, in whichever version they are."""

# ruff: noqa: S608 - the names in the queries are those above and below, not from outside

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from chatterm.importing.base import count_of, text_of

if TYPE_CHECKING:
    import sqlite3

Row = dict[str, Any]


_TABLES = (
    "responses",
    "logs",
    "conversations",
    "tool_calls",
    "tool_results",
    "parts",
    "attachments",
    "prompt_attachments",
    "fragments",
    "prompt_fragments",
    "system_fragments",
)


class Tables:
    """Reads what is there; a table or column that isn't gives nothing.

    Few columns have an index, so what is looked for often is found by way of rowids kept here.

    Args:
        database: An open connection.
        warn: Called with a sentence for what is damaged and left out.
    """

    def __init__(self, database: sqlite3.Connection, warn: Callable[[str], None]) -> None:
        self._database = database
        self._warn = warn
        self._columns = {
            name: {row[1] for row in database.execute(f"PRAGMA table_info({name})")}
            for name in _TABLES
        }
        self._rowids: dict[tuple[str, str], dict[Any, list[int]]] = {}

    @property
    def are_logs(self) -> bool:
        """Whether this is a logs database at all."""
        return any(self._has(name, "prompt", "response", "model") for name in ("responses", "logs"))

    def conversations(self) -> Iterator[tuple[str, str, list[int]]]:
        """Yield each conversation's name, id and the rowids of its responses, by time."""
        if self._has("responses", "id", "prompt", "response"):
            names = self._names()
            for key, rowids in self._grouped("responses", "conversation_id"):
                yield names.get(key, ""), key, rowids

    def old_logs(self) -> Iterator[tuple[str, list[int]]]:
        """Yield the same of the table that the oldest versions kept: an id and rowids."""
        if self._has("logs", "id", "prompt", "response"):
            yield from self._grouped("logs", "chat_id")

    def rows(self, table: str, rowids: list[int]) -> list[Row]:
        """The rows with these rowids, in their order."""
        import sqlite3

        found = []
        for rowid in rowids:
            try:
                found += self._rows(f'SELECT * FROM "{table}" WHERE rowid = ?', rowid)
            except sqlite3.DatabaseError as error:
                self._warn(f"row {rowid} of {table} is left out: {error}")
        return found

    def tool_calls(self, response: Row) -> list[Row]:
        """The tool calls that a response made."""
        return self._of("tool_calls", response, "id")

    def tool_results(self, response: Row) -> list[Row]:
        """The results of tools that a response was given."""
        return self._of("tool_results", response, "id")

    def reasoning(self, response: Row) -> list[str]:
        """What a response thought, where it was kept."""
        parts = self._of("parts", response, "order")
        thoughts = [
            text_of(part.get("content"))
            for part in parts
            if part.get("part_type") == "reasoning" and part.get("direction") == "output"
        ]
        return [thought for thought in thoughts if thought]

    def attachments(self, response: Row) -> list[Row]:
        """The files that went with a prompt."""
        if not self._has("attachments", "id"):
            return []
        links = self._of("prompt_attachments", response, "order")
        found = (self._one("attachments", link.get("attachment_id")) for link in links)
        return [row for row in found if row]

    def fragments(self, table: str, response: Row) -> list[str]:
        """The texts that stood before a prompt or a system text."""
        if not self._has("fragments", "id", "content"):
            return []
        links = self._of(table, response, "order")
        found = (self._one("fragments", link.get("fragment_id")) for link in links)
        return [text for row in found if (text := text_of(row.get("content")))]

    def _has(self, table: str, *columns: str) -> bool:
        return bool(self._columns[table]) and self._columns[table].issuperset(columns)

    def _names(self) -> dict[str, str]:
        if not self._has("conversations", "id", "name"):
            return {}
        rows = self._scan('"id", "name"', "conversations")
        return {str(row["id"]): text_of(row["name"]) for row in rows}

    def _grouped(self, table: str, grouping: str) -> Iterator[tuple[str, list[int]]]:
        """Yield the groups of a table's rows; a row without a group is one by itself."""
        columns = self._columns[table]
        group = f'COALESCE("{grouping}", "id")' if grouping in columns else '"id"'
        time = '"datetime_utc"' if "datetime_utc" in columns else "NULL"
        rows = self._scan(f"{group} AS key, {time} AS time", table)
        rows.sort(key=lambda row: (str(row["time"] or ""), row["place"]))
        groups: dict[str, list[int]] = {}
        for row in rows:
            groups.setdefault("" if row["key"] is None else str(row["key"]), []).append(
                row["place"]
            )
        yield from groups.items()

    def _of(self, table: str, response: Row, order: str) -> list[Row]:
        """The rows of a table that belong to a response."""
        found = self._found(table, "response_id", response.get("id"))
        return sorted(found, key=lambda row: count_of(row.get(order)) or 0)

    def _one(self, table: str, identity: Any) -> Row:
        rows = self._found(table, "id", identity)
        return rows[0] if rows else {}

    def _found(self, table: str, column: str, value: Any) -> list[Row]:
        """The rows in which a column has a value."""
        if not self._has(table, column):
            return []
        known = self._rowids.get((table, column))
        if known is None:
            known = self._rowids[table, column] = {}
            for row in self._scan(f'"{column}" AS key', table):
                known.setdefault(row["key"], []).append(row["place"])
        return self.rows(table, known.get(value, []))

    def _scan(self, columns: str, table: str) -> list[Row]:
        """All rows of a table, with their rowids as `place`.

        Where a page is damaged, those before it and, from the other end, those behind it.
        """
        import sqlite3

        query = f'SELECT {columns}, rowid AS place FROM "{table}" ORDER BY rowid'
        found: dict[int, Row] = {}
        for direction in ("ASC", "DESC"):
            try:
                for row in self._each(f"{query} {direction}"):
                    found[row["place"]] = row
            except sqlite3.DatabaseError as error:
                if direction == "ASC":
                    self._warn(f"the table {table} is damaged, and a part of it left out: {error}")
                continue
            break
        return [found[place] for place in sorted(found)]

    def _rows(self, query: str, *values: Any) -> list[Row]:
        return list(self._each(query, *values))

    def _each(self, query: str, *values: Any) -> Iterator[Row]:
        cursor = self._database.execute(query, values)
        names = [column[0] for column in cursor.description]
        for row in cursor:
            yield dict(zip(names, row, strict=True))
