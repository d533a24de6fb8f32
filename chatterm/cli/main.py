"""The command line's entry: global options, commands found by name, errors and exit statuses."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from chatterm import __version__
from chatterm.cli import completing
from chatterm.cli.commands import COMMANDS
from chatterm.cli.logs import set_up_logging
from chatterm.cli.plain_values import take_plainly
from chatterm.cli.saying import say
from chatterm.cli.styles import SETTINGS
from chatterm.errors import ChattermError, ExitStatus, UsageError
from chatterm.render.console import print_error, print_line

_OPTIONS_WITH_VALUE = ("--config", "--data-dir")


class _LazyGroup(TyperGroup):
    """Finds commands by name and imports only the one that runs."""

    def list_commands(self, _ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        command: Any = typer.main.get_command(import_module(COMMANDS[cmd_name][0]).app)
        command.name = cmd_name
        command.short_help = COMMANDS[cmd_name][1]
        take_plainly(command)
        return command


_app = typer.Typer(
    cls=_LazyGroup,
    name="chatterm",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=SETTINGS,
)


def _print_version(value: bool) -> None:
    if value:
        say(f"chatterm {__version__}")
        raise typer.Exit


@_app.callback(invoke_without_command=True)
def _global_options(
    ctx: typer.Context,
    # What the app alone takes has been read before anything comes here: these are for the help.
    go_on: Annotated[
        bool, typer.Option("-c", "--continue", help="The app: go on with the newest one here.")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(
            "-r",
            "--resume",
            metavar="[ID]",
            help="The app: that one; or choose one.",
            autocompletion=completing.conversations,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "-m",
            "--model",
            metavar="NAME",
            help="The app: who is asked.",
            autocompletion=completing.models,
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            metavar="MODE",
            help="The app: confirm, caged, accept-edits, plan or yolo.",
            autocompletion=completing.modes,
        ),
    ] = None,
    instructions: Annotated[
        bool | None,
        typer.Option(
            "--instructions/--no-instructions", help="The app: send AGENTS.md and its like."
        ),
    ] = None,
    plain: Annotated[
        bool | None,
        typer.Option("--plain/--no-plain", help="The app: line by line, without a screen."),
    ] = None,
    config: Annotated[
        str | None, typer.Option(metavar="FILE", help="The configuration file.")
    ] = None,
    data_dir: Annotated[
        str | None, typer.Option(metavar="DIR", help="Where conversations are kept.")
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Write more to the log; show tracebacks.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """A terminal chat client that reads every provider's stream.

    `chatterm [PROMPT]` is the app. What it takes stands below; it sends PROMPT at once.
    `chatterm -p PROMPT` is short for `chatterm ask PROMPT`.
    """
    if config is not None:
        from chatterm.config.paths import use_config

        use_config(config)
    if data_dir is not None:
        os.environ["CHATTERM_DATA_DIR"] = str(Path(data_dir).absolute())
    if debug:
        os.environ["CHATTERM_DEBUG"] = "1"
    set_up_logging(debug=is_debugging())
    if ctx.invoked_subcommand is None:
        raise UsageError("that isn't an option of the app", hint="`chatterm --help` lists them")
    given = (resume, model, mode, plain, instructions)
    if go_on or any(each is not None for each in given):
        raise UsageError(
            "-c, -r, -m, --mode, --plain and --instructions before a command are the app's; "
            f"`{ctx.invoked_subcommand}` takes its own after its name"
        )


def is_debugging() -> bool:
    """Whether `--debug` was given."""
    return bool(os.environ.get("CHATTERM_DEBUG"))


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit status. Errors are printed, never raised.

    Args:
        arguments: The words after the program's name.
    """
    set_up_logging(debug=is_debugging())
    try:
        status = _run(list(arguments))
        if sys.stdout is not None:
            sys.stdout.flush()
    except ChattermError as error:
        if error.exit_status != ExitStatus.PIPE_CLOSED:
            print_error(error.message, error.hint)
            _traceback_if_debugging()
        status = error.exit_status
    except (typer.Abort, KeyboardInterrupt):
        status = ExitStatus.INTERRUPTED
    except SystemExit as leaving:  # the library's answer to a closed pipe
        status = ExitStatus.PIPE_CLOSED if leaving.code == 1 else int(leaving.code or 0)
    except OSError as error:
        status = _failed_output(error)
    except Exception as error:  # noqa: BLE001 - the edge: what nobody expected is logged and shown
        status = unexpected(error)
    if status in (ExitStatus.PIPE_CLOSED, ExitStatus.OUTPUT):
        _silence_stdout()
    return status


def _run(arguments: list[str]) -> int:
    command: Any = typer.main.get_command(_app)
    take_plainly(command)
    result = command.main(
        args=expand_short_form(arguments), prog_name="chatterm", standalone_mode=False
    )
    return int(result) if isinstance(result, int) else ExitStatus.COMPLETED


def expand_short_form(arguments: list[str]) -> list[str]:
    """`-p`, where a command's name could stand, is `ask`."""
    position = 0
    while position < len(arguments) and arguments[position].startswith("-"):
        if arguments[position] == "-p":
            return [*arguments[:position], "ask", *arguments[position + 1 :]]
        position += 2 if arguments[position] in _OPTIONS_WITH_VALUE else 1
    return arguments


def _silence_stdout() -> None:
    """Keep the interpreter from flushing once more into what can't be written."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _failed_output(error: OSError) -> int:
    """An error of the system that no command has named: help or a list couldn't be written."""
    if error.filename is not None:
        return unexpected(error)
    if isinstance(error, BrokenPipeError):
        return ExitStatus.PIPE_CLOSED
    print_error(f"can't write to standard output: {error.strerror or error}")
    return ExitStatus.OUTPUT


def unexpected(error: Exception) -> int:
    """Log and tell an error that nobody expected; the exit status."""
    if callable(getattr(error, "format_message", None)):
        return _misused(error)
    from chatterm.config.paths import log_dir

    logging.getLogger("chatterm").error("unexpected error", exc_info=error)
    print_error(
        f"an error inside chatterm: {type(error).__name__}: {error}",
        f"the details are in {log_dir() / 'chatterm.log'}; please report it",
    )
    _traceback_if_debugging()
    return ExitStatus.INTERNAL


def _misused(error: Any) -> int:
    """The command line library's own complaint about usage."""
    if type(error).__name__ == "NoArgsIsHelpError":  # all that it has to say is the help
        print_line(error.format_message())
        return ExitStatus.USAGE
    if getattr(error, "possibilities", None):
        error.possibilities = _near_options(error.option_name, error.possibilities)
    message = error.format_message().replace(": Value error, ", ": ", 1)
    context = getattr(error, "ctx", None)
    name = context.command_path if context is not None else "chatterm"
    if context is not None:
        print_line(context.get_usage())
    print_error(message[:1].lower() + message[1:].rstrip("."), f"`{name} --help` says more")
    return ExitStatus.USAGE


def _near_options(given: str, options: Sequence[str]) -> list[str]:
    """Those that may be meant: all begin with dashes, which makes no two alike."""
    from difflib import SequenceMatcher

    name = given.lstrip("-")
    return [
        each for each in options if SequenceMatcher(None, name, each.lstrip("-")).ratio() >= 0.7
    ]


def _traceback_if_debugging() -> None:
    if is_debugging() and sys.stderr is not None:
        import traceback

        traceback.print_exc()
