"""What is wrong with a text that isn't TOML, in words for those who write one."""

from __future__ import annotations

import re

_PLACE = re.compile(r"line (\d+), column (\d+)")
_TABLE = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"""^\s*([\w.\-]+|"[^"]*"|'[^']*')\s*=""")
_WORD = re.compile(r"[A-Za-z][\w./:-]*")
_OPEN = "a text isn't closed: the sign that it begins with ends it, on its line"
_UNCLOSED = frozenset({"illegal character '\\n'", "unterminated string", 'expected "\'"'})


def told(error: str, text: str) -> tuple[str, int]:
    """What is wrong and in which line.

    Args:
        error: What `tomllib` says: "what (at line 3, column 5)" or "what (at end of document)".
        text: The text.
    """
    what, _, place = error.removesuffix(")").partition(" (at ")
    what = what[:1].lower() + what[1:]
    found = _PLACE.match(place)
    if found is None:
        line, column = text.count("\n") + 1, 0
    else:
        line, column = int(found[1]), int(found[2])
    if what in _UNCLOSED:
        return f"isn't TOML: {_OPEN}", line
    if what.startswith("cannot declare"):
        return _twice(text, line), line
    if what == "cannot overwrite a value" and (again := _key_again(text)):
        name, first, second = again
        return f"{name} is set already, at line {first}", second
    where = f" (column {column})" if found else ""
    if what == "invalid value" and found:
        word = _WORD.match(text.split("\n")[line - 1][column - 1 :])
        if word:
            return f'isn\'t TOML: texts stand in quotes, as in "{word[0][:40]}"{where}', line
    return f"isn't TOML: {what}{where}", line


def _twice(text: str, line: int) -> str:
    """A table that is there twice: where it is the first time."""
    lines = text.split("\n")
    this = _TABLE.match(lines[line - 1])
    if this is None:
        return "isn't TOML: a table is declared twice"
    name = _bare(this[1])
    for number, each in enumerate(lines[: line - 1], 1):
        found = _TABLE.match(each)
        if found and _bare(found[1]) == name:
            return f"[{name[:60]}] is there already, at line {number}: put the lines there"
    return f"[{name[:60]}] is there already, in another form"


def _key_again(text: str) -> tuple[str, int, int] | None:
    """A key that a table has twice, and the lines where."""
    table, seen = "", dict[tuple[str, str], int]()
    for number, line in enumerate(text.split("\n"), 1):
        if header := _TABLE.match(line):
            table = _bare(header[1])
        elif key := _KEY.match(line):
            name = _bare(key[1])
            if (table, name) in seen:
                return ascii(name[:60])[1:-1], seen[table, name], number
            seen[table, name] = number
    return None


def _bare(name: str) -> str:
    return ascii(re.sub(r"[\s\"']", "", name))[1:-1]
