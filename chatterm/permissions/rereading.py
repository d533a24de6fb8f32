"""The rules of a directory as they are now: the files that hold them may change while we run.

Whoever removes a rule, or adds one that denies, in another window means the chatterm that is open
too. So before a call is judged the files are looked at (`stat`), and read again if they changed.
What is wrong with a file by then loosens nothing: what was in force stays, and it is told once.
"""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from chatterm.config import (
    ConfigPath,
    Permissions,
    Project,
    load_config,
    load_project,
    project_config_path,
    tighten,
)
from chatterm.config.schema import Mode, Rule
from chatterm.errors import ConfigError
from chatterm.permissions.remembered import Memory, Remembered

T = TypeVar("T")

# So long after its last change a file may be changed again with nothing to tell by.
_UNSETTLED_SECONDS = 2.0
_STAY = "the permission rules that were in force before stay"


@dataclass(frozen=True, slots=True)
class InForce:
    """What counts in a directory now.

    Attributes:
        rules: The rules.
        trusted: The directory is trusted.
        mode: The mode that the project asks for; the stricter of it and the user's counts.
    """

    rules: tuple[Rule, ...] = ()
    trusted: bool = False
    mode: Mode | None = None


class RuleFiles:
    """The files that the rules of a directory stand in. May be used from several threads.

    Args:
        workspace: The real path of the workspace; None in the home directory.
        memory: What is remembered of directories.
        own: The user's configuration file; None: its rules are as given for good.
        rules: The user's rules, as they were configured at the start.
        more: Rules that stand in no file.

    Raises:
        ConfigError: The project's configuration, or what is remembered of it, is wrong.
    """

    def __init__(
        self,
        workspace: Path | None,
        memory: Memory,
        own: ConfigPath | None,
        rules: tuple[Rule, ...],
        more: tuple[Rule, ...] = (),
    ) -> None:
        self._workspace, self._memory = workspace, memory
        self._own = own.path if own is not None else None
        self._rules, self._more = rules, more
        self._known = Remembered()
        self._project: Project | None = None
        self._trusted = False
        self._there: set[Path] = set()
        self._stamps: tuple[object, ...] | None = None  # not looked at yet
        self._told: dict[Path, str] = {}
        self._complaints: list[str] = []
        self._lock = threading.Lock()
        if workspace is not None:
            self._there = {path for path in self._paths if path != self._own and _is_file(path)}
            self._known = memory.of(workspace)
            self._project = self._load_project()
            self._trusted = self._trusts()

    def now(self) -> InForce:
        """What counts now. What can't be read is told by `complaints`, and loosens nothing."""
        with self._lock:
            stamps = tuple(_stamp(path) for path in self._paths)
            if stamps != self._stamps or _unsettled(stamps):
                self._read_again()
                self._stamps = stamps  # not before: what raises is to be read the next time, too
            project = self._project
            permissions = Permissions(rules=self._rules + self._known.rules)
            if project is not None:
                permissions = tighten(permissions, project)
            rules = permissions.rules + self._more
            return InForce(rules, self._trusted, project.mode if project else None)

    def complaints(self) -> tuple[str, ...]:
        """What is wrong with a file since it was read; each is told once."""
        with self._lock:
            found, self._complaints = tuple(self._complaints), []
            return found

    @property
    def _paths(self) -> tuple[Path, ...]:
        paths = () if self._own is None else (self._own,)
        if self._workspace is not None:
            paths = (*paths, self._memory.path, project_config_path(self._workspace))
        return paths

    def _read_again(self) -> None:
        own, workspace = self._own, self._workspace
        if own is not None:
            self._rules = self._read(
                own, lambda: load_config(own).permissions.rules, self._rules, gone=_restricting
            )
        if workspace is None:
            return
        self._known = self._read(
            self._memory.path,
            lambda: self._memory.of(workspace),
            self._known,
            gone=lambda known: Remembered(rules=_restricting(known.rules)),
        )
        # Trust is in a file's content: one that can't be read, or is gone, isn't what was trusted.
        path = project_config_path(workspace)
        self._project = self._read(
            path, self._load_project, self._project, broken=_restricted, gone=_restricted
        )
        self._trusted = self._trusts()

    def _load_project(self) -> Project | None:
        if self._workspace is None:
            return None
        trusted = self._known.trusted
        # What was read just now is what must be trusted, not what was there a moment ago.
        return load_project(
            project_config_path(self._workspace), trusts=lambda _path, digest: digest == trusted
        )

    def _trusts(self) -> bool:
        content = self._project.sha256 if self._project is not None else "none"
        return self._known.trusted == content

    def _read(
        self,
        path: Path,
        read: Callable[[], T],
        before: T,
        *,
        broken: Callable[[T], T] = lambda before: before,
        gone: Callable[[T], T],
    ) -> T:
        """What a file holds now; where that isn't known, what stays in force of before."""
        try:
            if not _is_file(path):  # a pipe was read once; what isn't there may have never been
                if path not in self._there:
                    return before
                # Who deletes a file allows nothing by it any more; what it denied may be missed.
                self._complain(path, f"{path} is gone: what it denied is still denied")
                return gone(before)
            self._there.add(path)
            found = read()
        except ConfigError as error:
            self._complain(path, f"{' '.join(error.message.split())}; {_STAY}")
            return broken(before)
        except OSError as error:
            self._complain(path, f"{path} can't be read: {error.strerror or error}; {_STAY}")
            return broken(before)
        self._told.pop(path, None)
        return found

    def _complain(self, path: Path, text: str) -> None:
        if self._told.get(path) != text:
            self._told[path] = text
            self._complaints.append(text)


def _restricting(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    return tuple(rule for rule in rules if rule.decision != "allow")


def _restricted(project: Project | None) -> Project:
    """What is left in force of a project's file that isn't what it was, and can't be read."""
    if project is None:
        return Project(Path(), "", None, ())
    return replace(project, sha256="", rules=_restricting(project.rules))


def _is_file(path: Path) -> bool:
    """Whether there is a regular file.

    Raises:
        OSError: That can't be found out.
    """
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _stamp(path: Path) -> tuple[int, ...] | str:
    """What tells a file from itself before a change."""
    try:
        found = path.stat()
    except OSError as error:
        return error.strerror or "unknown"
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev)


def _unsettled(stamps: tuple[object, ...]) -> bool:
    """Whether a file changed so lately that it may change again with the same times and size."""
    since = time.time_ns() - int(_UNSETTLED_SECONDS * 1e9)
    return any(isinstance(stamp, tuple) and max(stamp[:2]) > since for stamp in stamps)
