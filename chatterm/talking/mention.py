r"""How a message names a file: `@path` at the start of a word, or `@"a path"` with blanks.

In quotes a backslash stands before a quote or another backslash. Text that is no file's name may
look the same (`@property`), so what is found here counts only where there is such a file.
"""

from __future__ import annotations

import re

# Before an @ that begins a mention: nothing, a blank, or what opens something.
BEFORE = r"(?<![^\s(\[{<\"'`,;])"
_MENTION = re.compile(rf'{BEFORE}@(?:"((?:[^"\\\n]|\\.)*)"|([^\s"]\S*))')
_ESCAPED = re.compile(r"\\(.)")
_TO_ESCAPE = re.compile(r'(["\\])')
_NEEDS_QUOTES = re.compile(r"""[\s"'`\\()\[\]{}<>,;:!?]|\.$""")
_TRAILING = ",;:!?.)]}>\"'`"


def mentions(text: str) -> list[str]:
    """The paths that a message mentions, as they are written in it, each once and in order.

    Punctuation that ends a word isn't part of a path without quotes.
    """
    found: dict[str, None] = {}
    for match in _MENTION.finditer(text):
        quoted, plain = match.groups()
        path = unquoted(quoted) if quoted is not None else plain.rstrip(_TRAILING)
        if path:
            found[path] = None
    return list(found)


def written(path: str) -> str:
    """A path as a message mentions it, with the `@`, in quotes where it needs them."""
    if not _NEEDS_QUOTES.search(path):
        return f"@{path}"
    return '@"' + _TO_ESCAPE.sub(r"\\\1", path) + '"'


def unquoted(inner: str) -> str:
    """What stands between the quotes of a mention, without its backslashes."""
    return _ESCAPED.sub(r"\1", inner)
