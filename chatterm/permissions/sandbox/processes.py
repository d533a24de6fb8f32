"""Finding and ending everything that this process started, whatever session it has moved to.

As a *subreaper* it becomes the parent of what its children leave behind, so that everything they
ever started is below it. Elsewhere than on Linux only the process group is known.
"""

from __future__ import annotations

import os
import signal
import sys
import time

_PR_SET_CHILD_SUBREAPER = 36
_GIVE_UP_S = 5.0  # a process in the middle of a call to a broken device can't be killed
_LINUX = sys.platform.startswith("linux")


def adopt_orphans() -> None:
    """Become the parent of what children leave behind."""
    if _LINUX:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def below(root: int) -> list[int]:
    """The processes below one, as they are now; ended ones that nobody waited for left out."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if _LINUX else ():
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                # The name, in brackets, may hold anything; what follows the last one is plain.
                state, parent = file.read().rpartition(b") ")[2].split(b" ", 2)[:2]
        except (OSError, ValueError):
            continue
        if state not in b"ZX":
            children.setdefault(int(parent), []).append(int(name))
    found: list[int] = []
    waiting = [root]
    while waiting:
        inside = children.get(waiting.pop(), [])
        found += inside
        waiting += inside
    return found


def terminate(sparing: int) -> None:
    """Ask everything that was started to end, but for the child that waits for it."""
    for pid in below(os.getpid()):
        if pid != sparing:
            _send(pid, signal.SIGTERM)


def kill_all(uncounted: int = 0) -> int:
    """Kill everything that was started, and wait until it is gone.

    Args:
        uncounted: A process that is none of the command's.

    Returns:
        How many processes there were.
    """
    mine = os.getpid()
    count = sum(pid != uncounted for pid in below(mine))
    until = time.monotonic() + _GIVE_UP_S
    pause = 0.0005
    while time.monotonic() < until:
        for pid in below(mine):
            _send(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            break
        time.sleep(pause)
        pause = min(0.02, pause * 2)
    return count


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:  # it has ended, or has become another user's
        pass
