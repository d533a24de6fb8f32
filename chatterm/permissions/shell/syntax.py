"""A line's structure: tree-sitter's tree of it, held against the strict reader's words."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from chatterm.permissions.shell.structure import (
    Grouped,
    Redirect,
    Simple,
    Statement,
    joined,
    negated,
    piped,
    redirected,
)
from chatterm.permissions.shell.words import (
    NotUnderstoodError,
    Operator,
    Token,
    Word,
    check_characters,
    read_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node, Parser

MOST_COMMANDS = 60
MOST_DEPTH = 12

# What a node may be; of the words only their place counts, as the strict reader has read them.
_WORDS = frozenset({"word", "string", "raw_string", "concatenation", "number", "test_operator"})
_INSIDE_TESTS = frozenset({"unary_expression", "binary_expression", "negated_expression"})
_RESERVED = frozenset(
    {
        *("if", "then", "else", "elif", "fi", "case", "esac", "for", "select", "while", "until"),
        *("do", "done", "in", "function", "time", "{", "}", "coproc"),
    }
)


def parse(line: str) -> Statement:
    """The structure of a line.

    Raises:
        NotUnderstoodError: It isn't understood, or the two readings of it differ.
    """
    check_characters(line)
    tokens = read_words(line)
    commands = 1 + sum(isinstance(token, Operator) for token in tokens)
    if commands > 3 * MOST_COMMANDS:
        raise NotUnderstoodError(f"it has more than {MOST_COMMANDS} commands")
    if not tokens:
        raise NotUnderstoodError("it is empty")
    return _Reader(line, tokens).read()


@cache
def parser() -> Parser:
    """The parser for bash; loading it takes some milliseconds, once."""
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


class _Reader:
    """Reads the tree of one line, and ticks off the strict reader's tokens as it does."""

    def __init__(self, line: str, tokens: list[Token]) -> None:
        self._source = line.encode()
        self._characters = _places(line, self._source)
        self._tokens = tokens
        self._numbers = {(token.start, token.end): i for i, token in enumerate(tokens)}
        self._used: set[int] = set()
        self._commands = 0

    def read(self) -> Statement:
        root = parser().parse(self._source).root_node
        if root.has_error or root.type != "program":
            raise NotUnderstoodError("it isn't a whole, plain command line")
        found = self._joined(root.children, 0)
        for number, token in enumerate(self._tokens):
            blank = isinstance(token, Operator) and token.text == "\n"
            if number not in self._used and not blank:
                raise _differ()
        return found

    def _statement(self, node: Node, depth: int) -> Statement:
        if depth > MOST_DEPTH:
            raise NotUnderstoodError(f"it is nested more than {MOST_DEPTH} deep")
        match node.type:
            case "command" | "test_command":
                return self._simple(node)
            case "redirected_statement":
                return self._redirected(node, depth)
            case "list":
                return self._joined(node.children, depth + 1)
            case "pipeline":
                parts = self._parts(node.children, {"|", "|&"}, depth)
                return piped(list(parts))
            case "subshell":
                self._take(node.children[0], "(")
                self._take(node.children[-1], ")")
                return Grouped(self._joined(node.children[1:-1], depth + 1))
            case "negated_command":
                self._word(node.children[0])
                return negated(self._statement(node.children[1], depth + 1))
            case kind:
                raise NotUnderstoodError(f"it holds a {kind.replace('_', ' ')}")

    def _joined(self, nodes: list[Node], depth: int) -> Statement:
        parts: list[Statement] = []
        operators: list[str] = []
        for node in nodes:
            if node.type == "comment":
                continue
            if node.type in {";", "\n", "&&", "||"}:
                operator = self._take(node, node.type)
                if len(operators) < len(parts):
                    operators.append(";" if operator == "\n" else operator)
                elif operator != "\n":
                    raise _differ()
                continue
            if len(operators) < len(parts):
                self._between(operators, node)
            parts.append(self._statement(node, depth + 1))
        if not parts:
            raise NotUnderstoodError("it holds no command")
        if len(operators) == len(parts):
            if operators[-1] != ";":
                raise _differ()
            operators.pop()
        return joined(parts, operators)

    def _between(self, operators: list[str], node: Node) -> None:
        """Two statements with no operator in the tree: a newline has to stand between them."""
        first = self._place(node)[0]
        before = [token for token in self._tokens if token.end <= first]
        if not before or not (isinstance(before[-1], Operator) and before[-1].text == "\n"):
            raise _differ()
        operators.append(";")

    def _parts(self, nodes: list[Node], between: set[str], depth: int) -> Iterator[Statement]:
        expected = True
        for node in nodes:
            if node.type == "comment":
                continue
            if node.type in between:
                if expected:
                    raise _differ()
                self._take(node, node.type)
                expected = True
            elif expected:
                yield self._statement(node, depth + 1)
                expected = False
            else:
                raise _differ()

    def _redirected(self, node: Node, depth: int) -> Statement:
        body: Statement | None = None
        redirects: list[Redirect] = []
        for child in node.children:
            if child.type == "file_redirect":
                redirects.append(self._redirect(child))
            elif body is None:
                body = self._statement(child, depth + 1)
            else:
                raise NotUnderstoodError(f"it holds a {child.type.replace('_', ' ')}")
        if body is None:
            raise NotUnderstoodError("it holds a redirection without a command")
        return redirected(body, redirects)

    def _redirect(self, node: Node) -> Redirect:
        operator, target = None, None
        for child in node.children:
            if child.type == "file_descriptor":
                continue
            if child.type in _WORDS and target is None:
                target = self._word(child)
            elif operator is None and not child.is_named:
                operator = child
            else:
                raise NotUnderstoodError(f"it holds a {child.type.replace('_', ' ')}")
        if operator is None or target is None:
            raise NotUnderstoodError("it holds a redirection that isn't plain")
        end = self._place(operator)[1]
        for number, token in enumerate(self._tokens):
            if isinstance(token, Operator) and token.redirects and token.end == end:
                if self._tokens[number + 1 : number + 2] != [target]:
                    raise _differ()
                self._used.add(number)
                return Redirect(token.text, token.descriptor, target)
        raise _differ()

    def _simple(self, node: Node) -> Simple:
        self._commands += 1
        if self._commands > MOST_COMMANDS:
            raise NotUnderstoodError(f"it has more than {MOST_COMMANDS} commands")
        words: list[Word] = []
        redirects: list[Redirect] = []
        for child in self._leaves(node):
            if child.type == "file_redirect":
                redirects.append(self._redirect(child))
            else:
                words.append(self._word(child))
        if not words:
            raise NotUnderstoodError("it holds a redirection without a command")
        numbers = [self._numbers[word.start, word.end] for word in words]
        if not redirects and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise _differ()
        before = self._tokens[numbers[0] - 1] if numbers[0] else None
        if isinstance(before, Word) and before.text != "!":
            raise _differ()
        if words[0].text in _RESERVED and not words[0].quoted:
            raise NotUnderstoodError(f"it holds {words[0].text!r}")
        return Simple(tuple(words), tuple(redirects))

    def _leaves(self, node: Node) -> Iterator[Node]:
        """The words and redirections of a command."""
        for child in node.children:
            if child.type == "command_name":
                if len(child.children) != 1:
                    raise _differ()
                yield child.children[0]
            elif child.type in _WORDS or child.type == "file_redirect":
                yield child
            elif node.type != "command" and (child.type in _INSIDE_TESTS or not child.is_named):
                yield from self._leaves(child) if child.children else (child,)
            else:
                raise NotUnderstoodError(f"it holds a {child.type.replace('_', ' ')}")

    def _word(self, node: Node) -> Word:
        number = self._numbers.get(self._place(node))
        token = None if number is None else self._tokens[number]
        if number is None or not isinstance(token, Word) or number in self._used:
            raise _differ()
        self._used.add(number)
        return token

    def _take(self, node: Node, text: str) -> str:
        number = self._numbers.get(self._place(node))
        token = None if number is None else self._tokens[number]
        if number is None or not isinstance(token, Operator) or token.text != text:
            raise _differ()
        self._used.add(number)
        return text

    def _place(self, node: Node) -> tuple[int, int]:
        if self._characters is None:
            return node.start_byte, node.end_byte
        start = self._characters.get(node.start_byte, -1)
        return start, self._characters.get(node.end_byte, -1)


def _places(line: str, source: bytes) -> dict[int, int] | None:
    """Which byte of the source is which character of the line; None where they are the same."""
    if len(source) == len(line):
        return None
    places, at = {0: 0}, 0
    for number, character in enumerate(line):
        at += len(character.encode())
        places[at] = number + 1
    return places


def _differ() -> NotUnderstoodError:
    return NotUnderstoodError("it can be read in more than one way")
