"""All targets there are."""

from __future__ import annotations

from fuzz import configs, decoders, gate, imports, markdown, screen, toolcalls
from fuzz.target import Target

_MODULES = (decoders, screen, markdown, gate, configs, imports, toolcalls)
TARGETS: list[Target] = [target for module in _MODULES for target in module.TARGETS]
