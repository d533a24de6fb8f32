"""The gate's verdicts on shell lines: hostile ones against an everyday one.

Baseline: an everyday line of the same kind, judged in turn. A line that is long, deep or garbage
may take longer than a short one, but never long enough to be felt: a tenth of a second.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from chatterm.permissions.places import Places
from chatterm.permissions.shell.analysis import Surroundings, analyse
from harness import Row, in_turn

EVERYDAY = (
    "ls -la src",
    "cat README.md | head -20",
    "grep -rn 'def main' src --include='*.py' | sort | uniq -c",
    "cd src && sed -n '10,20p' main.py && wc -l main.py",
    "find . -name '*.py' -not -path './build/*' 2>/dev/null | head",
)
ONE = "grep -n 'def main' src/main.py 2>/dev/null | head -20"


def run(*, quick: bool) -> list[Row]:
    """Ratios of hostile lines to an everyday one; the growth with a line's length and its files."""
    runs = 5 if quick else 15
    with tempfile.TemporaryDirectory() as directory:
        gate = _Gate(Path(directory).resolve())
        return [
            gate.row("five everyday lines, each", EVERYDAY, 3, runs),
            gate.row("10,000 plain characters", ("echo " + "a" * 9_990,), 10, runs),
            gate.row("10,000 characters of words", ("echo " + "a " * 4_990,), 60, runs),
            gate.row("10,000 characters quoted", ("echo '" + "a b\n" * 2_490 + "'",), 30, runs),
            gate.row("1,000,000 characters", ("echo " + "a" * 1_000_000,), 150, runs),
            gate.row("3,000 parentheses, nested", ("(" * 3_000 + "ls" + ")" * 3_000,), 150, runs),
            gate.row(
                "2,000 substitutions, nested", ("echo " + "$(" * 2_000 + ")" * 2_000,), 60, runs
            ),
            gate.row("2,000 braces, nested", ("echo " + "{a," * 2_000 + "}" * 2_000,), 150, runs),
            gate.row("40 pipes", (" | ".join(["cat"] * 40),), 30, runs),
            gate.row("2,000 pipes", (" | ".join(["cat"] * 2_000),), 150, runs),
            gate.row("4,900 separators", (";" * 4_900,), 150, runs),
            gate.row("9,000 random characters", _garbage(9_000), 150, runs),
            gate.row("9,000 random quotes and operators", _operators(9_000), 150, runs),
            gate.growth(runs),
        ]


class _Gate:
    """A small workspace in which lines are judged."""

    def __init__(self, top: Path) -> None:
        self.workspace = top / "workspace"
        (self.workspace / "src").mkdir(parents=True)
        for name in ("README.md", "src/main.py"):
            (self.workspace / name).write_text("a line\n")
        places = Places.of(self.workspace, top / "home")
        self.surroundings = Surroundings(places, ("/usr/bin", "/bin"))

    def row(self, name: str, lines: Sequence[str], limit: float, runs: int) -> Row:
        measures = [lambda: self._of(lines), lambda: self._of((ONE,))]
        ours, baseline = in_turn(measures, runs)
        return Row(name, ours, baseline, "ms", limit=limit)

    def growth(self, runs: int) -> Row:
        """A character of a long line against one of a line a tenth as long."""
        long, short = "echo " + "ab " * 250, "echo " + "ab " * 25
        measures = [lambda: self._of((long,)) / 10, lambda: self._of((short,))]
        ours, baseline = in_turn(measures, runs)
        return Row("a word of 250 against one of 25", ours, baseline, "ms", limit=1.5, law=True)

    def _of(self, lines: Sequence[str]) -> float:
        """Milliseconds of CPU time for a verdict; the least of a few, for they are short."""
        least = float("inf")
        for _ in range(3):
            began = time.process_time()
            for line in lines:
                analyse(line, self.workspace, self.surroundings)
            least = min(least, time.process_time() - began)
        return 1000 * least / len(lines)


def _garbage(length: int) -> list[str]:
    dice = random.Random(1)
    return [dice.randbytes(length).decode("utf-8", "surrogateescape") for _ in range(3)]


def _operators(length: int) -> list[str]:
    dice = random.Random(2)
    return ["".join(dice.choices("'\"`$(){}[]|&;<>\\ \n#!*a", k=length)) for _ in range(3)]
