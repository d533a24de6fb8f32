"""The messages that the troubleshooting page explains are ones that the program has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
MESSAGES = [
    row.split(" | ")[0].removeprefix("| ")
    for row in PAGE.splitlines()
    if row.startswith("| ") and not row.startswith(("| message", "| ---"))
]
# Messages as they stand in the code, with what is filled in left out of sight.
WORDS = "\n".join(
    re.sub(r'"\s*\n\s*f?"', "", file.read_text("utf-8"))
    for file in (ROOT / "chatterm").rglob("*.py")
)


@pytest.mark.parametrize("message", MESSAGES)
def test_it_is_a_message_of_the_program(message: str) -> None:
    assert message in WORDS
