"""What tools changed in the course of a conversation: which edits there are, and what isn't one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from chatterm.steps import FileEdit, Outcome, ToolCallStep, ToolResultStep, Turn


@dataclass(frozen=True, slots=True)
class Edited:
    """A call that changed files.

    Attributes:
        call: The call.
        result: Its result.
    """

    call: ToolCallStep
    result: ToolResultStep

    @property
    def edits(self) -> tuple[FileEdit, ...]:
        """What it changed, in order."""
        return self.result.edits or ()


def edited(turns: Iterable[Turn]) -> list[Edited]:
    """The calls of these turns that changed files, the oldest first."""
    return [Edited(call, result) for call, result in _answered(turns) if result.edits]


def not_covered(turns: Iterable[Turn]) -> list[ToolCallStep]:
    """The commands of these turns: what they changed in files isn't known, nor can it be undone."""
    return [
        call
        for call, result in _answered(turns)
        if call.name == "shell" and result.outcome is not Outcome.DENIED
    ]


def since(turns: Sequence[Turn], step: str) -> tuple[Turn, ...]:
    """The turns with only the steps from one on; none where there is no such step."""
    for number, turn in enumerate(turns):
        index = next((each.index for each in turn.steps if each.id == step), None)
        if index is not None:
            steps = tuple(each for each in turn.steps if each.index >= index)
            return (replace(turn, steps=steps), *turns[number + 1 :])
    return ()


def _answered(turns: Iterable[Turn]) -> Iterator[tuple[ToolCallStep, ToolResultStep]]:
    for turn in turns:
        calls: dict[str, ToolCallStep] = {}
        for step in sorted(turn.steps, key=lambda each: each.index):
            match step:
                case ToolCallStep(hosted=False):
                    calls[step.call_id] = step
                case ToolResultStep() if step.call_id in calls:
                    yield calls[step.call_id], step
