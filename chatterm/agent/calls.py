"""What the turn loop needs of whoever answers calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chatterm.events import PermissionAnswered, PermissionAsked, ToolOutput
from chatterm.providers.base import ToolSpec
from chatterm.steps import Attachment, FileEdit, Outcome, ToolCallStep

NOT_RUN = "not run: the turn was interrupted"


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """The answer to a call.

    Attributes:
        content: What the model is told.
        outcome: What became of the call.
        nobody_asked: It was denied because nobody could be asked.
        stop: The user wants the turn to stop here.
        opaque: What the provider must be sent with it.
        exit_code: The exit status of a command.
        truncated: Whether `content` is only a part.
        full_output: The digest under which the whole is kept.
        attachments: Images that go with it.
        edits: The files that the call changed.
        seconds: How long it ran.
    """

    content: str
    outcome: Outcome = Outcome.DONE
    nobody_asked: bool = False
    stop: bool = False
    opaque: dict[str, Any] | None = None
    exit_code: int | None = None
    truncated: bool = False
    full_output: str | None = None
    attachments: tuple[Attachment, ...] = ()
    edits: tuple[FileEdit, ...] = ()
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the tool did what it was asked."""
        return self.outcome is Outcome.DONE

    def fields(self) -> dict[str, Any]:
        """The fields of the result's step, beside those that name its call."""
        optional = {
            "opaque": self.opaque,
            "exit_code": self.exit_code,
            "truncated": self.truncated or None,
            "full_output": self.full_output,
            "attachments": self.attachments or None,
            "edits": self.edits or None,
        }
        known = {name: value for name, value in optional.items() if value is not None}
        return {"content": self.content, "ok": self.ok, "outcome": self.outcome, **known}


@dataclass(frozen=True, slots=True)
class Answered:
    """A call has its answer."""

    call: ToolCallStep
    answer: CallAnswer


@dataclass(frozen=True, slots=True)
class Told:
    """Something that the user is told while calls are answered: a reason, and a sentence."""

    reason: str
    text: str


CallEvent = PermissionAsked | PermissionAnswered | ToolOutput | Told | Answered


class CallRunner(Protocol):
    """Runs the calls of a turn."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools on offer, as the model is told of them."""
        ...

    def answer(self, calls: Sequence[ToolCallStep]) -> AsyncGenerator[CallEvent, None]:
        """Answer the whole calls of a round, in their order; hosted ones wait for the user's yes.

        What is yielded is recorded before the next step is taken: a permission before its call
        runs. Raises nothing but cancellation, and then stops what runs before it goes on.
        """
        ...

    def cut_short(self, call: ToolCallStep) -> CallAnswer:
        """The answer to a call of a round whose answering was cancelled."""
        ...

    def go_on_failing(self, call: ToolCallStep) -> AsyncGenerator[CallEvent | bool, None]:
        """Whether a call that failed in the same way again and again may be tried further.

        Yields the events of asking, and last the answer.
        """
        ...


class NoTools:
    """Offers nothing and says so to a model that calls all the same."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """No tools."""
        return ()

    async def answer(self, calls: Sequence[ToolCallStep]) -> AsyncGenerator[CallEvent, None]:
        """Say that there is no such tool; deny what the server wants: there is nobody to ask."""
        for call in calls:
            if call.hosted:
                yield Answered(call, nobody_to_approve(call))
            else:
                yield Answered(call, CallAnswer(unknown_tool(call.name, ()), Outcome.FAILED))

    def cut_short(self, call: ToolCallStep) -> CallAnswer:
        """It wasn't run."""
        return CallAnswer(NOT_RUN, Outcome.CANCELLED)

    async def go_on_failing(self, call: ToolCallStep) -> AsyncGenerator[CallEvent | bool, None]:
        """No: there is nobody to ask."""
        yield False


def nobody_to_approve(call: ToolCallStep) -> CallAnswer:
    """The answer to a server that wants the user's yes where nobody can be asked."""
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
