"""An hour's conversation through the real program, measured from outside as it goes on.

Figures are taken when nothing is under way, between laps that are all alike. `Soak.broken` says
what must not change, and by how much what may grow does.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soak import hour
from soak.model import Model
from soak.slopes import growth, noise, slope
from soak.user import User, children_of, environment, files_of, memory_of, processes_in

_REST_S = 4.5
"""After so long nothing is due any more: the longest that the status row says something."""
_RULES = """\
[permissions]
mode = "accept-edits"
rules = [
  {tool = "shell", argv = ["sleep"], prefix = true, decision = "allow"},
  {tool = "shell", argv = ["seq"], prefix = true, decision = "allow"},
]
"""
_POOLED = ("socket", "chatterm.db", "chatterm.db-wal")
MOST_POOLED = 12
"""One connection that writes and two that read, two files each; and some to the model."""
_PUMP = "MessagePump._process_messages"
KILOBYTES_A_STEP = 6.0
"""What a step may cost that lies behind: what it says is in the turn that later requests are made
of, in the item on the screen, and in the rows that were seen of it."""
CPU_GROWTH = 0.10
"""The part by which a turn may cost more CPU time at the end than half-way."""


@dataclass(frozen=True)
class Sample:
    """What the program held after so many turns.

    Attributes:
        turns: How many turns had ended.
        steps: How many steps the conversation shows.
        memory: Kilobytes of its own.
        files: What it had open, without what it keeps some of for the next use.
        pooled: How many of those: connections to the store and to the model.
        threads: Its threads, as it names them, without those of the pool, which has a size.
        tasks: Its asyncio tasks, as it names them; those of widgets aren't among them.
        pumps: Its tasks of widgets, without those of the steps near the screen.
        children: Its processes.
        objects: How many objects the garbage collector knew.
        cpu: CPU milliseconds of a turn, in the laps since the last sample.
    """

    turns: int
    steps: int
    memory: int
    files: tuple[str, ...]
    pooled: int
    threads: tuple[str, ...]
    tasks: tuple[str, ...]
    pumps: int
    children: int
    objects: int
    cpu: float


@dataclass
class Soak:
    """A run, and what came of it.

    Attributes:
        base: Where the program lives.
        samples: What was measured, the oldest first.
        turns: How many turns ended.
        ends: How they ended.
        seconds: How long all took.
        longest: The most bytes of a request.
        wrong: What was wrong with requests.
        left: What processes it left behind.
        checked: What `chatterm store check` said; empty when all is well.
        recorded: How many turns the store has.
    """

    base: Path
    samples: list[Sample] = field(default_factory=list)
    turns: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    longest: int = 0
    wrong: list[str] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    checked: str = ""
    recorded: int = 0

    def run(self, turns: int, *, laps: int, elsewhere: int, told: Callable[[str], None]) -> None:
        """Talk for so many turns.

        Args:
            turns: How many at least.
            laps: How many laps go between two samples.
            elsewhere: After how many laps another conversation is gone to and come back from.
            told: Is told how it goes.
        """
        began = time.monotonic()
        with Model() as model:
            prepare(self.base, model)
            with User(self.base) as user:
                user.until(lambda: user.model, "the model to be known")
                lap, cpu, since = 0, 0.0, 0
                while user.turns < turns:
                    before, ended = user.cpu(), user.turns
                    hour.lap(user, lap)
                    cpu, since = cpu + user.cpu() - before, since + user.turns - ended
                    lap += 1
                    if lap % laps == 0:
                        self.samples.append(_sample(user, 1000 * cpu / since))
                        told(_row(self.samples[-1]))
                        cpu, since = 0.0, 0
                    if lap % elsewhere == 0:
                        hour.elsewhere(user, lap)
                self.turns, self.ends = user.turns, user.ended
                user.type("\x04")
                assert user.wait(seconds=60) == 0
            self.longest, self.wrong = model.longest, model.wrong
        self.left = processes_in(self.base / "work")
        self.checked = store_check(self.base)
        self.recorded = count_turns(self.base)
        self.seconds = time.monotonic() - began

    @property
    def late(self) -> list[Sample]:
        """The second half of the samples: everything is loaded and every pool is full."""
        return self.samples[len(self.samples) // 2 :]

    def broken(self) -> Iterator[str]:
        """The promises that didn't hold, each in a line."""
        late = self.late
        for what in ("files", "threads", "tasks", "pumps", "children"):
            values = {getattr(sample, what) for sample in late}
            if len(values) > 1:
                yield f"{what} change: {' | '.join(map(str, sorted(values)))}"
        if max(sample.pooled for sample in late) > MOST_POOLED:
            yield f"connections: {[sample.pooled for sample in late]}, {MOST_POOLED} are right"
        if late[-1].children:
            yield f"{late[-1].children} children are left"
        memory = [(sample.steps, sample.memory) for sample in late]
        if slope(memory) > KILOBYTES_A_STEP:
            yield f"memory: {slope(memory):.1f} kB a step, {KILOBYTES_A_STEP} are right"
        cpu = [(sample.turns, sample.cpu) for sample in late]
        middle = statistics.median(sample.cpu for sample in late)
        if growth(cpu) > max(CPU_GROWTH * middle, 2 * noise(cpu)):
            yield f"CPU: a turn costs {growth(cpu):.1f} ms more at the end than {middle:.1f} before"
        if self.wrong:
            yield f"{len(self.wrong)} requests are wrong, the first: {self.wrong[0]}"
        if self.left:
            yield f"processes are left behind: {self.left}"
        if self.checked:
            yield f"chatterm store check: {self.checked}"
        if self.recorded != self.turns:
            yield f"{self.turns} turns ended, {self.recorded} are in the store"

    def slopes(self) -> list[str]:
        """What grew by how much, a line each."""
        late = self.late
        rows = []
        for what, unit in (("memory", "kB"), ("objects", ""), ("cpu", "ms")):
            points = [(sample.turns, float(getattr(sample, what))) for sample in late]
            middle = statistics.median(y for _, y in points)
            rows.append(
                f"{what:8} {middle:12.1f} {unit:2}  {slope(points):+9.4f} {unit} a turn, "
                f"{100 * growth(points) / middle:+6.1f} % over {len(points)} samples, "
                f"noise {100 * noise(points) / middle:.1f} %"
            )
        steps = [(sample.steps, float(sample.memory)) for sample in late]
        rows.append(f"memory   {slope(steps):.2f} kB a step")
        return rows


def prepare(base: Path, model: Model, more: str = "") -> None:
    """A home with a configuration, and a directory to work in."""
    (base / "config.toml").write_text(model.configuration() + _RULES + more, "utf-8")
    work = base / "work"
    (work / ".git").mkdir(parents=True)
    (work / "notes.txt").write_text("".join(f"note {n}\n" for n in range(60)), "utf-8")
    (work / "edited.txt").write_text("before\n", "utf-8")


def store_check(base: Path) -> str:
    """What `chatterm store check` finds wrong; empty when it is nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "chatterm", "store", "check"],
        env=environment(base),
        cwd=base / "work",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return "" if done.returncode == 0 else f"{done.returncode}: {done.stdout}{done.stderr}"


def count_turns(base: Path) -> int:
    """How many turns the store has that have ended, all branches of all conversations."""
    from chatterm.store import Store

    with Store.open(base / "data") as store:
        ids = [
            turn for row in store.list(limit=10_000) for turn, _ in store.tree(row.conversation.id)
        ]
        return sum(not turn.running for turn in store.turns(ids))


def _sample(user: User, cpu: float) -> Sample:
    user.quiet()
    user.pump(_REST_S)
    told: dict[str, Any] = user.sample()
    user.pump(0.2)
    tasks = [task for task in told["tasks"] if task != _PUMP]
    files = files_of(user.pid)
    lasting = [name for name in files if not name.endswith(_POOLED)]
    return Sample(
        turns=user.turns,
        steps=told["items"],
        memory=memory_of(user.pid),
        files=tuple(lasting),
        pooled=len(files) - len(lasting),
        threads=tuple(name for name in told["threads"] if not name.startswith("asyncio_")),
        tasks=tuple(tasks),
        pumps=len(told["tasks"]) - len(tasks) - told["widgets"],
        children=len(children_of(user.pid)),
        objects=told["objects"],
        cpu=cpu,
    )


def _row(sample: Sample) -> str:
    return (
        f"{sample.turns:6} turns {sample.steps:7} steps {sample.memory / 1024:8.1f} MB "
        f"{sample.objects:9} objects {len(sample.files) + sample.pooled:4} files "
        f"{len(sample.threads):3} threads {len(sample.tasks):3} tasks {sample.cpu:7.1f} ms"
    )
