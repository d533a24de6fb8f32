"""Whether figures grow: a robust slope of them, and how far it is from none."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import combinations

_DEVIATION = 1.4826  # of a normal distribution, by its median absolute deviation


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The median of the slopes between all pairs of points (Theil and Sen).

    Raises:
        StatisticsError: There are fewer than two points.
    """
    found = [(y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in combinations(points, 2) if x1 != x0]
    return statistics.median(found)


def noise(points: Sequence[tuple[float, float]]) -> float:
    """By how much points lie off the line of their slope: as a standard deviation."""
    steep = slope(points)
    off = [y - steep * x for x, y in points]
    middle = statistics.median(off)
    return _DEVIATION * statistics.median(abs(each - middle) for each in off)


def growth(points: Sequence[tuple[float, float]]) -> float:
    """By how much the line of the slope rises from the first point to the last."""
    return slope(points) * (points[-1][0] - points[0][0])
