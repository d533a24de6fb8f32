"""How the command line's help looks, the same in every command."""

from __future__ import annotations

from typing import Any

SETTINGS: dict[str, Any] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 80,
}
