"""The time axis of a chart: where its ticks are, and how times are written."""

from __future__ import annotations

import math

_LONG = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
_ROOM = 9  # cells from one tick to the next, at least


def ticks(span: float, width: int) -> list[tuple[int, str]]:
    """The ticks of an axis from 0 to `span` seconds: the cell of each, and its label.

    Labels stand apart and end within the axis; the first is always there.
    """
    if span <= 0 or width <= 0:
        return [(0, "0 s"[: max(0, width)])]
    step = _step(span * _ROOM / width)
    found: list[tuple[int, str]] = []
    free = 0
    for number in range(int(span / step) + 1):
        at = number * step
        cell = int(at / span * width + 1e-9)
        label = _label(at, span, step)
        if cell >= free and cell + len(label) <= width:
            found.append((cell, label))
            free = cell + len(label) + 2
    return found


def _step(least: float) -> float:
    """The least sensible distance of ticks that is at least so many seconds."""
    if least > 30:
        return next((step for step in _LONG if step >= least), math.ceil(least / 86_400) * 86_400)
    if least > 5:
        return next(step for step in (10, 15, 30) if step >= least)
    power: float = 10.0 ** math.floor(math.log10(max(least, 0.001)))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= least * (1 - 1e-9))


def _label(at: float, span: float, step: float) -> str:
    if span >= 7200:
        return f"{int(at // 3600)}h{int(at % 3600 // 60):02}"
    if span >= 120:
        return f"{int(at // 60)}:{int(at % 60):02}"
    if at == 0:
        return "0 s"
    return f"{at:.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"


def seconds(took: float) -> str:
    """How long something took, in few characters: `0.04 s`, `4.2 s`, `38 s`, `2:05`, `1h04`."""
    if took < 0.095:
        return f"{took:.2f} s"
    if took < 9.95:
        return f"{took:.1f} s"
    if took < 119.5:
        return f"{took:.0f} s"
    whole = round(took)
    if whole < 7200:
        return f"{whole // 60}:{whole % 60:02}"
    return f"{whole // 3600}h{whole % 3600 // 60:02}"
