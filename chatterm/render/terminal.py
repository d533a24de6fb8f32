"""Styled lines on a terminal: colours, and a live tail that is redrawn in place."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Protocol, Self

from chatterm.render.lines import crop, line_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chatterm.render.lines import Line, Style

# Role: its SGR parameters in colour, and without. Only the sixteen colours every terminal has
# and every scheme keeps readable; no yellow (pale on white) and no blue (dark on black).
_SGR = {
    "strong": ("1", "1"),
    "emphasis": ("3", "3"),
    "strike": ("9", "9"),
    "heading": ("1", "1"),
    "heading.1": ("4", "4"),
    "code": ("36", "1"),
    "link": ("4", "4"),
    "address": ("2", "2"),
    "image": ("2", "2"),
    "muted": ("2", "2"),
    "code.keyword": ("35", "1"),
    "code.string": ("32", ""),
    "code.number": ("36", ""),
    "code.comment": ("2", "2"),
    "code.name": ("1", ""),
    "code.builtin": ("36", ""),
    "code.inserted": ("32", ""),
    "code.deleted": ("31", ""),
}
_RESET = "\x1b[0m"
_ERASE_LINE = "\x1b[K"
_ERASE_BELOW = "\x1b[J"


@cache
def _parameters(style: Style, color: bool) -> str:
    column = 0 if color else 1
    return ";".join(filter(None, (_SGR.get(role, ("", ""))[column] for role in style)))


def styled(line: Line, *, color: bool) -> str:
    """A line with the escape sequences that give it its looks.

    Args:
        line: The line.
        color: Use colours; without, attributes (bold, dim, italic, underlined) only.
    """
    parts: list[str] = []
    for text, style in line:
        parameters = _parameters(style, color)
        parts.append(f"\x1b[{parameters}m{text}{_RESET}" if parameters else text)
    return "".join(parts)


class TextStream(Protocol):
    """Where the text goes; its errors (a closed pipe, a full disk) are the caller's."""

    def write(self, text: str, /) -> object:
        """Take text."""

    def flush(self) -> object:
        """Pass on what was taken."""


class LiveTerminal:
    """Prints finished lines for good, and the live tail so that it can be redrawn.

    Each update is one write. What is on the screen already is left alone: only the rows from the
    first that differs are erased and written again. The tail never takes more rows than the
    screen has, less one; of a longer one the last rows are shown while it is live.

    Args:
        stream: The terminal.
        size: Columns and rows, or what returns them; asked at each update.
        color: Use colours.
    """

    def __init__(
        self,
        stream: TextStream,
        size: tuple[int, int] | Callable[[], tuple[int, int]],
        *,
        color: bool,
    ) -> None:
        self._stream = stream
        self._size = size
        self._color = color
        self._drawn: list[str] = []
        self._drawn_cells: list[int] = []
        self._drawn_width = self.width
        self._tail: list[Line] = []

    @property
    def width(self) -> int:
        """The columns the terminal has now."""
        return max(self._ask_size()[0], 1)

    def _ask_size(self) -> tuple[int, int]:
        return self._size() if callable(self._size) else self._size

    def update(self, frozen: Iterable[Line], tail: Iterable[Line]) -> None:
        """Print finished lines and replace the tail.

        Args:
            frozen: Lines that stay.
            tail: Lines that stand below until the next update.
        """
        width, height = self._ask_size()
        self._tail = list(tail)
        shown = [crop(line, max(width, 1)) for line in self._tail[-max(height - 1, 1) :]]
        self._draw(list(frozen), shown, max(width, 1), max(height, 2))

    def close(self) -> None:
        """Make the tail permanent, and end its last line."""
        width, height = self._ask_size()
        tail, self._tail = self._tail, []
        self._draw(tail, [], max(width, 1), max(height, 2))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _draw(self, frozen: list[Line], shown: list[Line], width: int, height: int) -> None:
        new = [styled(line, color=self._color) for line in (*frozen, *shown)]
        same = 0
        if width == self._drawn_width:
            while same < min(len(new), len(self._drawn)) and new[same] == self._drawn[same]:
                same += 1
        output = ""
        if not same == len(new) == len(self._drawn) or not shown:
            same = max(min(same, len(new) - 1), 0)
            output = self._erase(same, width, height) + "\n".join(new[same:])
            if new and not shown:
                output += "\n"
        self._drawn = new[len(frozen) :]
        self._drawn_cells = [line_cells(line) for line in shown]
        self._drawn_width = width
        if output:
            self._stream.write(output)
            self._stream.flush()

    def _erase(self, first: int, width: int, height: int) -> str:
        """Go to the start of a drawn row and erase from there; the cursor is on the last one."""
        if not self._drawn:
            return ""
        if first == len(self._drawn):
            return "\n"
        rows = sum(_rows(size, width) for size in self._drawn_cells[first:])
        up = min(rows, height) - 1
        if not up:
            return f"\r{_ERASE_LINE}"
        # Not all at once: erased from its top left corner on, tmux's screen goes to the history.
        return f"\r\x1b[{up}A{_ERASE_LINE}\x1b[B{_ERASE_BELOW}\x1b[A"


def _rows(size: int, width: int) -> int:
    """The rows a drawn line takes, where the terminal was made narrower and has wrapped it."""
    return max(1, -(-size // width))
