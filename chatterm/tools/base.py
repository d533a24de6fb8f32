"""What a tool is, and what a call of one works with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from chatterm.steps import Attachment, FileEdit, Outcome

if TYPE_CHECKING:
    from chatterm.permissions.verdicts import Access


class ToolError(Exception):
    """A call can't be done; the message goes to the model and says what to do instead.

    Attributes:
        outcome: What became of the call.
    """

    def __init__(self, message: str, outcome: Outcome = Outcome.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call gave.

    Attributes:
        content: What the model is told.
        outcome: What became of it.
        exit_code: The exit status of a command.
        whole: The whole output, when `content` is only a part of it: a file that the caller keeps
            in the store and removes.
        truncated: Whether `content` is only a part.
        attachments: Images that go to the model as images, with their content.
        edits: The files it changed.
    """

    content: str
    outcome: Outcome = Outcome.DONE
    exit_code: int | None = None
    whole: Path | None = None
    truncated: bool = False
    attachments: tuple[Attachment, ...] = ()
    edits: tuple[FileEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What is shown before a call is allowed.

    Attributes:
        diff: A unified diff of what would change; empty where nothing is shown.
    """

    diff: str = ""


@dataclass(slots=True)
class Workbench:
    """What the tools of one conversation share; it is cleared for the next one.

    Attributes:
        workspace: The real path of the workspace; None where there is none (the home directory).
        directory: The working directory of the next call; the shell tool moves it.
        keep: Keeps content by its digest (hexadecimal SHA-256) and returns the digest; durable when
            it returns. May block: tools call it in a thread.
        seen: Digest of each file's content as it was when it was last read or written here, by real
            path: an edit is refused when the file has changed since.
    """

    workspace: Path | None
    directory: Path
    keep: Callable[[bytes], str]
    seen: dict[Path, str] = field(default_factory=dict)
    _home: Path = field(init=False)

    def __post_init__(self) -> None:
        self._home = self.directory

    def clear(self) -> None:
        """Be as it was at first: another conversation has read no file and gone nowhere."""
        self.directory = self._home
        self.seen.clear()


@dataclass(frozen=True, slots=True)
class CallContext:
    """What one call works with.

    Attributes:
        bench: What the tools of the conversation share.
        timeout_s: Seconds before the call is stopped.
        max_output_bytes: How much of its output the model gets.
        output: Takes live output, for the screen; cheap, never blocks.
        caged: Whether a command runs inside the cage.
        network: Whether a command in the cage may use the network.
        writable: More paths a command in the cage may write below.
        approved_paths: Real paths that the user was asked about and allowed for this call, though
            they are outside the workspace or sensitive.
        closed_paths: Paths and globs that rules close: what is below a directory is read without
            them.
        cancelled: Set when the call is to stop and give what it has.
        environment: More variables for a command, such as those that harden git.
    """

    bench: Workbench
    timeout_s: float
    max_output_bytes: int
    output: Callable[[str], None]
    caged: bool = True
    network: bool = False
    writable: tuple[Path, ...] = ()
    approved_paths: frozenset[Path] = frozenset()
    closed_paths: frozenset[str] = frozenset()
    cancelled: asyncio.Event | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class Tool(Protocol):
    """A tool. Arguments given to its methods fit `parameters`; the caller has checked that."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    # Whether calls of it may run beside others: it changes nothing that another call looks at.
    independent: bool

    def summary(self, arguments: Mapping[str, Any]) -> str:
        """One line for people that says what the call does; works on partial arguments too."""
        ...

    def access(self, arguments: Mapping[str, Any], bench: Workbench) -> tuple[Access, ...]:
        """What the call would touch, for the gate.

        Raises:
            ToolError: The call can't be meant seriously (an empty path, say): it fails unasked.
        """
        ...

    def preview(self, arguments: Mapping[str, Any], bench: Workbench) -> Preview:
        """What is shown before the call is allowed; changes nothing.

        Raises:
            ToolError: The call would fail: nobody need be asked.
        """
        ...

    async def run(self, arguments: Mapping[str, Any], context: CallContext) -> ToolResult:
        """Do it. On cancellation, what it started is stopped before the CancelledError goes on.

        Raises:
            ToolError: It can't be done.
        """
        ...
