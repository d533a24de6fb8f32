"""Colours on a terminal that has 256 of them, or 16: the one that looks nearest.

Rich takes what is dark and a little blue for navy: it rounds each channel by itself. Here the
nearest is told by how colours look, in Oklab (https://bottosson.github.io/posts/oklab/). A hue
weighs more than a shade, so that what is coloured stays coloured alike, and greys, of which there
are 24, take what is nearly grey.
"""

from __future__ import annotations

from functools import lru_cache
from math import cbrt, hypot
from typing import Any

from rich.color import Color, ColorSystem, ColorType
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from chatterm.tui.luminance import linear

_Oklab = tuple[float, float, float]

_SATURATED = 0.06
"""The chroma of what is meant to be coloured: a text of code, a link."""
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


@lru_cache(maxsize=4)
def _choices(system: ColorSystem, coloured: bool) -> dict[int, _Oklab]:
    """What a coloured or a greyish colour may become: one with a hue of its own keeps one."""
    if system is ColorSystem.STANDARD:  # as most terminals show them
        among = (number for number in range(16) if (number in _GREYS) is not coloured)
        return {number: _oklab(DEFAULT_TERMINAL_THEME.ansi_colors[number]) for number in among}
    fixed = {number: _oklab(Color.from_ansi(number).get_truecolor()) for number in range(16, 256)}
    return {number: each for number, each in fixed.items() if _chroma(each) > 0.01 or not coloured}


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
