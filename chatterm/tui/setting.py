"""How the screen looks."""

from __future__ import annotations

from dataclasses import dataclass

from chatterm.tui.pane.palette import Palette
from chatterm.tui.steps.looks import Looks


@dataclass(slots=True)
class Setting:
    """How the screen looks.

    Attributes:
        looks: How steps are shown.
        palette: What roles look like.
    """

    looks: Looks
    palette: Palette
