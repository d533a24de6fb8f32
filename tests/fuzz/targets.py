"""All targets there are."""

from __future__ import annotations

from fuzz import decoders, gate, markdown, screen
from fuzz.target import Target

TARGETS: list[Target] = [*decoders.TARGETS, *screen.TARGETS, *markdown.TARGETS, *gate.TARGETS]
