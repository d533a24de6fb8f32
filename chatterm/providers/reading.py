"""Reading one answer: its body into a decoder, within the deadlines, past whoever records it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Protocol

from chatterm.errors import ProviderError
from chatterm.providers.base import RoundEnd
from chatterm.providers.body import Body
from chatterm.providers.decoding import Decoder
from chatterm.providers.pacing import Alarm, Deadlines, Pace
from chatterm.providers.wire import HttpRequest

DRAIN_S = 0.02  # for the end of the body, so that the connection can be used again


class Capture(Protocol):
    """Is told of the raw traffic, once through for every attempt; keeps no secret of it."""

    def request(self, request: HttpRequest) -> None:
        """What is about to be sent."""
        ...

    def response(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of the answer."""
        ...

    def chunk(self, data: bytes) -> None:
        """A piece of the body, as it came."""
        ...

    def end(self) -> None:
        """The attempt is over, well or not."""
        ...


class Attempt:
    """What became of one attempt.

    Attributes:
        limits: The deadlines of the round.
        end: How it ended.
        shown: Something of the reply was shown, so it can't be asked for again.
        final: It took so long that it isn't repeated by itself.
        sent: The request that asked the model, once it is known.
        headers: The answer's headers.
        body: The body of an answer that is an error.
    """

    def __init__(self, limits: Deadlines) -> None:
        self.limits = limits
        self.end = RoundEnd()
        self.shown = False
        self.final = False
        self.sent: HttpRequest | None = None
        self.headers: Mapping[str, str] = {}
        self.body = b""


class Reading:
    """Reads a body into its decoder."""

    def __init__(
        self,
        chunks: AsyncGenerator[bytes, None],
        body: Body,
        decoder: Decoder,
        attempt: Attempt,
        capture: Capture | None,
    ) -> None:
        self._chunks = chunks
        self._body = body
        self._decoder = decoder
        self._attempt = attempt
        self._capture = capture
        self._clock = asyncio.get_running_loop().time
        self._alarm = Alarm(attempt.limits)
        attempt.limits.sign()
        self._left = self._clock()  # when the last read was over

    async def step(self, pace: Pace) -> bool:
        """Read once; False when there is nothing more to read."""
        limits = self._attempt.limits
        if self._decoder.ended:
            await self._drain()
            return False
        began = self._clock()
        limits.excuse(began - self._left)
        try:
            chunk = await self._alarm.guard(anext(self._chunks, b""))
        except TimeoutError:
            if self._decoder.answered:
                return False
            self._attempt.final = True
            raise ProviderError(limits.reason(self._body.provider)) from None
        except ProviderError:
            self._body.salvage()
            if self._decoder.answered or self._decoder.ended:
                return False
            raise
        if not chunk:
            self._body.finish()
            return False
        self._left = self._clock()
        pace.read(self._left - began, len(chunk))
        if self._capture is not None:
            self._capture.chunk(chunk)
        if self._body.feed(chunk):
            limits.sign()
        if self._decoder.answered:
            limits.settle()
        else:
            limits.go_on()
        return True

    def stop(self) -> None:
        """Nothing more will be read."""
        self._alarm.stop()

    async def _drain(self) -> None:
        # The end of the body usually comes with the last event; once it is read, the connection
        # can carry the next request.
        try:
            async with asyncio.timeout(DRAIN_S):
                async for chunk in self._chunks:
                    if self._capture is not None:
                        self._capture.chunk(chunk)
        except (TimeoutError, ProviderError):
            pass  # the reply is whole
