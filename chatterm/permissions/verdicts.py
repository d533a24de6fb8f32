"""What a tool call wants, and what the gate says of it: plain data.

A tool says what a call of it would touch (an *access*); the gate answers with a `Judgement`. Shell
analysis answers with a `Verdict` on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

Argv = tuple[str, ...]


class Decision(StrEnum):
    """What happens to a call."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class CallClass(StrEnum):
    """How well a call is understood, and what it does as far as it is."""

    READ_ONLY = "read_only"
    NEEDS_APPROVAL = "needs_approval"
    UNKNOWN = "unknown"


# --- what a call wants --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShellAccess:
    """Run a line through the shell, in a directory.

    Attributes:
        command: The line.
        directory: Where it runs.
        network: It asks for the network, which the cage closes.
        writable: It asks to write below these paths, too.
    """

    command: str
    directory: Path
    network: bool = False
    writable: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadAccess:
    """Read a file or list a directory; `recursive`: everything below it too.

    What rules close below a directory doesn't refuse the call: it is left out of it.
    """

    path: Path
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class WriteAccess:
    """Create, replace or change a file."""

    path: Path


@dataclass(frozen=True, slots=True)
class FetchAccess:
    """Fetch a page."""

    url: str
    host: str


@dataclass(frozen=True, slots=True)
class RemoteAccess:
    """Have the provider's server call a tool of another server; nothing of it runs here.

    Attributes:
        server: What the other server is called, in the provider's words.
        tool: The tool's name there.
        arguments: What it would be called with, as the model wrote it.
    """

    server: str
    tool: str
    arguments: str = ""


Access = ShellAccess | ReadAccess | WriteAccess | FetchAccess | RemoteAccess


# --- what shell analysis says -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """Every command was understood, and only reads what it may read unasked."""

    commands: tuple[Argv, ...]


@dataclass(frozen=True, slots=True)
class NeedsApproval:
    """Every command was understood as words; at least one may do more than read.

    Attributes:
        commands: The simple commands, in order.
        reason: Why it asks: one lower-case clause for people.
        sensitive: A path in it is sensitive or protected: no mode and no `--yes` answers for it.
    """

    commands: tuple[Argv, ...]
    reason: str
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """It isn't understood, so it asks, and is never offered "always".

    Attributes:
        reason: What isn't understood: one lower-case clause for people.
        commands: Simple commands that were recognised all the same, wrappers seen through, so that
            deny and ask rules can match them; never a reason to allow.
        sensitive: As in `NeedsApproval`, as far as it could be told.
    """

    reason: str
    commands: tuple[Argv, ...] = ()
    sensitive: bool = False


Verdict = ReadOnly | NeedsApproval | Unknown


# --- what the gate says -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate says of a call.

    Attributes:
        decision: Whether it runs, asks or is refused.
        call_class: How well it is understood.
        reason: Why: one lower-case clause for people.
        commands: For a shell line: its simple commands.
        rule: The rule that decided, as the configuration writes it; None when none did.
        sensitive: It touches a sensitive or protected path: only the user, asked about just this
            call, can allow it.
        caged: It runs unasked only because it runs inside the cage, without network.
        approved: Real paths outside the workspace, or sensitive ones, for which the decision
            counts: a tool may open them and no others there.
        hardened: A directory whose repository git has to be hardened for, as it only then reads.
        closed: Paths and globs that rules deny or ask about, as they are written: of what is read
            recursively the call leaves these out.
    """

    decision: Decision
    call_class: CallClass
    reason: str
    commands: tuple[Argv, ...] = ()
    rule: dict[str, Any] | None = None
    sensitive: bool = False
    caged: bool = False
    approved: frozenset[Path] = frozenset()
    hardened: Path | None = None
    closed: frozenset[str] = frozenset()
