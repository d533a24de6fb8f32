"""Some of the tools for some of the turns: what a template names of those that are on offer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing

from chatterm.agent.calls import (
    Answered,
    CallAnswer,
    CallEvent,
    CallRunner,
    unknown_tool,
)
from chatterm.providers.base import ToolSpec
from chatterm.steps import Outcome, ToolCallStep


class Narrowed:
    """Offers fewer tools than another one, and answers only their calls.

    Args:
        calls: Answers them.
        only: Tells which tools there are now; None: all.
    """

    def __init__(self, calls: CallRunner, only: Callable[[], frozenset[str] | None]) -> None:
        self._calls = calls
        self._only = only

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools on offer, as the model is told of them."""
        return tuple(spec for spec in self._calls.specs if self._has(spec.name))

    async def answer(self, calls: Sequence[ToolCallStep]) -> AsyncGenerator[CallEvent, None]:
        """Answer the calls of a round, in their order; those of other tools come to nothing."""
        for group in self._groups(calls):
            first = group[0]
            if first.hosted or self._has(first.name):
                async with aclosing(self._calls.answer(group)) as events:
                    async for event in events:
                        yield event
            else:
                offered = [spec.name for spec in self.specs]
                said = unknown_tool(first.name, offered)
                yield Answered(first, CallAnswer(said, Outcome.FAILED))

    def cut_short(self, call: ToolCallStep) -> CallAnswer:
        """The answer to a call of a round whose answering was cancelled."""
        return self._calls.cut_short(call)

    def go_on_failing(self, call: ToolCallStep) -> AsyncGenerator[CallEvent | bool, None]:
        """Whether a call that failed again and again may be tried further."""
        return self._calls.go_on_failing(call)

    def _has(self, name: str) -> bool:
        only = self._only()
        return only is None or name in only

    def _groups(self, calls: Sequence[ToolCallStep]) -> Iterator[list[ToolCallStep]]:
        """The calls in their order: those that follow one another and may run, together."""
        group: list[ToolCallStep] = []
        for call in calls:
            if call.hosted or self._has(call.name):
                group.append(call)
                continue
            if group:
                yield group
                group = []
            yield [call]
        if group:
            yield group
