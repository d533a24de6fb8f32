"""Leaves to lines: margins, blank lines, and what each kind of block looks like.

The layout may be given a leaf that still grows: it then yields the lines that can't change any
more and remembers how far it got, so that the same leaf, given again without what is done, goes
on from there.
"""

from __future__ import annotations

import re
from collections import ChainMap
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chatterm.render.lines import (
    PLAIN,
    PROSE_WIDTH,
    UNBROKEN,
    Line,
    Span,
    Style,
    cut,
    line_cells,
    wrap,
)
from chatterm.render.markdown_code import Highlighter
from chatterm.render.markdown_containers import margins
from chatterm.render.markdown_inline import inline_spans
from chatterm.render.markdown_rules import CONTINUED, LONG, settled
from chatterm.render.markdown_table import Row, TableLayout, settling_rows

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from chatterm.render.markdown_containers import Container, Marks
    from chatterm.render.markdown_parse import Leaf, LeafKind, Parser

_TASK = re.compile(r"\[([ xX])\] +(?=\S)")
_LANGUAGE = re.compile(r"\{?\.?([^\s{},]*)")
_CODE_INDENT = (Span("  ", ("code.row",)),)
_CODE_BLANK: Line = (Span("", ("code.row",)),)


def language_of(info: str) -> str:
    """The language that a fence's info string names; empty where it names none."""
    match = _LANGUAGE.match(info.strip())
    return match[1] if match else ""


@dataclass(slots=True)
class Progress:
    """How far a leaf that still grows has been painted.

    Attributes:
        kind: What it is.
        chain: Where it is.
        gap: An empty line stands before it.
        begun: Something of it has been painted.
        divided: Of a paragraph, its beginning has been cut off.
        carry: Of a paragraph, the row that may get more words.
        highlighter: Of code, the colours' state.
        blanks: Of code and raw HTML, empty lines that are shown if more of it follows.
        table: Of a table, its columns.
    """

    kind: LeafKind
    chain: list[Container]
    gap: bool
    begun: bool = False
    divided: bool = False
    carry: list[Span] = field(default_factory=list)
    highlighter: Highlighter | None = None
    blanks: int = 0
    table: TableLayout | None = None

    def copied(self) -> Progress:
        """The same, to be carried on without a trace in this one."""
        other = copy(self)
        other.carry = list(self.carry)
        other.table = copy(self.table)
        other.highlighter = self.highlighter and self.highlighter.copied()
        return other


class Layout:
    """Paints leaves, one after the other.

    Args:
        parser: Parses the text in them.
        width: Cells a line; may be changed between leaves.
        marks: Our own characters.
        references: Link reference definitions known from the start.
        wrap_code: Break lines of code at the width; without, they are as long as they are.

    Attributes:
        progress: Of the leaf under work, if it has begun.
        consumed: How much of a growing paragraph's text the last painting has finished.
    """

    def __init__(
        self,
        parser: Parser,
        width: int,
        marks: Marks,
        references: MutableMapping[str, Any],
        *,
        wrap_code: bool = True,
    ) -> None:
        self.width = width
        self.wrap_code = wrap_code
        self.progress: Progress | None = None
        self.consumed = 0
        self._parser = parser
        self._marks = marks
        self._references = references
        self._chain: list[Container] | None = None
        self._last: LeafKind | None = None

    def copied(self) -> Layout:
        """A layout in the same state that goes its own way."""
        other = Layout(
            self._parser,
            self.width,
            self._marks,
            ChainMap({}, self._references),
            wrap_code=self.wrap_code,
        )
        other.progress = self.progress and self.progress.copied()
        other._chain, other._last = self._chain, self._last
        return other

    def under_work(self, leaf: Leaf) -> Progress | None:
        """The progress of a leaf, if it is the one under work."""
        progress = self.progress
        if progress and progress.kind == leaf.kind and progress.chain == leaf.chain:
            return progress
        return None

    def paint(self, leaf: Leaf, *, gap: bool, whole: bool) -> list[Line]:
        """The next lines of a leaf.

        Args:
            leaf: What to paint; when it is under work already, without what was painted.
            gap: The source has an empty line before it.
            whole: Nothing will be added to it. Otherwise only lines that no longer change are
                returned.
        """
        progress = self.under_work(leaf) or Progress(leaf.kind, leaf.chain, gap)
        self.progress = progress
        body = self._body(leaf, progress, whole=whole)
        lines: list[Line] = []
        if body:
            if not progress.begun:
                lines = self._separator(leaf, gap=progress.gap)
                self._chain, self._last = leaf.chain, leaf.kind
                progress.begun = True
            lines += self._dressed(body, leaf.chain)
        if whole:
            self.progress = None
        return lines

    def _body(self, leaf: Leaf, progress: Progress, *, whole: bool) -> list[Line]:
        match leaf.kind:
            case "paragraph":
                return self._paragraph(leaf, progress, whole=whole)
            case "fence" | "code":
                return self._code(leaf, progress)
            case "html":
                return self._html(leaf, progress)
            case "table":
                return self._table(leaf, progress, whole=whole)
            case _ if not whole:
                self.progress = None
                return []
            case "heading":
                roles = ("heading", "heading.1") if leaf.info == "h1" else ("heading",)
                return wrap(self._inline(leaf, leaf.content, roles), self._prose(leaf))
            case "rule":
                rule = self._marks.rule * min(self._prose(leaf), PROSE_WIDTH)
                return [(Span(rule, ("muted",)),)]
            case "definition":
                if leaf.target:
                    self._references.setdefault(*leaf.target)
                return wrap([Span(leaf.content, ("muted",))], self._prose(leaf))
            case _:
                return [()]

    # -- margins and gaps

    def _separator(self, leaf: Leaf, *, gap: bool) -> list[Line]:
        """The empty line before a leaf, if it gets one.

        In lists the source decides: a list is as loose as it was written, place by place.
        """
        if self._chain is None or (leaf.kind == self._last == "definition" and not gap):
            return []
        common: list[Container] = []
        for before, now in zip(self._chain, leaf.chain, strict=False):
            if before != now:
                break
            common.append(now)
        if common and common[-1].kind != "quote" and not gap:
            return []
        _, margin = margins(common, self.width, self._marks)
        return [_trimmed(margin)]

    def _dressed(self, body: list[Line], chain: list[Container]) -> list[Line]:
        first, others = margins(chain, self.width, self._marks)
        for container in chain:
            container.shown = True
        return [
            _trimmed((*first, *body[0])),
            *(_trimmed((*others, *line)) for line in body[1:]),
        ]

    def _room(self, leaf: Leaf, width: int) -> int:
        return width - line_cells(margins(leaf.chain, self.width, self._marks)[1])

    def _prose(self, leaf: Leaf) -> int:
        widest = self.width if self.width >= UNBROKEN else PROSE_WIDTH
        return self._room(leaf, min(self.width, widest))

    def _inline(self, leaf: Leaf, text: str, roles: Style = PLAIN) -> list[Span]:
        if any(container.kind == "quote" for container in leaf.chain):
            roles = ("quote", *roles)
        return inline_spans(self._parser, text, self._references, roles)

    # -- the kinds of blocks

    def _paragraph(self, leaf: Leaf, progress: Progress, *, whole: bool) -> list[Line]:
        content = leaf.content
        start = position = self._paragraph_start(leaf, progress)
        known = settled(content, closed=whole)
        width = self._prose(leaf)
        lines: list[Line] = []
        while known - position > LONG:
            end, following = _cut_point(content, position)
            spans = self._inline(leaf, content[position:end])
            rows = wrap([*progress.carry, *spans], width)
            between = content[end:following]
            if between.startswith("  ") and "\n" in between:
                progress.carry = []
            else:
                last = rows.pop() if rows else ()
                progress.carry = [*last, Span(" ")] if between else list(last)
            lines += rows
            progress.divided = True
            position = following
        self.consumed = position if position > start else 0
        if whole:
            spans = self._inline(leaf, content[position:])
            lines += wrap([*progress.carry, *spans], width)
        elif not progress.divided:
            self.progress = None
        return lines

    def _paragraph_start(self, leaf: Leaf, progress: Progress) -> int:
        content = leaf.content
        if progress.divided:
            return len(content) - len(content[len(CONTINUED) :].lstrip(" \n"))
        item = leaf.chain[-1] if leaf.chain else None
        if item is None or item.kind != "item" or item.shown or len(item.source) > 1:
            return 0
        match = _TASK.match(content)
        if match is None:
            return 0
        item.task = f"[{match[1].lower()}]"
        return match.end()

    def _code(self, leaf: Leaf, progress: Progress) -> list[Line]:
        body: list[Line] = []
        if progress.highlighter is None:
            language = language_of(leaf.info)
            progress.highlighter = Highlighter(language)
            if language:
                label = Span(language, ("muted", "code.label"))
                body += cut([label], self._room(leaf, self.width))
        width = self._room(leaf, self.width) - 2
        for text in leaf.content.removesuffix("\n").split("\n") if leaf.content else ():
            spans = progress.highlighter.line(text.rstrip())
            if not spans:
                progress.blanks += 1
                continue
            body += [_CODE_BLANK] * progress.blanks
            progress.blanks = 0
            rows = cut(spans, width) if self.wrap_code else [spans]
            body += [(*_CODE_INDENT, *line) for line in rows]
        return body

    def _html(self, leaf: Leaf, progress: Progress) -> list[Line]:
        lines = leaf.content.removesuffix("\n").split("\n")
        if progress.begun:
            del lines[0]  # it only opens the block again
        width = self._prose(leaf)
        body: list[Line] = []
        for text in lines:
            if not text.strip():
                progress.blanks += 1
                continue
            body += [()] * progress.blanks
            progress.blanks = 0
            body += cut([Span(text, ("html",))], width)
        return body

    def _table(self, leaf: Leaf, progress: Progress, *, whole: bool) -> list[Line]:
        rows = leaf.rows[1:]
        width = self._room(leaf, self.width)
        body: list[Line] = []
        if progress.table is None:
            deciding = settling_rows(rows)
            if deciding is None and not whole:
                self.progress = None
                return []
            layout = TableLayout(leaf.aligns, self._row(leaf, leaf.rows[0]))
            layout.settle([self._row(leaf, row) for row in rows[:deciding]])
            progress.table = layout
            body += layout.head(width, self._marks.rule, alone=not rows)
        for row in rows:
            body += progress.table.row(self._row(leaf, row), width)
        return body

    def _row(self, leaf: Leaf, row: list[str]) -> Row:
        return [self._inline(leaf, cell) for cell in row]


def _trimmed(line: Line) -> Line:
    """A line without spaces at its end."""
    spans = list(line)
    while spans:
        text, style = spans.pop()
        if kept := text.rstrip(" "):
            return (*spans, Span(kept, style))
    return ()


def _cut_point(content: str, start: int) -> tuple[int, int]:
    """Where to divide a long paragraph: between words, outside of emphasis where that works.

    Only looks at the `LONG` characters from `start` on, so the place doesn't depend on what
    follows.

    Returns:
        The end of the part before, and the start of the part after; the same where a word had
        to be divided.
    """
    best = start + LONG
    for end in range(start + LONG, start + LONG // 2, -1):
        if content[end] in " \n" and content[end - 1] not in " \n\\":
            if best == start + LONG:
                best = end
            if _balanced(content[start:end]):
                best = end
                break
    following = best
    while content[following] in " \n":
        following += 1
    return best, following


def _balanced(text: str) -> bool:
    return text.count("[") == text.count("]") and not any(
        text.count(mark) % 2 for mark in ("*", "`", "_", "~~", "$")
    )
