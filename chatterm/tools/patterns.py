"""Patterns in the dialect that ripgrep and Python have in common.

Where ripgrep isn't installed, Python's `re` stands in for it. What only one of the two can do, or
what means something else to the other, is refused there, so that a pattern that is accepted finds
the same with both.
"""

from __future__ import annotations

import re

from chatterm.tools.base import ToolError

_TOKEN = re.compile(
    r"(?P<escape>\\(?:x\{[^}]*\}|u\{?|[pP]\{?\^?\w*\}?|.|$))"
    r"|(?P<group>\(\?(?:P?<[=!]?|P[=>]|[=!>#(:]|[a-zA-Z-]+[:)]?)?)"
    r"|(?P<repeat>(?:[*+?]|\{\d+(?:,\d*)?\})(?P<greed>[+?]?))"
    r"|(?P<brace>\{)"
    r"|(?P<set>\[\^?)"
    r"|(?P<newline>\n)"
    r"|(?P<other>.)",
    re.DOTALL,
)
# Not among them: \B, which Python has otherwise, and \< and \>, which newer ripgreps have for
# the ends of words.
_PLAIN_ESCAPES = frozenset(r"dDwWsSbtrfva\.+*?()|[]{}^$#&-~/ !\"%',:;=@_`")
_FLAGS = re.compile(r"\(\?[ims]*(?:-[ims]+)?[:)]\Z")
_HEX = re.compile(r"x[0-9a-fA-F]{2}")


def for_python(pattern: str) -> str:
    """The pattern as Python has it.

    Raises:
        ToolError: It holds what the two don't have in common.
    """
    written: list[str] = []
    at, repeated = 0, False
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            raise AssertionError("the last choice takes any character")
        kind, text = str(token.lastgroup), token[0]
        if token["repeat"]:
            if repeated or token["greed"] == "+":
                raise _refused(text, "a repetition of a repetition")
            kind = "repeat"
        at = token.end()
        if kind == "set":
            end = _end_of_set(pattern, at)
            text = text + _set(pattern[at:end])
            at = end
        elif kind == "escape":
            text, at = _escape(text, pattern, at)
        elif kind == "group":
            text = _group(text, first=not written)
        elif kind == "brace":
            raise _refused("{", r"a brace that isn't a repetition; write \{ for the character")
        elif kind == "newline":
            raise _refused(r"\n", "lines are matched one by one, so that no line end can be")
        written.append(text)
        repeated = kind == "repeat"
    return "".join(written)


def _escape(text: str, pattern: str, at: int) -> tuple[str, int]:
    name = text[1:]
    if name == "n":
        raise _refused(text, "lines are matched one by one, so that no line end can be")
    if name == "x" and (found := _HEX.match(pattern, at - 1)):
        return text + found[0][1:], found.end()
    if name.isdigit() or name == "k":
        raise _refused(text, "a reference to a group")
    if name[:1] in ("p", "P"):
        raise _refused(text, "a class of Unicode")
    if name not in _PLAIN_ESCAPES or not name:
        raise _refused(text, "an escape")
    return (text if name.isalnum() else re.escape(name)), at


def _group(text: str, *, first: bool) -> str:
    if text in ("(", "(?P<"):
        return text
    if text == "(?<":
        return "(?P<"
    if text in ("(?=", "(?!", "(?<=", "(?<!", "(?P<=", "(?P<!"):
        raise _refused(text, "looking ahead or behind")
    if text == "(?:" or (_FLAGS.match(text) and (text[-1] == ":" or (first and "-" not in text))):
        return text
    raise _refused(text, "this kind of group")


def _end_of_set(pattern: str, at: int) -> int:
    """Where the inside of a set in brackets ends, which begins with a `]` if it holds one."""
    end = at + 1 if pattern[at : at + 1] == "]" else at
    while end < len(pattern) and pattern[end] != "]":
        if pattern[end] == "[":
            raise _refused("[", r"a bracket in a set; write \[ for the character")
        end += 2 if pattern[end] == "\\" else 1
    return end


def _set(inside: str) -> str:
    """The inside of a set."""
    written, at = "", 0
    while at < len(inside):
        pair = inside[at : at + 2]
        if pair in ("&&", "--", "~~"):
            raise _refused(pair, "an operation on sets")
        if inside[at] == "\\":
            if inside[at + 1 : at + 2] == "b":
                raise _refused(pair, "an escape in a set")
            text, after = _escape(pair, inside, at + 2)
            written, at = written + text, after
        else:
            written += rf"\{inside[at]}" if inside[at] in "]|" else inside[at]
            at += 1
    return written


def _refused(text: str, what: str) -> ToolError:
    return ToolError(
        f"pattern: {text}: {what}: not understood here, where ripgrep isn't installed; write the "
        "pattern without it"
    )
