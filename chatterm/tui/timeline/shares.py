"""What each step of a round had of the round's tokens and cost.

A provider tells them for a round as a whole. Where only one step can have written them they are
known; where several did, they are estimated by the characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chatterm.steps import Usage

_PER_TOKEN = 4  # characters


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote in one step: of which kind, and how many characters."""

    kind: Literal["thinking", "text", "call"]
    length: int


@dataclass(frozen=True, slots=True)
class Share:
    """What a step had: tokens, whether they are an estimate, and dollars; None where unknown."""

    tokens: int | None
    estimated: bool
    cost: float | None


def estimate(length: int) -> int:
    """The tokens of so many characters, about."""
    return -(-length // _PER_TOKEN)


def shared(written: Sequence[Written], before: Usage, after: Usage) -> list[Share]:
    """Share out what one report of usage adds to the one before.

    The cost goes to thinking and text by their tokens. Calls bear it where there is nothing else.

    Args:
        written: What was written between the two reports; at least one.
        before: The turn's usage at the report before.
        after: The turn's usage at this report.
    """
    output = _added(before.output, after.output)
    reasoning = _added(before.reasoning, after.reasoning)
    known = _known(written, output, reasoning)
    tokens = [
        exact if exact is not None or each.kind == "call" else estimate(each.length)
        for each, exact in zip(written, known, strict=True)
    ]
    costs = _costs(written, tokens, after, before)
    return [
        Share(count, exact is None and count is not None, cost)
        for count, exact, cost in zip(tokens, known, costs, strict=True)
    ]


def _known(
    written: Sequence[Written], output: int | None, reasoning: int | None
) -> list[int | None]:
    """The tokens of each step as far as the report tells them beyond doubt."""
    known: list[int | None] = [None] * len(written)
    thoughts = [place for place, each in enumerate(written) if each.kind == "thinking"]
    others = [place for place, each in enumerate(written) if each.kind != "thinking"]
    if output is None:
        return known
    if len(written) == 1:
        # Hidden reasoning isn't in the answer that is seen.
        known[0] = output if thoughts else output - (reasoning or 0)
        return known
    if thoughts and not reasoning:  # it thought, and nobody says how much
        return known
    if len(thoughts) == 1:
        known[thoughts[0]] = reasoning
    if len(others) == 1:
        known[others[0]] = max(0, output - (reasoning or 0))
    return known


def _costs(
    written: Sequence[Written], tokens: Sequence[int | None], after: Usage, before: Usage
) -> list[float | None]:
    if after.cost_usd is None:
        return [None] * len(written)
    cost = max(0.0, after.cost_usd - (before.cost_usd or 0.0))
    bear = [place for place, each in enumerate(written) if each.kind != "call"]
    weights = {place: float(tokens[place] or 0) for place in bear} or {
        place: float(each.length) for place, each in enumerate(written)
    }
    whole = sum(weights.values())
    costs: list[float | None] = [None] * len(written)
    for place, weight in weights.items():
        costs[place] = cost * weight / whole if whole else cost / len(weights)
    return costs


def _added(before: int | None, after: int | None) -> int | None:
    return None if after is None else max(0, after - (before or 0))
