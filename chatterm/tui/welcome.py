"""What an empty conversation shows: the name, what to do, three keys, what can be picked up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from chatterm import __version__
from chatterm.render.lines import Line, Span, wrap
from chatterm.render.sanitize import sanitize_line
from chatterm.tui.pane.items import Item
from chatterm.tui.pane.stacked import shortened

if TYPE_CHECKING:
    from chatterm.store import Conversation, ConversationRow


NO_MODEL = (
    "No model is set up: the demo plays, and nothing leaves this machine.\n"
    "Set a key (OPENAI_API_KEY, MISTRAL_API_KEY ...), or run `chatterm config init`."
)
"""What is worth knowing while the demo stands in for a model."""


class WelcomeItem(Item):
    """The greeting of an empty conversation.

    Args:
        keys: Keys and what they do.
        hint: What is worth knowing beside.
    """

    kind: ClassVar[str] = "welcome"
    __slots__ = ("_hint", "_keys", "_rows", "hint")

    def __init__(self, keys: Sequence[tuple[str, str]], hint: str = "") -> None:
        super().__init__("welcome", gap=1)
        self._keys = keys
        self._hint = hint
        self._rows: Sequence[tuple[Conversation, str]] = ()

    def offer(self, rows: Sequence[ConversationRow]) -> None:
        """Offer conversations to pick up again."""
        from chatterm.tui.conversation_preview import when

        self._rows = [(row.conversation, when(row.conversation.updated_at)) for row in rows]
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
        found: list[tuple[Line, str]] = [
            ((Span("chatterm", ("strong",)), Span(f"  {__version__}", ("muted",))), ""),
            ((Span("Ask something, or give it something to do here.", ("muted",)),), ""),
            ((), ""),
        ]
        widest = max((len(keys) for keys, _ in self._keys), default=0)
        for keys, text in self._keys:
            line: Line = (Span(keys.ljust(widest + 2), ("accent",)), Span(text, ("muted",)))
            found.append((line, ""))
        if self._hint:
            found += [((), "")]
            hints = (wrap((Span(hint),), width) for hint in self._hint.split("\n"))
            found += [(line, "") for hint in hints for line in hint]
        if self._rows:
            found += [((), ""), ((Span("Pick up again:", ("muted",)),), "")]
        for conversation, when in self._rows:
            title = sanitize_line(conversation.title) or "untitled"
            line = (
                Span(conversation.id[:6], ("accent",)),
                Span(f"  {title}"),
                Span(f"  {when}", ("muted",)),
            )
            found.append((line, f"resume:{conversation.id}"))
        return found
