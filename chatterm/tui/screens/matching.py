"""Fuzzy matching: the characters of what was typed, in order, anywhere in a text.

Each word that was typed must be found. Best is a word at the beginning, then at the beginning of
a word, then anywhere in one piece, then in pieces, the better the more of them begin words or stand
together. Case doesn't matter.

What is cheap to tell is told first, so that some ten thousand texts are ranked between two keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from chatterm.tui.screens.painting import folded

_WHOLE = 1000
_AT_WORD = 800
_INSIDE = 600
# In pieces: what a character is worth, and what it is worth more.
_WORD_START = 8
_TOGETHER = 5
_LONGEST = 300
"""Characters of a text in which pieces are looked for."""
_MOST_CAREFULLY = 1500
"""Texts among which the best pieces are looked for: it takes too long among more."""


class Query:
    """What was typed, ready to be compared with many texts.

    Args:
        text: What was typed.
    """

    def __init__(self, text: str) -> None:
        self._words = [_Word(word) for word in folded(text).split()]

    def score(self, text: str, *, carefully: bool = True) -> int | None:
        """How well a folded text fits, or None where it doesn't.

        Args:
            text: The text.
            carefully: Look for the best pieces, too, not only for the first.
        """
        total = 0
        for word in self._words:
            score = word.score(text, carefully=carefully)
            if score is None:
                return None
            total += score
        return total

    def is_whole(self, text: str) -> bool:
        """Whether a folded text has each word in one piece."""
        return all(word.is_whole(text) for word in self._words)

    def places(self, text: str) -> list[int]:
        """Which characters of a folded text were found."""
        return sorted({place for word in self._words for place in word.places(text)})


def rank(query: str, texts: Sequence[str], among: Iterable[int] | None = None) -> list[int]:
    """The numbers of the texts that fit, the best first, else in their order.

    Args:
        query: What was typed.
        texts: The texts, folded.
        among: Which of them to look at; all by default.
    """
    numbers = range(len(texts)) if among is None else among
    compared = Query(query)
    scored = _scored(compared, texts, numbers, carefully=False)
    if len(scored) <= _MOST_CAREFULLY:
        scored = _scored(compared, texts, (number for _, number in scored), carefully=True)
    scored.sort()
    return [number for _, number in scored]


def _scored(
    query: Query, texts: Sequence[str], numbers: Iterable[int], *, carefully: bool
) -> list[tuple[int, int]]:
    return [
        (-score, number)
        for number in numbers
        if (score := query.score(texts[number], carefully=carefully)) is not None
    ]


class _Word:
    def __init__(self, word: str) -> None:
        self._word = word
        self._at_word = re.compile(rf"(?<![^\W_]){re.escape(word)}")
        self._in_order = re.compile(".*?".join(map(re.escape, word)), re.DOTALL)

    def score(self, text: str, *, carefully: bool) -> int | None:
        at = text.find(self._word)
        if at == 0:
            return _WHOLE
        if at > 0:
            found = self._at_word.search(text)
            return _AT_WORD - min(found.start(), 99) if found else _INSIDE - min(at, 99)
        pieces = self._in_order.search(text)
        if not pieces:
            return None
        if not carefully:
            return -min(pieces.end() - pieces.start(), 99)
        return _aligned(self._word, text[:_LONGEST])[0]

    def is_whole(self, text: str) -> bool:
        return self._word in text

    def places(self, text: str) -> Iterable[int]:
        at = text.find(self._word)
        if at >= 0:
            found = self._at_word.search(text)
            at = found.start() if found else at
            return range(at, at + len(self._word))
        return _aligned(self._word, text[:_LONGEST])[1]


@lru_cache(4096)
def _aligned(word: str, text: str) -> tuple[int, tuple[int, ...]]:
    """The best way to find a word in pieces: how good it is, and where they are.

    For each character, what is best for each place that it may be found at: 0 and nowhere where
    the text was cut before the last one.
    """
    best: dict[int, tuple[int, tuple[int, ...]]] = {-2: (0, ())}
    for character in word:
        best = _one_more(best, character, text)
        if not best:
            return 0, ()
    return max(best.values(), key=lambda found: (found[0], [-place for place in found[1]]))


def _one_more(
    best: dict[int, tuple[int, tuple[int, ...]]], character: str, text: str
) -> dict[int, tuple[int, tuple[int, ...]]]:
    """What is best after one character more."""
    following: dict[int, tuple[int, tuple[int, ...]]] = {}
    earlier = sorted(best.items())
    passed = 0
    before: tuple[int, tuple[int, ...]] | None = None  # the best that ends before the place
    place = text.find(character)
    while place >= 0:
        while passed < len(earlier) and earlier[passed][0] < place:
            candidate = earlier[passed][1]
            if before is None or candidate[0] > before[0]:
                before = candidate
            passed += 1
        if before is not None:
            following[place] = _better(best.get(place - 1), before, place, text)
        place = text.find(character, place + 1)
    return following


def _better(
    adjoining: tuple[int, tuple[int, ...]] | None,
    before: tuple[int, tuple[int, ...]],
    place: int,
    text: str,
) -> tuple[int, tuple[int, ...]]:
    worth = 1 + _WORD_START * (place == 0 or not text[place - 1].isalnum())
    if adjoining is not None and adjoining[0] + _TOGETHER >= before[0]:
        return adjoining[0] + worth + _TOGETHER, (*adjoining[1], place)
    return before[0] + worth, (*before[1], place)
