"""Some examples of every fuzz target, the same each time; `run.py` tries others for longer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from fuzz import gate
from fuzz.target import Target, no_hang
from fuzz.targets import TARGETS


@pytest.fixture(scope="module", autouse=True)
def worlds() -> Iterator[None]:
    """What judging lines needs is gone afterwards."""
    yield
    gate.leave_worlds()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_must_hold_holds(target: Target) -> None:
    @settings(
        max_examples=target.examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs)
    def attempt(arguments: tuple[Any, ...]) -> None:
        with no_hang():
            target.check(*arguments)

    attempt()
