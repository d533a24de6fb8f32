"""Reading the rows of a database file that SQLite can't read any more.

Rows lie in leaf pages, each of which can be read on its own; what is damaged above them, or beside
them, doesn't matter. See "Database File Format" in SQLite's documentation: a table's leaf page
begins with 13, the record format is in section 2.1, overflow in 1.6, the write-ahead log in 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

Value = int | float | str | bytes | None

_LEAF: Final = 13
_HEADER = b"SQLite format 3\0"
_DEFAULT_PAGE = 4096
_LOG_HEADER, _FRAME_HEADER = 32, 24
_INTEGER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def rows(path: Path) -> Iterator[tuple[int, list[Value]]]:
    """Yield the key and the columns of every row in a file's leaf pages, of whatever table.

    Rows that were removed may be among them, where their pages weren't used again.
    """
    pages = _Pages(path)
    for number in range(1, pages.count + 1):
        page = pages.get(number)
        start = 100 if number == 1 else 0
        if len(page) < pages.size or page[start] != _LEAF:
            continue
        for index in range(_int(page, start + 3, 2)):
            pointer = start + 8 + 2 * index
            if pointer + 2 > len(page):
                break
            row = _row(pages, page, _int(page, pointer, 2))
            if row is not None:
                yield row


class _Pages:
    """The pages of a file, with what its write-ahead log has of them in their place."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes() if path.exists() else b""
        self.size = _page_size(self._data)
        log = path.with_name(path.name + "-wal")
        self._log = log.read_bytes() if log.exists() else b""
        self._in_log: dict[int, int] = {}
        salt = self._log[16:24]
        for at in range(_LOG_HEADER, len(self._log) - self.size, _FRAME_HEADER + self.size):
            if self._log[at + 8 : at + 16] == salt:
                self._in_log[_int(self._log, at, 4)] = at + _FRAME_HEADER
        self.count = max([len(self._data) // self.size, *self._in_log])

    def get(self, number: int) -> bytes:
        """A page by its number, from 1; less than a page where there is none."""
        at = self._in_log.get(number)
        if at is not None:
            return self._log[at : at + self.size]
        at = (number - 1) * self.size
        return self._data[at : at + self.size]


def _page_size(data: bytes) -> int:
    size = _int(data, 16, 2)
    size = 65536 if size == 1 else size
    whole = data.startswith(_HEADER) and size >= 512 and size & (size - 1) == 0
    return size if whole else _DEFAULT_PAGE


def _row(pages: _Pages, page: bytes, at: int) -> tuple[int, list[Value]] | None:
    try:
        length, at = _varint(page, at)
        key, at = _varint(page, at)
        return key, _columns(_payload(pages, page, at, length))
    except (IndexError, ValueError):  # not a row, or not a whole one
        return None


def _payload(pages: _Pages, page: bytes, at: int, length: int) -> bytes:
    """What a cell holds: in its page, and in a chain of others when it is long."""
    most = pages.size - 35
    if length <= most:
        return page[at : at + length]
    least = (pages.size - 12) * 32 // 255 - 23
    local = least + (length - least) % (pages.size - 4)
    local = local if local <= most else least
    parts = [page[at : at + local]]
    missing, following = length - local, _int(page, at + local, 4)
    while missing > 0:
        more = pages.get(following)
        if len(more) < pages.size or following == 0:
            raise ValueError("the chain is broken")
        parts.append(more[4 : 4 + missing])
        missing -= pages.size - 4
        following = _int(more, 0, 4)
    return b"".join(parts)


def _columns(record: bytes) -> list[Value]:
    header, at = _varint(record, 0)
    kinds = []
    while at < header:
        kind, at = _varint(record, at)
        kinds.append(kind)
    values = []
    for kind in kinds:
        value, at = _value(record, at, kind)
        values.append(value)
    if at != len(record):
        raise ValueError("the record is of another length")
    return values


def _value(record: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind == 0:
        return None, at
    if kind in {8, 9}:
        return kind - 8, at
    if size := _INTEGER_SIZES.get(kind):
        return int.from_bytes(record[at : at + size], "big", signed=True), at + size
    if kind < 12:
        raise ValueError("a kind that no row of ours has")
    end = at + (kind - 12) // 2
    data = record[at:end]
    return (data if kind % 2 == 0 else data.decode("utf-8", "replace")), end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for _ in range(8):
        byte = data[at]
        at += 1
        value = value << 7 | byte & 127
        if byte < 128:
            return value, at
    return value << 8 | data[at], at + 1


def _int(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")
