"""What a tool's result says beside how it ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatterm.steps import ToolResultStep

_ENDED = re.compile(r"\Aexit status \d+, [\d.]+ s\n*")


def said_by(result: ToolResultStep) -> str:
    """The output, without the line that tells the model how a command ended."""
    if result.exit_code is None:
        return result.content
    return _ENDED.sub("", result.content, count=1)
