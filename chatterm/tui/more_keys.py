"""Keys that terminals send in a way that Textual doesn't read: taught to it once."""

from __future__ import annotations

from enum import Enum
from typing import Any

from textual import _ansi_sequences


class _More(Enum):
    ALT_ENTER = "alt+enter"
    ALT_UP = "alt+up"
    ALT_DOWN = "alt+down"


_SEQUENCES = {
    "\x1b\r": _More.ALT_ENTER,
    "\x1b\n": _More.ALT_ENTER,
    "\x1b\x1b[A": _More.ALT_UP,
    "\x1b\x1b[B": _More.ALT_DOWN,
}


def teach() -> None:
    """Have Textual read these keys: Alt with a key, as terminals without a newer protocol do."""
    known: Any = _ansi_sequences.ANSI_SEQUENCES_KEYS
    for sequence, key in _SEQUENCES.items():
        known.setdefault(sequence, (key,))
