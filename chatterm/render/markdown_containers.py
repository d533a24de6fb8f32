"""The quotes, lists and items around a block: in the source, and on the screen."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Literal

from chatterm.render.lines import Span, cells

if TYPE_CHECKING:
    from collections.abc import Sequence


_identities = count()


@dataclass(slots=True)
class Container:
    """A quote, a list or one of its items; equal to its copies.

    Attributes:
        kind: Which of them.
        start: Its first line in the source it was parsed from.
        source: An item's marker as written: "-", "12.".
        number: An ordered item's number; of a list, the number its next item gets.
        indent: The column an item's content starts at, counted from the quote around it.
        task: The check box that stands for an item's bullet: "[ ]" or "[x]".
        shown: An item's marker has been painted.
        identity: Tells containers apart.
    """

    kind: Literal["quote", "list", "item"]
    start: int = field(compare=False)
    source: str = field(default="", compare=False)
    number: int = field(default=0, compare=False)
    indent: int = field(default=0, compare=False)
    task: str = field(default="", compare=False)
    shown: bool = field(default=False, compare=False)
    identity: int = field(default_factory=_identities.__next__)


@dataclass(slots=True)
class Spine:
    """The containers that were open where the text before was cut off.

    Attributes:
        chain: They themselves, outermost first; the block under work stands in all of them.
        reopened: How many of them the source's first line opens again; the others are opened by
            the block itself.
    """

    chain: list[Container] = field(default_factory=list)
    reopened: int = 0

    def copied(self) -> Spine:
        """The same in objects of its own."""
        return Spine([copy(container) for container in self.chain], self.reopened)


def reopening(chain: Sequence[Container]) -> tuple[str, str]:
    """Source that opens containers again.

    Args:
        chain: Containers, outermost first, the last one not a list.

    Returns:
        What opens them, and what stands before every further line in them.
    """
    opening: list[str] = []
    continuing: list[str] = []
    column = 0
    for container in chain:
        if container.kind == "quote":
            opening.append("> ")
            continuing.append("> ")
            column = 0
        elif container.kind == "item":
            width = container.indent - column
            # More than four spaces after a marker would start indented code.
            after = min(4, width - len(container.source))
            before = width - len(container.source) - after
            opening.append(" " * before + container.source + " " * after)
            continuing.append(" " * width)
            column = container.indent
    return "".join(opening), "".join(continuing)


@dataclass(frozen=True, slots=True)
class Marks:
    """The few characters of our own in rendered Markdown."""

    bullet: str = "\u2022"
    bar: str = "\u2502"
    rule: str = "\u2500"


ASCII_MARKS = Marks(bullet="-", bar="|", rule="-")


def margins(
    chain: Sequence[Container], width: int, marks: Marks
) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """What stands to the left of a block's lines.

    The margin takes at most half the width: beyond that, outer containers lose theirs.

    Returns:
        The margin of the first line, with the markers not yet shown, and that of the others.
    """
    first: list[Span] = []
    others: list[Span] = []
    room = width // 2
    for container in reversed(chain):
        if container.kind == "list":
            continue
        head, rest = _margin(container, marks)
        room -= cells(head.text)
        if room < 0:
            break
        first.append(head)
        others.append(rest)
    return tuple(reversed(first)), tuple(reversed(others))


def _margin(container: Container, marks: Marks) -> tuple[Span, Span]:
    if container.kind == "quote":
        bar = Span(f"{marks.bar} ", ("muted",))
        return bar, bar
    if container.task:
        marker = container.task
    elif container.source[:-1]:
        marker = f"{container.number}{container.source[-1]}"
    else:
        marker = marks.bullet
    blank = Span(" " * (cells(marker) + 1))
    return (blank if container.shown else Span(f"{marker} ", ("marker",))), blank
