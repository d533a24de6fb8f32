"""What the turn loop needs of whoever answers calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chatterm.providers.base import ToolSpec
from chatterm.steps import Outcome, ToolCallStep


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """The answer to a call.

    Attributes:
        content: What the model is told.
        outcome: What became of the call.
        nobody_asked: It was denied because nobody could be asked.
        opaque: What the provider must be sent with it.
    """

    content: str
    outcome: Outcome = Outcome.DONE
    nobody_asked: bool = False
    opaque: dict[str, Any] | None = None

    @property
    def ok(self) -> bool:
        """Whether the tool did what it was asked."""
        return self.outcome is Outcome.DONE


class CallRunner(Protocol):
    """Runs the calls of a turn."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools on offer, as the model is told of them."""
        ...

    async def run(self, call: ToolCallStep) -> CallAnswer:
        """Answer one whole call. Never raises but for cancellation."""
        ...

    async def approve(self, call: ToolCallStep) -> CallAnswer:
        """Answer a hosted call for which the server wants the user's yes."""
        ...


class NoTools:
    """Offers nothing and says so to a model that calls all the same."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """No tools."""
        return ()

    async def run(self, call: ToolCallStep) -> CallAnswer:
        """Say that there is no such tool."""
        return CallAnswer(unknown_tool(call.name, ()), Outcome.FAILED)

    async def approve(self, call: ToolCallStep) -> CallAnswer:
        """Deny: there is nobody to ask."""
        return CallAnswer(
            f"not approved: nobody could be asked about {call.name}",
            Outcome.DENIED,
            nobody_asked=True,
            opaque={"approve": False},
        )


def unknown_tool(name: str, offered: Sequence[str]) -> str:
    """What a model is told that calls a tool it wasn't offered."""
    known = ", ".join(offered) if offered else "none"
    return f"there is no tool named {name!r}; the tools on offer: {known}"
