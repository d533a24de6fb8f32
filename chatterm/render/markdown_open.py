"""The part of a growing text that isn't finished, as short as it can be.

What is finished is cut off, even in the middle of a list, a fence or a paragraph. So that the
parser still sees where the rest stands, the source begins with lines of our own that open the
containers again (around an empty heading, the one block nothing can continue), and then the
block itself: the fence, the table's header, a word that stands for the paragraph so far.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chatterm.render.markdown_containers import Spine, reopening
from chatterm.render.markdown_rules import CONTINUED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatterm.render.markdown_containers import Container
    from chatterm.render.markdown_layout import Layout
    from chatterm.render.markdown_parse import Leaf, Parser

_RULES = {"": "---", "left": ":--", "right": "--:", "center": ":-:"}


@dataclass(slots=True)
class OpenText:
    """What is still to be finished.

    Attributes:
        rest: The text itself.
        prefix: Source of our own before it.
        spine: The containers it stands in.
        gap: Whether an empty line was before its first block, where the text doesn't show it.
    """

    rest: str = ""
    prefix: str = ""
    spine: Spine = field(default_factory=Spine)
    gap: bool | None = None
    _continued: int = -1

    @property
    def first_line(self) -> int:
        """The line of the source the text begins at."""
        return self.prefix.count("\n")

    def source(self, end: int | None = None) -> str:
        """What is to be parsed, to the given place of the text."""
        return self.prefix + self.rest[:end]

    def leaves(self, parser: Parser, source: str, spine: Spine) -> list[Leaf]:
        """The blocks of a source that begins with the prefix."""
        leaves = parser.leaves(source, spine, continued=self._continued)
        return leaves[1:] if spine.reopened else leaves

    def gap_before(self, leaf: Leaf, previous: int | None) -> bool:
        """Whether an empty line stands before a leaf.

        Args:
            leaf: The leaf.
            previous: The end of the leaf before it, None for the first one.
        """
        if previous is None:
            return leaf.begins > self.first_line if self.gap is None else self.gap
        return leaf.begins > previous

    def advance(
        self, leaf: Leaf, lines: Sequence[str], end: int, layout: Layout, *, gap: bool
    ) -> int:
        """Cut off what is finished.

        Args:
            leaf: The last leaf; all before it are finished.
            lines: The lines of the source.
            end: How much of the text they hold.
            layout: Has painted of the leaf what is finished.
            gap: An empty line stands before the leaf.

        Returns:
            How many empty lines were dropped because fewer say as much.
        """
        complete = self.rest[end - 1] == "\n"
        after = self.rest[end:]
        kept: Sequence[str] = ()
        dropped = 0
        if layout.progress is None:
            if leaf.kind != "empty" and (leaf.closed or leaf.end < len(lines)):
                self._reopen(leaf.chain)
                kept = _without_repetition(lines[leaf.end :])
            else:
                self._stand_before(leaf, gap=gap)
                kept = lines[leaf.start :]
                if leaf.kind == "empty":
                    kept = _without_repetition(kept)
        elif leaf.kind == "code":
            self._reopen(leaf.chain)
            kept = _without_repetition(lines[leaf.end :])
            dropped = len(lines) - leaf.end - len(kept)
        elif leaf.kind != "paragraph":
            self._reopen(leaf.chain, _opener(leaf))
        elif layout.consumed:
            number, column = _place(leaf, layout.consumed, lines)
            self._reopen(leaf.chain, f"{CONTINUED} " if column else f"{CONTINUED}\n")
            self._continued = self.first_line - (0 if column else 1)
            kept = [lines[number][column:], *lines[number + 1 :]]
        else:
            return 0
        self.rest = _joined(kept, complete=complete) + after
        return dropped

    def drop_repeated(self, lines: Sequence[str], end: int) -> int:
        """Keep a few of the empty lines in a text that has nothing else.

        Returns:
            How many were dropped.
        """
        blank = lines[self.first_line :]
        kept = _without_repetition(blank)
        self.rest = _joined(kept, complete=True) + self.rest[end:]
        return len(blank) - len(kept)

    def _reopen(self, chain: Sequence[Container], inside: str = "") -> None:
        """Stand after something in these containers."""
        inner = _without_lists_at_end(chain)
        self._set_prefix(inner, inside)
        self.spine = Spine(inner, len(inner))
        self.gap = None

    def _stand_before(self, leaf: Leaf, *, gap: bool) -> None:
        """Stand before a leaf and those containers that open on its first line."""
        outer = [container for container in leaf.chain if container.start < leaf.start]
        outer = _without_lists_at_end(outer)
        self._set_prefix(outer, "")
        self.spine = Spine(leaf.chain, len(outer))
        self.gap = gap

    def _set_prefix(self, chain: Sequence[Container], inside: str) -> None:
        opening, continuing = reopening(chain)
        self.prefix = f"{opening}#\n" if opening else ""
        self.prefix += "".join(continuing + line for line in inside.splitlines(keepends=True))
        self._continued = -1


def _opener(leaf: Leaf) -> str:
    if leaf.kind != "table":
        return f"{leaf.opener}\n"
    names = "|x" * len(leaf.aligns)
    rules = "".join(f"|{_RULES[align]}" for align in leaf.aligns)
    return f"{names}|\n{rules}|\n"


def _place(leaf: Leaf, position: int, lines: Sequence[str]) -> tuple[int, int]:
    """Line and column in the source of a place in a paragraph; column 0 is a whole line."""
    before = leaf.content[:position]
    number = before.count("\n")
    column = position - (before.rfind("\n") + 1)
    line = lines[leaf.start + number].rstrip()
    text = leaf.content.split("\n")[number].rstrip()
    return leaf.start + number, column and len(line) - len(text) + column


def _without_lists_at_end(chain: Sequence[Container]) -> list[Container]:
    inner = list(chain)
    while inner and inner[-1].kind == "list":
        inner.pop()
    return inner


def _without_repetition(lines: Sequence[str]) -> list[str]:
    """Lines, of each run of the same line only the first two.

    One empty line goes on with a list whose last item is empty; two end it.
    """
    return [
        line
        for number, line in enumerate(lines)
        if number < 2 or line != lines[number - 1] or line != lines[number - 2]
    ]


def _joined(lines: Sequence[str], *, complete: bool) -> str:
    text = "\n".join(lines)
    return f"{text}\n" if complete and lines else text
