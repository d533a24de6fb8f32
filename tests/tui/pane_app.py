"""A bare app around the pane, for tests, benchmarks and trying by hand.

python tests/tui/pane_app.py [ITEMS]      a conversation of so many items, then the demo streams
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import TextArea

from chatterm.render.lines import Span
from chatterm.tui.pane.conversation_pane import ConversationPane
from chatterm.tui.pane.items import Item, LinesItem
from chatterm.tui.pane.markdown_item import MarkdownItem


def conversation(count: int) -> list[Item]:
    """A conversation of so many items, of which every fourth is the user's."""
    items: list[Item] = []
    for number in range(count):
        if number % 4 == 0:
            item: Item = LinesItem(f"i{number}", [(Span(f"question {number}", ("user",)),)])
            item.mark = Span(">", ("user",))
        else:
            words = f"Answer **{number}** in a few words. " * (1 + number % 7)
            item = MarkdownItem(f"i{number}", f"## Part {number}\n\n{words}\n\n- a\n- b", done=True)
        items.append(item)
    return items


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


class PaneApp(App[None]):
    """A pane over a prompt."""

    CSS = "ScrollingPane { height: 1fr; } TextArea { height: 3; }"

    def __init__(self, items: Sequence[Item] = ()) -> None:
        super().__init__()
        self.pane = ScrollingPane()
        self.prompt = TextArea()
        self._first = list(items)

    def compose(self) -> ComposeResult:
        yield self.pane
        yield self.prompt

    def on_mount(self) -> None:
        self.pane.extend(self._first)
        self.prompt.focus()


class _Demo(PaneApp):
    def on_mount(self) -> None:
        super().on_mount()
        self.run_worker(self._play())

    async def _play(self) -> None:
        import asyncio
        import random

        sys.path.insert(0, str(__import__("pathlib").Path(__file__).parents[1] / "benchmarks"))
        from documents import answer

        chance = random.Random(1)
        item = MarkdownItem("live")
        item.mark = Span("●", ("success",))
        self.pane.append(item)
        text = answer(20_000)
        for start in range(0, len(text), 7):
            item.feed(text[start : start + 7])
            await asyncio.sleep(chance.uniform(0.002, 0.02))
        item.finish()


if __name__ == "__main__":
    _Demo(conversation(int(sys.argv[1]) if len(sys.argv) > 1 else 12)).run()
