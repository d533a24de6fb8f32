"""Syntax colours for code that arrives line by line.

Pygments reads whole texts; reading all of a fence again for every line would be quadratic. Most
of its lexers are tables of states, so the stack of states is kept from line to line. What spans
lines inside a single pattern (a few languages' raw strings) is coloured line by line, which may
be wrong in colour, never in text.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from chatterm.render.lines import Span, add_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pygments.lexer import Lexer

_LONGEST = 2000
"""Longer lines are data, not code, and patterns may take very long over them."""

_ROLES = (
    ("Token.Keyword", "code.keyword"),
    ("Token.Operator.Word", "code.keyword"),
    ("Token.Literal.String", "code.string"),
    ("Token.Literal.Number", "code.number"),
    ("Token.Comment", "code.comment"),
    ("Token.Name.Function", "code.name"),
    ("Token.Name.Class", "code.name"),
    ("Token.Name.Decorator", "code.name"),
    ("Token.Name.Tag", "code.name"),
    ("Token.Name.Builtin", "code.builtin"),
    ("Token.Generic.Inserted", "code.inserted"),
    ("Token.Generic.Deleted", "code.deleted"),
    ("Token.Generic.Subheading", "code.keyword"),
    ("Token.Generic.Heading", "code.keyword"),
)

# What other people's lexers have been seen to raise on text they didn't expect.
_LEXER_ERRORS = (
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class Highlighter:
    """Colours one fence, a line at a time.

    Args:
        language: The first word after the fence; unknown ones give plain code.
    """

    def __init__(self, language: str) -> None:
        self._lexer = _lexer(language.lower()) if language else None
        self._stack = ["root"]
        self._in_comment = False

    def copied(self) -> Highlighter:
        """A highlighter in the same state that goes its own way."""
        copy = Highlighter("")
        copy._lexer = self._lexer
        copy._stack = list(self._stack)
        copy._in_comment = self._in_comment
        return copy

    def line(self, text: str) -> list[Span]:
        """The spans of the next line.

        Args:
            text: The line, without its newline.
        """
        if self._lexer is None or len(text) > _LONGEST:
            return [Span(text, ("code.text",))] if text else []
        spans: list[Span] = []
        if self._in_comment:
            end = text.find("*/") + 2
            if end < 2:
                return [Span(text, ("code.comment",))] if text else []
            self._in_comment = False
            add_span(spans, text[:end], ("code.comment",))
            text = text[end:]
        for role, piece in self._pieces(text):
            add_span(spans, piece, (role,))
        return spans

    def _pieces(self, text: str) -> list[tuple[str, str]]:
        start = text.rfind("/*")
        if start >= 0 and "*/" not in text[start:]:
            # A comment that goes on: most lexers only know it whole, so it is closed for them.
            stack = list(self._stack)
            pieces = self._lex(f"{text}*/")
            role, last = pieces[-1] if pieces else ("", "")
            if role == "code.comment" and last.endswith("*/"):
                self._in_comment = True
                return [*pieces[:-1], (role, last[:-2])]
            self._stack = stack
        return self._lex(text)

    def _lex(self, text: str) -> list[tuple[str, str]]:
        try:
            pieces = [(_role(kind), value) for kind, value in self._tokens(f"{text}\n") if value]
        except _LEXER_ERRORS:
            pieces = []
        joined = "".join(value for _, value in pieces)
        if joined != f"{text}\n":  # a lexer that drops or changes text is of no use here
            return [("code.text", text)]
        merged: list[tuple[str, str]] = []
        for role, value in pieces:
            piece = value.rstrip("\n")
            if merged and merged[-1][0] == role:
                merged[-1] = role, merged[-1][1] + piece
            elif piece:
                merged.append((role, piece))
        return merged

    def _tokens(self, text: str) -> Iterator[tuple[Any, str]]:
        table = getattr(self._lexer, "_tokens", None)
        if self._lexer is None:
            return
        if table is None or "root" not in table or _overrides_loop(type(self._lexer)):
            for _, kind, value in self._lexer.get_tokens_unprocessed(text):
                yield kind, value
            return
        yield from _run(self._lexer, table, text, self._stack)


def _run(
    lexer: Lexer, table: dict[str, Any], text: str, stack: list[str]
) -> Iterator[tuple[Any, str]]:
    """Pygments' own loop (`RegexLexer.get_tokens_unprocessed`), but the stack outlives the text."""
    from pygments.token import Error, Text, _TokenType

    position = idle = 0
    while position < len(text) and idle < 50:
        for match_at, action, new_state in table[stack[-1]]:
            match = match_at(text, position)
            if not match:
                continue
            if isinstance(action, _TokenType):
                yield action, match.group()
            elif action is not None:
                for _, kind, value in action(lexer, match):
                    yield kind, value
            idle = idle + 1 if match.end() == position else 0
            position = match.end()
            if new_state is not None:
                _enter(stack, new_state)
            break
        else:
            if text[position] == "\n":
                stack[:] = ["root"]
                yield Text, "\n"
            else:
                yield Error, text[position]
            position += 1


def _enter(stack: list[str], state: Any) -> None:
    """Follow a transition as Pygments writes them."""
    if isinstance(state, int):
        del stack[max(len(stack) + state, 1) :]
        return
    for name in state if isinstance(state, tuple) else (state,):
        if name == "#pop":
            if len(stack) > 1:
                stack.pop()
        else:
            stack.append(stack[-1] if name == "#push" else name)


@cache
def _overrides_loop(kind: type[Lexer]) -> bool:
    """Whether a lexer reads text in a way of its own, so that its states say nothing."""
    from pygments.lexer import RegexLexer

    return kind.get_tokens_unprocessed is not RegexLexer.get_tokens_unprocessed


@cache
def _role(kind: Any) -> str:
    name = str(kind)
    for prefix, role in _ROLES:
        if name == prefix or name.startswith(f"{prefix}."):
            return role
    return "code.text"


def load_lexers(languages: Iterable[str] = ("python", "bash", "json", "javascript")) -> None:
    """Get ready for code in these languages: the first of each otherwise takes 30 ms and more.

    May be called in a thread.
    """
    for language in languages:
        _lexer(language)


@cache
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language)
    except ClassNotFound:
        return None
