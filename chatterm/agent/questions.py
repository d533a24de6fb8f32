"""Asking the user whether a call may run: what is asked, and what may be answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chatterm.config.schema import Rule
from chatterm.permissions.rules import Proposal, Scope
from chatterm.permissions.verdicts import (
    Access,
    FetchAccess,
    Judgement,
    ReadAccess,
    RemoteAccess,
    ShellAccess,
    WriteAccess,
)
from chatterm.steps import ToolCallStep


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a call may run.

    Attributes:
        call: The call.
        summary: What it does, in one line.
        reason: Why it is asked about.
        judgement: What the gate says of it; None for a call that a server wants approved.
        access: What it would touch.
        diff: What it would change, as a unified diff; may be empty.
        cage: The sandbox level that a command would run in.
        proposals: The rules that an answer beyond "once" may make.
        others: The calls of the round that come after it.
    """

    call: ToolCallStep
    summary: str
    reason: str
    judgement: Judgement | None = None
    access: tuple[Access, ...] = ()
    diff: str = ""
    cage: str = ""
    proposals: tuple[Proposal, ...] = ()
    others: tuple[ToolCallStep, ...] = ()

    def details(self) -> dict[str, Any]:
        """What the event of asking carries beside the ids."""
        found: dict[str, Any] = {"summary": self.summary, "reason": self.reason}
        if self.judgement is not None:
            found["class"] = self.judgement.call_class.value
            found["sensitive"] = self.judgement.sensitive
        for access in self.access:
            match access:
                case ShellAccess():
                    found |= {"command": access.command, "directory": str(access.directory)}
                    found |= {"cage": self.cage, "network": access.network}
                    found |= {"writable": [str(path) for path in access.writable]}
                case ReadAccess() | WriteAccess():
                    found["path"] = str(access.path)
                case FetchAccess():
                    found["url"] = access.url
                case RemoteAccess():
                    found |= {"server": access.server, "remote_tool": access.tool}
                    found["arguments"] = access.arguments
        if self.diff:
            found["diff"] = self.diff
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    """What the user answers.

    Attributes:
        allow: Whether the call may run.
        note: A note that goes to the model with the result.
        scope: How far a yes reaches.
        rule: The rule that a yes beyond "once" makes, as the user left it.
        arguments: The arguments to run with instead, when the user changed them.
        rest: The answer is for every call of the round that still waits, too.
        stop: The turn is to stop here.
    """

    allow: bool
    note: str = ""
    scope: Scope = Scope.ONCE
    rule: Rule | None = None
    arguments: Mapping[str, Any] | None = None
    rest: bool = False
    stop: bool = False


Asker = Callable[[Question], Awaitable[Reply]]
