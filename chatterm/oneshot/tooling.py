"""The tools of an `ask`: which are offered, what decides about their calls, who is asked."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.agent.toolbox import Limits, Toolbox
from chatterm.config import TOOLS, Config, config_path, workspace
from chatterm.errors import ConfigError, UsageError
from chatterm.oneshot.asking import TerminalAsker, open_terminal
from chatterm.oneshot.options import AskOptions
from chatterm.permissions.gate import Posture
from chatterm.permissions.opening import Ground, open_gate
from chatterm.permissions.rulewords import rule_of
from chatterm.permissions.sandbox.levels import Level
from chatterm.tools.base import Tool, Workbench
from chatterm.tools.processes import protect_self
from chatterm.tools.registry import open_tools

if TYPE_CHECKING:
    from chatterm.oneshot.narrator import Narrator
    from chatterm.store import Store

_ALL = "all"


@dataclass(frozen=True, slots=True)
class Tooling:
    """The tools of one run.

    Attributes:
        toolbox: Answers the model's calls.
        system: What the model is told of where they work.
        tools: The tools themselves.
        terminal: The terminal that the user is asked at; None where nobody can be.
    """

    toolbox: Toolbox
    system: str
    tools: Sequence[Tool]
    terminal: int | None

    def close(self) -> None:
        """Remove what the tools have made for themselves."""
        for tool in self.tools:
            close: Callable[[], None] | None = getattr(tool, "close", None)
            if close is not None:
                close()
        if self.terminal is not None:
            os.close(self.terminal)


def open_tooling(
    options: AskOptions, config: Config, store: Store | None, narrator: Narrator
) -> Tooling | None:
    """The tools that the options name; None where they name none.

    Raises:
        UsageError: The options don't go together, or name something that isn't there.
        ConfigError: A project's configuration is wrong, or the sandbox that is wanted doesn't work.
    """
    names = _names(options, config)
    if not names:
        return None
    more = [rule_of(text, "allow") for text in options.allow]
    more += [rule_of(text, "deny") for text in options.deny]
    level, chosen = _level(options, config, names)
    directory = Path.cwd().resolve()
    ground = Ground.of(workspace(directory))
    mode = config.permissions.mode
    if mode == "yolo":
        mode = "confirm"
        if not options.yes:
            narrator.warn("the mode yolo isn't taken from the configuration here; --yes says it")
    posture = Posture(mode=mode, level=level, level_chosen=chosen, yes=options.yes)
    gate = open_gate(ground, config.permissions, posture, saves=config_path(), more=more)
    tools = open_tools(names, level=level, places=ground.places)
    bench = Workbench(ground.workspace, directory, store.put_blob if store else _digest)
    terminal = open_terminal() if options.may_ask else None
    asker = None if terminal is None else TerminalAsker(terminal, narrator.end_line)
    limits = Limits(config.tools, config.limits.max_parallel_tools, caged=level.caged)
    toolbox = Toolbox(
        tools, gate, bench, limits, asker=asker, cage=level.value, keeps=store is not None
    )
    protect_self()
    return Tooling(toolbox, _where(ground.workspace, directory), tools, terminal)


def _names(options: AskOptions, config: Config) -> tuple[str, ...]:
    if not options.tools:
        given = {
            "--allow": options.allow,
            "--deny": options.deny,
            "--yes": options.yes,
            "--sandbox": options.sandbox,
        }
        if alone := [name for name, value in given.items() if value]:
            hint = f"name the tools the model may use: -T NAME, or -T {_ALL}"
            raise UsageError(f"{alone[0]} says nothing without --tool", hint=hint)
        return ()
    names: list[str] = []
    for name in options.tools:
        if name == _ALL:
            names += config.tools.enabled
        elif name in TOOLS:
            names.append(name)
        else:
            known = ", ".join((*TOOLS, _ALL))
            raise UsageError(f"there is no tool {name[:40]!a}", hint=f"there are {known}")
    return tuple(dict.fromkeys(names))


def _level(options: AskOptions, config: Config, names: Sequence[str]) -> tuple[Level, bool]:
    """How commands are caged, and whether the user has named that level."""
    wanted = options.sandbox or config.tools.shell.sandbox
    if wanted not in {"auto", *Level}:
        known = ", ".join(("auto", *Level))
        raise UsageError(f"there is no sandbox {wanted[:40]!a}", hint=f"there are {known}")
    if wanted == Level.NONE or ("shell" not in names and not options.yes):
        return Level.NONE, wanted == Level.NONE
    from chatterm.permissions.sandbox.probing import choose, probe

    found = choose(wanted)
    if not found.works:
        raise ConfigError(
            f"the sandbox {wanted} doesn't work here: {found.reason}", hint=found.remedy
        )
    if options.yes and not found.level.caged:
        tried = [each for each in probe().each if each.level.caged]
        reasons = "; ".join(f"{each.level}: {each.reason}" for each in tried)
        raise ConfigError(
            f"--yes needs a sandbox, and none works here ({reasons})",
            hint="--sandbox none goes without one: commands could then do whatever you can",
        )
    return found.level, wanted != "auto"


def _where(workspace: Path | None, directory: Path) -> str:
    """What the model is told of the place; nothing that changes from call to call."""
    place = f"Your tools work on {platform.system()}, in the directory {directory}"
    if workspace is not None and workspace != directory:
        place += f" of the project {workspace}"
    return f"{place}. Paths may be relative to it."


def _digest(data: bytes) -> str:
    """Keeps nothing: a conversation that isn't kept has nothing to undo."""
    return hashlib.sha256(data).hexdigest()
