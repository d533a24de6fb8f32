"""The tools of an `ask`: which the options name, and who is asked about their calls."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatterm.agent.tooling import Tooling, Wanted, open_tooling
from chatterm.config import TOOLS, Config
from chatterm.errors import ConfigError, UsageError
from chatterm.oneshot.asking import TerminalAsker, open_terminal
from chatterm.oneshot.options import AskOptions
from chatterm.permissions.rulewords import rule_of
from chatterm.permissions.sandbox.levels import Level

if TYPE_CHECKING:
    from chatterm.oneshot.narrator import Narrator
    from chatterm.store import Store

_ALL = "all"


@dataclass(frozen=True, slots=True)
class AskTooling:
    """The tools of one run.

    Attributes:
        tooling: The tools.
        terminal: The terminal that the user is asked at; None where nobody can be.
    """

    tooling: Tooling
    terminal: int | None

    def close(self) -> None:
        """Remove what the tools have made for themselves, and let the terminal go."""
        self.tooling.close()
        if self.terminal is not None:
            os.close(self.terminal)


def open_ask_tooling(
    options: AskOptions,
    config: Config,
    store: Store | None,
    narrator: Narrator,
    *,
    remote: bool = False,
) -> AskTooling | None:
    """The tools that the options name; None where they name none and none has to be approved.

    Args:
        options: The options.
        config: The configuration.
        store: Keeps what the tools change.
        narrator: Tells of what is worth a warning.
        remote: The provider has tools of its own that the user may have to approve.

    Raises:
        UsageError: The options don't go together, or name something that isn't there.
        ConfigError: A project's configuration is wrong, or the sandbox that is wanted doesn't work.
    """
    names = _names(options, config, remote=remote)
    if not names and not remote:
        return None
    rules = [rule_of(text, "allow") for text in options.allow]
    rules += [rule_of(text, "deny") for text in options.deny]
    level, chosen = _level(options, config, names)
    mode = config.permissions.mode
    if mode == "yolo":
        mode = "confirm"
        if not options.yes:
            narrator.warn("the mode yolo isn't taken from the configuration here; --yes says it")
    wanted = Wanted(names, mode, level, chosen, options.yes, rules)
    terminal = open_terminal() if options.may_ask else None
    asker = None if terminal is None else TerminalAsker(terminal, narrator.end_line)
    return AskTooling(open_tooling(wanted, config, store, asker), terminal)


def _names(options: AskOptions, config: Config, *, remote: bool) -> tuple[str, ...]:
    if not options.tools and not remote:
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
    if wanted == Level.NONE or not names or ("shell" not in names and not options.yes):
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
