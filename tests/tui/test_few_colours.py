"""On a terminal of 256 colours or of 16, each colour becomes the one that looks nearest."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import product

import pytest
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chatterm.tui.few_colours import nearest_colour, suited, use_nearest_colours
from chatterm.tui.theme import CODE, MARKDOWN, STATES, look
from chatterm.tui.themes import find_themes, load_theme

COLOURED = [name for name in find_themes(None) if name != "ansi"]

# What a theme has, and what 256 colours show for it.
OF_256 = [
    ("dark user_band", "#1e2732", "#262626"),  # not navy
    ("dark background", "#0f1419", "#121212"),
    ("dark user", "#e6edf3", "#eeeeee"),  # not cyan
    ("fjord user_band", "#213341", "#303030"),  # not teal
    ("fjord muted", "#93a7b6", "#a8a8a8"),
    ("light user_band", "#e9eff6", "#eeeeee"),
    ("paper text", "#3a3027", "#303030"),  # not olive
    ("paper user_band", "#eee2cb", "#e4e4e4"),  # not pink
    ("dark keyword", "#ff9492", "#ff8787"),
    ("dark string", "#a5d6a7", "#afd7af"),
    ("light accent", "#0860ca", "#005fd7"),
    ("light error", "#a40e26", "#af0000"),
    ("paper number", "#83345f", "#87005f"),
    ("contrast-light warning", "#5c3500", "#875f00"),  # brown, though a grey is as near
    ("a colour of the cube", "#5f87af", "#5f87af"),
    ("a grey of the ramp", "#eeeeee", "#eeeeee"),
    ("black", "#000000", "#000000"),
    ("white", "#ffffff", "#ffffff"),
]


def shown(colour: str, system: ColorSystem) -> Color:
    return nearest_colour(Color.parse(colour), system)


def luminance(colour: tuple[int, int, int]) -> float:
    channels = [value / 255 for value in colour]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(part * c for part, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(("what", "colour", "near"), OF_256)
def test_of_256_colours_the_nearest_is_shown(what: str, colour: str, near: str) -> None:
    found = shown(colour, ColorSystem.EIGHT_BIT)
    assert found.get_truecolor().hex == near, what
    assert found.number is not None
    assert found.number >= 16, "schemes change the first sixteen"


@pytest.mark.parametrize(
    ("colour", "number"),
    [
        ("#0f1419", 0),
        ("#213341", 8),  # no blue
        ("#3a3027", 8),  # no red
        ("#cfdbe4", 7),
        ("#e6edf3", 15),
        ("#ff7b72", 9),
        ("#a40e26", 1),
        ("#0860ca", 4),
        ("#7ee787", 10),
        ("#ffd54a", 11),
    ],
)
def test_of_16_colours_greys_are_grey_and_others_are_not(colour: str, number: int) -> None:
    assert shown(colour, ColorSystem.STANDARD).number == number


def test_a_colour_that_the_terminal_has_is_left_alone() -> None:
    own = Color.parse("bright_red")
    assert nearest_colour(own, ColorSystem.EIGHT_BIT) == own
    assert nearest_colour(Color.default(), ColorSystem.STANDARD) == Color.default()
    assert nearest_colour(Color.parse("#1e2732"), ColorSystem.TRUECOLOR).triplet is not None
    assert nearest_colour(Color.from_ansi(208), ColorSystem.STANDARD).number in {3, 9, 11}


@pytest.mark.parametrize("name", COLOURED)
def test_themes_stay_legible_with_256_colours(name: str) -> None:
    theme = load_theme(find_themes(None)[name])

    def seen(role: str) -> float:
        colour = look(theme.roles[role]).colour or look(theme.roles["text"]).colour
        return luminance(shown(str(colour), ColorSystem.EIGHT_BIT).get_truecolor())

    surfaces = ("background", "panel", "user_band", "code_band")
    for role, surface in product((*STATES, *MARKDOWN, *CODE), surfaces):
        dark, light = sorted((seen(role), seen(surface)))
        least = 4.5 if role in {"text", "user", "muted", "code.text", "error"} else 3.5
        assert (light + 0.05) / (dark + 0.05) >= least, f"{role} on {surface}"
    assert seen("user_band") != seen("background")


def on_256() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, color_system="256")


@pytest.mark.parametrize("name", COLOURED)
def test_added_and_removed_lines_stay_apart_with_256_colours(name: str) -> None:
    theme = suited(load_theme(find_themes(None)[name]), on_256())
    roles = ("background", "diff_added_band", "diff_removed_band")
    seen = [shown(theme.roles[role], ColorSystem.EIGHT_BIT) for role in roles]
    assert len({each.number for each in seen}) == 3
    red, green, _ = seen[2].get_truecolor()
    assert red > green
    for role, band in product((*CODE, "text", "diff_added", "diff_removed"), seen[1:]):
        colour = look(theme.roles[role]).colour or look(theme.roles["text"]).colour
        text = luminance(shown(str(colour), ColorSystem.EIGHT_BIT).get_truecolor())
        dark, light = sorted((text, luminance(band.get_truecolor())))
        assert (light + 0.05) / (dark + 0.05) >= 3.5, role


@pytest.mark.parametrize(("name", "ground"), [("dark", "#303030"), ("light", "#ffffff")])
def test_bands_that_are_as_grey_as_their_ground_leave_it(name: str, ground: str) -> None:
    roles = ("background", "diff_added_band", "diff_removed_band")
    theme = load_theme(find_themes(None)[name])
    worn = suited(replace(theme, roles={**theme.roles, **dict.fromkeys(roles, ground)}), on_256())
    assert len({shown(worn.roles[role], ColorSystem.EIGHT_BIT) for role in roles}) == 3


def test_a_theme_is_worn_as_it_is_where_its_colours_can_be_seen() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    theme = load_theme(find_themes(None)["dark"])
    assert suited(theme, console) is theme
    ansi = load_theme(find_themes(None)["ansi"])
    assert suited(ansi, on_256()).roles == ansi.roles


def test_what_rich_and_textual_write_is_the_nearest() -> None:
    use_nearest_colours()
    console = Console(file=io.StringIO(), force_terminal=True, color_system="256")
    style = Style.parse("#e6edf3 on #1e2732")
    assert Strip([Segment("a", style)]).render(console) == "\x1b[38;5;255;48;5;235ma\x1b[0m"
