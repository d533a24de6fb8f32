"""The output of a tool, shortened to its first and last lines or whole."""

from __future__ import annotations

from collections.abc import Sequence

from chatterm.render.coloured import ColouredText
from chatterm.render.lines import Line, Span
from chatterm.tui.pane.coloured_item import ColouredItem
from chatterm.tui.pane.items import Item, LinesItem

_FIRST = 2
_LAST = 3
_LONGEST_REASON = 200


def shortened_output(key: str, text: str, dots: str) -> Item | None:
    """The first and last lines of an output; None where there is none.

    Args:
        key: Names the item.
        text: The output.
        dots: What stands where lines were left out.
    """
    if not text.strip():
        return None
    shown = ColouredText(_trimmed(text))
    number = len(shown)
    lines = [shown.line(n) for n in _kept(number)]
    if number > _FIRST + _LAST + 1:
        left = number - _FIRST - _LAST
        lines.insert(_FIRST, (Span(f"{dots} {left:,} more lines", ("muted",)),))
    return _Rows(key, lines)


def reason_shown(key: str, text: str) -> Item | None:
    """Why a call failed, in full, as far as it is a sentence or two; None where nothing is said."""
    text = _trimmed(text)
    if not text.strip() or text.count("\n") > _LAST or len(text) > _LONGEST_REASON:
        return None
    shown = ColouredText(text)
    return _Words(key, [_plain(shown.line(n)) for n in range(len(shown))], gap=0)


def whole_output(key: str, text: str) -> Item | None:
    """All of an output; None where there is none."""
    return ColouredItem(key, _trimmed(text)) if text.strip() else None


def _trimmed(text: str) -> str:
    return text.strip("\n")


def _kept(number: int) -> Sequence[int]:
    if number <= _FIRST + _LAST + 1:
        return range(number)
    return [*range(_FIRST), *range(number - _LAST, number)]


class _Words(LinesItem):
    """Words that are to be read: they are wrapped."""

    __slots__ = ()

    def action(self, row: int, column: int, width: int) -> str:
        """What else there is of the call is a click away."""
        return "fold"


class _Rows(LinesItem):
    """Lines of an output, each cut at the width: they are there to be glanced at."""

    __slots__ = ()

    def __init__(self, key: str, lines: Sequence[Line]) -> None:
        super().__init__(key, [_plain(line) for line in lines], gap=0)

    def rows(self, width: int) -> int:
        """One row a line."""
        return len(self._lines)

    def line(self, row: int, width: int) -> Line:
        """A row, cut."""
        from chatterm.tui.pane.stacked import shortened

        return shortened(self._lines[row], width)

    def action(self, row: int, column: int, width: int) -> str:
        """All of it is a click away."""
        return "fold"


def _plain(line: Line) -> Line:
    """A line, its own colours kept, else in the colour of what matters less."""
    return tuple(Span(text, style or ("muted",)) for text, style in line)
