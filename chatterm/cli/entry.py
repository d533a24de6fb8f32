"""Where a command line goes: to the app, which loads next to nothing before it is seen, or on."""

from __future__ import annotations

import os
from collections.abc import Sequence

from chatterm.cli.interactive import app_options, run_app
from chatterm.errors import ChattermError, ExitStatus


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit status. Errors are printed, never raised.

    Args:
        arguments: The words after the program's name.
    """
    try:
        # A shell that completes a command line asks by this variable, and gives no words.
        options = None if "_CHATTERM_COMPLETE" in os.environ else app_options(arguments)
        if options is not None:
            return run_app(options)
    except ChattermError as error:
        from chatterm.render.console import print_error

        print_error(error.message, error.hint)
        return error.exit_status
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the edge: what nobody expected is logged and shown
        from chatterm.cli.main import unexpected

        return unexpected(error)
    from chatterm.cli.main import run as run_command

    return run_command(arguments)
