"""Four times the input costs four times the work: counted in calls, which is the same each time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fuzz import gate
from fuzz.growth import CALLS_LIMIT, GROWTHS, calls_ratio
from fuzz.target import no_hang


@pytest.fixture(scope="module", autouse=True)
def worlds() -> Iterator[None]:
    """What judging lines needs is gone afterwards."""
    yield
    gate.leave_worlds()


# One in ten, of each kind some; `run.py --growth` takes all, and CPU time as well.
@pytest.mark.parametrize("growth", GROWTHS[::10], ids=lambda growth: growth.name)
def test_the_work_grows_as_the_input_does(growth) -> None:
    with no_hang():
        assert calls_ratio(growth) < CALLS_LIMIT
