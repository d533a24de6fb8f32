"""Looking up host names without making anybody wait for a lookup that hangs.

The event loop looks names up in threads, and both the loop and the interpreter wait for them at
their end: a name server that doesn't answer would hold the program up long after it gave up.
"""

from __future__ import annotations

import socket
import threading
from asyncio import AbstractEventLoop, wrap_future
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


def keep_lookups_apart(loop: AbstractEventLoop) -> None:
    """Make a loop look names up in threads that nobody waits for."""

    async def getaddrinfo(host: Any, port: Any, **options: int) -> Any:
        lookup = partial(socket.getaddrinfo, host, port, **options)
        return await wrap_future(_apart(lookup), loop=loop)

    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign] # of this one loop only


def _apart(work: Callable[[], T]) -> Future[T]:
    """Do some work in a daemon thread of its own."""
    future: Future[T] = Future()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - handed to whoever awaits the future
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=run, daemon=True, name="chatterm lookup").start()
    return future
