"""The entry of the `chatterm` command."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and end with its exit status."""
    # Start-up makes many objects and no garbage; looking for it would cost a twentieth of the time.
    # Whatever runs for longer turns collection on again.
    gc.disable()
    try:
        from chatterm.cli.entry import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # Ctrl+C before anything is there to be kept
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    main()
