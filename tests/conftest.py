"""Fixtures that many tests use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from faultserver import FaultServer
from program import Program

# The same examples each time: a failure here is one that everybody has. With
# `--hypothesis-profile=search` others are tried.
settings.register_profile("same", derandomize=True, database=None)
settings.register_profile("search", max_examples=2000)
settings.load_profile("same")


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A scripted HTTP server on loopback."""
    with FaultServer() as running:
        yield running


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The real program, with nothing configured."""
    home = tmp_path / "home"
    home.mkdir()
    return Program(home)
