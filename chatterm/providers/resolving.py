"""Looking up host names without making anybody wait for a lookup that hangs.

The event loop looks names up in threads, and both the loop and the interpreter wait for them at
their end: a name server that doesn't answer would hold the program up long after it gave up.
"""

from __future__ import annotations

import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DaemonExecutor(ThreadPoolExecutor):
    """Runs each call in a thread of its own that nobody waits for."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call; its outcome comes in the future."""
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - handed to whoever awaits the future
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=work, daemon=True, name="chatterm lookup").start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT002
        """There is nothing to wait for."""


def keep_lookups_apart(loop: AbstractEventLoop) -> None:
    """Make a loop look names up in threads that nobody waits for."""
    loop.set_default_executor(DaemonExecutor(max_workers=1))
