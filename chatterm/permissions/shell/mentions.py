"""Whether a line names something sensitive or protected, however little of it is understood."""

from __future__ import annotations

import re
from pathlib import Path

from chatterm.permissions.places import Places
from chatterm.permissions.shell.reach import seeks_secret

_APART = re.compile(r"""[\s'"`\\|&;<>(){}$=,:@]+""")
_MOST_PIECES = 400


def mentions_sensitive(line: str, directory: Path, places: Places) -> bool:
    """Whether a piece of a line, taken for a path, is a sensitive or protected one's.

    No proof that none is named: a script can hide any name. The cage, which hides the files
    themselves, is what keeps them; this keeps `--yes` from answering for what is plain to see.
    """
    home = places.home
    for piece in list(dict.fromkeys(_APART.split(line)))[:_MOST_PIECES]:
        for text in {piece, re.sub(r"^-{1,2}[A-Za-z]*", "", piece)}:
            if not text or "\0" in text or len(text) > 1000:
                continue
            expanded = text
            if text.startswith("~/") and home is not None:
                expanded = str(home / text[2:])
            if any(_hidden_secret(part) for part in text.split("/")):
                return True
            path = directory / expanded
            if places.sensitive(path) or places.protected(path):
                return True
    return False


def _hidden_secret(part: str) -> bool:
    """Whether a name's pattern fits a hidden secret's; `.*`, in most lines, is no name's."""
    return re.match(r"\.[*?\[]*[A-Za-z]", part) is not None and seeks_secret(part)
