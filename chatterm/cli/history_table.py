"""The table of conversations on a terminal: what gives way as the screen narrows.

The id, the time and the title always stay. Model and directory are shortened first; then turns,
tokens and cost go, then the directory, then the model.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.cells import cell_len, set_cell_size

COLUMNS = (
    *("id", "when", "from", "title", "model"),
    *("turns", "messages", "tokens", "cost", "directory"),
)
_GAP = 2
_NUMBERS = {"turns", "messages", "tokens", "cost"}
# The least that these are shortened to; the others are never shortened.
_LEAST = {"title": 20, "model": 12, "directory": 14}
_GIVING_WAY = ("turns", "messages", "tokens", "cost", "directory", "model", "from")
_GROWING = ("title", "directory", "model")

Row = Mapping[str, str]


def table(rows: Sequence[Row], width: int) -> Iterator[str]:
    """The lines of a table, the names of its columns first.

    Args:
        rows: A text for each column, fit for a terminal; a column that no row has isn't shown.
        width: Columns of the screen.
    """
    none = dict.fromkeys(COLUMNS, "")
    shown = [{**none, **row, "directory": _from_home(row.get("directory", ""))} for row in rows]
    widths = _widths(shown, width)
    for row in ({name: name for name in COLUMNS}, *shown):
        cells = (_cell(name, row[name], size) for name, size in widths.items())
        yield (" " * _GAP).join(cells).rstrip()


def _widths(rows: Sequence[Row], width: int) -> dict[str, int]:
    """The columns that are shown and how wide each is."""
    full = {name: max(cell_len(row[name]) for row in rows) for name in COLUMNS} if rows else {}
    natural = {
        name: max(size, len(name)) for name, size in full.items() if size or name in {"id", "title"}
    }
    natural = natural or {"id": 2, "title": 5}
    widths = {name: min(size, _LEAST.get(name, size)) for name, size in natural.items()}
    for name in _GIVING_WAY:
        if _total(widths) <= width:
            break
        widths.pop(name, None)
    for name in _GROWING:
        if name in widths:
            widths[name] += max(0, min(natural[name] - widths[name], width - _total(widths)))
    widths["title"] -= max(0, min(widths["title"] - 1, _total(widths) - width))
    return widths


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _cell(name: str, text: str, width: int) -> str:
    """A text as wide as its column. Of a directory the end says more than the beginning."""
    size = cell_len(text)
    if size > width:
        if name == "directory":
            while cell_len(text) >= width and text:
                text = text[1:]
            return set_cell_size(f"…{text}", width)
        return set_cell_size(f"{set_cell_size(text, width - 1).rstrip()}…", width)
    return " " * (width - size) + text if name in _NUMBERS else text + " " * (width - size)


def _from_home(directory: str) -> str:
    try:
        home = str(Path.home())
    except RuntimeError:
        return directory
    inside = directory == home or directory.startswith(home + os.sep)
    return f"~{directory[len(home) :]}" if inside and home != os.sep else directory
