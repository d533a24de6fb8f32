"""The small languages of `sed`, `awk` and `jq`: programs in them that only print what they read.

Each is read by a grammar that knows just the harmless part; what it doesn't know is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from chatterm.permissions.shell.options import Parsed, RefusedError
from chatterm.permissions.shell.words import Word


def _expression(delimiter: str) -> str:
    """What fits a regular expression up to its delimiter, if all programs agree where that is.

    They don't where a bracket expression holds the delimiter, a backslash, a bracket, or begins
    with a closing one.
    """
    mark = re.escape(delimiter)
    inside = rf"(?:\[:[a-z]+:\]|[^\]\[\n\\{mark}]|\\[a-zA-Z.*+?|$-])+"
    return rf"(?:[^\[\n\\{mark}]|\\[^\n]|\[\^?+{inside}\])*"


# --- sed ----------------------------------------------------------------------------------------

_ADDRESS = rf"(?:[0-9]+(?:~[0-9]+)?|\$|/{_expression('/')}/[IM]*)"
_ADDRESSES = re.compile(rf"(?:{_ADDRESS}(?:\s*,\s*(?:{_ADDRESS}|[+~][0-9]+))?\s*!?)?\s*")
_COMMAND = re.compile(r"[pPdDqQ=lnNgGhHx]|[qQ][0-9]{1,3}")
# A label, or a branch to one. Programs disagree whether it ends at a brace, a semicolon or the end
# of the line: where one of these follows at once, none reads commands that the others don't.
_LABEL = re.compile(r"(?::[A-Za-z0-9_]+|[btT] ?[A-Za-z0-9_]*)(?=}?(?:[;\n]|\Z))")
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
    if label := _LABEL.match(script, at):
        return label.end()
    found = _COMMAND.match(script, at)
    if found is None or script[found.end() : found.end() + 1] not in {"", ";", "\n", " ", "}"}:
        raise RefusedError(f"its script holds more than printing: {script[at : at + 20]!a}")
    return found.end()


def _after_substitution(script: str, at: int) -> int:
    delimiter = script[at + 1]
    if delimiter not in "/|#,:@!%_":
        raise RefusedError("its script has an unusual delimiter")
    mark = re.escape(delimiter)
    by = rf"(?:[^{mark}\\\n]|\\.)*"
    found = re.compile(rf"{_expression(delimiter)}{mark}{by}{mark}").match(script, at + 2)
    if found is None:
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
_AWK_REGEX = re.compile(rf"/{_expression('/')}/")
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
_AWK_KEYWORDS = frozenset({"if", "else", "while", "for", "do", "in", "return", "print", "printf"})
# No variables, or not to every awk: whether a slash after them divides isn't sure.
_AWK_OTHERS = frozenset(
    {
        *("exit", "next", "nextfile", "break", "continue", "delete", "switch", "case", "default"),
        *("BEGIN", "END", "not"),
    }
)


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
    reading = _Awk()
    at = 0
    while at < len(program):
        if program[at] == "/" and (found := reading.regex(program, at)) is not None:
            at, reading.before = found, "value"
            continue
        token = _AWK_TOKEN.match(program, at)
        if token is None:
            raise RefusedError(f"its program isn't plain: {program[at : at + 20]!a}")
        reading.token(token, program[token.end() : token.end() + 1])
        at = token.end()


@dataclass(slots=True)
class _Awk:
    """Where one is in an awk program.

    Attributes:
        before: What comes before: a `value`, which a slash would divide; `nothing` that could be
            divided, so that a slash begins a regular expression; or `unsure`.
        last: The last token.
        braces: How many braces are open.
        groups: For each open parenthesis whether it is the condition of a statement.
    """

    before: str = "nothing"
    last: str = ""
    braces: int = 0
    groups: list[bool] = field(default_factory=list)

    def regex(self, program: str, at: int) -> int | None:
        """The end of a regular expression that begins here; None where the slash divides."""
        if self.before == "value":
            return None
        found = _AWK_REGEX.match(program, at)
        if found is None or self.before == "unsure":
            raise RefusedError(f"its program isn't plain: {program[at : at + 20]!a}")
        return found.end()

    def token(self, found: re.Match[str], following: str) -> None:
        """Go on by a token."""
        token = found[0]
        if found["blank"]:
            self.before = "nothing" if "\n" in token else self.before
            return
        if found["name"]:
            _check_awk_name(token, following)
            if token in {"print", "printf"} and self.groups:
                raise RefusedError("its program may write a file")  # in the head of a `for`
            self.before = _before_slash(token)
        elif found["operator"]:
            self._operator(token)
        else:
            self.before = "value"
        self.last = token

    def _operator(self, piece: str) -> None:
        condition = False
        self.braces += {"{": 1, "}": -1}.get(piece, 0)
        if piece == "(":
            self.groups.append(self.last in {"if", "while", "for"})
        elif piece == ")":
            condition = self.groups.pop() if self.groups else True
        elif piece == ">" and self.braces and not self.groups:
            raise RefusedError("its program may write a file")
        divided = piece == "]" or (piece == ")" and not condition)
        self.before = "value" if divided else "nothing"
        if piece in {"++", "--"}:
            self.before = "unsure"


def _before_slash(name: str) -> str:
    if name in _AWK_KEYWORDS:
        return "nothing"
    return "unsure" if name in _AWK_OTHERS or name in _AWK_FUNCTIONS else "value"


def _check_awk_name(name: str, following: str) -> None:
    if name in _AWK_FORBIDDEN:
        raise RefusedError(f"its program uses {name}")
    if following == "(" and name not in _AWK_FUNCTIONS:
        raise RefusedError(f"its program calls {name}")


# --- jq -----------------------------------------------------------------------------------------

# `.env` is a key of an object, but for where the dot belongs to `..` or to a number.
_JQ_FORBIDDEN = re.compile(
    r"(?<!(?<![.\d])\.)\b(?:ENV|env)\b|\bimport\b|\binclude\b|\binput_filename\b"
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
