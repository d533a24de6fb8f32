"""Writing the steps of a server that runs its tools itself.

Its whole loop comes in one stream: calls are hosted, each stays open until its result comes, and
what the model says after results is a new round.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chatterm.assembly import OpenStep, StepWriter
from chatterm.providers.tool_slots import argument_text, read_arguments
from chatterm.steps import (
    Outcome,
    RefusalStep,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
)

Prose = ThinkingStep | TextStep | RefusalStep
Keep = Callable[[], dict[str, Any]]


@dataclass(slots=True, eq=False)
class HostedCall:
    """A call that the server runs, as far as it was told of."""

    opened: OpenStep
    call_id: str
    name: str

    @property
    def over(self) -> bool:
        """Whether its result has come."""
        return self.opened.closed


class ServerSteps:
    """Writes prose, calls and results, and counts the server's rounds.

    Args:
        writer: Where the steps are written.
        notice: What to tell the user beside the first step: what couldn't go along.

    Attributes:
        keep: Gives the opaque data that the first step carries: by what the conversation goes on.
        saw: The kinds of steps that were opened.
    """

    def __init__(self, writer: StepWriter, notice: str = "") -> None:
        self._writer = writer
        self._notice = notice
        self.keep: Keep | None = None
        self.saw: set[str] = set()
        self._calls: dict[str, HostedCall] = {}
        self._strays: set[str] = set()  # calls that only have a result
        self._answered = False  # results have come since the model said something
        self._only_calls = True  # nothing but calls was opened in this round
        self._numbers: dict[int, int] = {}  # the server's number of a round: ours

    # --- prose ---

    def open(self, cls: type[Prose], **values: Any) -> OpenStep:
        """Open a step of the model's; after results it begins a new round."""
        self._speak()
        self._only_calls = False
        return self._opened(cls, **values)

    def append(self, target: OpenStep, text: str) -> None:
        """Append to an open step."""
        self._writer.append(target, text)

    def settle(self, target: OpenStep, text: str) -> None:
        """Replace the text of an open step by its final or cumulative one."""
        self._writer.replace_text(target, text)

    def finish(self, target: OpenStep, status: Status = Status.DONE, **values: Any) -> None:
        """Close a step, unless it is closed already."""
        if not target.closed:
            self._writer.finish(target, status, **values)

    # --- calls ---

    def known(self, call_id: str) -> HostedCall | None:
        """The newest call with this id."""
        return self._calls.get(call_id)

    def call(self, call_id: str, name: str, arguments: Any) -> HostedCall:
        """A call came, or came again: one that isn't over is brought up to date."""
        call = self._calls.get(call_id) if call_id else None
        if call is None or call.over:
            call = self._new_call(call_id, name)
        elif name and name != call.name:
            call.name = name
            self._writer.update(call.opened, name=name)
        text = argument_text(arguments)
        if text and text != call.opened.text:
            self._writer.replace_text(call.opened, text)
        return call

    def arguments(self, call_id: str, piece: str) -> None:
        """A piece of a call's arguments came, perhaps before the call itself."""
        call = self._calls.get(call_id)
        if call is None or call.over:
            call = self._new_call(call_id, "")
        self._writer.append(call.opened, piece)

    def result(
        self,
        call_id: str,
        name: str,
        content: Any,
        outcome: Outcome = Outcome.DONE,
        number: int | None = None,
    ) -> None:
        """The result of a call came; told twice, it counts once.

        Args:
            call_id: The call; where it has no id, or another, it is one that waits.
            name: The tool, where the server says so.
            content: What it gave, as text or any other value.
            outcome: What became of the call.
            number: The server's own number of the round.
        """
        call = self._calls.get(call_id) or self._waiting(name, anyone=not call_id)
        if call.over if call else call_id in self._strays:
            return
        latest = self._writer.round
        if call is not None:
            if number is not None and self._belongs_before(call, number):
                latest = self._writer.round
            self._writer.round = call.opened.step.round
            self._finish_call(call, Status.DONE)
        self._writer.add(
            ToolResultStep,
            call_id=call.call_id if call else call_id,
            name=name or (call.name if call else "") or "tool",
            content=argument_text(content),
            ok=outcome is Outcome.DONE,
            outcome=outcome,
        )
        if call is None and call_id:
            self._strays.add(call_id)
        self.saw.add(ToolResultStep.kind)
        self._writer.round = latest
        self._answered = True

    # --- the end ---

    def close(self, status: Status) -> None:
        """Close the calls that are open, whether or not their results came."""
        for call in self._calls.values():
            if not call.over:
                self._finish_call(call, status)

    def keep_anyway(self) -> None:
        """Keep what the conversation goes on by, where no step did."""
        if self.keep is not None:
            self._writer.add(ThinkingStep, opaque=self._kept(self.keep))

    # --- private ---

    def _speak(self) -> None:
        if self._answered:
            self._writer.round += 1
            self._answered = False
            self._only_calls = True

    def _opened(self, cls: type[Step], **values: Any) -> OpenStep:
        if self._notice:
            notice, self._notice = self._notice, ""
            self._writer.notice("left_out", notice)
        if self.keep is not None:
            values["opaque"] = self._kept(self.keep)
        self.saw.add(cls.kind)
        return self._writer.open(cls, **values)

    def _kept(self, keep: Keep) -> dict[str, Any]:
        self.keep = None
        return keep()

    def _new_call(self, call_id: str, name: str) -> HostedCall:
        self._speak()
        opened = self._opened(ToolCallStep, call_id=call_id, name=name, hosted=True)
        call_id = call_id or f"call_{opened.step.index}"
        self._writer.amend(opened, call_id=call_id)
        call = self._calls[call_id] = HostedCall(opened, call_id, name)
        return call

    def _waiting(self, name: str, *, anyone: bool) -> HostedCall | None:
        waiting = [call for call in self._calls.values() if not call.over]
        named = (call for call in waiting if call.name == name)
        return next(named, waiting[0] if waiting and anyone and not name else None)

    def _finish_call(self, call: HostedCall, status: Status) -> None:
        values, _ = read_arguments(call.opened.text)
        self._writer.finish(call.opened, status, input=values)

    def _belongs_before(self, call: HostedCall, number: int) -> bool:
        """Put calls that came after results back into the round that the server counts them in.

        Some servers tell of parallel calls one by one, each with its result, and only the number
        of the round shows that the model made them at once.
        """
        latest = self._writer.round
        ours = self._numbers.setdefault(number, call.opened.step.round)
        if not (ours < latest == call.opened.step.round and self._only_calls):
            return False
        for other in self._calls.values():
            if not other.over and other.opened.step.round == latest:
                self._writer.update(other.opened, round=ours)
        self._writer.round = ours
        return True
