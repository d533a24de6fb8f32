"""Writes what in `docs/` is made from the code: `python docs/making [--check]`.

`--check` writes nothing and fails where a file isn't what the code makes of it. The screenshots
take a running app: `python docs/making/screenshots.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import commands
import configuration
import keys
import manual

DOCS = Path(__file__).parent.parent
MADE: dict[str, Callable[[], str]] = {
    "commands.md": commands.page,
    "configuration.md": configuration.page,
    "keys.md": keys.page,
    "chatterm.1": manual.page,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or tell which are out of date; the exit status."""
    stale = []
    for name, make in MADE.items():
        file, text = DOCS / name, make()
        if file.exists() and file.read_text("utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            file.write_text(text, "utf-8")
    print("\n".join(stale) or "all is current")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
