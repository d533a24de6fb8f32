"""Fuzz for as long as there is time: `python tests/fuzz/run.py --minutes 10 [TARGET…]`.

Every target has its turn with a new seed, again and again. A finding is shrunk and printed as
source that can be pasted into a test; the exit status is 1 when there was one.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings

from fuzz.growth import CALLS_LIMIT, GROWTHS, TIME_LIMIT, Growth, calls_ratio, time_ratio
from fuzz.target import Target, call, no_hang
from fuzz.targets import TARGETS

_EXAMPLES = 60  # of a target at a time
_LONGEST = 2000  # characters of a reproduction; a longer one is cut, and says so


@dataclass
class Tally:
    """What came of one target."""

    examples: int = 0
    found: dict[str, str] = field(default_factory=dict)


def fuzz(target: Target, number: int, tally: Tally, examples: int = _EXAMPLES) -> str | None:
    """Try inputs that a seed gives; what is new among the failures, as text, or None."""
    failed: list[tuple[tuple[Any, ...], str]] = []

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(target.inputs)
    def attempt(arguments: tuple[Any, ...]) -> None:
        tally.examples += 1
        try:
            with no_hang():
                target.check(*arguments)
        except Exception:
            failed.append((arguments, traceback.format_exc(limit=-6)))
            raise

    try:
        attempt()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
        place = _place(error)
        if place in tally.found or not failed:
            return None
        arguments, trace = failed[-1]
        tally.found[place] = trace
        source = call(target.check, *arguments)
        if len(source) > _LONGEST:
            source = f"{source[:_LONGEST]}… ({len(source):,} characters; seed {number})"
        return f"=== {target.name}: {place} (seed {number})\n{trace}\n{source}\n"
    return None


def _place(error: BaseException) -> str:
    """What an error is and where it was raised: two that agree are one finding."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}"


def superlinear(growth: Growth) -> str | None:
    """What is wrong with how work grows, or None."""
    try:
        with no_hang(120):
            called, took = calls_ratio(growth), time_ratio(growth, least_s=0.05)
    except Exception:  # noqa: BLE001 - whatever it is, it is what we look for
        return f"{growth.name}: {traceback.format_exc(limit=-3)}"
    if called < CALLS_LIMIT and took < TIME_LIMIT:
        return None
    return f"{growth.name}: 4 times the input took {4 * called:.1f} times the calls and {4 * took:.1f} times the time"


def _all_growths(beginnings: Sequence[str]) -> int:
    chosen = [g for g in GROWTHS if not beginnings or g.name.startswith(tuple(beginnings))]
    found = 0
    for growth in chosen:
        if said := superlinear(growth):
            found += 1
            print(said, flush=True)
    print(f"{len(chosen)} inputs grew; {found} of them cost more than they should")
    return 1 if found else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="names, or how they begin")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long, all targets together")
    parser.add_argument("--seed", type=int, help="begin with this one, to see the same again")
    parser.add_argument("--list", action="store_true", help="only name the targets")
    parser.add_argument("--growth", action="store_true", help="instead: how the work grows")
    options = parser.parse_args(arguments)
    logging.disable()  # what is passed over is told there, a million times
    if options.growth:
        return _all_growths(options.targets)
    chosen = [
        t for t in TARGETS if not options.targets or t.name.startswith(tuple(options.targets))
    ]
    if options.list or not chosen:
        print("\n".join(target.name for target in TARGETS))
        return 0 if chosen else 2
    tallies = {target.name: Tally() for target in chosen}
    numbers = random.Random(options.seed)
    end = time.monotonic() + 60 * options.minutes
    first = options.seed
    while time.monotonic() < end:
        for target in chosen:
            number = numbers.randrange(2**32) if first is None else first
            if finding := fuzz(target, number, tallies[target.name]):
                print(finding, flush=True)
            if time.monotonic() >= end:
                break
        first = None
    width = max(map(len, tallies))
    print(f"{'target':{width}}  examples  found")
    for name, tally in tallies.items():
        print(f"{name:{width}}  {tally.examples:8}  {len(tally.found):5}")
    return 1 if any(tally.found for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
