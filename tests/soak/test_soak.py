"""The soak in short: two laps of an hour's conversation, and nothing is left of the first one.

`python tests/soak/run.py` is the whole of it, and judges what a few minutes don't show: slopes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from soak.measuring import MOST_POOLED, Soak
from soak.slopes import growth, noise, slope

_MOST_GROWN_KB = 24_000
"""More than a lap's answers and the caches that fill with it; a leak is seen by the slopes."""


def test_a_lap_leaves_nothing_behind(tmp_path: Path) -> None:
    soak = Soak(tmp_path)
    soak.run(60, laps=1, elsewhere=1, told=print)
    first, last = soak.samples
    for what in ("files", "threads", "tasks", "pumps"):
        assert getattr(first, what) == getattr(last, what), what
    assert last.pooled <= MOST_POOLED
    assert first.children == last.children == 0
    assert last.memory - first.memory < _MOST_GROWN_KB
    assert soak.wrong == []
    assert soak.left == []
    assert soak.checked == ""
    assert soak.recorded == soak.turns
    assert {"completed", "interrupted", "failed"} == set(soak.ends)


class TestSlopes:
    def test_a_line_has_its_slope_and_no_noise(self) -> None:
        points = [(float(x), 2.0 * x + 1) for x in range(10)]
        assert slope(points) == 2
        assert noise(points) == 0
        assert growth(points) == 18

    def test_a_few_that_are_far_off_change_nothing(self) -> None:
        points = [(float(x), 3.0 * x) for x in range(21)]
        points[4], points[13] = (4.0, 5000.0), (13.0, -5000.0)
        assert slope(points) == pytest.approx(3)
        assert noise(points) == 0

    def test_what_only_shakes_has_none(self) -> None:
        points = [(float(x), 100.0 + (1, -1)[x % 2]) for x in range(20)]
        assert abs(growth(points)) <= 2 * noise(points)
