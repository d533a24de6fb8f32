"""The soak in full: an hour's conversation, and whether anything grows that mustn't.

    python tests/soak/run.py [--turns N] [--keep DIR]

Prints a row for each sample, then the slopes of the second half; ends with 1 when a promise is
broken. Takes about half an hour on a quiet machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from soak.measuring import Soak


def main() -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=2000)
    parser.add_argument("--keep", type=Path, help="an empty directory for the program's home")
    wanted = parser.parse_args()
    if wanted.keep is not None:
        return _run(wanted.keep, wanted.turns)
    with tempfile.TemporaryDirectory(prefix="chatterm-soak-") as base:
        return _run(Path(base), wanted.turns)


def _run(base: Path, turns: int) -> int:
    soak = Soak(base)
    soak.run(turns, laps=2, elsewhere=12, told=lambda row: print(row, flush=True))
    ends = ", ".join(f"{count} {how}" for how, count in soak.ends.most_common())
    print(f"\n{soak.turns} turns in {soak.seconds:.0f} s: {ends}; the longest request had", end=" ")
    print(f"{soak.longest / 1000:.0f} kB")
    print(*soak.slopes(), sep="\n")
    broken = list(soak.broken())
    print(*broken or ["every promise holds"], sep="\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
