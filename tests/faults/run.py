"""Every fault, every protocol, through `ask` and the app; prints the table, fails on what fell.

python tests/faults/run.py                      all of it
python tests/faults/run.py --short              what the tests try
python tests/faults/run.py --only "tls: " --protocol chat
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
if sys.path[1:2] == [str(Path(__file__).resolve().parent)]:
    del sys.path[1]  # where modules would hide those of the library


def main() -> int:
    """Run it; 1 when a row didn't survive."""
    from faults.rows import full, short
    from faults.running import Results, everything

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="only what the tests try")
    parser.add_argument("--only", default="", metavar="WORDS", help="faults whose name has them")
    parser.add_argument("--protocol", default="", help="only this one")
    parser.add_argument("--through", choices=("ask", "app"), help="only through that")
    parser.add_argument("--jobs", type=int, default=4 * (os.cpu_count() or 1))
    options = parser.parse_args()
    plan = short() if options.short else full(options.only, options.protocol)
    if options.through == "ask":
        plan = replace(plan, sittings=(), alone=())
    elif options.through == "app":
        plan = replace(plan, asks=(), started=())
    results, began, said = Results(), time.monotonic(), 0.0
    whole = False
    try:
        for tried in everything(plan, options.jobs):
            results.tried.append(tried)
            if tried.complaints or time.monotonic() - said > 10:
                said = time.monotonic()
                so_far = f"{len(results.tried)} tried, {len(results.fallen)} fell"
                print(f"{said - began:6.0f} s  {so_far}", file=sys.stderr)
        whole = True
    except KeyboardInterrupt:
        print("interrupted: this is what was tried so far\n")
    if story := results.story():
        print(story, end="\n\n")
    print(results.table())
    print(f"\n{len(results.tried)} tried in {time.monotonic() - began:.0f} s, "
          f"{len(results.fallen)} not survived")  # fmt: skip
    return 0 if whole and results.tried and not results.fallen else 1


if __name__ == "__main__":
    sys.exit(main())
