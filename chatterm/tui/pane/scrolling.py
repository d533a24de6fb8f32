"""The keys that scroll a pane."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from chatterm.tui.pane.conversation_pane import ConversationPane


class ScrollingPane(ConversationPane):
    """A pane that is scrolled with keys while it has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "go(-1)", "Up", show=False),
        Binding("down,j", "go(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f,space", "page(1)", "Page down", show=False),
        Binding("home,g", "first", "Beginning", show=False),
        Binding("end,G", "follow", "End", show=False),
    ]

    def action_go(self, rows: int) -> None:
        """Scroll by rows."""
        self.scroll_rows(rows)

    def action_page(self, pages: int) -> None:
        """Scroll by screens, two rows less."""
        self.scroll_rows(pages * max(1, self.scrollable_content_region.height - 2))

    def action_first(self) -> None:
        """Go to the beginning."""
        self.scroll_rows(-self.virtual_size.height)

    def action_follow(self) -> None:
        """Go to the end."""
        self.follow()
