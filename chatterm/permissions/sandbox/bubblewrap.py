"""bubblewrap: namespaces in which a command has its own file system, processes and network.

Everything is mounted read-only; what may be written is mounted over it. A directory on the way to
something protected is mounted onto itself: a mount point can't be renamed, so nobody moves `.git`
away and makes another with hooks of their own.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from chatterm.permissions.sandbox.levels import Plan

# Where sockets of other programs are found: a display, a terminal multiplexer, a container engine.
_COVERED = ("/run", "/var/tmp")  # noqa: S108 - covered, not used


def arguments(plan: Plan, protected: list[str]) -> list[str]:
    """The command line of `bwrap`, up to the command.

    Args:
        plan: What to run, and where it may write.
        protected: What can't be written; each exists.
    """
    temporary = os.path.realpath("/tmp")  # noqa: S108 - what is private is mounted there
    covered = [temporary, *(path for path in _COVERED if not os.path.islink(path))]
    hidden = [path for path in plan["hidden"] if os.path.exists(path)]
    command = [
        *("bwrap", "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc"),
        *("--unshare-user-try", "--cap-drop", "ALL"),
        *(() if plan["network"] else ("--unshare-net",)),
        *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
        *("--bind", plan["temporary"], temporary),
    ]
    for path in covered[1:]:
        if os.path.isdir(path):
            command += ("--tmpfs", path)
    for path in hidden:
        if not _below(path, [*covered, *plan["writable"]]):
            command += _hide(path)
    command += _kept_readable(plan, [*covered, *hidden])
    mounts = dict.fromkeys(plan["writable"], "--bind")
    for path in protected:
        for between in _between(path, plan["writable"]):
            mounts.setdefault(between, "--bind")
    mounts |= dict.fromkeys(protected, "--ro-bind")
    # What lies deeper is mounted later, over what lies above it.
    for path in sorted(mounts, key=lambda path: path.count("/")):
        command += (mounts[path], path, path)
    for path in hidden:
        if _below(path, plan["writable"]):
            command += _hide(path)
    return command


def _kept_readable(plan: Plan, covered: list[str]) -> list[str]:
    """Show again what has been covered though it is needed."""
    needed = list(plan["needed"])
    if plan["network"]:  # names are resolved through a file that is often in /run
        needed.append(os.path.realpath("/etc/resolv.conf"))
    command: list[str] = []
    for path in needed:
        if _below(path, covered):
            command += ("--ro-bind-try", path, path)
    return command


def _hide(path: str) -> list[str]:
    path = os.path.realpath(path)
    if os.path.isdir(path):
        return ["--tmpfs", path, "--remount-ro", path]
    return ["--ro-bind", "/dev/null", path]


def _below(path: str, roots: list[str]) -> bool:
    return any(path == root or path.startswith(root.rstrip("/") + "/") for root in roots)


def _between(path: str, roots: list[str]) -> list[str]:
    """The directories between a path and the writable one that it is in."""
    found = []
    path = os.path.dirname(path)
    while _below(path, roots) and path not in roots:
        found.append(path)
        path = os.path.dirname(path)
    return found
