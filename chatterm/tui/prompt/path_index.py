"""The paths that `@` offers: a workspace's files and directories, gathered in a thread."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chatterm.permissions.places import Places
from chatterm.tools.base import ToolError
from chatterm.tools.opening import open_directory
from chatterm.tools.walking import Entry, ignored_below, walk

_IDLE = 5  # how much longer than gathering takes the next must wait


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is gathered, and how often.

    Attributes:
        most: How many paths.
        seconds: How long it may take.
        stale_s: After how many seconds they are gathered anew when they are asked for; later
            where gathering takes long.
    """

    most: int = 50_000
    seconds: float = 5.0
    stale_s: float = 10.0


class PathIndex:
    """Paths below a workspace, relative to a directory; directories end with `/`.

    What .gitignore leaves out, what is sensitive, `.git` and what is no file are left out; links
    aren't followed. Without a workspace there is only what is in the directory itself.

    Args:
        workspace: The real path of the workspace; None where there is none (the home directory).
        directory: What the paths are relative to.
        places: Which files are sensitive; None is by their names alone.
        changed: Called in another thread when `paths` would return others than before.
        bounds: How much is gathered, and how often.
        clock: Tells seconds.
    """

    def __init__(
        self,
        workspace: Path | None,
        directory: Path,
        *,
        places: Places | None = None,
        changed: Callable[[], None] | None = None,
        bounds: Bounds | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = Path(os.path.realpath(directory))
        self._root = self._directory if workspace is None else Path(os.path.realpath(workspace))
        self._deep = workspace is not None
        home = None if places is None else places.home
        # With the root as its workspace, whatever that is: names are all that is read here.
        self._places = Places.of(self._root, home, () if places is None else places.own)
        self._changed = changed
        self._bounds = bounds or Bounds()
        self._clock = clock
        self._paths: tuple[str, ...] = ()
        self._stale_at: float | None = None
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def paths(self) -> tuple[str, ...]:
        """What is known now, nearest first; gathering begins where that is nothing or old."""
        stale = self._stale_at is None or self._clock() > self._stale_at
        if stale and self._thread is None and not self._stopped.is_set():
            self._thread = threading.Thread(target=self._gather, name="paths", daemon=True)
            self._thread.start()
        return self._paths

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is being gathered; says whether that came within so many seconds."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def close(self) -> None:
        """Stop gathering, for good."""
        self._stopped.set()

    def _gather(self) -> None:
        began = self._clock()
        try:
            paths = tuple(sorted(self._found(), key=_nearness))
            differs = paths != self._paths
            self._paths = paths
            now = self._clock()
            self._stale_at = now + max(self._bounds.stale_s, _IDLE * (now - began))
            if differs and self._changed is not None and not self._stopped.is_set():
                self._changed()
        finally:
            self._thread = None

    def _found(self) -> list[str]:
        try:
            root = open_directory(self._root, self._places)
        except (OSError, ToolError):  # the workspace is gone, or can't be looked into
            return []
        until = self._clock() + self._bounds.seconds
        ignored = ignored_below(root.path, self._root)

        def skips(entry: Entry) -> bool:
            directory = stat.S_ISDIR(entry.status.st_mode)
            return self._skips(entry) or ignored.skips(entry.path, directory=directory)

        found: list[str] = []
        with root:
            for entry in walk(root, skips, lambda _entry: self._deep):
                if self._stopped.is_set() or self._clock() > until:
                    break
                if path := self._shown(entry):
                    found.append(path)
                if len(found) >= self._bounds.most:
                    break
        return found

    def _shown(self, entry: Entry) -> str:
        """A path relative to the directory; nothing for that itself and what is on the way to it.

        Those have names that nobody would write: `./`, `../`.
        """
        end = "/" if stat.S_ISDIR(entry.status.st_mode) else ""
        if self._directory == self._root:
            return entry.relative + end
        path = f"{entry.path}{end}"
        if f"{self._directory}/".startswith(path):
            return ""
        return os.path.relpath(entry.path, self._directory) + end

    def _skips(self, entry: Entry) -> bool:
        mode = entry.status.st_mode
        if entry.name == ".git" or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            return True
        # What can't be written on one line, or isn't text, can't be mentioned.
        if not entry.name.isprintable():
            return True
        return self._places.sensitive_name(entry.path) is not None


def _nearness(path: str) -> tuple[int, str]:
    return (path.rstrip("/").count("/"), path)
