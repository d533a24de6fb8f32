"""What holds in a conversation beside its messages, and the system text that comes of it.

It is written down with each turn, among its settings: a conversation that is gone on with, forked
or exported knows it again from its log. What is sent is made of it in one order, the same bytes
from turn to turn as long as nothing changes, so that a provider's cache of the beginning holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatterm.prompts.instructions import Found

_SYSTEM, _INSTRUCTIONS = "system_prompt", "instructions"


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds in a conversation.

    Attributes:
        system: Its own system prompt; empty for none at all, None for what is configured.
        instructions: Whether instructions are sent; None where that was never said.
        told: Names and hashes of those that the last turn was sent, as it recorded them.
    """

    system: str | None = None
    instructions: bool | None = None
    told: Sequence[Any] = ()

    @staticmethod
    def of(settings: Mapping[str, Any]) -> Standing:
        """What a turn recorded; anything else in its settings says nothing."""
        system, told = settings.get(_SYSTEM), settings.get(_INSTRUCTIONS)
        return Standing(
            system if isinstance(system, str) else None,
            True if isinstance(told, list) else told if isinstance(told, bool) else None,
            told if isinstance(told, list) else (),
        )


@dataclass(frozen=True, slots=True)
class Guidance:
    """What a turn is sent and records.

    Attributes:
        parts: The parts of the system text, each with where it comes from.
        noted: What the turn records among its settings.
        notices: What the user is told as the turn begins: reasons, and sentences.
    """

    parts: tuple[tuple[str, str], ...] = ()
    noted: dict[str, Any] = field(default_factory=dict)
    notices: tuple[tuple[str, str], ...] = ()

    @property
    def system(self) -> str | None:
        """The system text."""
        return "\n\n".join(text for _, text in self.parts) or None


def guidance(
    standing: Standing,
    *,
    configured: str | None = None,
    found: Found | None = None,
    place: str | None = None,
    wish: str | None = None,
) -> Guidance:
    """What a turn is sent.

    A conversation's own system prompt stands for the others. A project's is added to the user's: a
    stranger's file adds to what the user has said, and silences none of it.

    Args:
        standing: What holds in the conversation.
        configured: The user's system prompt.
        found: The instructions that hold; None where they are switched off.
        place: What the model is told of where its tools work.
        wish: What it is told of the form of its answer.
    """
    project = found.system if found is not None else None
    if standing.system is not None:
        parts = [("this conversation's system prompt", standing.system)]
    else:
        parts = [("your configuration's system prompt", configured or "")]
        parts += (
            [(f"this project's system prompt, {project.name}", project.text)] if project else []
        )
    block = found.block() if found is not None else None
    parts += [("where the tools work", place or ""), ("instructions", block or "")]
    parts += [("the form of the answer", wish or "")]
    noted: dict[str, Any] = {}
    if standing.system is not None:
        noted[_SYSTEM] = standing.system
    if found is not None and (marks := found.marks()):
        noted[_INSTRUCTIONS] = marks
    elif standing.instructions is False:
        noted[_INSTRUCTIONS] = False
    return Guidance(
        tuple((name, text) for name, text in parts if text), noted, _notices(standing, found)
    )


def _notices(standing: Standing, found: Found | None) -> tuple[tuple[str, str], ...]:
    """What is said of instructions: once, and again when they have changed."""
    if found is None:
        return ()
    marks = found.marks()
    if marks == list(standing.told):
        return ()
    if not marks:
        return (("instructions", "instructions: there are none any more"),)
    if not standing.told:
        return (("instructions", found.words()),)
    said = f"they have changed, and the whole conversation is read anew: {found.words()}"
    return (("instructions", said),)
