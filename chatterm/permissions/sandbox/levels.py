"""The levels of the cage, and what one cage restricts: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypedDict


class Level(StrEnum):
    """How a command is caged, the strongest first."""

    BUBBLEWRAP = "bubblewrap"  # namespaces: a file system, processes and a network of its own
    LANDLOCK = "landlock"  # the kernel's own rules on files, and a filter of system calls
    SEATBELT = "sandbox-exec"  # macOS; written, never tested
    NONE = "none"  # only what no command needs: no keys, no terminal, and it all ends

    @property
    def caged(self) -> bool:
        """Whether the level restricts what a command can do."""
        return self is not Level.NONE

    @property
    def own_temporary(self) -> bool:
        """Whether `/tmp` itself is the private temporary directory inside the cage."""
        return self is Level.BUBBLEWRAP


@dataclass(frozen=True, slots=True)
class Cage:
    """What a command may do. All paths are real paths.

    Attributes:
        temporary: The private temporary directory; writable, and `TMPDIR`.
        workspace: Where it may write; None: nowhere but in `temporary`.
        writable: Where else it may write.
        protected: Where it may not write all the same, whether there is something yet or not.
        hidden: Files and directories that it can't read.
        network: Whether it may reach the network.
    """

    temporary: Path
    workspace: Path | None = None
    writable: tuple[Path, ...] = ()
    protected: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    network: bool = False

    @property
    def roots(self) -> tuple[Path, ...]:
        """The directories it may write below, the temporary one apart."""
        return (*filter(None, [self.workspace]), *self.writable)


class Plan(TypedDict):
    """What the supervisor is told: a cage and a command, as plain values that `marshal` writes."""

    level: str
    temporary: str
    writable: list[str]
    protected: list[str]
    hidden: list[str]
    network: bool
    argv: list[str]
    directory: str
    needed: list[str]  # what the launcher itself is made of; must stay readable


@dataclass(frozen=True, slots=True)
class Finding:
    """What probing found out about one level.

    Attributes:
        level: The level.
        works: Whether a command ran in it and was held.
        reason: Why it doesn't work; empty when it does.
        remedy: What would mend it: a command, or a clause; empty when nothing is known to.
    """

    level: Level
    works: bool
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """What probing found out about all levels, the strongest first."""

    each: tuple[Finding, ...] = field(default_factory=tuple)

    @property
    def best(self) -> Level:
        """The strongest level that works."""
        return next((found.level for found in self.each if found.works), Level.NONE)

    def of(self, level: Level) -> Finding:
        """What was found out about one level."""
        missing = Finding(level, works=False, reason="not for this system")
        return next((found for found in self.each if found.level is level), missing)
