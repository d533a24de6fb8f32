"""Instructions and templates of the directory that chatterm was started in."""

from __future__ import annotations

from pathlib import Path

from chatterm.config import Config, config_path, workspace
from chatterm.permissions.opening import Ground
from chatterm.permissions.places import Places
from chatterm.prompts.instructions import Instructions
from chatterm.prompts.library import Library


def open_instructions(config: Config, places: Places | None = None) -> Instructions:
    """The instructions that hold here; none is read yet.

    Args:
        config: The configuration.
        places: What is where; None finds it out.
    """
    directory = Path.cwd().resolve()
    most = config.instructions.max_bytes
    return Instructions(directory, places or _places(), config_path().path.parent, most)


def open_library(places: Places | None = None) -> Library:
    """The templates there are; none is read yet."""
    return Library(config_path().path.parent, places or _places())


def _places() -> Places:
    return Ground.of(workspace(Path.cwd().resolve())).places
