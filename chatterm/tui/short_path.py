"""Directories as people write them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from chatterm.render.sanitize import sanitize_line

_LONGEST = 36


def short_path(path: Path) -> str:
    """A directory below the home as `~/…`, its middle left out where it is long."""
    path = _from_home(path)
    parts = path.parts
    if len(str(path)) > _LONGEST and len(parts) > 4:
        path = Path(*parts[:2], "…", *parts[-2:])
    return sanitize_line(str(path))


def whole_path(path: Path) -> str:
    """A path below the home as `~/…`, with all of its parts."""
    return sanitize_line(str(_from_home(path)))


def _from_home(path: Path) -> Path:
    with suppress(ValueError, RuntimeError):
        return Path("~") / path.relative_to(Path.home())
    return path
