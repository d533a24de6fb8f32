"""The gate's verdict on hostile lines: bounded, whatever a line holds.

Each is compared with what it may take, in CPU milliseconds of the reference machine, and an
everyday line with a bare parse of it by the same grammar.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from chatterm.permissions.places import Places
from chatterm.permissions.shell.analysis import Surroundings, analyse
from chatterm.permissions.shell.syntax import parser
from harness import Row, in_turn, reference_ms

EVERYDAY = "rg -n 'def main' src | head -20 && cat README.md | grep -c x; ls -la src 2>/dev/null"
LONGEST_MS = 250.0


def hostile() -> Iterator[tuple[str, str]]:
    """Names and lines."""
    chance = random.Random(3)
    yield "10,000 characters of words", "echo " + "word " * 1998
    yield "10,000 characters, one word", "echo " + "x" * 9990
    yield "nested parentheses", "(" * 4000 + "ls" + ")" * 4000
    yield "nested substitutions", "echo " + "$(" * 3000 + "ls" + ")" * 3000
    yield "nested braces", "{ " * 2500 + "ls" + "; }" * 1600
    yield "5,000 pipes", "a|" * 4999 + "a"
    yield "array assignments never closed", "a=(" * 3000
    yield "heredocs never closed", "cat <<A " * 1200
    yield "quotes never closed", "'\"" * 4500
    yield "dollars", "$" * 9999
    yield "brackets", "[[ " * 3300
    yield "random bytes", "".join(chr(chance.randrange(1, 256)) for _ in range(9999))
    yield "random shell", "".join(chance.choices("ls cat|&;()<>$`'\"\\{}[]*?#!~=\n", k=9999))


def run(*, quick: bool) -> list[Row]:
    """An everyday line against a bare parse; hostile lines against what they may take."""
    with tempfile.TemporaryDirectory() as base:
        work = Path(base).resolve()
        (work / "src").mkdir()
        (work / "README.md").write_text("x\n")
        surroundings = Surroundings(Places.of(work, None), ("/usr/bin", "/bin"))

        def judge(line: str) -> float:
            began = time.process_time()
            analyse(line, work, surroundings)
            return 1000 * (time.process_time() - began)

        def parse(line: str) -> float:
            began = time.process_time()
            parser().parse(line.encode())
            return 1000 * (time.process_time() - began)

        times = 50 if quick else 300
        ours, bare = in_turn([lambda: judge(EVERYDAY), lambda: parse(EVERYDAY)], times)
        rows = [Row("an everyday line against a bare parse", ours, bare, "ms", limit=60.0)]
        allowed = reference_ms(LONGEST_MS)
        for name, line in hostile():
            took = min(judge(line) for _ in range(2))
            rows.append(Row(name, took, allowed, "ms", limit=1.0))
        return rows
