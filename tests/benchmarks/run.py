"""Run the benchmarks: all, or those named.

    python tests/benchmarks/run.py [NAME…] [--json] [--ci]

`--ci` takes fewer samples and fails only when a growth law breaks or a ratio is off by more than
half; what fails is measured once more. Figures are ratios taken in one run; the machine's own speed
cancels out.
"""

from __future__ import annotations

import argparse
import compileall
import importlib
import sys
from pathlib import Path

from harness import report
from peers import standing

ALL = {
    "app": "bench_app",
    "ask": "bench_ask",
    "decode": "bench_decode",
    "gate": "bench_gate",
    "pane": "bench_pane",
    "render": "bench_render",
    "store": "bench_store",
    "whole": "bench_whole_app",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ALL))
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.add_argument("--ci", action="store_true", help="quick; fail only on what is clearly off")
    options = parser.parse_args()
    if unknown := set(options.names) - set(ALL):
        parser.error(f"no benchmark is named {', '.join(unknown)}; there are {', '.join(ALL)}")
    # An installed package has its bytecode; a checkout may not.
    package = Path(importlib.import_module("chatterm").__file__ or "").parent
    compileall.compile_dir(package, quiet=2)
    names = options.names or list(ALL)
    rows, notes = [], []
    for name in names:
        run = importlib.import_module(ALL[name]).run
        measured = run(quick=options.ci)
        if options.ci and any(row.breaks_ci for row in measured):
            # What else the machine does may upset one measurement; a broken law breaks both.
            notes += [
                f"{name}: measured again; at first {row.name} was {row.ratio:.2f} (limit "
                f"{row.limit:.2f})"
                for row in measured
                if row.breaks_ci
            ]
            measured = run(quick=True)
        rows += measured
    notes += standing() if {"app", "ask", "whole"} & set(names) else []
    report(rows, notes, as_json=options.json)
    failing = [row for row in rows if (row.breaks_ci if options.ci else not row.holds)]
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
