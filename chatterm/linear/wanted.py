"""Whether the program is to talk line by line: asked for, or because of who reads the terminal.

What is asked for counts before what is found out. Nothing here takes longer than reading a few
small files of the kernel's: it comes before the first line of every start.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

Setting = Literal["auto", "on", "off"]

_NO_CURSOR = frozenset({"", "dumb", "unknown", "network", "emacs"})
"""Kinds of terminals that have no cursor to be addressed, or don't say what they are."""
_SAYING = ("ACCESSIBILITY_ENABLED", "ACCESSIBLE", "SCREEN_READER", "VSCODE_A11Y_MODE")
"""Variables that say that a screen reader is in use: of distributions, of other programs with such
a mode, of an editor's terminal."""
_EMACS_TERMINALS = ("term", "vterm", "eat")
"""Emacs's own emulators of a terminal, as they name themselves: they have a cursor."""
_READERS = frozenset({"orca", "fenrir", "brltty", "espeakup", "speechd-up", "yasr", "tdsr"})
"""Programs that read a screen aloud, or show it in Braille, as the kernel names them."""
_VOICE_OVER = ("defaults", "read", "com.apple.universalaccess", "voiceOverOnOffKey")
_LIMIT_S = 0.5
_NO = frozenset({"", "0", "no", "false", "off"})


def reason(
    flag: bool | None,
    setting: Setting,
    environ: Mapping[str, str],
    *,
    root: Path = Path("/"),
    platform: str = sys.platform,
) -> str | None:
    """Why the program talks line by line; None where it has the whole screen.

    Args:
        flag: What the command line says; None where it says nothing.
        setting: What the configuration says.
        environ: The environment; its CHATTERM_PLAIN comes before the configuration.
        root: Where the file systems of the kernel are.
        platform: The operating system, as `sys.platform` names it.
    """
    if flag is not None:
        return "asked for with --plain" if flag else None
    told = environ.get("CHATTERM_PLAIN")
    if told:
        return None if told.lower() in _NO else "asked for with CHATTERM_PLAIN"
    if setting != "auto":
        return "the configuration says ui.plain" if setting == "on" else None
    return _of_terminal(environ) or _of_reader(environ, root, platform)


def _of_terminal(environ: Mapping[str, str]) -> str | None:
    """What there is to be said of a terminal that can show no screen."""
    term = environ.get("TERM", "")
    if term in _NO_CURSOR:
        return f"TERM is {term}" if term else "TERM isn't set"
    inside = environ.get("INSIDE_EMACS", "")
    names = [word.partition(":")[0] for word in inside.split(",")]
    if inside and not set(names).intersection(_EMACS_TERMINALS):
        return "this is a shell within Emacs"
    return None


def _of_reader(environ: Mapping[str, str], root: Path, platform: str) -> str | None:
    """The screen reader that there is evidence of."""
    for name in _SAYING:
        if environ.get(name, "").lower() not in _NO:
            return f"{name} is set"
    if any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY")):
        return None  # who reads this sits elsewhere
    if platform == "darwin":
        return _voice_over(environ)
    if platform != "linux":
        return None
    if environ.get("TERM") == "linux" and (root / "sys/accessibility/speakup").is_dir():
        return "the kernel's screen reader, speakup, is loaded"
    found = next((name for name in _own_programs(root / "proc") if name in _READERS), None)
    return f"a screen reader is running: {found}" if found else None


def _own_programs(proc: Path) -> Iterator[str]:
    """The names of processes that may read this screen: the user's own, and the system's."""
    mine = {os.getuid(), 0}
    with suppress(OSError), os.scandir(proc) as entries:
        for entry in entries:
            if not entry.name.isdigit():
                continue
            with suppress(OSError):
                if entry.stat().st_uid in mine:
                    name = Path(entry.path, "comm").read_bytes()
                    yield name.rstrip(b"\n").decode("utf-8", "replace")


def _voice_over(environ: Mapping[str, str]) -> str | None:
    try:
        done = subprocess.run(
            _VOICE_OVER,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return "VoiceOver is on" if done.stdout.strip() == b"1" else None
