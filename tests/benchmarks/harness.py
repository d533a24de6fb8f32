"""What the benchmarks share: measuring, comparing in turn, and telling the result."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
_LOOP_MS = 12.0  # what the loop of `reference_ms` takes on the reference machine


@dataclass(frozen=True)
class Row:
    """One measured ratio and what it is held to.

    Attributes:
        name: What was compared.
        ours: Our figure, in `unit`.
        baseline: The baseline's, taken in the same run.
        unit: Of both.
        limit: The largest ratio that holds.
        law: A growth law: CI fails when it breaks.
    """

    name: str
    ours: float
    baseline: float
    unit: str
    limit: float
    law: bool = False

    @property
    def ratio(self) -> float:
        return self.ours / self.baseline

    @property
    def holds(self) -> bool:
        return self.ratio <= self.limit

    @property
    def breaks_ci(self) -> bool:
        """A growth law that is broken, or a ratio that is off by more than half."""
        return self.ratio > self.limit * (1 if self.law else 1.5)

    @property
    def verdict(self) -> str:
        return "holds" if self.holds else f"falls short by {self.ratio / self.limit - 1:.0%}"


def in_turn(measures: Sequence[Callable[[], float]], runs: int, *, warm_up: int = 1) -> list[float]:
    """The median of each measure, taken in turn (A B A B …) so that drift hits all alike."""
    samples: list[list[float]] = [[] for _ in measures]
    for run in range(runs + warm_up):
        for measure, kept in zip(measures, samples, strict=True):
            value = measure()
            if run >= warm_up:
                kept.append(value)
    return [statistics.median(kept) for kept in samples]


def reference_ms(milliseconds: float) -> float:
    """So many milliseconds of the reference machine, on this one: a fixed loop tells its speed."""
    return milliseconds * _speed()


@cache
def _speed() -> float:
    """How much longer this machine takes than the reference machine."""

    def loop() -> float:
        began = time.process_time()
        table = {n: str(n) for n in range(20_000)}
        for _ in range(5):
            "".join(text for n, text in table.items() if n % 3)
        return 1000 * (time.process_time() - began)

    return min(loop() for _ in range(60)) / _LOOP_MS


def child_cpu_ms(command: Sequence[str], env: dict[str, str] | None = None) -> float:
    """CPU milliseconds, user and system, that a process and its children take."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=os.environ | (env or {}),
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr.decode()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def child_costs(
    commands: Sequence[Sequence[str]], env: dict[str, str], runs: int
) -> list[tuple[float, float]]:
    """CPU and wall milliseconds of each command, run in turn: the median, and the least.

    A busy machine adds much to the wall time of some runs, and takes nothing from any.
    """
    samples: list[list[tuple[float, float]]] = [[] for _ in commands]
    for run in range(runs + 1):
        for command, kept in zip(commands, samples, strict=True):
            began = time.perf_counter()
            cpu = child_cpu_ms(command, env)
            if run:  # the first one warms up
                kept.append((cpu, 1000 * (time.perf_counter() - began)))
    return [
        (statistics.median(cpu for cpu, _ in kept), min(wall for _, wall in kept))
        for kept in samples
    ]


@contextmanager
def chat_server(tokens: int) -> Iterator[str]:
    """A Chat Completions server, in a process of its own, that floods so many tokens."""
    command = [sys.executable, str(HERE / "flood_server.py"), str(tokens)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def report(rows: Sequence[Row], notes: Sequence[str], *, as_json: bool) -> None:
    """Print the rows as a table and notes below it, or all as JSON."""
    if as_json:
        for row in rows:
            data = asdict(row) | {"ratio": row.ratio, "verdict": row.verdict}
            print(json.dumps(data))
        for note in notes:
            print(json.dumps({"note": note}))
        return
    width = max(len(row.name) for row in rows)
    print(f"{'':{width}}  {'ours':>9}  {'baseline':>9}         {'ratio':>6}  {'limit':>5}")
    for row in rows:
        print(
            f"{row.name:{width}}  {row.ours:9.2f}  {row.baseline:9.2f}  {row.unit:5}"
            f"  {row.ratio:6.2f}  {row.limit:5.2f}  {row.verdict}"
        )
    for note in notes:
        print(note)
