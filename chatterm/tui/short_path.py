"""Directories as people write them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from chatterm.render.sanitize import sanitize_line

_LONGEST = 36


def short_path(path: Path) -> str:
    """A directory below the home as `~/…`, its middle left out where it is long."""
    with suppress(ValueError, RuntimeError):
        path = Path("~") / path.relative_to(Path.home())
    parts = path.parts
    if len(str(path)) > _LONGEST and len(parts) > 4:
        path = Path(*parts[:2], "…", *parts[-2:])
    return sanitize_line(str(path))
