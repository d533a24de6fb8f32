"""A process that streams turns into a store until it is killed, and says what it has done.

Run as `python streaming_child.py INTERVAL_MS`, it reads JSON lines `[DIRECTORY, SEED, OUTPUT]` and
answers each with the process id of a child of its own that streams: forked, because starting an
interpreter takes longer than what is tested. Into the file OUTPUT goes, a line each:

    D TURN EVENT     this event was acknowledged, and it is one that has to be on the disk then
    T TURN EVENT     this event was taken; it may wait
    @ SECONDS        when what stands above was taken, on the clock that all processes share
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
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


def serve(interval: int) -> None:
    """Fork a streaming child for each line of standard input; who is killed leaves no zombie."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        directory, seed, output = json.loads(line)
        child = os.fork()
        if child == 0:
            os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT, 0o600), 1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asyncio.run(stream(Path(directory), seed, interval))
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
