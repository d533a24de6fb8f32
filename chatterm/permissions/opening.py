"""The gate of a directory: the user's rules, what is remembered of it, and what it says itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chatterm.config import (
    ConfigPath,
    Permissions,
    Rule,
    data_dir,
    own_places,
)
from chatterm.permissions.gate import Gate, Keeper, Posture
from chatterm.permissions.places import Places
from chatterm.permissions.remembered import Memory
from chatterm.permissions.rereading import RuleFiles
from chatterm.permissions.rules import Scope


@dataclass(frozen=True, slots=True)
class Ground:
    """The directory that a gate stands before.

    Attributes:
        workspace: The real path of the workspace; None in the home directory.
        places: Which files are whose.
        memory: What is remembered of directories.
    """

    workspace: Path | None
    places: Places
    memory: Memory

    @staticmethod
    def of(workspace: Path | None) -> Ground:
        """The ground of a workspace, for the user that runs this."""
        return Ground(workspace, Places.of(workspace, home(), own_places()), Memory(data_dir()))


def open_gate(
    ground: Ground,
    permissions: Permissions,
    posture: Posture,
    *,
    saves: ConfigPath | None = None,
    more: Sequence[Rule] = (),
) -> Gate:
    """The gate with all rules that count in a directory, also when they change.

    Args:
        ground: The directory.
        permissions: The user's own, as configured.
        posture: What is settled beside rules; whether the directory is trusted is found out here,
            and a project may make the mode stricter.
        saves: The configuration file that rules for everywhere stand in, and are written to;
            None: nothing is written, and the user's rules stay as they are given.
        more: Rules for this run alone.

    Raises:
        ConfigError: The project's configuration, or what is remembered of it, is wrong.
    """
    files = RuleFiles(ground.workspace, ground.memory, saves, permissions.rules, tuple(more))
    keep = None if saves is None else _keeper(ground, saves)
    return Gate(ground.places, posture, keep=keep, search=search_path(), files=files)


def home() -> Path | None:
    """The user's home directory, where there is one."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def search_path() -> tuple[str, ...]:
    """The directories in which programs are looked for; an empty one is the current directory."""
    return tuple(os.environ.get("PATH", os.defpath).split(os.pathsep))


def _keeper(ground: Ground, saves: ConfigPath) -> Keeper:
    def keep(rule: Rule, scope: Scope) -> None:
        if scope is Scope.PROJECT and ground.workspace is not None:
            ground.memory.add(ground.workspace, rule)
        elif scope is Scope.EVERYWHERE:
            from chatterm.permissions.saving import add_rule

            add_rule(saves.path, rule)

    return keep
