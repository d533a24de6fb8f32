"""A provider that plays what a test gives it, step by step, in the app's own process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable

from chatterm.assembly import StepWriter
from chatterm.events import Event
from chatterm.providers.base import ModelInfo, ModelRequest, RoundEnd
from tui.app_driver import Driver

Round = Callable[[StepWriter], AsyncIterator[RoundEnd | None]]
"""Writes steps; at each None they are handed on, and a RoundEnd ends it."""


class Playing:
    """Plays rounds, one a model call; after the last one there is nothing."""

    def __init__(self, *rounds: Round) -> None:
        self.name = "s"
        self.rounds = list(rounds)

    async def stream(
        self, request: ModelRequest, writer: StepWriter
    ) -> AsyncGenerator[Event | RoundEnd, None]:
        """Play the next round."""
        if self.rounds:
            async for end in self.rounds.pop(0)(writer):
                for event in writer.take():
                    yield event
                if end is not None:
                    yield end
                    return
        for event in writer.take():
            yield event
        yield RoundEnd()

    async def models(self) -> list[ModelInfo]:
        """None."""
        return []

    async def aclose(self) -> None:
        """Nothing is open."""


def play(app: Driver, *rounds: Round) -> Playing:
    """Have the app ask such a provider from now on."""
    chosen = app.chat.talk.chosen
    assert chosen is not None
    chosen.provider = provider = Playing(*rounds)
    return provider
