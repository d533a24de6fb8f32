"""Colours on a terminal that has 256 of them, or 16: the one that looks nearest.

Rich takes what is dark and a little blue for navy: it rounds each channel by itself. Here the
nearest is told by how colours look, in Oklab (https://bottosson.github.io/posts/oklab/). A hue
weighs more than a shade, so that what is coloured stays coloured alike, and greys, of which there
are 24, take what is nearly grey.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from math import cbrt, hypot
from typing import TYPE_CHECKING, Any

from rich.color import Color, ColorSystem, ColorType
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from chatterm.tui.luminance import linear

if TYPE_CHECKING:
    from rich.console import Console

    from chatterm.tui.theme import Theme

_Oklab = tuple[float, float, float]

_SATURATED = 0.06
"""The chroma of what is meant to be coloured: a text of code, a link."""
_GREY = 0.01
"""The chroma that nobody sees as a colour."""
_HUE = 4.0
_CHROMA = 3.0
_GREYS = frozenset({0, 7, 8, 15})
_COARSER = {ColorSystem.EIGHT_BIT: ColorType.EIGHT_BIT, ColorSystem.STANDARD: ColorType.STANDARD}


def use_nearest_colours() -> None:
    """Have rich and Textual choose as we do, for the rest of the process."""
    replaced: Any = Color
    replaced.downgrade = nearest_colour


@lru_cache(maxsize=4096)
def nearest_colour(colour: Color, system: ColorSystem) -> Color:
    """A colour as a terminal has it that has fewer: of 256 only those that no scheme changes.

    Args:
        colour: Any.
        system: What the terminal has.
    """
    wanted = _COARSER.get(system)
    if wanted is None or colour.is_default or colour.system <= system:
        return colour
    seen = _oklab(colour.get_truecolor())
    among = _choices(system, _is_coloured(seen))
    return Color(
        colour.name, wanted, number=min(among, key=lambda one: _distance(seen, among[one]))
    )


def suited(theme: Theme, console: Console) -> Theme:
    """A theme as it is worn on a terminal: with 256 colours, added and removed lines stay apart.

    A faint green band and a faint red one would become the same grey. Each gets the faintest tint
    of its own that there is. On a dark ground what is added stays grey: the darkest green is too
    light for comments.
    """
    if console.color_system != "256":
        return theme
    ground = _of_256(theme.roles["background"])
    bands = {}
    for role, tints in _TINTS[theme.dark].items():
        own = _of_256(theme.roles[role])
        stays = theme.dark and role == "diff_added_band" and own != ground
        if _is_grey(own) and not stays:
            bands[role] = next(tint for tint in tints if _of_256(tint) != ground)
    return replace(theme, roles={**theme.roles, **bands})


_TINTS = {
    True: {"diff_added_band": ("#303030", "#444444"), "diff_removed_band": ("#5f0000", "#870000")},
    False: {"diff_added_band": ("#d7ffd7", "#afffaf"), "diff_removed_band": ("#ffd7d7", "#ffafaf")},
}
"""By whether a theme is dark: what grey bands become, the first that isn't the ground."""


def _of_256(colour: str) -> int | None:
    """The number of the colour that is shown; None for one that the terminal decides."""
    shown = nearest_colour(Color.parse(colour), ColorSystem.EIGHT_BIT)
    return shown.number if shown.type is ColorType.EIGHT_BIT else None


def _is_grey(number: int | None) -> bool:
    """Whether it is a grey that no scheme changes."""
    if number is None:
        return False
    return _chroma(_oklab(Color.from_ansi(number).get_truecolor())) <= _GREY


@lru_cache(maxsize=4)
def _choices(system: ColorSystem, coloured: bool) -> dict[int, _Oklab]:
    """What a coloured or a greyish colour may become: one with a hue of its own keeps one."""
    if system is ColorSystem.STANDARD:  # as most terminals show them
        among = (number for number in range(16) if (number in _GREYS) is not coloured)
        return {number: _oklab(DEFAULT_TERMINAL_THEME.ansi_colors[number]) for number in among}
    fixed = {number: _oklab(Color.from_ansi(number).get_truecolor()) for number in range(16, 256)}
    return {number: each for number, each in fixed.items() if _chroma(each) > _GREY or not coloured}


def _distance(wanted: _Oklab, other: _Oklab) -> float:
    lightness, a, b = wanted
    off = (_chroma(wanted) - _chroma(other)) ** 2
    hue = max(0.0, (a - other[1]) ** 2 + (b - other[2]) ** 2 - off)
    weight = _CHROMA if _is_coloured(wanted) else 1.0
    return (lightness - other[0]) ** 2 + weight * off + _HUE * hue


def _is_coloured(colour: _Oklab) -> bool:
    return _chroma(colour) >= _SATURATED


def _chroma(colour: _Oklab) -> float:
    return hypot(colour[1], colour[2])


def _oklab(colour: tuple[int, int, int]) -> _Oklab:
    red, green, blue = (linear(channel / 255) for channel in colour)
    long = cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )
