"""What is fuzzed: a strategy of plain data, and a check that holds for all of it.

An input is data whose `repr` makes it again, so that what is found can be pasted into a test.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hypothesis.strategies import SearchStrategy

HANG_S = 20.0  # of CPU for one input: a thousand times what any takes, so no law of speed


@dataclass(frozen=True)
class Target:
    """One thing that takes strangers' input.

    Attributes:
        name: What it is called on the command line: its group, a slash, and a name of its own.
        inputs: The strategy of its inputs, each a tuple of the check's arguments.
        check: Takes one input; raises an exception (an AssertionError, or what the program let
            through) where something doesn't hold.
        examples: How many are tried in a normal test run.
    """

    name: str
    inputs: SearchStrategy[tuple[Any, ...]]
    check: Callable[..., None]
    examples: int = 40


class HangError(Exception):
    """One input took too long to be anything but a hang."""


@contextmanager
def no_hang(seconds: float = HANG_S) -> Iterator[None]:
    """Break off what takes more CPU than this; other processes' doings don't count."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: object) -> None:
        raise HangError(f"more than {seconds:g} s of CPU")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def call(check: Callable[..., None], *arguments: Any) -> str:
    """A call of a check as source that can be pasted."""
    module = check.__module__
    inside = ", ".join(map(repr, arguments))
    return f"from {module} import {check.__name__}\n\n{check.__name__}({inside})"
