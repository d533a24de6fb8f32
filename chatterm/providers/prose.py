"""The prose of a round: the one thinking, text or refusal step that is being written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatterm.assembly import OpenStep, StepWriter
from chatterm.steps import RefusalStep, Status, TextStep, ThinkingStep

ProseClass = type[ThinkingStep | TextStep | RefusalStep]
Closing = Callable[[OpenStep], dict[str, Any]]


def _nothing(_opened: OpenStep) -> dict[str, Any]:
    return {}


class Prose:
    """Grows one step at a time: what is of another kind ends the one before it.

    Args:
        writer: Where the steps are written.
        closing: What a step is given when it ends: the fields that only then are known.

    Attributes:
        saw: The kinds of steps that came.
    """

    def __init__(self, writer: StepWriter, closing: Closing = _nothing) -> None:
        self._writer = writer
        self._closing = closing
        self._opened: OpenStep | None = None
        self.saw: set[str] = set()

    def opened(self, cls: ProseClass) -> OpenStep | None:
        """The step that is being written, when it is of this kind."""
        step = self._opened
        return step if step is not None and isinstance(step.step, cls) else None

    def grow(self, cls: ProseClass, text: str, **new: Any) -> OpenStep:
        """Append to the open step of this kind, a new one where there is none.

        Args:
            cls: The kind of step.
            text: What is appended.
            **new: Fields of a new step.
        """
        step = self.opened(cls)
        if step is None:
            self.end()
            step = self._opened = self._writer.open(cls, **new)
            self.saw.add(cls.kind)
        self._writer.append(step, text)
        return step

    def become_thinking(self) -> None:
        """The text that is being written turns out to be thinking."""
        step = self.opened(TextStep)
        if step is not None:
            self._writer.become(step, ThinkingStep)
            self.saw.discard(TextStep.kind)
            self.saw.add(ThinkingStep.kind)

    def end(self, status: Status = Status.DONE) -> None:
        """Close the step that is being written, if one is."""
        step, self._opened = self._opened, None
        if step is not None:
            self._writer.amend(step, **self._closing(step))
            self._writer.finish(step, status)
