"""How light colours are, and how well one stands out from another, as WCAG 2.2 defines it."""

from __future__ import annotations


def linear(channel: float) -> float:
    """A channel of sRGB, from 0 to 1, as an amount of light."""
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def luminance(red: float, green: float, blue: float) -> float:
    """The relative luminance of a colour in sRGB, all from 0 to 1."""
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


def contrast(one: float, other: float) -> float:
    """The contrast of two luminances: 1 where they are alike, 21 for black on white."""
    dark, light = sorted((one, other))
    return (light + 0.05) / (dark + 0.05)
