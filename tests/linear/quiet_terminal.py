"""A terminal that only listens, for what needs no real one."""

from __future__ import annotations


class Heard:
    """Keeps the lines that are said."""

    width = 80

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def end_line(self) -> None:
        """No line is being written."""
