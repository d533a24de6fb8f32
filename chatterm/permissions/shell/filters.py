"""The small languages of `sed`, `awk` and `jq`: programs in them that only print what they read.

Each is read by a grammar that knows just the harmless part; what it doesn't know is refused.
"""

from __future__ import annotations

import re

from chatterm.permissions.shell.options import Parsed, RefusedError
from chatterm.permissions.shell.words import Word

# --- sed ----------------------------------------------------------------------------------------

# A class of characters that every implementation reads alike: no bracket and no escaped bracket in
# it, so that it is certain where it ends, and whether a slash does.
_CLASS = r"\[\^?+(?:\[:[a-z]+:\]|\\[^\]\[\\\n/]|[^\]\[\\\n/])+\]"
_ADDRESS = rf"(?:[0-9]+(?:~[0-9]+)?|\$|/(?:[^/\\\n\[]|\\[^\n]|{_CLASS})+/[IM]*)"
_ADDRESSES = re.compile(rf"(?:{_ADDRESS}(?:\s*,\s*(?:{_ADDRESS}|[+~][0-9]+))?\s*!?)?\s*")
_COMMAND = re.compile(r"[pPdDqQ=lnNgGhHx]|[qQ][0-9]{1,3}")
_EXPRESSION = re.compile(rf"(?:\\.|[^\\\[\]]|{_CLASS}|\[\^?+/\])*")
_SUBSTITUTION_FLAGS = re.compile(r"[gpIiM0-9]*")


def check_sed(parsed: Parsed) -> None:
    """See to it that sed's scripts neither write, read other files nor run anything.

    Raises:
        RefusedError: They may.
    """
    given = [*parsed.options.get("-e", ()), *parsed.options.get("--expression", ())]
    scripts = given or list(parsed.operands[:1])
    if not scripts and not parsed.has("--version", "--help"):
        raise RefusedError("it has no script")
    for word in scripts:
        if word is None or word.globs:
            raise RefusedError("its script isn't plain")
        _check_script(word.text)


def _check_script(script: str) -> None:
    at = 0
    while at < len(script):
        if script[at] in " \t\n;}":
            at += 1
            continue
        found = _ADDRESSES.match(script, at)
        at = found.end() if found else at
        at = _after_command(script, at)


def _after_command(script: str, at: int) -> int:
    if script[at : at + 1] == "{":
        return at + 1
    if script[at : at + 1] in {"s", "y"} and at + 1 < len(script):
        return _after_substitution(script, at)
    found = _COMMAND.match(script, at)
    if found is None or script[found.end() : found.end() + 1] not in {"", ";", "\n", " ", "}"}:
        raise RefusedError(f"its script holds more than printing: {script[at : at + 20]!a}")
    return found.end()


def _after_substitution(script: str, at: int) -> int:
    delimiter = script[at + 1]
    if delimiter not in "/|#,:@!%_":
        raise RefusedError("its script has an unusual delimiter")
    piece = rf"(?:[^{re.escape(delimiter)}\\\n]|\\.)*"
    delimit = re.escape(delimiter)
    found = re.compile(rf"({piece}){delimit}({piece}){delimit}").match(script, at + 2)
    if found is None:
        raise RefusedError("its script isn't plain")
    # Whether a delimiter in brackets ends the expression differs between implementations.
    if not _EXPRESSION.fullmatch(found[1]):
        raise RefusedError("its script isn't plain")
    flags = _SUBSTITUTION_FLAGS.match(script, found.end())
    end = flags.end() if flags else found.end()
    if script[end : end + 1] not in {"", ";", "\n", "}", " "}:
        raise RefusedError("its substitution does more than print")
    return end


# --- awk ----------------------------------------------------------------------------------------

_AWK_TOKEN = re.compile(
    r"""(?P<blank>[ \t\n]+|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\[^\n])*")
    |(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<operator>&&|\|\||[<>=!]=|\+\+|--|[-+*/%^]=|!~|[-+*/%^~!<>=?:,;(){}\[\]$])""",
    re.VERBOSE,
)
_AWK_REGEX = re.compile(rf"/(?:[^/\\\n\[]|\\[^\n]|{_CLASS})+/")
_AWK_FUNCTIONS = frozenset(
    {
        *("length", "substr", "index", "split", "sub", "gsub", "gensub", "match", "tolower"),
        *(
            "toupper",
            "sprintf",
            "int",
            "sqrt",
            "log",
            "exp",
            "sin",
            "cos",
            "atan2",
            "rand",
            "srand",
        ),
        *("printf", "print", "if", "for", "while", "asort", "asorti", "strtonum", "in", "return"),
        *("and", "or", "xor", "strftime", "systime", "mktime", "else"),
    }
)
_AWK_FORBIDDEN = frozenset(
    {
        *("system", "getline", "close", "fflush", "ENVIRON", "PROCINFO", "ARGV", "ARGC", "SYMTAB"),
        *("FUNCTAB", "function", "func", "BEGINFILE", "ENDFILE", "nextfile", "load", "include"),
    }
)
_BEFORE_REGEX = frozenset({"", "(", ",", "{", "}", ";", "!", "~", "!~", "&&", "||"})
_KEYWORDS = frozenset({"do", "case", "exit", "delete", "next", "break", "continue"})


def check_awk(parsed: Parsed) -> None:
    """See to it that an awk program only prints to standard output.

    Raises:
        RefusedError: It may do more.
    """
    if not parsed.operands:
        raise RefusedError("it has no program")
    program, *files = parsed.operands
    if program.globs:
        raise RefusedError("its program isn't plain")
    if any("=" in word.text or (word.globs and not word.literal) for word in files):
        raise RefusedError("an operand may set a variable of the program")
    _check_awk(program.text)


def _check_awk(program: str) -> None:
    at, braces, parentheses, before = 0, 0, 0, ""
    while at < len(program):
        regex = _AWK_REGEX.match(program, at) if before in _BEFORE_REGEX else None
        if regex is not None:
            at, before = regex.end(), "regex"
            continue
        found = _AWK_TOKEN.match(program, at)
        if found is None:
            raise RefusedError(f"its program isn't plain: {program[at : at + 20]!a}")
        piece, at = found[0], found.end()
        if piece[0] == "/" and not _divides(before, program[at:]):
            raise RefusedError("its program has a slash that may begin an expression")
        if found["blank"]:
            before = ";" if "\n" in piece else before
            continue
        if found["name"]:
            _check_awk_name(piece, program[at : at + 1])
            if piece in {"print", "printf"} and parentheses > 0:
                raise RefusedError("its program may write a file")  # in the head of a `for`
        braces += {"{": 1, "}": -1}.get(piece, 0)
        parentheses += {"(": 1, ")": -1}.get(piece, 0)
        if piece == ">" and braces and parentheses <= 0:
            raise RefusedError("its program may write a file")
        before = piece


def _divides(before: str, rest: str) -> bool:
    """Whether a slash can only be a division, so that no text after it can hide in a pattern."""
    if before == ")":  # after a condition it may begin a pattern, if another slash ends one
        return "/" not in rest
    if before in _AWK_FUNCTIONS or before in _KEYWORDS:
        return False
    return before[-1:] == "]" or before[-1:].isalnum() or before[-1:] == "_"


def _check_awk_name(name: str, following: str) -> None:
    if name in _AWK_FORBIDDEN:
        raise RefusedError(f"its program uses {name}")
    if following == "(" and name not in _AWK_FUNCTIONS:
        raise RefusedError(f"its program calls {name}")


# --- jq -----------------------------------------------------------------------------------------

_JQ_FORBIDDEN = re.compile(
    r"\bENV\b|\benv\b|\bimport\b|\binclude\b|\binput_filename\b"
    r"|\b__prog|\bget_search_list\b|\bmodulemeta\b"
)


def check_jq(parsed: Parsed) -> None:
    """See to it that a jq filter looks at nothing but its input.

    Raises:
        RefusedError: It may.
    """
    filters: list[Word] = parsed.operands[:1]
    if not filters and not parsed.has("--version", "--help"):
        raise RefusedError("it has no filter")
    for word in filters:
        if word.globs:
            raise RefusedError("its filter isn't plain")
        if _JQ_FORBIDDEN.search(word.text):
            raise RefusedError("its filter looks at more than its input")
