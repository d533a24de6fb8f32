"""The conversation's own thread: turns run there while the user is waited for here.

Reading a line keeps the main thread, which is the only one that may: so everything else happens in
another one. What that has to say comes as calls, which the main thread makes when it has the time:
all that is written to the terminal is written by it alone.
"""

from __future__ import annotations

import asyncio
import os
import select
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from chatterm.agent.questions import Question, Reply
    from chatterm.errors import ChattermError
    from chatterm.events import Event
    from chatterm.steps import UserInput

T = TypeVar("T")


class Front(Protocol):
    """Who is told in the main thread what happens in the other one."""

    def show(self, event: Event) -> None:
        """An event of the conversation; it is recorded."""

    def trouble(self, error: ChattermError) -> None:
        """Something can't be done; the conversation goes on."""

    def unsent(self, message: UserInput) -> None:
        """A message wasn't sent, and is nowhere kept."""

    def dropped(self, commands: tuple[str, ...]) -> None:
        """Commands hold no more, as their conversation was left before it recorded them."""

    def answer(self, question: Question) -> Reply:
        """Ask the user about a call."""
        ...


class Backstage:
    """Runs what takes its time. It is told of the conversation as a `Listener`.

    Args:
        front: Is told in the main thread.
    """

    def __init__(self, front: Front) -> None:
        self._front = front
        self._calls: deque[Callable[[], None]] = deque()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="conversation")
        self._stop: Callable[[], object] | None = None
        self._thread.start()

    # --- from the main thread ---

    def run(self, work: Coroutine[Any, Any, T], *, stop: Callable[[], object] | None = None) -> T:
        """Have something done that takes its time, and wait for it; calls are made meanwhile.

        Args:
            work: What is done.
            stop: Ends it early, in its own thread; it is cancelled where that isn't given.

        Raises:
            KeyboardInterrupt: It was given up.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        future.add_done_callback(lambda _done: self.wake())
        before, self._stop = self._stop, stop or future.cancel
        try:
            while not future.done():
                self.wait(None)
                self.make_calls()
        except BaseException:
            future.cancel()
            raise
        finally:
            self._stop = before
        if future.cancelled():
            raise KeyboardInterrupt
        return future.result()

    def give_up(self) -> bool:
        """Stop what is waited for; whether anything is. From a signal's handler, too."""
        if self._stop is None:
            return False
        self.soon(self._stop)
        return True

    def do(self, deed: Callable[..., T], *arguments: Any) -> T:
        """Have something done in the conversation's thread that takes no time."""

        async def done() -> T:
            return deed(*arguments)

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result()

    def soon(self, deed: Callable[[], object]) -> None:
        """Have something done there, some time; from a signal's handler, too."""
        with suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(deed)

    def wait(self, seconds: float | None, *also: int) -> bool:
        """Wait for a call, or for something to be read.

        Args:
            seconds: How long at most.
            also: Descriptors that end the wait when there is something to be read.

        Returns:
            Whether one of the descriptors did.
        """
        ready = select.select([self._wake_read, *also], [], [], seconds)[0]
        if self._wake_read in ready:
            with suppress(BlockingIOError):
                os.read(self._wake_read, 4096)
        return any(each in ready for each in also)

    def make_calls(self) -> bool:
        """Make the calls that came; whether there were any."""
        made = False
        while self._calls:
            self._calls.popleft()()
            made = True
        return made

    def wake(self) -> None:
        """End a wait."""
        with suppress(BlockingIOError):
            os.write(self._wake_write, b".")

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        with suppress(RuntimeError):
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    # --- as a listener, from the other thread ---

    def on_session_event(self, event: Event) -> None:
        """An event of the conversation."""
        self.post(lambda: self._front.show(event))

    def on_trouble(self, error: ChattermError) -> None:
        """Something can't be done."""
        self.post(lambda: self._front.trouble(error))

    def on_unsent(self, message: UserInput) -> None:
        """A message wasn't sent."""
        self.post(lambda: self._front.unsent(message))

    def on_dropped(self, commands: tuple[str, ...]) -> None:
        """Commands hold no more."""
        self.post(lambda: self._front.dropped(commands))

    def on_change(self) -> None:
        """A turn may have ended."""
        self.wake()

    async def ask(self, question: Question) -> Reply:
        """Ask the user, in the main thread."""
        answered: Future[Reply] = Future()

        def put() -> None:
            if answered.set_running_or_notify_cancel():  # it may not be wanted any more
                answered.set_result(self._front.answer(question))

        self.post(put)
        waiting: Awaitable[Reply] = asyncio.wrap_future(answered)
        return await waiting

    def post(self, call: Callable[[], None]) -> None:
        """Have a call made in the main thread."""
        self._calls.append(call)
        self.wake()
