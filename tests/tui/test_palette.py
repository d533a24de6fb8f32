"""The looks of roles: what a program wrote can be read, whatever colours it chose."""

from __future__ import annotations

import pytest
from rich.color import Color
from rich.style import Style

from chatterm.tui.pane.palette import DARK

GROUND = Style.parse("#d1d9e0 on #0f1419")


@pytest.mark.parametrize(
    "roles", [("fg:#0f1419",), ("fg:#101418",), ("fg:0",), ("bg:#d1d9e0",), ("bg:1", "fg:#800000")]
)
def test_a_text_in_the_colour_of_its_ground_is_shown(roles: tuple[str, ...]) -> None:
    assert DARK.on(GROUND, ("bold", *roles)) == GROUND + Style(bold=True)


@pytest.mark.parametrize("roles", [("fg:#ff0000",), ("fg:2",), ("bg:#003300",), ("bg:4", "fg:15")])
def test_other_colours_stay(roles: tuple[str, ...]) -> None:
    assert DARK.on(GROUND, roles) == GROUND + DARK.style(roles)


def test_the_terminals_own_colours_are_not_guessed() -> None:
    ground = Style(color=Color.default(), bgcolor=Color.default())
    assert DARK.on(ground, ("fg:0",)) == ground + DARK.style(("fg:0",))
