"""When to read a stream and when to give up on it: deadlines, their alarm, and pauses."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from typing import Any

from chatterm.errors import ErrorKind, Failure

GRACE_S = 1.0  # for usage and the like, once the reply is whole


class Deadlines:
    """When to stop waiting, on the loop's clock.

    Args:
        idle_s: Seconds between two signs of life; 0 waits for ever.
        total_s: Seconds for the whole round; 0 is no limit.
    """

    def __init__(self, idle_s: float, total_s: float) -> None:
        self._idle_s = idle_s
        self._total_s = total_s
        self._clock = asyncio.get_running_loop().time
        self._total = self._clock() + (total_s or math.inf)
        self._idle = math.inf
        self._settled = False

    @property
    def at(self) -> float | None:
        """The moment at which to give up; None for never."""
        moment = min(self._total, self._idle)
        return moment if moment < math.inf else None

    def begin(self) -> None:
        """A request is sent."""
        self._settled = False
        self.sign()

    def sign(self) -> None:
        """There was a sign of life."""
        if not self._settled:
            self._idle = self._clock() + (self._idle_s or math.inf)

    def excuse(self, seconds: float) -> None:
        """That long nobody listened: the silence was ours."""
        self._idle += seconds

    def settle(self) -> None:
        """The reply is whole: from now on only a grace is waited, signs or not."""
        if not self._settled:
            self._idle = min(self._idle, self._clock() + GRACE_S)
            self._settled = True

    def go_on(self) -> None:
        """The reply isn't whole, whatever it looked like."""
        if self._settled:
            self._settled = False
            self.sign()

    def leave(self, seconds: float) -> bool:
        """Whether that much time is left."""
        return self._clock() + seconds < self._total

    def reason(self, who: str) -> Failure:
        """The failure, once `at` is past."""
        if self._clock() >= self._total:
            text = f"the reply took longer than {self._total_s:g} s"
            hint = "allow more time, or ask for less"
        else:
            text = f"no sign of life from {who} for {self._idle_s:g} s"
            hint = "ask again; stream.idle_timeout_s sets how long to wait"
        return Failure(ErrorKind.TIMEOUT, text, retryable=True, hint=hint)


class Alarm:
    """Interrupts an awaited thing at a deadline, as `asyncio.timeout` does.

    Thousands of reads follow one another, each with a deadline that moves: here that takes one
    timer, set again when it goes off too early, where `asyncio.timeout` takes one a read.
    """

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._sleeper: asyncio.Task[Any] | None = None
        self._rang = False

    async def guard(self, awaited: Awaitable[bytes]) -> bytes:
        """Await it.

        Raises:
            TimeoutError: The deadline came first.
        """
        self._set(self._deadlines.at)
        task = self._sleeper = asyncio.current_task()
        before = task.cancelling() if task is not None else 0
        try:
            return await awaited
        except asyncio.CancelledError:
            if self._rang and task is not None and task.uncancel() <= before:
                raise TimeoutError from None
            raise
        finally:
            self._sleeper = None
            self._rang = False

    def stop(self) -> None:
        """Give up the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, at: float | None) -> None:
        timer = self._timer
        if at is None or (timer is not None and timer.when() <= at):
            return  # when it goes off early, it sees to the rest
        self.stop()
        self._timer = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        at = self._deadlines.at
        if at is not None and self._loop.time() < at:
            self._set(at)
        elif self._sleeper is not None and at is not None:
            self._rang = True
            self._sleeper.cancel()


class Pace:
    """Lets a slow wire gather some bytes between two reads.

    A wake-up costs far more than what it reads, so at hundreds of events a second it pays to
    sleep a little before the next read. Only where reads really have to wait: of a flood, which
    is there already, nothing is held back; nor of the first few reads, nor of a wire so slow that
    nothing would gather.

    Attributes:
        pause: Seconds to sleep before the next read.
    """

    PAUSE_S = 0.02
    WAITED_S = 0.0003  # a read of what is there already takes less
    FULL = 16 * 1024  # bytes without a wait: the sender is faster than we are
    WARM_UP = 4

    def __init__(self) -> None:
        self.pause = 0.0
        self._bytes = 0
        self._waits = 0

    def read(self, seconds: float, size: int) -> None:
        """A read took so long and gave so much."""
        self.pause = 0.0
        self._bytes += size
        if seconds < self.WAITED_S:
            return
        slow = self._bytes < self.FULL and seconds < self.PAUSE_S
        self._bytes = 0
        self._waits = self._waits + 1 if slow else 0
        if self._waits > self.WARM_UP:
            self.pause = self.PAUSE_S
