"""Which levels of the cage this machine has: found out by running a harmless command in each.

The command tries to write outside its cage. A level works when the command ran and that file isn't
there.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from chatterm.permissions.sandbox import starting
from chatterm.permissions.sandbox.levels import Cage, Finding, Findings, Level

_TIMEOUT_S = 10.0
_HELD = 42  # the exit status of a command that ran
_TRY = f'(: > "$1") 2>/dev/null; exit {_HELD}'


@functools.cache
def probe() -> Findings:
    """What each level can do here, the strongest first; found out once a process.

    Takes some tens of milliseconds, at most some seconds; blocks.
    """
    levels = [Level.BUBBLEWRAP, Level.LANDLOCK]
    if sys.platform == "darwin":
        levels = [Level.SEATBELT]
    return Findings((*map(_probe, levels), Finding(Level.NONE, works=True)))


def choose(wanted: str) -> Finding:
    """The level to use for what is configured.

    Args:
        wanted: `auto` for the best that works, or the name of a level.

    Returns:
        The finding on that level; when a named one doesn't work it says why, and nothing weaker is
        chosen instead.
    """
    findings = probe()
    return findings.of(findings.best if wanted == "auto" else Level(wanted))


def _probe(level: Level) -> Finding:
    with tempfile.TemporaryDirectory(prefix="chatterm-probe-") as base:
        inside, outside, temporary = (Path(base).resolve() / name for name in ("in", "out", "tmp"))
        for directory in (inside, outside, temporary):
            directory.mkdir()
        target = outside / "written"
        cage = Cage(temporary, inside)
        argv = ("/bin/sh", "-c", _TRY, "sh", str(target))
        try:
            answer, said = _run(level, cage, argv)
        except FileNotFoundError as error:
            return _missing(level, str(error))
        except (OSError, subprocess.SubprocessError) as error:
            return _missing(level, f"it can't be tried: {error}")
        if target.exists():
            return _missing(level, "a command in it could write outside")
    if answer.exit_code != _HELD:
        return _missing(level, answer.why or said or "a command in it didn't run")
    return Finding(level, works=True)


def _run(level: Level, cage: Cage, argv: tuple[str, ...]) -> tuple[starting.Answer, str]:
    """Run a command without an event loop; how it ended, and what it wrote."""
    environment = {"PATH": os.environ.get("PATH", os.defpath)}
    with starting.launch(argv, cage.temporary, environment, level, cage) as launched:
        launched.control.settimeout(_TIMEOUT_S)
        launched.control.sendall(launched.plan)
        data = b""
        while more := launched.control.recv(65_536):
            data += more
        os.set_blocking(launched.output, False)
        try:
            said = os.read(launched.output, 4096).decode("utf-8", "replace")
        except BlockingIOError:
            said = ""
    return starting.parsed(data), " ".join(said.split())


def _missing(level: Level, reason: str) -> Finding:
    remedy = ""
    if level is Level.BUBBLEWRAP:
        if "No such file" in reason:
            reason = "bwrap isn't installed"
            remedy = "install bubblewrap, such as with: apt install bubblewrap"
        elif "ermission" in reason or "not permitted" in reason:
            remedy = (
                "allow user namespaces, such as with: "
                "sysctl kernel.apparmor_restrict_unprivileged_userns=0"
            )
    elif level is Level.LANDLOCK and "turned off" in reason:
        remedy = "a kernel from 5.13 on, started with lsm=landlock,… on its command line"
    return Finding(level, works=False, reason=reason, remedy=remedy)
