"""Fixtures that many tests use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faultserver import FaultServer
from program import Program


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
