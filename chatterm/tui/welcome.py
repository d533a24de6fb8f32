"""What an empty conversation shows: the name, what to do, three keys, what can be picked up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from chatterm import __version__
from chatterm.render.lines import PROSE_WIDTH, Line, Span, cells, wrap
from chatterm.render.sanitize import sanitize_line
from chatterm.tui.pane.items import Item
from chatterm.tui.pane.stacked import shortened, shortened_text
from chatterm.tui.steps.amounts import when

if TYPE_CHECKING:
    from chatterm.store import ConversationRow

NO_MODEL = (
    "No model is set up: the demo plays, and nothing leaves this machine. "
    "Set a key, such as OPENAI_API_KEY, or type /setup."
)
"""What is worth knowing while the demo stands in for a model."""

_ID = 6
_BETWEEN = "  "
_NARROWEST_TITLE = 24


class WelcomeItem(Item):
    """The greeting of an empty conversation.

    Args:
        keys: Keys and what they do.
        hint: What is worth knowing beside.
    """

    kind: ClassVar[str] = "welcome"
    __slots__ = ("_hint", "_keys", "_models", "_rows")

    def __init__(self, keys: Sequence[tuple[str, str]], hint: str = "") -> None:
        super().__init__("welcome", gap=1)
        self._keys = keys
        self._hint = hint
        self._rows: Sequence[ConversationRow] = ()
        self._models: Sequence[tuple[str, str]] = ()

    def offer(self, rows: Sequence[ConversationRow]) -> None:
        """Offer conversations to pick up again."""
        self._rows = rows
        self.tell(0)

    def offer_models(self, models: Sequence[tuple[str, str]]) -> None:
        """Offer models of this machine: what to say of each, and the deed that a click does."""
        self._models = models
        self.tell(0)

    def tell_hint(self, hint: str) -> None:
        """Say something else that is worth knowing."""
        self._hint = hint
        self.tell(0)

    def estimate(self, width: int) -> int:
        """A few rows."""
        return len(self._lines(width))

    def rows(self, width: int) -> int:
        """A few rows."""
        return len(self._lines(width))

    def line(self, row: int, width: int) -> Line:
        """A row, cut where it doesn't fit."""
        lines = self._lines(width)
        return shortened(lines[row][0], width) if row < len(lines) else ()

    def action(self, row: int, column: int, width: int) -> str:
        """A conversation is gone on with by a click."""
        lines = self._lines(width)
        return lines[row][1] if 0 <= row < len(lines) else ""

    def holds(self, words: str) -> bool:
        """It is no part of the conversation."""
        return False

    def _lines(self, width: int) -> list[tuple[Line, str]]:
        name: Line = (Span("chatterm", ("strong",)), Span(f"  {__version__}", ("muted",)))
        told = wrap([Span("Ask something, or give it something to do here.", ("muted",))], width)
        found: list[tuple[Line, str]] = [(line, "") for line in (name, *told, ())]
        widest = max((len(keys) for keys, _ in self._keys), default=0)
        for keys, text in self._keys:
            line: Line = (Span(keys.ljust(widest + 2), ("accent",)), Span(text, ("muted",)))
            found.append((line, ""))
        if self._hint:
            found += [((), "")]
            found += [(line, "") for line in wrap([Span(self._hint)], min(width, PROSE_WIDTH))]
        if self._models:
            found += [((), ""), ((Span("On this machine", ("muted",)),), "")]
            found += [
                (line, act) for text, act in self._models for line in _offer(text, act, width)
            ]
        if self._rows:
            found += [((), ""), ((Span("Pick up again", ("muted",)),), ""), *self._offered(width)]
        return found

    def _offered(self, width: int) -> Iterator[tuple[Line, str]]:
        """The conversations, their titles and times each in a column."""
        offered = [row.conversation for row in self._rows]
        titles = [sanitize_line(each.title) or "untitled" for each in offered]
        times = [when(each.updated_at) for each in offered]
        room = min(width, PROSE_WIDTH) - _ID - len(_BETWEEN)
        timed = room - max(map(cells, times)) - len(_BETWEEN)
        wanted = max(map(cells, titles))
        if timed < min(wanted, _NARROWEST_TITLE):  # a title tells more than a time
            times = [""] * len(times)
        else:
            room = timed
        room = max(1, min(room, wanted))
        for each, title, time in zip(offered, titles, times, strict=True):
            text = shortened_text(title, room)
            line: Line = (Span(each.id[:_ID], ("accent",)), Span(f"{_BETWEEN}{text}"))
            if time:
                blank = " " * (room - cells(text)) + _BETWEEN
                line = (*line, Span(blank), Span(time, ("muted",)))
            yield line, f"resume:{each.id}"


def _offer(text: str, act: str, width: int) -> list[Line]:
    role = ("accent",) if act else ("muted",)
    return wrap([Span(sanitize_line(text), role)], min(width, PROSE_WIDTH))
