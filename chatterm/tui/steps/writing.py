"""The arguments of a call as they are written: the command, or the edit, as far as it has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatterm.render.lines import Line, Span, cut
from chatterm.render.partial_json import PartialJson
from chatterm.render.sanitize import sanitize
from chatterm.tui.pane.items import Item
from chatterm.tui.steps.signs import Signs

_MOST_LINES = 12
_MOST_CHARACTERS = 4000
# Of each tool: what of its arguments is shown as it is written, and how.
_SHOWN = {
    "shell": (("command", "", ""),),
    "edit_file": (("old", "- ", "diff_removed"), ("new", "+ ", "diff_added")),
    "write_file": (("content", "+ ", "diff_added"),),
}


class Writing(Item):
    """Arguments, as text that grows.

    Args:
        name: The tool.
        signs: The signs.
        text: What there is of them already.
    """

    __slots__ = ("_json", "_lines", "_name", "_pieces", "_rows", "_signs", "_whole")

    def __init__(self, key: str, name: str, signs: Signs, text: str) -> None:
        super().__init__(key, gap=0)
        self._name = name
        self._signs = signs
        self._pieces = [text] if text else []
        self._json: PartialJson | None = None
        self._lines: list[Line] | None = None
        self._rows: tuple[int, list[Line]] | None = None
        self._whole = False

    @property
    def text(self) -> str:
        """The arguments so far."""
        return "".join(self._pieces)

    @property
    def values(self) -> Mapping[str, Any]:
        """The texts among the arguments, as far as they have come."""
        return self._read().values

    def feed(self, text: str) -> None:
        """Take what has come."""
        self._pieces.append(text)
        if self._json is not None:
            self._json.feed(text)
        self._lines = self._rows = None
        self.want()

    def restate(self, text: str, *, whole: bool = False) -> None:
        """Be other arguments; `whole`: show all of them."""
        if text != self.text:
            self._pieces, self._json = [text], None
        self._whole = whole
        self._lines = self._rows = None
        self.tell(0)

    def flush(self) -> int:
        """Show what has come."""
        self.tell(0)
        return 0

    def estimate(self, width: int) -> int:
        """A few rows."""
        return 1

    def rows(self, width: int) -> int:
        """As many as wrapping gives."""
        return len(self._at(width))

    def line(self, row: int, width: int) -> Line:
        """A row."""
        rows = self._at(width)
        return rows[row] if row < len(rows) else ()

    def _read(self) -> PartialJson:
        if self._json is None:
            self._json = PartialJson()
            self._json.feed(self.text)
        return self._json

    def _at(self, width: int) -> list[Line]:
        if self._rows is None or self._rows[0] != width:
            found: list[Line] = []
            for line in self._shown():
                found += cut(line, width)
            if not self._whole:
                found = found[-_MOST_LINES:]
            self._rows = (width, found)
        return self._rows[1]

    def _shown(self) -> list[Line]:
        if self._lines is None:
            self._lines = []
            values = self.values
            for name, sign, role in _SHOWN.get(self._name, ()):
                text = values.get(name)
                if not isinstance(text, str) or not text:
                    continue
                if not self._whole:
                    text = text[-_MOST_CHARACTERS:]
                style = (role,) if role else ("code",)
                lines = sanitize(text).removesuffix("\n").split("\n")
                self._lines += [(Span(f"{sign}{line}", style),) for line in lines]
            if not self._lines and self._whole and self.text.strip():
                self._lines = [
                    (Span(line, ("muted",)),) for line in sanitize(self.text).split("\n")
                ]
        return self._lines
