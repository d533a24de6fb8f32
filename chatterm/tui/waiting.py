"""The line that says that a turn waits for the first sign of an answer, until there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from chatterm.events import PermissionAsked, TurnFinished, TurnStarted
from chatterm.render.amounts import whole_seconds
from chatterm.render.lines import Span
from chatterm.render.sanitize import sanitize_line
from chatterm.tui.steps.remarks import RemarkItem
from chatterm.tui.steps.step_item import join, muted

if TYPE_CHECKING:
    from chatterm.events import Event
    from chatterm.tui.chat import Chat

_QUICK_S = 1.0
"""An answer that comes sooner was hardly waited for: no line appears to vanish at once."""


class WaitingItem(RemarkItem):
    """Says who is waited for, and for how long."""

    kind: ClassVar[str] = "end"  # as little a step as a turn's end is
    __slots__ = ()


class Waiting:
    """Shows that a turn waits.

    Args:
        chat: The screen.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._began = 0.0
        self._turn = self._name = self._said = ""
        self._item: WaitingItem | None = None

    def event(self, event: Event) -> None:
        """Take the next event of the conversation, before it is shown."""
        if isinstance(event, TurnStarted):
            self._end()
            self._turn, self._name = event.turn, sanitize_line(event.model)
            self._began = self._chat.setting.looks.now()
        elif isinstance(event, PermissionAsked | TurnFinished) or event.type.startswith("step."):
            self._end()

    def tick(self, frame: int) -> None:
        """Time has passed: tell it.

        Args:
            frame: A number that grows with every tick.
        """
        chat, looks = self._chat, self._chat.setting.looks
        took = looks.now() - self._began
        if not self._turn or took < _QUICK_S:
            return
        item, signs = self._item, looks.signs
        if item is None:
            item = self._item = WaitingItem(f"{self._turn}/waiting", self._turn, gap=1)
            self._said = ""
        sign = signs.still if looks.still else signs.running[frame % len(signs.running)]
        item.mark = Span(sign, ("accent",))
        said = join((self._for_what(), whole_seconds(took)), signs.dot)
        if said != self._said:
            self._said = said
            item.say([muted(said)])
        if chat.pane.item(item.key) is None:
            chat.pane.append(item)
        view = chat.pane.view_of(item.key)
        if view is not None and not looks.still:
            view.mark_changed()

    def _for_what(self) -> str:
        chosen = self._chat.talk.chosen
        if chosen is not None and getattr(chosen.provider, "loading", False):
            return "loading the model"
        if chosen is not None and getattr(chosen.provider, "reads", False):
            return f"{self._name} reads the prompt"
        return f"waiting for {self._name}"

    def _end(self) -> None:
        """Nothing is waited for any more; what was told meanwhile stays, and so does the place."""
        item, self._item, self._turn = self._item, None, ""
        pane = self._chat.pane
        if item is None or pane.item(item.key) is None:  # another conversation may be shown
            return
        place = pane.place
        told = list(pane.items[pane.index_of(item.key) + 1 :])
        pane.cut(item.key)
        pane.extend(told)
        if place is not None and pane.item(place[0]) is not None:
            pane.put_at_top(*place)
