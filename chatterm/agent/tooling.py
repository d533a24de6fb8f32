"""The tools of a conversation: which are offered, what decides about their calls, how they run."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.agent.toolbox import Limits, Toolbox
from chatterm.config import Config, Rule, config_path, workspace
from chatterm.config.schema import Mode
from chatterm.permissions.gate import Gate, Posture
from chatterm.permissions.opening import Ground, open_gate
from chatterm.permissions.sandbox.levels import Level
from chatterm.tools.base import Tool, Workbench
from chatterm.tools.processes import protect_self
from chatterm.tools.registry import open_tools
from chatterm.tools.scratch import clear_left

if TYPE_CHECKING:
    from chatterm.agent.questions import Asker
    from chatterm.store import Store


@dataclass(frozen=True, slots=True)
class Tooling:
    """The tools of a conversation, ready to be called.

    Attributes:
        toolbox: Answers the model's calls.
        gate: Decides about them.
        ground: Where they work, and what is remembered of it.
        bench: What the tools share.
        tools: The tools themselves.
        level: How commands are caged.
        system: What the model is told of where they work; empty where there are none.
    """

    toolbox: Toolbox
    gate: Gate
    ground: Ground
    bench: Workbench
    tools: Sequence[Tool]
    level: Level
    system: str

    def close(self) -> None:
        """Remove what the tools have made for themselves."""
        for tool in self.tools:
            close: Callable[[], None] | None = getattr(tool, "close", None)
            if close is not None:
                close()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of the tools.

    Attributes:
        names: The tools on offer.
        mode: The permission mode.
        level: How commands are caged.
        level_chosen: The user named that level.
        yes: All that no rule denies is allowed.
        rules: Rules for this run alone.
    """

    names: Sequence[str]
    mode: Mode = "confirm"
    level: Level = Level.NONE
    level_chosen: bool = False
    yes: bool = False
    rules: Sequence[Rule] = ()


def open_tooling(
    wanted: Wanted, config: Config, store: Store | None, asker: Asker | None
) -> Tooling:
    """The tools that are wanted, in the current directory.

    Args:
        wanted: Which, and how.
        config: Says what they may take, and which rules count.
        store: Keeps files as they were, and long output; None keeps nothing.
        asker: Asks the user; None where nobody can be asked.

    Raises:
        ConfigError: A project's configuration is wrong.
    """
    directory = Path.cwd().resolve()
    ground = Ground.of(workspace(directory))
    level = wanted.level
    posture = Posture(
        mode=wanted.mode, level=level, level_chosen=wanted.level_chosen, yes=wanted.yes
    )
    gate = open_gate(
        ground, config.permissions, posture, saves=config_path(), more=tuple(wanted.rules)
    )
    tools = open_tools(wanted.names, level=level, places=ground.places)
    bench = Workbench(ground.workspace, directory, store.put_blob if store else _digest)
    limits = Limits(config.tools, config.limits.max_parallel_tools, caged=level.caged)
    toolbox = Toolbox(
        tools, gate, bench, limits, asker=asker, cage=level.value, keeps=store is not None
    )
    protect_self()
    clear_left()
    where = _where(ground.workspace, directory) if tools else ""
    return Tooling(toolbox, gate, ground, bench, tools, level, where)


def _where(workspace: Path | None, directory: Path) -> str:
    """What the model is told of the place; nothing that changes from call to call."""
    place = f"Your tools work on {platform.system()}, in the directory {directory}"
    if workspace is not None and workspace != directory:
        place += f" of the project {workspace}"
    return f"{place}. Paths may be relative to it."


def _digest(data: bytes) -> str:
    """Keeps nothing: a conversation that isn't kept has nothing to undo."""
    return hashlib.sha256(data).hexdigest()
