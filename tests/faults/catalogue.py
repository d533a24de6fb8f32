"""All faults, and those of them that also strike after a tool has run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from faults import answers, connections, elsewhere, events
from faults.fault import CALLING, Fault

_AFTER_A_TOOL = (
    "closed before the answer",
    "reset before the answer",
    "silence",
    "an empty body",
    "closed in a character",
    "reset in a JSON string",
    "stalled between two events",
    "closed in a call's arguments",
    "reset after a whole call",
    "ended properly after a whole call",
    "status 400",
    "status 401",
    "status 413",
    "status 429",
    "status 500",
    "status 529",
    "quota with 429",
    "Retry-After 3600",
    "a page",
    "a gzip bomb",
    "overloaded after text",
    "overloaded after a call",
    "quota first",
    "no end",
    "at the token limit, with a call",
    "an event of nine megabytes",
    "redirect 307 to another host",
    "the key in an error 401",
)


def _all() -> Iterator[Fault]:
    first = [*connections.FAULTS, *answers.FAULTS, *events.FAULTS, *elsewhere.FAULTS]
    yield from first
    by_name = {fault.name: fault for fault in first}
    for name in _AFTER_A_TOOL:
        fault = by_name[name]
        protocols = tuple(p for p in fault.protocols if p in CALLING)
        yield replace(
            fault,
            name=f"after a tool: {name}",
            chapter="after a tool",
            second=True,
            protocols=protocols,
        )


FAULTS = tuple(_all())
assert len({fault.name for fault in FAULTS}) == len(FAULTS), "two faults have the same name"
