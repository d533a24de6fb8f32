"""What tests of importers share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def data() -> Path:
    """The directory of small exports."""
    return Path(__file__).parent / "data"
