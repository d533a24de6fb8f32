"""How steps are shown, beside their colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chatterm.tui.steps.signs import UNICODE, Signs


@dataclass(slots=True)
class Looks:
    """How steps are shown, beside their colours.

    Attributes:
        signs: The signs.
        timestamps: Whether messages tell when they were sent.
        still: Nothing moves.
        now: The time, in seconds since the epoch.
    """

    signs: Signs = field(default_factory=lambda: UNICODE)
    timestamps: bool = False
    still: bool = False
    now: Callable[[], float] = lambda: 0.0
