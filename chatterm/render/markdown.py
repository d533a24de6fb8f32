"""Streaming Markdown without widgets: text in, immutable styled lines and a live tail out.

Only the last block is ever parsed again, and within it only what isn't finished: the last line
of a fence, the last item of a list, the last row of a table, the last words of a paragraph. What
is finished is cut off, and the containers it stood in are opened again by a line or two of
source of our own, so that the parser sees a short text of the same structure.

The finished lines don't depend on how the text was divided: `render` gives the same ones as any
sequence of `feed` and `flush`. Where Markdown would decide by what comes later, a rule decides
that can be kept while streaming:

* A reference link is resolved by definitions before it, or by those given at the start;
  definitions are shown.
* A table's columns are as wide as its first rows need.
* In a list, there is an empty line where the source has one.
* In a paragraph of more than a thousand characters, emphasis, code and links end where the
  paragraph was divided, if no better place was found.
* See also `chatterm.render.markdown_rules`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chatterm.render.markdown_containers import ASCII_MARKS, Marks, Spine
from chatterm.render.markdown_layout import Layout
from chatterm.render.markdown_open import OpenText
from chatterm.render.markdown_parse import shared_parser
from chatterm.render.markdown_rules import LONG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chatterm.render.lines import Line
    from chatterm.render.markdown_parse import Leaf, Parser

__all__ = ["ASCII_MARKS", "MarkdownStream", "Marks", "Update", "references", "render"]

_CLIP = 16 * LONG

# The sanitiser has dealt with these; they would break the widths of lines if one came through.
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160))) | {
    ord("\t"): "    ",
    ord("\n"): "\n",
    ord("\0"): "\ufffd",
}


@dataclass(frozen=True, slots=True)
class Update:
    """What a flush has changed.

    Attributes:
        frozen: Lines finished since the last flush; they never change.
        tail: How the unfinished rest looks now; it replaces the tail of the last flush.
    """

    frozen: list[Line] = field(default_factory=list)
    tail: list[Line] = field(default_factory=list)


class MarkdownStream:
    """Renders one Markdown text while it arrives.

    Args:
        width: Cells a line, at least 10.
        marks: The characters of our own: `ASCII_MARKS` for terminals that have no others.
        references: Link reference definitions known beforehand, from `references`.
        parser: To be used instead of the shared one.
        wrap_code: Break lines of code at the width. A terminal wraps them itself, and what is
            copied from it then has no breaks that aren't the code's.
    """

    def __init__(
        self,
        width: int,
        *,
        marks: Marks | None = None,
        references: Mapping[str, Any] | None = None,
        parser: Parser | None = None,
        wrap_code: bool = True,
    ) -> None:
        self._parser = parser or shared_parser()
        known = dict(references or {})
        self._layout = Layout(
            self._parser, max(width, 10), marks or Marks(), known, wrap_code=wrap_code
        )
        self._incoming: list[str] = []
        self._open = OpenText()
        self._held = False
        self._tail: list[Line] = []

    @property
    def width(self) -> int:
        """Cells a line; a change holds for the lines not yet finished."""
        return self._layout.width

    @width.setter
    def width(self, width: int) -> None:
        width = max(width, 10)
        if width != self._layout.width:
            self._layout.width = width
            self._incoming.append("")

    def feed(self, text: str) -> None:
        """Take in more text, already sanitised; nothing is rendered before the next flush."""
        if text:
            self._incoming.append(text)

    def flush(self) -> Update:
        """Render what has come since the last flush."""
        if not self._incoming:
            return Update([], self._tail)
        frozen = self._advance()
        self._tail = self._render_tail()
        return Update(frozen, self._tail)

    def finish(self) -> Update:
        """Render the rest: all lines are finished, and the tail is empty."""
        if not (self._open.rest + "".join(self._incoming)).endswith("\n"):
            self._incoming.append("\n")
        frozen = self._advance()
        text = self._open
        leaves = text.leaves(self._parser, text.source(), text.spine)
        frozen += self._painted(leaves, self._layout)
        self._open = OpenText()
        self._tail = []
        return Update(frozen, [])

    def _advance(self) -> list[Line]:
        """Take in what has come, and freeze what it finishes."""
        added = "".join(self._incoming).translate(_CONTROLS)
        self._incoming.clear()
        text = self._open
        text.rest += added
        frozen: list[Line] = []
        if "\n" in added:
            self._held = False
            frozen = self._commit(text.rest.rfind("\n") + 1)
        size = -1
        while not self._held and size != len(text.rest):
            size = len(text.rest)
            line = text.rest.rfind("\n") + 1
            if size - line <= LONG:
                break
            frozen += self._commit(min(size, line + _CLIP))
        return frozen

    def _commit(self, end: int) -> list[Line]:
        """Freeze what is finished by the first `end` characters of the unfinished text.

        They are whole lines, or end in a line so long that it can only be a paragraph's; if it
        is something else (a line of code), it waits for its end.
        """
        text, layout = self._open, self._layout
        source = text.source(end)
        leaves = text.leaves(self._parser, source, text.spine.copied())
        complete = source.endswith("\n")
        if not complete and (not leaves or leaves[-1].kind != "paragraph"):
            self._held = True
            return []
        lines = source.removesuffix("\n").split("\n")
        if not leaves:
            dropped = text.drop_repeated(lines, end)
            if layout.progress is not None:
                layout.progress.blanks += dropped
            return []
        *done, last = leaves
        frozen = self._painted(done, layout)
        gap = text.gap_before(last, done[-1].end if done else None)
        grows = last.kind in ("code", "empty") or last.end >= len(lines)
        whole = last.closed or not grows
        self._count_blanks(last, layout)
        frozen += layout.paint(last, gap=gap, whole=whole)
        dropped = text.advance(last, lines, end, layout, gap=gap)
        if layout.progress is not None:
            layout.progress.blanks += dropped
        return frozen

    def _painted(self, leaves: Sequence[Leaf], layout: Layout) -> list[Line]:
        lines: list[Line] = []
        previous: int | None = None
        for leaf in leaves:
            self._count_blanks(leaf, layout)
            gap = self._open.gap_before(leaf, previous)
            lines += layout.paint(leaf, gap=gap, whole=True)
            previous = leaf.end
        return lines

    def _count_blanks(self, leaf: Leaf, layout: Layout) -> None:
        """Count the empty lines between the code that was cut off and what goes on."""
        if leaf.kind == "code" and (progress := layout.under_work(leaf)):
            progress.blanks += leaf.start - self._open.first_line

    def _render_tail(self) -> list[Line]:
        text = self._open
        if self._layout.progress is None and not text.rest.strip():
            return []
        line = text.rest.rfind("\n") + 1
        source = text.source(line + 2 * LONG)
        leaves = text.leaves(self._parser, source, text.spine.copied())
        return self._painted(leaves, self._layout.copied())


def render(
    text: str,
    width: int,
    *,
    marks: Marks | None = None,
    references: Mapping[str, Any] | None = None,
) -> list[Line]:
    """Render a whole text: the same lines as a stream's, however it was divided.

    Args:
        text: Sanitised Markdown.
        width: Cells a line, at least 10.
        marks: The characters of our own.
        references: Link reference definitions known beforehand: `references(text)` resolves
            links to definitions that come later.
    """
    stream = MarkdownStream(width, marks=marks, references=references)
    stream.feed(text)
    return stream.finish().frozen


def references(text: str) -> dict[str, Any]:
    """The link reference definitions of a text."""
    found: dict[str, Any] = {}
    for leaf in shared_parser().leaves(text.translate(_CONTROLS), Spine()):
        if leaf.target is not None:
            found.setdefault(*leaf.target)
    return found
