"""A process that streams turns into a store until it is killed, and says what it has done.

Run as `python streaming_child.py DIRECTORY SEED INTERVAL_MS`. On standard output, a line each:

    D TURN EVENT     this event was acknowledged, and it is one that has to be on the disk then
    T TURN EVENT     this event was taken; it may wait
    @ SECONDS        when what stands above was taken, on the clock that all processes share
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from pathlib import Path

from chatterm.events import Event, StepDelta, event_to_json
from chatterm.store import Store
from chatterm.store.pending import is_durable
from store.making import Making, begin, finished, started


def say(kind: str, *words: str) -> None:
    os.write(1, " ".join((kind, *words)).encode() + b"\n")


def told(turn: str, event: Event) -> tuple[str, str]:
    return turn, json.dumps(event_to_json(event))


def script(turn: str, chance: random.Random) -> list[Event]:
    """Texts in many deltas, calls with results, in some order."""
    make = Making(turn)
    events: list[Event] = []
    for number in range(chance.randrange(1, 6)):
        words = [f"{chance.random()} " for _ in range(chance.randrange(1, 40))]
        events += make.answer(*words, thinking="hm" if chance.random() < 0.5 else "")
        if chance.random() < 0.6:
            events += make.call(f"call{number}")
            if chance.random() < 0.5:
                events += make.asked(f"call{number}")
            events += make.result("x" * chance.choice([10, 1000, 300_000]), f"call{number}")
    return events


async def stream(directory: Path, seed: int, interval: int) -> None:
    chance = random.Random(seed)
    with Store.open(directory, persist_interval_ms=interval) as store:
        parent: str | None = None
        for number in range(10_000):
            turn = f"t{seed}-{number}"
            first = started(turn, parent, conversation=f"c{seed}")
            log = await begin(store, first)
            say("D", *told(turn, first))
            for event in [*script(turn, chance), finished()]:
                await log.record(event)
                say("D" if is_durable(event) else "T", *told(turn, event))
                if isinstance(event, StepDelta):
                    say("@", str(time.monotonic()))
                    await asyncio.sleep(chance.choice([0, 0, 0.001, 0.02]))
            log.close()
            parent = turn


def read(output: bytes) -> list[tuple[str, str, dict[str, object] | float]]:
    """What a child said, as far as its last whole line."""
    said: list[tuple[str, str, dict[str, object] | float]] = []
    for line in output.split(b"\n")[:-1]:
        kind, _, rest = line.decode().partition(" ")
        if kind == "@":
            said.append((kind, "", float(rest)))
        else:
            turn, _, event = rest.partition(" ")
            said.append((kind, turn, json.loads(event)))
    return said


if __name__ == "__main__":
    where, seed_, interval_ = sys.argv[1:]
    asyncio.run(stream(Path(where), int(seed_), int(interval_)))
