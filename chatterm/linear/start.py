"""Starting the linear mode: the terminal is looked at, and the first lines say what this is."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from chatterm import __version__
from chatterm.errors import ChattermError, ExitStatus, UsageError
from chatterm.linear.terminal import Terminal
from chatterm.linear.told import Signals
from chatterm.render.sanitize import sanitize

if TYPE_CHECKING:
    from chatterm.config import Config
    from chatterm.talking.options import AppOptions

_NO_EDITING = frozenset({"", "dumb", "unknown", "network", "emacs"})


def start(options: AppOptions, config: Config, reason: str) -> int:
    """Talk line by line, and return the exit status. Errors are told there.

    Args:
        options: What was asked for.
        config: The configuration.
        reason: Why it is done line by line.

    Raises:
        UsageError: There is no terminal to take keys from.
    """
    _take_keys()
    signals = Signals()
    editing = os.environ.get("TERM", "") not in _NO_EDITING and "INSIDE_EMACS" not in os.environ
    terminal = Terminal(signals, editing=editing)
    terminal.say(f"chatterm {__version__}, linear mode: {sanitize(reason)}.")
    terminal.say("The full screen: chatterm --no-plain.")
    from chatterm.linear.conversation import Conversation

    try:
        Conversation(options, config, terminal, signals).run()
    except ChattermError as error:
        terminal.say(f"error: {sanitize(error.message)}")
        if error.hint:
            terminal.say(f"hint: {sanitize(error.hint)}")
        return error.exit_status
    if signals.ended_by is not None:
        return 128 + signals.ended_by
    if terminal.gone:
        with suppress(OSError):  # the interpreter shouldn't try again
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return ExitStatus.HUNG_UP
    return ExitStatus.COMPLETED


def _take_keys() -> None:
    """Have the terminal at standard input.

    Raises:
        UsageError: There is none.
    """
    if sys.stdin is not None and os.isatty(0):
        return
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError as error:
        raise UsageError(
            f"there is no terminal to take keys from: {error.strerror or error}",
            hint='`chatterm ask "…"` needs none',
        ) from error
    if terminal != 0:
        os.dup2(terminal, 0)
        os.close(terminal)
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
