"""CommonMark's block rules, made safe to run on a text that still grows.

Block structure only ever depends on the lines so far, with a few exceptions. The rules wrapped
here remove those, so that a block followed by another one never changes again:

* A line longer than `LONG` characters is plain text: it may have been shown before its end came.
* A paragraph longer than `LONG` can't become a heading by an underline.
* A link reference definition is one line, and is shown as it is written. (A definition whose
  title or address stands on lines of its own is text.)
* Quotes and lists nest to `MAX_LEVEL`; markers beyond it are text, where markdown-it would drop
  what they hold.

Besides, they note with their tokens what opening a block again in the middle takes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from markdown_it.rules_block import (
    StateBlock,
    blockquote,
    fence,
    heading,
    hr,
    html_block,
    lheading,
    list_block,
    reference,
    table,
)
from markdown_it.rules_block.html_block import HTML_SEQUENCES
from markdown_it.rules_inline import image, link

if TYPE_CHECKING:
    from collections.abc import Callable

    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

    _Rule = Callable[[StateBlock, int, int, bool], bool]
    _InlineRule = Callable[[StateInline, bool], bool]

LONG = 1000
MAX_LEVEL = 80

CONTINUED = "x"
"""Stands for the part of a paragraph that is frozen already, at the start of its line."""


def install(md: MarkdownIt) -> None:
    """Put the rules below in the place of markdown-it's own."""
    text = ["paragraph", "reference"]
    quote = [*text, "blockquote"]
    every = [*quote, "list"]
    for name, rule, ends in (
        ("table", _short_only(table), text),
        ("fence", _marked_fence, every),
        ("blockquote", _bounded_quote, every),
        ("hr", _short_only(hr), every),
        ("list", _bounded_list, quote),
        ("reference", _one_line_reference, []),
        ("html_block", _marked_html, quote),
        ("heading", _short_only(heading), quote),
        ("lheading", _bounded_lheading, []),
    ):
        md.block.ruler.at(name, rule, {"alt": ends})
    md.inline.ruler.before("escape", "math", _math)
    for name, inline_rule in (("link", link), ("image", image)):
        md.inline.ruler.at(name, _closed_only(inline_rule))


class BlockState(StateBlock):
    """Notes with every token how far its container is indented."""

    outer_indent = 0

    def push(self, ttype: str, tag: str, nesting: Literal[-1, 0, 1]) -> Token:
        """Push a token and note the indentation."""
        token = super().push(ttype, tag, nesting)
        # A quote has set the indentation to that of its inside when it pushes its token.
        indent = self.outer_indent if ttype == "blockquote_open" else self.blkIndent
        token.meta = {"indent": indent}
        return token


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _starts_text(state: StateBlock, start: int) -> bool:
    """Whether nothing but a paragraph may start at this line."""
    long = state.eMarks[start] - state.bMarks[start] - state.tShift[start] > LONG
    return long or start == state.env["continued"]


def _short_only(rule: _Rule) -> _Rule:
    def short_only(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        return not _starts_text(state, start) and rule(state, start, end, silent)

    return short_only


def _bounded_list(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return state.level < MAX_LEVEL and list_block(state, start, end, silent)


def _bounded_quote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if state.level >= MAX_LEVEL:
        return False
    if not silent and isinstance(state, BlockState):
        state.outer_indent = state.blkIndent
    return blockquote(state, start, end, silent)


def _bounded_lheading(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if _starts_text(state, start):
        return False
    tokens, line, parent = len(state.tokens), state.line, state.parentType
    if not lheading(state, start, end, silent):
        return False
    content = unindented(state.tokens[-2].content)
    if settled(content, closed=False) <= LONG and not _starts_text(state, state.line - 1):
        return True
    del state.tokens[tokens:]
    state.line, state.parentType = line, parent
    return False


def _one_line_reference(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    line = _line(state, start)
    # "[^1]: ..." is a footnote in everybody's mind, so it is left as text.
    if silent or _starts_text(state, start) or line.startswith("[^"):
        return False
    env, last = state.env, state.lineMax
    state.env, state.lineMax = {}, start + 1
    try:
        found = reference(state, start, end, silent)
        references = state.env.get("references", {})
    finally:
        state.env, state.lineMax = env, last
    for label, target in references.items():
        token = state.push("definition", "", 0)
        token.map = [start, start + 1]
        token.content = line.rstrip()
        token.meta["label"] = label
        token.meta["target"] = target
    return found


def _marked_fence(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A fence that says whether it was closed, and how far it is indented."""
    if _starts_text(state, start) or not fence(state, start, end, silent):
        return False
    if not silent:
        token, last = state.tokens[-1], state.line - 1
        line = _line(state, last).rstrip()
        token.meta["closed"] = (
            last > start
            and line == token.markup[0] * len(line)
            and len(line) >= len(token.markup)
            and not state.is_code_block(last)
        )
        indent = " " * (state.sCount[start] - state.blkIndent)
        info = token.info.replace("|", " ")  # before a line of code it might head a table
        token.meta["opener"] = f"{indent}{token.markup}{info}"
    return True


def _marked_html(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Raw HTML that says whether it was closed."""
    if _starts_text(state, start) or not html_block(state, start, end, silent):
        return False
    if not silent:
        first, last = _line(state, start), _line(state, state.line - 1)
        closing = next(closing for opening, closing, _ in HTML_SEQUENCES if opening.search(first))
        state.tokens[-1].meta["closed"] = bool(closing.search(last))
    return True


_MATH = re.compile(
    r"""\$\$ [^$]{1,800}? \$\$
    | \$ (?![\s$]) [^$\n]{1,300} (?<!\s) \$ (?!\w)
    | \\\( .{1,800}? \\\)
    | \\\[ .{1,800}? \\\]
    """,
    re.VERBOSE | re.DOTALL,
)


def _closed_only(rule: _InlineRule) -> _InlineRule:
    """A rule for links, asked only where a bracket closes: it looks ahead from each opening."""

    def closed(state: StateInline, silent: bool) -> bool:
        return state.src.find("]", state.pos) >= 0 and rule(state, silent)

    return closed


def _math(state: StateInline, silent: bool) -> bool:
    """Formulas are kept as written: their underscores and backslashes aren't Markdown."""
    if state.src[state.pos] not in "$\\":
        return False
    match = _MATH.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        state.pending += match.group()
    state.pos = match.end()
    return True


def settled(content: str, *, closed: bool) -> int:
    """How much of a paragraph stays one whatever follows.

    Its last line may yet become the head of a table, unless it is too long for one.
    """
    if closed:
        return len(content)
    before = content.rfind("\n") + 1
    return len(content) if len(content) - before > LONG else before


def unindented(content: str) -> str:
    """A paragraph's text without the indentation of its lines, which means nothing."""
    if "\n " not in content:
        return content
    return "\n".join(line.lstrip(" ") for line in content.split("\n"))
