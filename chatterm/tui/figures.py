"""The figures of a conversation: tokens, cost, context in use, how quickly text comes."""

from __future__ import annotations

import time
from collections.abc import Iterable

from chatterm.events import Event, StepDelta, TurnFinished, TurnStarted, UsageReported
from chatterm.render import amounts
from chatterm.steps import Usage
from chatterm.tui.status import Part

_RATE_S = 2.0


class Figures:
    """Counts what a conversation takes.

    Attributes:
        window: The most tokens that the model takes, where that is known.
        context: The tokens that the next request sends, as far as they are known.
    """

    def __init__(self) -> None:
        self.window: int | None = None
        self.context: int | None = None
        self._spent = Usage()  # by the turns before
        self._turn = Usage()  # by the turn under way
        self._began: float | None = None
        self._characters = 0
        self._rates: list[tuple[float, int]] = []

    def add_ended(self, events: Iterable[Event]) -> None:
        """A turn that was over before."""
        for event in events:
            if isinstance(event, TurnFinished):
                self._spent += event.usage

    def event(self, event: Event) -> None:
        """What has happened."""
        match event:
            case TurnStarted():
                self._turn = Usage()
                self._began = time.monotonic()
                self._characters, self._rates = 0, []
            case StepDelta(text=text):
                self._characters += len(text)
            case UsageReported(usage):
                self._note_context(usage)
                self._turn = usage
            case TurnFinished(usage=usage):
                self._spent += usage
                self._turn = Usage()
                self._began = None

    def tick(self) -> None:
        """Time has passed."""
        now = time.monotonic()
        self._rates = [each for each in self._rates if now - each[0] < _RATE_S]
        self._rates.append((now, self._characters))

    def parts(self, arrow: str) -> list[Part]:
        """The figures as parts of the status row."""
        found: list[Part] = []
        if self._began is not None:
            took = time.monotonic() - self._began
            if took >= 1:
                found.append(Part(amounts.whole_seconds(took), 60))
            rate = self._rate()
            if rate >= 1:
                found.append(Part(f"{rate:.0f} tok/s", 20))
        spent = self._spent + self._turn
        if spent.input is not None or spent.output is not None:
            sent, came = amounts.tokens(spent.input or 0), amounts.tokens(spent.output or 0)
            found.append(Part(f"{sent} {arrow} {came}", 30))
        found.append(self._context_part())
        if spent.cost_usd is not None:
            found.append(Part(amounts.money(spent.cost_usd), 55))
        return found

    def _note_context(self, usage: Usage) -> None:
        if usage.input is None:
            return
        sent = usage.input - (self._turn.input or 0)
        if sent > 0:
            self.context = sent + (usage.output or 0) - (self._turn.output or 0)

    def _context_part(self) -> Part:
        if self.context is None:
            return Part("", 0)
        used = amounts.tokens(self.context)
        if not self.window:
            return Part(f"{used} in context", 35)
        role = "warning" if self.context > 0.8 * self.window else "muted"
        return Part(f"{used}/{amounts.tokens(self.window)}", 65, role=role)

    def _rate(self) -> float:
        """About how many tokens a second come in."""
        if len(self._rates) < 2:
            return 0.0
        (first, before), (last, now) = self._rates[0], self._rates[-1]
        return (now - before) / 4 / max(0.1, last - first)
