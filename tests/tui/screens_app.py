"""A bare app under the screens, and how their tests look at them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from chatterm.tui.screens.pager import Pager

HOSTILE = "a \x1b]0;title\x07\x1b[31mred\x1b[0m \u202eevil [/] [bold]b[/bold]\nc\x9b2J"
"""What a stranger may call something."""
HARMLESS = "a red ⟨U+202E⟩evil [/] [bold]b[/bold]↵c"
"""How that is shown."""

each_size = pytest.mark.parametrize("size", [(40, 15), (120, 40)], ids=["40x15", "120x40"])


class ScreensApp(App[None]):
    """Something to be covered, and what the screen on it answered."""

    def __init__(self, keymap: dict[str, str] | None = None) -> None:
        super().__init__()
        self.answers: list[Any] = []
        self.copied: list[str] = []
        self._keys = keymap or {}

    def compose(self) -> ComposeResult:
        yield Static("underneath")

    def on_mount(self) -> None:
        self.set_keymap(self._keys)

    def on_pager_copy(self, event: Pager.Copy) -> None:
        self.copied.append(event.text)

    async def open(self, screen: Screen[Any], pilot: Pilot[None]) -> None:
        """Show a screen, and wait until it can be seen."""
        self.push_screen(screen, self.answers.append)
        await pilot.pause()
        await pilot.pause()


async def wait_until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Let the app go on until something is so."""
    for _ in range(1000):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError("it never came to be")


def rows(app: App[Any]) -> list[str]:
    """What is on the screen, row by row."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def shows(app: App[Any], text: str) -> bool:
    """Whether a text stands in a row of the screen."""
    return any(text in row for row in rows(app))


def row_of(app: App[Any], text: str) -> tuple[int, int]:
    """The cell in which a text begins, from the left and from above."""
    return next((row.index(text), y) for y, row in enumerate(rows(app)) if text in row)


def is_clean(app: App[Any]) -> bool:
    """Whether nothing is on the screen that a terminal would obey, or that reorders it."""
    return all(row.isprintable() for row in rows(app))
