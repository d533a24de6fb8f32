"""Whether chatterm was ever here: the first run is greeted once, and never again."""

from __future__ import annotations

import os
from pathlib import Path

MARK = "welcomed"
STORE = "chatterm.db"
_SAID = (
    "chatterm has shown its first run on this machine; `chatterm config init` shows the setup.\n"
)


def is_new(config: Path, data: Path) -> bool:
    """Whether there is neither a configuration, nor a store, nor the mark of an earlier run.

    Args:
        config: The configuration file.
        data: The directory of the store.
    """
    return not any(os.path.lexists(path) for path in (config, data / STORE, data / MARK))


def leave_mark(data: Path) -> bool:
    """Leave the mark in the directory of the store, which is made where it is missing.

    Returns:
        Whether it is there now. Where it can't be left, the first run would come again each time.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data / MARK).write_text(_SAID, "utf-8")
    except OSError:
        return False
    return True
