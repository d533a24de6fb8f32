"""What a provider is: something that streams the steps of one round."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from chatterm.assembly import StepWriter
from chatterm.errors import Failure
from chatterm.events import Event
from chatterm.steps import FinishReason, Turn, Usage


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model is told of it.

    Attributes:
        name: What the model calls it by.
        description: What it does, for the model.
        parameters: The JSON Schema of its arguments, an object schema.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked of a model beside the conversation. None leaves a thing to the provider.

    Attributes:
        temperature: Sampling temperature.
        max_output_tokens: The most tokens the reply may take, reasoning included.
        effort: How hard to think: the provider's word, such as `low` or `high`.
        thinking: Whether to think aloud, where the provider lets one choose.
        schema: A JSON Schema that the reply should fit.
    """

    temperature: float | None = None
    max_output_tokens: int | None = None
    effort: str | None = None
    thinking: bool | None = None
    schema: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Those that are set."""
        pairs = {
            "temperature": self.temperature,
            "max_output_tokens": self.max_output_tokens,
            "effort": self.effort,
            "thinking": self.thinking,
            "schema": self.schema,
        }
        return {name: value for name, value in pairs.items() if value is not None}


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One model call: everything a request encoder may look at.

    Attributes:
        model: The model's name, as the provider knows it.
        turns: The conversation so far, the turn under way last.
        system: The system text.
        tools: The tools on offer.
        settings: What else is asked.
    """

    model: str
    turns: tuple[Turn, ...]
    system: str | None = None
    tools: tuple[ToolSpec, ...] = ()
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True, slots=True)
class RoundEnd:
    """How a round ended: always the last thing a provider's stream yields.

    Attributes:
        finish_reason: Why, in our words; `stop` also when the model waits for its calls.
        provider_finish_reason: Why, in the provider's own word.
        usage: What the round took.
        failure: Why it failed; not None exactly when `finish_reason` is `error`.
        approvals: Ids of hosted calls that wait for the user's yes.
        paused: The provider broke off what its own tools do, to be asked again with what came.
    """

    finish_reason: FinishReason = FinishReason.STOP
    provider_finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    failure: Failure | None = None
    approvals: tuple[str, ...] = ()
    paused: bool = False


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that a provider offers.

    Attributes:
        id: Its name, as requests give it.
        name: Its name for people, or an empty string.
        context_window: The most tokens it takes, when the provider says so.
        inputs: What it takes (`text`, `image`, `pdf`, `audio`, …); empty when nobody says.
    """

    id: str
    name: str = ""
    context_window: int | None = None
    inputs: tuple[str, ...] = ()


@runtime_checkable
class Ready(Protocol):
    """A provider whose first request needs something that takes a while to load."""

    def get_ready(self) -> None:
        """Load it; may be run in any thread."""
        ...


class Provider(Protocol):
    """Something that streams the steps of one round."""

    name: str

    def stream(
        self, request: ModelRequest, writer: StepWriter
    ) -> AsyncGenerator[Event | RoundEnd, None]:
        """Ask the model once.

        Steps are written through `writer`; the events taken from it are yielded as they come, and
        a `RoundEnd` last. What goes wrong ends the round with a failure in its `RoundEnd`; nothing
        is raised but cancellation. Closing the generator early closes the connection and leaves
        the steps that were open to the caller's `writer.interrupt()`.
        """
        ...

    async def models(self) -> list[ModelInfo]:
        """What the provider offers.

        Raises:
            ProviderError: It can't be asked.
        """
        ...

    async def aclose(self) -> None:
        """Give up connections."""
        ...
