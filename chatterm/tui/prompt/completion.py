"""Completing `@path` and `/command`: what is being written, what fits, and what it becomes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from heapq import nsmallest

from chatterm.talking import mention

# How many candidates are looked at closely, of those that fit at all.
_CLOSELY = 1000
_WORD_START = re.compile(r"(?<![^\W_])[^\W_]|(?<=[a-z0-9])[A-Z]|^.")

# What makes one way to match better than another.
_FOLLOWS = 8  # a character right after the one matched before
_STARTS_WORD = 7
_IN_NAME = 2  # in the last part of the path
_STARTS_NAME = 5
_EXACT = 12  # the name, or the name without its ending, is the query
_GAP, _MOST_GAP = 1, 4

_COMMAND = re.compile(r"/([\w.:-]*)")
_MENTION = re.compile(
    rf'{mention.BEFORE}@(?:"(?P<quoted>(?:[^"\\\n]|\\.)*)|(?P<plain>[^\s"]\S*|))$'
)
_REST_OF_QUOTED = re.compile(r'(?:[^"\\\n]|\\.)*"(?=\s|$)')
_REST_OF_WORD = re.compile(r"\S*")


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate that fits a query.

    Attributes:
        text: The candidate.
        score: How well it fits; more is better.
        positions: The offsets of the characters that fit, in order.
    """

    text: str
    score: int
    positions: tuple[int, ...]


class Kind(Enum):
    """What is being completed."""

    PATH = "path"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Completion:
    """What is being completed, and where it is in the text.

    Attributes:
        kind: What it is.
        start: Where it begins: the offset of the `@` or `/`.
        end: Where it ends; what is after the cursor in the same word belongs to it.
        query: What is written of it before the cursor, without `@`, `/` and quotes.
    """

    kind: Kind
    start: int
    end: int
    query: str


def fuzzy(query: str, candidate: str) -> tuple[int, tuple[int, ...]] | None:
    """How well a candidate fits a query: all its characters, in order, others between them.

    Case counts only when the query has capitals. Best are characters in a row, at starts of words,
    in the last part of a path, and short candidates.

    Returns:
        A score, more is better, and the offsets that fit; None where it doesn't fit.
    """
    text = candidate if query != query.lower() else _lower(candidate)
    if not _pattern(query).match(text):
        return None
    if not query:
        return -_cost(candidate), ()
    starts = {found.start() for found in _WORD_START.finditer(candidate)}
    name = candidate.rstrip("/").rfind("/") + 1
    ways = {_at_words(query, text, starts, 0)}
    if "/" not in query.rstrip("/"):
        ways |= {_at_words(query, text, starts, name), _in_a_row(query, text, starts, name)}
    ways.add(_in_a_row(query, text, starts, 0))
    scored = [(_score(way, starts, name, candidate), way) for way in ways if way is not None]
    return max(scored, key=lambda each: (each[0], [-at for at in each[1]]))


def best(query: str, candidates: Iterable[str], limit: int) -> list[Match]:
    """The candidates that fit a query best, the best first.

    Args:
        query: What was written.
        candidates: What may be meant.
        limit: How many are wanted.
    """
    matches = _pattern(query).match
    exact = query != query.lower()
    fitting = [each for each in candidates if matches(each if exact else _lower(each))]
    if len(fitting) > _CLOSELY:
        fitting = nsmallest(max(_CLOSELY, limit), fitting, key=lambda each: _roughly(query, each))
    found = [Match(each, *way) for each in fitting if (way := fuzzy(query, each)) is not None]
    return nsmallest(limit, found, key=lambda each: (-each.score, len(each.text), each.text))


def completion_at(text: str, cursor: int) -> Completion | None:
    """What is being completed where the cursor is; None where there is nothing to complete.

    Args:
        text: The prompt's text.
        cursor: An offset in it.
    """
    if text.startswith("/") and cursor > 0:
        found = _COMMAND.fullmatch(text, 0, cursor)
        rest = _REST_OF_WORD.match(text, cursor)
        if found is None or rest is None:
            return None
        return Completion(Kind.COMMAND, 0, rest.end(), found[1])
    line = text.rfind("\n", 0, cursor) + 1
    found = _MENTION.search(text, line, cursor)
    if found is None:
        return None
    if (quoted := found["quoted"]) is not None:
        closed = _REST_OF_QUOTED.match(text, cursor)
        end = cursor if closed is None else closed.end()
        return Completion(Kind.PATH, found.start(), end, mention.unquoted(quoted))
    rest = _REST_OF_WORD.match(text, cursor)
    end = cursor if rest is None else rest.end()
    return Completion(Kind.PATH, found.start(), end, found["plain"])


def replaced(text: str, completion: Completion, value: str) -> tuple[str, int]:
    """The text with what was being written completed, and where the cursor is then.

    A blank follows what is complete. After a directory (`value` ends with `/`) the cursor stays
    where its path goes on.

    Args:
        text: The text that `completion_at` was given.
        completion: What it found.
        value: The path or command, without `@`, `/` in front, and quotes.
    """
    before, after = text[: completion.start], text[completion.end :]
    if completion.kind is Kind.COMMAND:
        new = f"/{value}"
    else:
        new = mention.written(value)
        if value.endswith("/"):
            return before + new + after, len(before) + len(new) - new.endswith('"')
    if not after[:1].isspace():
        new += " "
        return before + new + after, len(before) + len(new)
    return before + new + after, len(before) + len(new) + (after[0] != "\n")


def _lower(text: str) -> str:
    """A text in small letters, of the same length: offsets in it are those of the text."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(each.lower() if len(each.lower()) == 1 else each for each in text)


@lru_cache(maxsize=64)
def _pattern(query: str) -> re.Pattern[str]:
    """What all candidates that fit match, in time linear in their length."""
    return re.compile("".join(f"[^{_escaped(each)}]*+{re.escape(each)}" for each in query))


def _escaped(character: str) -> str:
    return f"\\{character}" if character in "\\]^-[&~|" else character


def _roughly(query: str, candidate: str) -> tuple[int, int]:
    """An order for many candidates that is quick to tell."""
    text = _lower(candidate)
    query = query.lower()
    name = text[text.rstrip("/").rfind("/") + 1 :]
    if name.startswith(query):
        return (0, len(text))
    if query in name:
        return (1, len(text))
    return (2 if query in text else 3, len(text))


_Way = tuple[int, ...]


def _in_a_row(query: str, text: str, starts: set[int], begin: int) -> _Way | None:
    """The place where the whole query stands, best at the start of a word."""
    at = first = text.find(query, begin)
    while at >= 0 and at not in starts:
        at = text.find(query, at + 1)
    at = first if at < 0 else at
    return None if at < 0 else tuple(range(at, at + len(query)))


def _at_words(query: str, text: str, starts: set[int], begin: int) -> _Way | None:
    """A way through a text that takes next characters and starts of words before others."""
    latest, end = [], len(text)
    for character in reversed(query):
        end = text.rfind(character, begin, end)
        if end < 0:
            return None
        latest.append(end)
    way: list[int] = []
    at = begin
    for character, last in zip(query, reversed(latest), strict=True):
        first = text.find(character, at, last + 1)
        here = first
        if not (way and here == at):
            while here >= 0 and here not in starts:
                here = text.find(character, here + 1, last + 1)
        way.append(first if here < 0 else here)
        at = way[-1] + 1
    return tuple(way)


def _score(way: _Way, starts: set[int], name: int, candidate: str) -> int:
    score, before = 0, None
    for at in way:
        if before is not None:
            gap = at - before - 1
            score += _FOLLOWS if gap == 0 else -min(gap * _GAP, _MOST_GAP)
        score += (at in starts) * _STARTS_WORD + (at >= name) * _IN_NAME
        before = at
    score += (way[0] == name) * _STARTS_NAME
    end = candidate[way[-1] + 1 :]
    if way == tuple(range(name, name + len(way))) and (end in {"", "/"} or end.startswith(".")):
        score += _EXACT
    return score - _cost(candidate)


def _cost(candidate: str) -> int:
    """What being long and deep costs."""
    return len(candidate) // 4 + candidate.rstrip("/").count("/") * 2
