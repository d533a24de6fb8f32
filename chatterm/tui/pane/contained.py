"""Asking an item for its rows, whatever is wrong with it: the others are shown all the same."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from chatterm.render.lines import Line, Span
from chatterm.tui.pane.items import Item

log = logging.getLogger(__name__)

T = TypeVar("T")
_BROKEN: Line = (Span("this can't be shown; the log file says why", ("error",)),)
_MOST_TOLD = 1000
_told: set[tuple[str, str]] = set()


def rows_of(item: Item, width: int) -> int:
    """How many rows an item takes; one where it can't tell."""
    return _contained(item, "rows", lambda: item.rows(width), 1)


def line_of(item: Item, row: int, width: int) -> Line:
    """A row of an item; where it can't be made, one that says so."""
    return _contained(item, "line", lambda: item.line(row, width), _BROKEN)


def flushed(item: Item) -> int:
    """How many characters an item has made lines of."""
    return _contained(item, "flush", item.flush, 0)


def works_on(item: Item, until: float) -> bool:
    """Have an item go on with what takes long; whether there is more."""
    return _contained(item, "work", lambda: item.work(until), False)  # noqa: FBT003


def _contained(item: Item, what: str, ask: Callable[[], T], otherwise: T) -> T:
    """What an item says; logged once an item where it fails, since it may be asked every frame."""
    try:
        return ask()
    except Exception:  # the edge: one item that is wrong isn't to hide the others
        if (item.key, what) not in _told and len(_told) < _MOST_TOLD:
            _told.add((item.key, what))
            log.exception("an item can't be shown")
        return otherwise
