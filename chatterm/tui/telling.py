"""What the status row and the terminal itself tell: model, mode, context, cost, what goes on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.events import Event, StepDelta, StepStarted, TurnFinished, TurnStarted, UsageReported
from chatterm.render.sanitize import sanitize_line
from chatterm.steps import ToolCallStep, Usage
from chatterm.tui.status import Part
from chatterm.tui.steps import amounts

if TYPE_CHECKING:
    from chatterm.store import RecordedTurn
    from chatterm.tui.chat import Chat

_SAID_S = 4.0
_RATE_S = 2.0


class Telling:
    """Keeps the figures of a conversation, and shows them.

    Args:
        chat: The screen.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._spent = Usage()  # by the turns before
        self._turn = Usage()  # by the turn under way
        self._context: int | None = None
        self._window: int | None = None
        self._window_of = ""
        self._began: float | None = None
        self._characters = 0
        self._rates: list[tuple[float, int]] = []
        self._said = ""
        self._said_at = 0.0
        self._below = False
        self._calls: set[str] = set()

    # --- what has happened ---

    def turns_shown(self, recorded: Sequence[RecordedTurn]) -> None:
        """Another conversation is shown."""
        self._spent, self._turn = Usage(), Usage()
        self._context = None
        for turn in recorded:
            for event in turn.events:
                if isinstance(event, TurnFinished):
                    self._spent += event.usage
        if recorded:
            report = recorded[-1].turn().reported
            self._context = report.tokens if report is not None else None
        self.refresh()

    def turn_event(self, event: TurnStarted | TurnFinished | UsageReported) -> None:
        """A turn began or ended, or told what it took."""
        match event:
            case TurnStarted():
                self._turn = Usage()
                self._began = time.monotonic()
                self._characters, self._rates = 0, []
                self._find_window()
            case UsageReported(usage):
                self._note_context(usage)
                self._turn = usage
            case TurnFinished(usage=usage):
                self._spent += usage
                self._turn = Usage()
                self._began = None
                self._turn_ended(event)
        self.refresh()

    def event(self, event: Event) -> None:
        """Something has come: it counts for the rate at which text comes."""
        if isinstance(event, StepStarted) and isinstance(event.step, ToolCallStep):
            self._calls.add(event.step.id)
        if isinstance(event, StepDelta):
            self._characters += len(event.text)

    def asked(self) -> None:
        """The user is asked."""
        self._notify("waits for your answer")

    def moved(self, *, following: bool, below: bool) -> None:
        """Whether something new stands below what is seen."""
        self._below = below and not following
        self.refresh()

    def say(self, text: str) -> None:
        """Say something for a moment."""
        self._said, self._said_at = sanitize_line(text), time.monotonic()
        self.refresh()
        self._chat.set_timer(_SAID_S + 0.1, self.refresh)

    def tick(self) -> None:
        """Time has passed."""
        now = time.monotonic()
        self._rates = [each for each in self._rates if now - each[0] < _RATE_S]
        self._rates.append((now, self._characters))
        self.refresh()

    def _note_context(self, usage: Usage) -> None:
        if usage.input is None:
            return
        sent = usage.input - (self._turn.input or 0)
        if sent > 0:
            self._context = sent + (usage.output or 0) - (self._turn.output or 0)

    def _find_window(self) -> None:
        name = self._chat.model_name
        if name and name != self._window_of:
            self._window, self._window_of = None, name
            self._chat.run_worker(self._ask_window(name), group="window", exclusive=True)

    async def _ask_window(self, name: str) -> None:
        from chatterm.agent.context import window_of

        talk = self._chat.talk
        if talk.chosen is not None:
            resolved = talk.chosen.resolved
            found = await window_of(
                talk.chosen.provider, resolved.model, talk.config.context.windows
            )
            if self._window_of == name:
                self._window = found
                self.refresh()

    def _turn_ended(self, event: TurnFinished) -> None:
        self._notify("is done" if event.error is None else "failed")

    def _notify(self, what: str) -> None:
        notifier = self._chat.notifier
        if notifier is not None:
            notifier.notify(f"{self._chat.talk.title or 'chatterm'} {what}")

    # --- the row ---

    def refresh(self) -> None:
        """Show how things stand."""
        if self._chat.is_mounted:
            self._chat.status.show(self._parts())

    def _parts(self) -> list[Part]:
        chat = self._chat
        talk = chat.talk
        parts: list[Part] = []
        if self._said and time.monotonic() - self._said_at < _SAID_S:
            parts.append(Part(self._said, 100, role="accent"))
        if self._below:
            parts.append(Part("new below", 95, role="accent", act="last"))
        name = chat.model_name or ("no model" if talk.store is not None else "")
        if talk.is_demo:
            name += " (no model)"
        parts.append(Part(name, 90, act="model", role="text"))
        mode_role = "error" if talk.mode == "yolo" else "muted"
        parts.append(Part(talk.mode, 80, act="mode", role=mode_role))
        parts.append(Part(self._cage(), 50))
        parts.append(Part(_short(chat.directory), 40))
        if chat.editing is not None:
            parts.append(Part("editing an earlier message, Esc gives up", 99, role="accent"))
        return parts + [replace(part, right=True) for part in self._figures()]

    def _cage(self) -> str:
        tooling = self._chat.talk.tooling
        if tooling is None:
            return ""
        return "caged" if tooling.level.caged else "not caged"

    def _figures(self) -> list[Part]:
        parts: list[Part] = []
        running = self._chat.talk.running
        waiting = len(self._chat.talk.session.queue)
        if waiting:
            parts.append(Part(f"{waiting} waiting", 70))
        if running and self._began is not None:
            took = time.monotonic() - self._began
            if took >= 1:
                parts.append(Part(amounts.whole_seconds(took), 60))
            rate = self._rate()
            if rate >= 1:
                parts.append(Part(f"{rate:.0f} tok/s", 20))
        spent = self._spent + self._turn
        if spent.input is not None or spent.output is not None:
            sent, came = amounts.tokens(spent.input or 0), amounts.tokens(spent.output or 0)
            arrow = self._chat.setting.looks.signs.arrow
            parts.append(Part(f"{sent} {arrow} {came}", 30))
        parts.append(self._context_part())
        if spent.cost_usd is not None:
            parts.append(Part(amounts.money(spent.cost_usd), 55))
        return parts

    def _context_part(self) -> Part:
        if self._context is None:
            return Part("", 0)
        used = amounts.tokens(self._context)
        if not self._window:
            return Part(f"{used} in context", 35)
        share = self._context / self._window
        role = "warning" if share > 0.8 else "muted"
        return Part(f"{used}/{amounts.tokens(self._window)}", 65, role=role)

    def _rate(self) -> float:
        """About how many tokens a second come in."""
        if len(self._rates) < 2:
            return 0.0
        (first, before), (last, now) = self._rates[0], self._rates[-1]
        return (now - before) / 4 / max(0.1, last - first)


def _short(path: Path) -> str:
    """A directory as people write it, its middle left out where it is long."""
    with suppress(ValueError, RuntimeError):
        path = Path("~") / path.relative_to(Path.home())
    parts = path.parts
    if len(str(path)) > 36 and len(parts) > 4:
        path = Path(*parts[:2], "…", *parts[-2:])
    return sanitize_line(str(path))
