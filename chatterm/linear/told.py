"""Being told to end, and Ctrl+C: what a signal does while the user is waited for, and else."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGHUP, signal.SIGTERM)
_DEAF_S = 0.05
"""A signal that nobody has heeded for so long is sent again."""


class Ended(BaseException):
    """The process was told to end while it waited for the user."""


class Signals:
    """What the process is told by signals. Handlers run in the main thread alone.

    Attributes:
        ended_by: The signal that told it to end, if one did.
    """

    def __init__(self) -> None:
        self.ended_by: int | None = None
        self._waiting = False
        self._heeded = 0
        self._stop: Callable[[], None] = lambda: None

    def listen(self, stop: Callable[[], None]) -> None:
        """Take the signals from now on.

        Args:
            stop: Stops what is under way; called in the midst of anything else.
        """
        self._stop = stop
        for number in (signal.SIGINT, *_ENDING):
            signal.signal(number, self._told)
        self._bell, rings = os.pipe()
        for each in (self._bell, rings):
            os.set_blocking(each, False)
        signal.set_wakeup_fd(rings, warn_on_full_buffer=False)
        main = threading.get_ident()
        threading.Thread(target=self._insist, args=(main,), name="signals", daemon=True).start()

    def _insist(self, main: int) -> None:
        """See to it that a signal is heeded.

        The line editor looks at signals only while it waits for a key: one that comes while it
        takes the key before would be heeded with the next one.
        """
        while True:
            select.select([self._bell], [], [])
            heeded = self._heeded
            time.sleep(_DEAF_S)
            if heeded != self._heeded:
                continue
            numbers = self._silence()
            if heeded == self._heeded:
                for number in {signal.SIGINT, signal.SIGTSTP, *_ENDING}.intersection(numbers):
                    signal.pthread_kill(main, number)

    def _silence(self) -> bytes:
        """The numbers of the signals that came since it was silenced last."""
        try:
            return os.read(self._bell, 4096)
        except BlockingIOError:  # the other thread was quicker
            return b""

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Within this the user is waited for: Ctrl+C is a KeyboardInterrupt.

        Raises:
            Ended: The process is told to end, or was before.
        """
        self._waiting = True
        try:
            if self.ended_by is not None:
                raise Ended
            yield
        finally:
            self._waiting = False

    def _heed(self) -> None:
        self._heeded += 1
        self._silence()

    def _told(self, number: int, _frame: FrameType | None) -> None:
        self._heed()
        if number != signal.SIGINT:
            self.ended_by = number
            for each in _ENDING:  # the second one ends it at once, should leaving not end
                signal.signal(each, signal.SIG_DFL)
        if self._waiting:
            self._waiting = False
            raise KeyboardInterrupt if number == signal.SIGINT else Ended
        self._stop()

    @contextmanager
    def stopping(self, before: Callable[[], None], after: Callable[[], None]) -> Iterator[None]:
        """Within this Ctrl+Z stops the process with the terminal as the shell had it.

        Args:
            before: Gives the terminal back.
            after: Takes it again.
        """

        def told(_number: int, _frame: FrameType | None) -> None:
            self._heed()
            before()
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTSTP)  # until it is told to go on
            signal.signal(signal.SIGTSTP, told)
            after()

        if signal.getsignal(signal.SIGTSTP) is signal.SIG_IGN:
            yield
            return
        signal.signal(signal.SIGTSTP, told)
        try:
            yield
        finally:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
