"""Being told to end from outside: what runs is stopped and kept, and the terminal given back."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable

_ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def on_ending(leave: Callable[[int], None]) -> None:
    """Have the first signal that tells the process to end do something else than end it.

    The second one ends it at once, should leaving not come to its end.

    Args:
        leave: Is given the signal's number.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()

    def told(number: int, _frame: object) -> None:
        for each in _ENDING:
            signal.signal(each, signal.SIG_DFL)
        loop.call_soon_threadsafe(leave, number)

    # Not the loop's own handlers: who lends the terminal puts others in their place for a while.
    for each in _ENDING:
        signal.signal(each, told)
