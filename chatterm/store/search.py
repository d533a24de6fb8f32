"""Full-text search over what the user said and all kinds of steps."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from functools import cache
from typing import Any

from chatterm.events import Event, StepFinished
from chatterm.store.indexing import searchable, text_of
from chatterm.store.model import Filter, Hit
from chatterm.store.reading import COLUMNS, conditions, conversation_from, event_from

_BEFORE, _AFTER = 60, 160  # characters around the first match
_TOKEN = re.compile(r"[^\W_]+")


def search(
    db: sqlite3.Connection, words: str, limit: int, wanted: Filter, *, unfinished: bool = False
) -> list[Hit]:
    """The places where all of the words stand, those recorded last first.

    The last word may be only the beginning of one when it is `unfinished`.
    """
    terms = [term for term in words.split() if _TOKEN.search(term)]
    if not terms:
        return []
    where, values = conditions(wanted, "t.model")
    query = (
        f"SELECT {COLUMNS}, t.id, t.at, e.data, e.blob FROM words"  # noqa: S608
        " CROSS JOIN event AS e ON e.key = words.rowid CROSS JOIN turn AS t ON t.key = e.turn"
        " CROSS JOIN conversation AS c ON c.id = t.home"
        f" WHERE words MATCH ? AND {where} ORDER BY words.rowid DESC LIMIT ?"
    )
    quoted = " ".join(f'"{_doubled(searchable(term))}"' for term in terms)
    if unfinished:
        quoted += "*"
    pattern = _pattern(terms, unfinished=unfinished)
    rows = db.execute(query, (quoted, *values, limit)).fetchall()
    return [hit for row in rows if (hit := _hit(db, row, pattern)) is not None]


def _doubled(term: str) -> str:
    return term.replace('"', '""')


def _hit(db: sqlite3.Connection, row: tuple[Any, ...], pattern: re.Pattern[str]) -> Hit | None:
    turn, at, data, blob = row[8:]
    try:
        event = event_from(db, data, blob)
    except ValueError:
        return None
    snippet, matched = _snippet(text_of(event), pattern)
    step, index, kind, at = _place(event, at)
    return Hit(conversation_from(row), turn, step, index, kind, snippet, matched, at)


def _place(event: Event, at: str) -> tuple[str | None, int | None, str, str]:
    if isinstance(event, StepFinished):
        step = event.step
        return step.id, step.index, step.kind, step.started_at or at
    return None, None, "user", at


def _snippet(text: str, pattern: re.Pattern[str]) -> tuple[str, list[tuple[int, int]]]:
    """The surroundings of the first match, and where the matches are in them."""
    first = pattern.search(text)
    middle = first.start() if first else 0
    start = max(0, middle - _BEFORE)
    end = min(len(text), middle + _AFTER)
    before = "…" if start else ""
    after = "…" if end < len(text) else ""
    matched = [
        (match.start() - start + len(before), match.end() - start + len(before))
        for match in pattern.finditer(text, middle, end)
    ]
    return before + text[start:end] + after, matched


def _pattern(terms: list[str], *, unfinished: bool) -> re.Pattern[str]:
    """What finds the words in a text as the index does: any case, with or without accents."""
    patterns = [_term_pattern(term) for term in terms[:-1]]
    patterns.append(_term_pattern(terms[-1], unfinished=unfinished))
    return re.compile("|".join(patterns), re.IGNORECASE)


def _term_pattern(term: str, *, unfinished: bool = False) -> str:
    tokens = _TOKEN.findall(searchable(term))
    words = (r"[\W_]*" if len(token) == 1 and not token.isascii() else "" for token in tokens)
    inner = "".join(
        (gap or r"[\W_]+") * bool(number) + "".join(map(_letter, token))
        for number, (gap, token) in enumerate(zip(words, tokens, strict=True))
    )
    if any(not token.isascii() and len(token) == 1 for token in tokens):
        return inner
    end = "" if unfinished else r"(?![^\W_])"
    return rf"(?<![^\W_]){inner}{end}"


def _letter(character: str) -> str:
    base = unicodedata.normalize("NFD", character)[0].lower()
    others = _accented().get(base, "")
    if not others:
        return re.escape(character)
    return f"[{re.escape(base)}{others}][\u0300-\u036f]*"


@cache
def _accented() -> dict[str, str]:
    """The letters that the index takes for a plain one, by that one."""
    found: dict[str, str] = {}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        letter = chr(code)
        base = unicodedata.normalize("NFD", letter)[0]
        if base != letter and base.isascii():
            found[base.lower()] = found.get(base.lower(), "") + letter
    return found
