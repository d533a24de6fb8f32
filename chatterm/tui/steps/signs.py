"""The signs in the gutter, in two sets: for terminals that have them, and for all others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signs:
    """What stands for what; those of the gutter are one cell wide."""

    user: str = "›"
    thinking: str = "∴"
    done: str = "●"
    still: str = "◌"
    asking: str = "?"
    denied: str = "⊘"
    failed: str = "✗"
    notice: str = "!"
    interrupted: str = "■"
    folded: str = "▸"
    unfolded: str = "▾"
    prompt: str = "❯"
    newline: str = "↵"
    wrapped: str = "↪"
    dots: str = "…"
    dot: str = "·"
    arrow: str = "→"
    minus: str = "−"
    dash: str = "–"
    rule: str = "─"
    running: tuple[str, ...] = ("⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏")


UNICODE = Signs()
ASCII = Signs(
    user=">",
    thinking="~",
    done="*",
    still="o",
    denied="-",
    failed="x",
    interrupted="#",
    folded="+",
    unfolded="-",
    prompt=">",
    newline="$",
    wrapped="\\",
    dots="...",
    dot="-",
    arrow="->",
    minus="-",
    dash="-",
    rule="-",
    running=("|", "/", "-", "\\"),
)


def signs_for(setting: str, environ: Mapping[str, str] = os.environ) -> Signs:
    """The signs for a setting of `ui.marks` and a terminal.

    Args:
        setting: `auto`, `unicode` or `ascii`.
        environ: The environment; tells of a Linux console and of the encoding.
    """
    if setting != "auto":
        return ASCII if setting == "ascii" else UNICODE
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    utf8 = "utf" in locale.lower() or not locale
    if environ.get("TERM") in {"linux", "dumb"} or not utf8:
        return ASCII
    return UNICODE
