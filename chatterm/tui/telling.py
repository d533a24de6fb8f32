"""What the status row and the terminal itself tell: model, mode, context, cost, what goes on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from chatterm.render.sanitize import sanitize_line
from chatterm.talking.offering import instead_of_model
from chatterm.tui.short_path import short_path
from chatterm.tui.status import Part

if TYPE_CHECKING:
    from chatterm.events import Event, TurnFinished, TurnStarted, UsageReported
    from chatterm.store import RecordedTurn
    from chatterm.tui.chat import Chat
    from chatterm.tui.figures import Figures

_SAID_S = 4.0


class Telling:
    """Tells how a conversation stands.

    Args:
        chat: The screen.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._known: Figures | None = None  # nothing is known before the first turn
        self._window_of = ""
        self._said = ""
        self._said_until = 0.0
        self._below = False
        self._wanted = False  # the window's title says so

    # --- what has happened ---

    def turns_shown(self, recorded: Sequence[RecordedTurn]) -> None:
        """Another conversation is shown."""
        self._known, self._window_of = None, ""
        for turn in recorded:
            self._figures.add_ended(turn.events)
        if recorded:
            report = recorded[-1].turn().reported
            self._figures.context = report.tokens if report is not None else None
        self.refresh()

    def earlier_shown(self, recorded: Sequence[RecordedTurn]) -> None:
        """Turns before those that are shown came: what they took counts, too."""
        for turn in recorded:
            self._figures.add_ended(turn.events)
        self.refresh()

    def turn_began(self, event: TurnStarted) -> None:
        """A turn began."""
        self._figures.event(event)
        self._find_window()
        self.refresh()

    def turn_ended(self, event: TurnFinished) -> None:
        """A turn ended."""
        self._figures.event(event)
        if event.error is not None:
            self._notify("failed")
        elif event.finish_reason != "interrupted":  # the user did that, or a message goes on
            self._notify("is done")
        self.refresh()

    def event(self, event: Event | UsageReported) -> None:
        """Something else has come."""
        self._figures.event(event)

    def asked(self) -> None:
        """The user is asked."""
        self._notify("waits for your answer")

    def moved(self, *, following: bool, below: bool) -> None:
        """Whether something new stands below what is seen."""
        self._below = below and not following
        self.refresh()

    def changed(self) -> None:
        """The model, the mode or what waits may be another one."""
        if self._known is not None:
            self._find_window()
        self.refresh()

    def say(self, text: str, seconds: float = _SAID_S) -> None:
        """Say something for a moment; nothing takes away what was said."""
        self._said, self._said_until = sanitize_line(text), time.monotonic() + seconds
        self.refresh()
        self._chat.set_timer(seconds + 0.05, self.refresh)

    def tick(self) -> None:
        """Time has passed."""
        self._figures.tick()
        self.refresh()

    @property
    def _figures(self) -> Figures:
        if self._known is None:
            from chatterm.tui.figures import Figures

            self._known = Figures()
        return self._known

    def _find_window(self) -> None:
        name = self._chat.model_name
        if name and name != self._window_of:
            self._figures.window, self._window_of = None, name
            self._chat.begin_again("window", partial(self._ask_window, name))

    async def _ask_window(self, name: str) -> None:
        from chatterm.agent.context import window_of

        talk = self._chat.talk
        chosen = talk.chosen
        if chosen is not None:
            windows = talk.config.context.windows
            with talk.using(chosen) as provider:
                found = await window_of(provider, chosen.resolved.model, windows)
            if self._window_of == name:
                self._figures.window = found
                self.refresh()

    def _notify(self, what: str) -> None:
        notifier = self._chat.notifier
        if notifier is not None:
            said = f"{self._chat.talk.title or 'chatterm'} {what}"
            notifier.notify(said)
            if not self._chat.app.app_focus:
                self._wanted = True
                notifier.title(said)

    def looked_at(self, focused: bool) -> None:
        """The terminal has the focus, or has lost it: who looks needn't be called any more."""
        self._wanted = self._wanted and not focused
        self._call_window()

    def _call_window(self) -> None:
        """Have the terminal's window called as the conversation."""
        notifier = self._chat.notifier
        if notifier is not None and not self._wanted:
            title = self._chat.talk.title
            notifier.title(f"{title} · chatterm" if title else "chatterm")

    # --- the row ---

    def refresh(self) -> None:
        """Show how things stand."""
        if self._known is not None and self._chat.talk.session.branched:
            self._chat.talk.session.branched = False
            self.say("another chatterm went on with this conversation: here is a branch beside it")
            self._chat.begin(self._chat.branches.read())
        if self._chat.is_mounted:
            self._chat.status.show(self._parts())
            self._call_window()

    def _parts(self) -> list[Part]:
        chat = self._chat
        talk = chat.talk
        parts: list[Part] = []
        if self._said and time.monotonic() < self._said_until:
            parts.append(Part(self._said, 100, role="accent"))
        if self._below:
            parts.append(Part("new below", 95, role="accent", act="last"))
        if chat.editing is not None:
            parts.append(Part("editing what was sent, Esc gives up", 99, role="accent"))
        name = chat.model_name or ("no model" if talk.opened else "")
        if instead := instead_of_model(talk.chosen, chat.options.model or talk.config.model):
            name += f" ({instead})"
        parts.append(Part(name, 90, act="model", role="text"))
        # What may happen unasked, and how it is caged, is seen as long as anything is.
        mode = talk.mode_in_force
        role, weight = ("error", 101) if mode == "yolo" else ("muted", 92)
        asked = "" if mode == talk.mode else " (the project's)"
        parts.append(Part(f"{mode}{asked}", weight, act="mode", role=role))
        parts.append(Part(self._cage(), 91))
        parts.append(Part(short_path(chat.directory), 40))
        right: list[Part] = []
        if talk.waiting:
            right.append(Part(f"{len(talk.waiting)} waiting", 70))
        if self._known is not None:
            right += self._known.parts(chat.setting.looks.signs.arrow)
        return parts + [replace(part, right=True) for part in right]

    def _cage(self) -> str:
        tooling = self._chat.talk.tooling
        if tooling is None or self._chat.talk.mode_in_force == "caged":
            return ""  # that mode says it already
        # A mode is called caged, too: this is about the commands of any other one.
        return "shell caged" if tooling.level.caged else "shell not caged"
