"""The strict reader: a line as the words and operators bash makes of it, for a part of bash.

It accepts words of plain characters and quotes, `$?` in double quotes, pipes, lists, subshells,
comments and redirections. Everything else that expands, substitutes or escapes is refused by name.
It is linear in the line's length and never looks at a file.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MOST_CHARACTERS = 10_000
MOST_TOKENS = 800

_PLAIN = re.compile(r"[A-Za-z0-9_\-./,:=+@%^]+")
_OPERATOR = re.compile(r"&&|\|\||\|&|;;|[|;()&\n]")
_REDIRECTION = re.compile(r"&>>|&>|<<<|<<-|<<|<>|<&|>>|>\||>&|<|>")
_ESCAPED_WORDS = {r"\(": "(", r"\)": ")", r"\!": "!", r"\;": ";"}
# After these a dollar sign in double quotes is only itself.
_DOLLAR_LITERAL = frozenset('" /|),')
# Letters and signs that look like blanks, or like nothing.
_UNSEEN = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_KINDS = {
    "$": "an expansion",
    "`": "a command substitution",
    "\\": "a backslash",
    "{": "braces",
    "}": "braces",
    "~": "a tilde",
    "!": "an exclamation mark",
    "&": "a command in the background",
}


class NotUnderstoodError(Exception):
    """The line isn't understood; the message says what isn't, as a clause for people."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, its quoting understood.

    Attributes:
        text: What a program would be given, when nothing in it is a pattern.
        start: Where it begins in the line.
        end: Where it ends.
        pattern: For a word with unquoted pattern characters: the pattern, in which a literal
            pattern character stands in brackets; None for any other word.
        literal: How many characters at its beginning come before any pattern character.
        quoted: Whether any of it is quoted.
        expands: Whether it holds `$?`, for which a number will stand.
    """

    text: str
    start: int
    end: int
    pattern: str | None = None
    literal: int = 0
    quoted: bool = False
    expands: bool = False

    @property
    def globs(self) -> bool:
        """Whether it may become other words: the names of files."""
        return self.pattern is not None


@dataclass(frozen=True, slots=True)
class Operator:
    """What stands between words: a control operator, a newline, or a redirection.

    Attributes:
        text: The operator.
        start: Where it begins in the line, the number of a descriptor included.
        end: Where it ends.
        descriptor: The number before a redirection, if there is one.
    """

    text: str
    start: int
    end: int
    descriptor: str = ""

    @property
    def redirects(self) -> bool:
        """Whether it is a redirection."""
        return "<" in self.text or ">" in self.text


Token = Word | Operator


def check_characters(line: str) -> None:
    """See to it that a line holds only what can be shown as it is.

    Raises:
        NotUnderstoodError: It is too long, or holds a character that isn't seen or means more.
    """
    if len(line) > MOST_CHARACTERS:
        raise NotUnderstoodError(f"it is longer than {MOST_CHARACTERS:,} characters")
    for character in sorted(set(line)):
        if " " <= character <= "~" or character in "\n\t":
            continue
        category = unicodedata.category(character)
        if category[0] == "C" or category[0] == "Z" or character in _UNSEEN:
            raise NotUnderstoodError(f"it holds the character U+{ord(character):04X}")
        if category == "Mn" and unicodedata.combining(character) == 0:
            raise NotUnderstoodError(f"it holds the character U+{ord(character):04X}")


def read_words(line: str) -> list[Token]:
    """The tokens of a line, in order.

    Raises:
        NotUnderstoodError: Part of it is outside of what this reader knows.
    """
    tokens: list[Token] = []
    at = 0
    while at < len(line):
        character = line[at]
        if character in " \t":
            at += 1
        elif character == "#":
            at = _line_end(line, at)
        else:
            token = _operator(line, at, tokens) or _read_word(line, at)
            tokens.append(token)
            at = token.end
            if len(tokens) > MOST_TOKENS:
                raise NotUnderstoodError(f"it has more than {MOST_TOKENS} words")
    return tokens


def _line_end(line: str, at: int) -> int:
    end = line.find("\n", at)
    return len(line) if end < 0 else end


def _operator(line: str, at: int, tokens: list[Token]) -> Operator | None:
    digits = re.compile(r"[0-9]*").match(line, at)
    number = digits[0] if digits else ""
    found = _REDIRECTION.match(line, at + len(number))
    if found:
        if found[0].startswith("&") and number:
            return None  # `2&>` is the word 2, then the operator
        return Operator(found[0], at, found.end(), number)
    found = _OPERATOR.match(line, at)
    if found is None:
        return None
    text = found[0]
    if text in {"&", ";;"}:
        raise NotUnderstoodError(f"it holds {_KINDS.get(text, text)}")
    if text == "(" and tokens and isinstance(tokens[-1], Word) and tokens[-1].text != "!":
        raise NotUnderstoodError("it holds a parenthesis after a word")
    return Operator(text, at, found.end())


def _read_word(line: str, start: int) -> Word:
    """The word that begins at a place that is no operator and no blank."""
    escaped = _escaped_word(line, start)
    if escaped is not None:
        return escaped
    text: list[str] = []
    pattern: list[str] = []
    literal, globs, quoted, expands = 0, False, False, False
    at = start
    while at < len(line):
        character = line[at]
        if character in " \t\n|;()&<>":
            break
        if plain := _PLAIN.match(line, at):
            piece, at = plain[0], plain.end()
        elif character == "'":
            piece, at = _single(line, at + 1)
            quoted = True
        elif character == '"':
            piece, at, number = _double(line, at + 1)
            quoted, expands = True, expands or number
        elif character in "*?[":
            globs = True
            text.append(character)
            pattern.append(character)
            at += 1
            continue
        else:
            piece, at = _other(line, start, at)
        text.append(piece)
        pattern.append(re.sub(r"([*?\[])", r"[\1]", piece))
        if not globs:
            literal += len(piece)
    whole = "".join(text)
    if re.search(r"\[[^\]]*\[", whole) and whole != "[[" and globs:
        raise NotUnderstoodError("it holds a pattern with a class of characters")
    if quoted and "[" in line[start:at] and globs and _bracket_unquoted(line[start:at]):
        raise NotUnderstoodError("it holds a pattern that is partly quoted")
    found = "".join(pattern) if globs and whole not in {"[", "[["} else None
    return Word(whole, start, at, found, literal, quoted, expands)


def _bracket_unquoted(source: str) -> bool:
    return "[" in re.sub(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"", "", source)


def _escaped_word(line: str, start: int) -> Word | None:
    r"""`\(`, `\)`, `\!`, `\;` and `!` as words of their own, as `find` and `test` take them."""
    for source, text in (*_ESCAPED_WORDS.items(), ("!", "!")):
        end = start + len(source)
        if line.startswith(source, start) and (end == len(line) or line[end] in " \t\n;)"):
            return Word(text, start, end, quoted=source != "!")
    return None


def _single(line: str, at: int) -> tuple[str, int]:
    end = line.find("'", at)
    if end < 0:
        raise NotUnderstoodError("a quotation isn't closed")
    return line[at:end], end + 1


def _double(line: str, at: int) -> tuple[str, int, bool]:
    """What is in double quotes, where it ends, and whether it holds `$?`."""
    text: list[str] = []
    expands = False
    while at < len(line):
        character = line[at]
        if character == '"':
            return "".join(text), at + 1, expands
        following = line[at + 1 : at + 2]
        if character == "$" and following == "?":
            text.append("$?")
            at, expands = at + 2, True
            continue
        if character == "`" or (character == "$" and following not in _DOLLAR_LITERAL):
            raise NotUnderstoodError(f"it holds {_KINDS[character]}")
        if character == "\\" and following == "\n":
            raise NotUnderstoodError(f"it holds {_KINDS[character]}")
        if character == "\\" and following in {'"', "\\", "$", "`"}:
            character = following
            at += 1
        text.append(character)
        at += 1
    raise NotUnderstoodError("a quotation isn't closed")


def _other(line: str, start: int, at: int) -> tuple[str, int]:
    """A character that is literal only in some places."""
    character = line[at]
    before = line[at - 1] if at > start else ""
    if character == "~" and before not in {"", ":", "="}:
        return character, at + 1
    if character == "#" and before:
        return character, at + 1
    if character == "]":
        return character, at + 1
    if character > "~":  # beyond ASCII, and seen: `check_characters` came first
        return character, at + 1
    raise NotUnderstoodError(f"it holds {_KINDS.get(character, repr(character))}")
