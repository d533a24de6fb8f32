"""The provider of local models: an engine on loopback, asked as any other server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from chatterm.assembly import StepWriter
from chatterm.errors import ErrorKind, Failure, ProviderError, UsageError
from chatterm.events import Event, StepStarted
from chatterm.providers.base import ModelInfo, ModelRequest, Provider, RoundEnd
from chatterm.providers.decoding import failed
from chatterm.providers.local.engine import Engine
from chatterm.providers.local.models import (
    CATALOGUE,
    engine_is_here,
    is_installed,
    known,
    path_of,
)

Opener = Callable[[str, str], Provider]
"""Makes a provider that asks a server at an address with a key."""


MOST_TOKENS = 1024
"""The longest reply where no other is wished for: a tiny model may repeat itself without end."""


class LocalProvider:
    """Asks a model on this machine; its engine runs while the provider is open.

    Attributes:
        makes_titles: Whether it is asked for titles: it would take as long as an answer.
        reads: Whether the model has the prompt, and hasn't begun to answer.

    Args:
        name: The user's name for the provider.
        opener: Makes what asks the engine.
    """

    makes_titles = False

    def __init__(self, name: str, opener: Opener) -> None:
        self.name = name
        self.reads = False
        self._opener = opener
        self._engine: Engine | None = None
        self._model = ""
        self._asked: tuple[str, Provider] | None = None

    @property
    def loading(self) -> bool:
        """Whether the model has to be loaded before it answers."""
        return self._engine is None or not self._engine.listening

    async def stream(
        self, request: ModelRequest, writer: StepWriter
    ) -> AsyncGenerator[Event | RoundEnd, None]:
        """Ask the model, after its engine was started where it doesn't run."""
        try:
            provider = await self._ready(request.model)
        except ProviderError as error:
            yield failed(error.as_failure())
            return
        self.reads = True
        try:
            async with aclosing(provider.stream(_limited(request), writer)) as items:
                async for item in items:
                    self.reads = self.reads and not isinstance(item, StepStarted)
                    yield self._told(item) if isinstance(item, RoundEnd) else item
        finally:
            self.reads = False

    async def models(self) -> list[ModelInfo]:
        """The models whose weights are here."""
        return [
            ModelInfo(model.name, model.about, model.context)
            for model in CATALOGUE.values()
            if is_installed(model.name)
        ]

    async def aclose(self) -> None:
        """End the engine."""
        asked, self._asked = self._asked, None
        if asked is not None:
            await asked[1].aclose()
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.stop()

    async def _ready(self, model: str) -> Provider:
        problem = _problem(model)
        if problem is not None:
            raise ProviderError(problem)
        if self._engine is None or self._model != model:
            await self.aclose()
            self._engine, self._model = Engine(path_of(model)), model
        await self._engine.start()
        if self._asked is None or self._asked[0] != self._engine.url:
            if self._asked is not None:
                await self._asked[1].aclose()
            self._asked = (self._engine.url, self._opener(self._engine.url, self._engine.key))
        return self._asked[1]

    def _told(self, end: RoundEnd) -> RoundEnd:
        """The end of a round; that the engine has died is said in those words."""
        if end.failure is None or self._engine is None or self._engine.running:
            return end
        words = self._engine.last_words
        message = "the engine of the local model ended" + (f": {words}" if words else "")
        failure = replace(end.failure, message=message, hint="the next message starts it again")
        return replace(end, failure=failure)


def _limited(request: ModelRequest) -> ModelRequest:
    """A request with an end to its reply."""
    if request.settings.max_output_tokens is not None:
        return request
    return replace(request, settings=replace(request.settings, max_output_tokens=MOST_TOKENS))


def _problem(model: str) -> Failure | None:
    """Why a model can't be asked, if anything."""
    try:
        known(model)
    except UsageError as error:
        return Failure(ErrorKind.NOT_FOUND, error.message, hint=error.hint)
    if not engine_is_here():
        return Failure(
            ErrorKind.NOT_FOUND,
            "what runs local models isn't installed",
            hint="`pip install 'chatterm[local]'` installs it",
        )
    if not is_installed(model):
        return Failure(
            ErrorKind.NOT_FOUND,
            f"the local model {model} isn't installed",
            hint=f"`chatterm models install {model}` fetches it",
        )
    return None
