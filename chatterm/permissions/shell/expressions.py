"""Commands whose words are an expression: `find` and `test`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chatterm.permissions.shell.options import Depth, RefusedError, Use
from chatterm.permissions.shell.words import Word

# The tests and actions of find that only look at names and attributes, by how many words follow.
_ALONE = frozenset(
    {
        *(
            "(",
            ")",
            "!",
            "-not",
            "-a",
            "-and",
            "-o",
            "-or",
            ",",
            "-print",
            "-print0",
            "-ls",
            "-prune",
        ),
        *("-quit", "-empty", "-depth", "-d", "-mount", "-xdev", "-daystart", "-nouser", "-nogroup"),
        *(
            "-readable",
            "-writable",
            "-executable",
            "-true",
            "-false",
            "-noleaf",
            "-nowarn",
            "-warn",
        ),
    }
)
_WITH_VALUE = frozenset(
    {
        *("-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename", "-regex", "-iregex"),
        *("-regextype", "-type", "-xtype", "-size", "-mtime", "-mmin", "-atime", "-amin", "-ctime"),
        *("-cmin", "-maxdepth", "-mindepth", "-perm", "-user", "-group", "-uid", "-gid", "-links"),
        *("-inum", "-printf", "-fstype", "-used", "-lname", "-ilname"),
    }
)
_WITH_FILE = frozenset({"-newer", "-anewer", "-cnewer", "-samefile"})
_BEFORE_PATHS = re.compile(r"-P|-H|-E|-X|-s|-O[0-3]")

_UNARY = frozenset("abcdefghknprstuwxzGLNOS")
_STRINGS = frozenset({"=", "==", "!=", "<", ">", "=~"})
_NUMBERS = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
_FILES = frozenset({"-nt", "-ot", "-ef"})


def find_uses(words: Sequence[Word]) -> list[Use]:
    """What `find` reads, by its words, the program left out.

    Raises:
        RefusedError: It does more than look at names and attributes.
    """
    at = 0
    while at < len(words) and _BEFORE_PATHS.fullmatch(words[at].text):
        at += 1
    uses: list[Use] = []
    while at < len(words) and not _begins_expression(words[at]):
        _plain(words[at], beginning=True)
        uses.append(Use(words[at], Depth.NAMES))
        at += 1
    if not uses:
        uses.append(Use(None, Depth.NAMES))
    while at < len(words):
        word = words[at]
        name = word.text
        if word.globs:
            raise RefusedError("a pattern in it may become an action")
        if name in _ALONE:
            at += 1
            continue
        newer = re.fullmatch(r"-newer[aBcm][aBcm]", name)
        since = re.fullmatch(r"-newer[aBcm]t", name)  # a time follows, not a file
        if name not in _WITH_VALUE | _WITH_FILE and not newer and not since:
            raise RefusedError(f"{name} isn't known to only look")
        if at + 1 >= len(words):
            raise RefusedError(f"nothing follows {name}")
        value = words[at + 1]
        _plain(value, beginning=False)
        if name in _WITH_FILE or newer:
            uses.append(Use(value, Depth.NAMES))
        at += 2
    return uses


def _begins_expression(word: Word) -> bool:
    return word.text.startswith("-") or word.text in {"(", ")", "!", ","}


def _plain(word: Word, *, beginning: bool) -> None:
    if word.globs and not (beginning and word.literal):
        raise RefusedError("a pattern in it may become an action")


def check_test(words: Sequence[Word]) -> None:
    """See to it that `test`, `[` or `[[` only compares; the words begin with the program.

    Raises:
        RefusedError: It may evaluate something: subscripts are run as arithmetic.
    """
    program, rest = words[0].text, list(words[1:])
    if any(word.globs for word in rest):
        raise RefusedError("a pattern in it may become an operator")
    if program != "test":
        closing = {"[": "]", "[[": "]]"}[program]
        if not rest or rest.pop().text != closing:
            raise RefusedError(f"{program} isn't closed by {closing}")
    for part in _split(rest):
        _check_comparison(part, double=program == "[[")


def _split(words: list[Word]) -> list[list[Word]]:
    parts: list[list[Word]] = [[]]
    for word in words:
        if word.text in {"-a", "-o"} and len(parts[-1]) >= 1 and not word.quoted:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _check_comparison(words: list[Word], *, double: bool) -> None:
    while words and words[0].text == "!":
        words = words[1:]
    # A number will stand for `$?`.
    texts = ["0" if word.expands and word.text == "$?" else word.text for word in words]
    if any("[" in text or "(" in text for text in texts) and (double or len(texts) != 3):
        raise RefusedError("its words may be evaluated")
    match texts:
        case [] | [_]:
            return
        case [operator, _] if operator[:1] == "-" and operator[1:] in _UNARY:
            return
        case [_, operator, _] if operator in _STRINGS - {"=~"} or operator in _FILES:
            return
        case [left, operator, right] if operator in _NUMBERS:
            if re.fullmatch(r"-?[0-9]+", left) and re.fullmatch(r"-?[0-9]+", right):
                return
    raise RefusedError("its words may be evaluated")
