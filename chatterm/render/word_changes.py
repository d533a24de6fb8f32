"""Which words differ between two lines that are nearly the same."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_WORDS: Final = re.compile(r"\w+|\s+|[^\w\s]")
_LONGEST: Final = 500
"""Longer lines are not compared."""
_DEAREST: Final = 2500  # pairs of equal words in two lines
_LEAST_ALIKE: Final = 0.4

Marked = list[tuple[str, bool]]
"""The parts of a line in order, each with whether it differs."""


@dataclass(slots=True)
class Budget:
    """What comparing may still cost, in pairs of equal words, over all lines of a diff."""

    left: int = 20_000


def changed_words(old: str, new: str, budget: Budget) -> tuple[Marked, Marked] | None:
    """Two lines with the parts marked in which they differ.

    None where marking would not help or costs too much: the lines are long, have too little in
    common, or are the same.
    """
    if old == new or max(len(old), len(new)) > _LONGEST:
        return None
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    counts = Counter(after)
    price = sum(counts[word] for word in before)
    if price > min(_DEAREST, budget.left):
        return None
    budget.left -= price + 1
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    blocks = matcher.get_matching_blocks()
    same = sum(len("".join(before[a : a + size]).strip()) for a, _, size in blocks)
    whole = len("".join(old.split())) + len("".join(new.split()))
    if 2 * same < _LEAST_ALIKE * whole:
        return None
    return (
        _marked(before, [(block.a, block.size) for block in blocks]),
        _marked(after, [(block.b, block.size) for block in blocks]),
    )


def _marked(words: Sequence[str], same: Sequence[tuple[int, int]]) -> Marked:
    marked: Marked = []
    at = 0
    for start, size in same:
        _add(marked, "".join(words[at:start]), changed=True)
        kept = "".join(words[start : start + size])
        # A blank between two changed words belongs to the change.
        between = bool(marked) and start + size < len(words) and marked[-1][1]
        _add(marked, kept, changed=between and kept.isspace())
        at = start + size
    return marked


def _add(marked: Marked, text: str, *, changed: bool) -> None:
    if not text:
        return
    if marked and marked[-1][1] == changed:
        text = marked.pop()[0] + text
    marked.append((text, changed))
