"""The weights of the small model that tests run, where they were fetched to."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HOME = Path(sys.prefix) / "chatterm-models"
"""The data directory that `.ci/run` installs the model into."""
WEIGHTS = HOME / "models" / "smollm2.gguf"

needs_model = [
    pytest.mark.model,
    pytest.mark.skipif(
        find_spec("xllamacpp") is None, reason="the extra chatterm[local] is missing"
    ),
    pytest.mark.skipif(
        not WEIGHTS.is_file(),
        reason="no weights: chatterm --data-dir .venv/chatterm-models models install smollm2",
    ),
]


def use_weights(data: Path) -> None:
    """Have a data directory hold the weights, too."""
    models = data / "models"
    models.mkdir(parents=True)
    (models / "smollm2.gguf").symlink_to(WEIGHTS)
