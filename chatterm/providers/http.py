"""A provider that is reached over HTTP, whatever wire protocol it speaks.

What every protocol needs is here once: limits on silence and on time, retries while nothing was
shown, bodies that aren't what they should be, and the rule that no key ever stands in a message.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from typing import Any, Protocol

from chatterm.assembly import StepWriter
from chatterm.errors import ErrorKind, Failure, ProviderError
from chatterm.events import Event
from chatterm.providers.base import ModelInfo, ModelRequest, RoundEnd
from chatterm.providers.decoding import Decoder, failed
from chatterm.providers.failures import (
    error_in,
    failure_of_error,
    failure_of_response,
    page_words,
    request_id_of,
    retry_after,
    shortened,
)
from chatterm.providers.redaction import Redactor
from chatterm.providers.sse import Body, Shape, shape_of
from chatterm.providers.transport import Pace, Transport, place_of
from chatterm.providers.wire import Endpoint, HttpRequest, WireProtocol

log = logging.getLogger("chatterm.providers")

ERROR_BODY_LIMIT = 64 * 1024
ERROR_BODY_TIMEOUT_S = 5.0
MODELS_LIMIT = 16 * 1024 * 1024
MODELS_TIMEOUT_S = 30.0
GRACE_S = 1.0  # for usage and the like, once the reply is whole
DRAIN_S = 0.02  # for the end of the body, so that the connection can be used again
RETRY_AFTER_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How long to wait, and how often to try.

    Attributes:
        connect_timeout_s: For a connection, TLS included.
        idle_timeout_s: Between two signs of life; 0 waits for ever.
        total_timeout_s: For the whole round, retries included; 0 is no limit.
        retries: How often a request is sent again, at most.
    """

    connect_timeout_s: float = 10.0
    idle_timeout_s: float = 300.0
    total_timeout_s: float = 0.0
    retries: int = 2


class Capture(Protocol):
    """Is told of the raw traffic, once through for every attempt. Keys are redacted before."""

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


class HttpProvider:
    """A `Provider` over HTTP.

    Args:
        protocol: How to ask and how to read the answer.
        endpoint: Where the provider is.
        transport: The way to it; closed by `aclose`.
        stream: The limits of a round.
        capture: Is told of the raw traffic.
        sleep: Waits before a retry; tests give their own.
        now: Seconds since the epoch, against which dates of retries are read.
    """

    def __init__(
        self,
        protocol: WireProtocol,
        endpoint: Endpoint,
        transport: Transport,
        *,
        stream: StreamLimits | None = None,
        capture: Capture | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.name = endpoint.name
        self._protocol = protocol
        self._endpoint = endpoint
        self._transport = transport
        self._limits = stream or StreamLimits()
        self._capture = capture
        self._sleep = sleep
        self._now = now
        self._redact = Redactor(endpoint)

    async def stream(
        self, request: ModelRequest, writer: StepWriter
    ) -> AsyncGenerator[Event | RoundEnd, None]:
        """Ask the model once; see `Provider.stream`."""
        for event in writer.take():
            yield event
        limits = _Deadlines(self._limits)
        for number in range(self._limits.retries + 1):
            attempt = _Attempt(limits)
            async with aclosing(self._attempt(request, attempt, writer)) as events:
                async for event in events:
                    yield event
            end = attempt.end
            wait = self._wait_before_retry(attempt, number)
            if wait is None or end.failure is None:
                break
            log.info("%s: attempt %d failed: %s", self.name, number + 1, end.failure.kind)
            reason = shortened(self._clean(end.failure, attempt.headers).message, 300)
            writer.notice("retry", f"{reason}; trying again in {duration(wait)}")
            for event in writer.take():
                yield event
            await self._sleep(wait)
        end = attempt.end
        if end.failure is not None:
            end = replace(end, failure=self._clean(end.failure, attempt.headers))
        yield end

    async def models(self) -> list[ModelInfo]:
        """What the provider offers; see `Provider.models`."""
        try:
            async with asyncio.timeout(MODELS_TIMEOUT_S):
                data = await self._fetch_models()
        except ProviderError as error:
            raise ProviderError(self._clean(error.failure, {})) from None
        except TimeoutError:
            text = f"{self.name} didn't list its models within {MODELS_TIMEOUT_S:g} s"
            raise ProviderError(Failure(ErrorKind.TIMEOUT, text, retryable=True)) from None
        return self._protocol.read_models(data)

    async def aclose(self) -> None:
        """Give up connections."""
        await self._transport.aclose()

    async def _fetch_models(self) -> Any:
        request = self._protocol.models_request(self._endpoint)
        timeout = self._limits.connect_timeout_s
        async with self._transport.open(request, connect_timeout_s=timeout) as reply:
            body = await reply.read(MODELS_LIMIT, MODELS_TIMEOUT_S)
        if reply.status >= 300:
            raise ProviderError(
                failure_of_response(reply.status, reply.headers, body, provider=self.name)
            )
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            words = page_words(body.decode("utf-8", "replace"))
            what = words if shape_of(body) == Shape.PAGE else "its answer isn't JSON"
            text = f"{self.name} didn't list its models: {what}"
            failure = Failure(ErrorKind.STREAM_INVALID, text, reply.status, hint="check base_url")
            raise ProviderError(failure) from None
        error = error_in(data)
        if error is not None:
            raise ProviderError(failure_of_error(error, status=reply.status, provider=self.name))
        return data

    # --- one attempt --------------------------------------------------------------------------

    async def _attempt(
        self, request: ModelRequest, attempt: _Attempt, writer: StepWriter
    ) -> AsyncGenerator[Event, None]:
        # Yields the events; how it ended stands in `attempt` afterwards.
        decoder: Decoder | None = None
        try:
            message = self._protocol.encode(request, self._endpoint)
            decoder = self._protocol.decoder(request, self._endpoint, writer)
            async with AsyncExitStack() as stack:
                reading = await self._open(message, decoder, attempt, stack)
                pace = Pace()
                while await reading.step(pace):
                    for event in writer.take():
                        attempt.shown = True
                        yield event
                    if attempt.shown and pace.pause and not decoder.ended:
                        await asyncio.sleep(pace.pause)
            attempt.end = decoder.close()
        except ProviderError as error:
            # The decoder knows the usage so far; what it leaves open was cut off.
            known = decoder.close(error.failure) if decoder is not None else RoundEnd()
            writer.interrupt()
            word, usage = known.provider_finish_reason, known.usage
            attempt.end = failed(error.failure, word=word, usage=usage)
        for event in writer.take():
            attempt.shown = True
            yield event

    async def _open(
        self, message: HttpRequest, decoder: Decoder, attempt: _Attempt, stack: AsyncExitStack
    ) -> _Reading:
        # Sends the request; the connection is open for as long as the stack is.
        capture = self._capture
        if capture is not None:
            capture.request(self._redact.request(message))
            stack.callback(capture.end)
        attempt.limits.begin()
        timeout = self._limits.connect_timeout_s
        opening = self._transport.open(message, connect_timeout_s=timeout)
        try:
            async with asyncio.timeout_at(attempt.limits.at):
                reply = await stack.enter_async_context(opening)
        except TimeoutError:
            attempt.final = True
            raise ProviderError(attempt.limits.reason(place_of(message.url))) from None
        attempt.headers = reply.headers
        log.debug("%s: answered with status %d", self.name, reply.status)
        if capture is not None:
            capture.response(reply.status, self._redact.headers(reply.headers))
        if reply.status >= 300:
            attempt.body = await reply.read(ERROR_BODY_LIMIT, ERROR_BODY_TIMEOUT_S)
            if capture is not None:
                capture.chunk(attempt.body)
            raise ProviderError(
                failure_of_response(reply.status, reply.headers, attempt.body, provider=self.name)
            )
        chunks = await stack.enter_async_context(aclosing(reply.chunks()))
        body = Body(decoder, self.name, reply.status)
        reading = _Reading(chunks, body, decoder, attempt, capture)
        stack.callback(reading.stop)
        return reading

    # --- afterwards ---------------------------------------------------------------------------

    def _wait_before_retry(self, attempt: _Attempt, number: int) -> float | None:
        # Seconds until the next attempt, or None when there is to be none.
        failure = attempt.end.failure
        if failure is None or not failure.retryable or attempt.shown or attempt.final:
            return None
        asked = retry_after(attempt.headers, attempt.body, self._now())
        if asked is not None and asked > RETRY_AFTER_LIMIT_S:
            text = f"{failure.message}; it asks to wait {duration(asked)} before the next try"
            hint = "ask again then, or ask another provider"
            attempt.end = replace(attempt.end, failure=replace(failure, message=text, hint=hint))
            return None
        if number >= self._limits.retries:
            return None
        wait = min(8.0, 0.5 * 2**number * random.uniform(1.0, 1.5))  # noqa: S311 - only jitter
        wait = max(wait, asked or 0.0)
        return wait if attempt.limits.leave(wait) else None

    def _clean(self, failure: Failure, headers: Mapping[str, str]) -> Failure:
        """A failure without secrets, and with the request's id, which a stream doesn't tell."""
        request_id = failure.request_id or request_id_of(headers)
        request_id = request_id and self._redact(request_id)
        return replace(failure, message=self._redact(failure.message), request_id=request_id)


class _Deadlines:
    """When to stop waiting, on the loop's clock."""

    def __init__(self, limits: StreamLimits) -> None:
        self._limits = limits
        self._clock = asyncio.get_running_loop().time
        self._total = self._clock() + (limits.total_timeout_s or math.inf)
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
            self._idle = self._clock() + (self._limits.idle_timeout_s or math.inf)

    def excuse(self, seconds: float) -> None:
        """That long nobody listened: the silence was ours."""
        self._idle += seconds

    def settle(self) -> None:
        """The reply is whole: from now on only a grace is waited, signs or not."""
        if not self._settled:
            self._idle = min(self._idle, self._clock() + GRACE_S)
            self._settled = True

    def leave(self, seconds: float) -> bool:
        """Whether that much time is left."""
        return self._clock() + seconds < self._total

    def reason(self, who: str) -> Failure:
        """The failure, once `at` is past."""
        if self._clock() >= self._total:
            text = f"the reply took longer than {self._limits.total_timeout_s:g} s"
            hint = "allow more time, or ask for less"
        else:
            text = f"no sign of life from {who} for {self._limits.idle_timeout_s:g} s"
            hint = "ask again; stream.idle_timeout_s sets how long to wait"
        return Failure(ErrorKind.TIMEOUT, text, retryable=True, hint=hint)


class _Attempt:
    """What became of one attempt.

    Attributes:
        limits: The deadlines of the round.
        end: How it ended.
        shown: Something of the reply was shown, so it can't be asked for again.
        final: It took so long that it isn't repeated by itself.
        headers: The answer's headers.
        body: The body of an answer that is an error.
    """

    def __init__(self, limits: _Deadlines) -> None:
        self.limits = limits
        self.end = RoundEnd()
        self.shown = False
        self.final = False
        self.headers: Mapping[str, str] = {}
        self.body = b""


class _Alarm:
    """Interrupts an awaited thing at a deadline, as `asyncio.timeout` does.

    Thousands of reads follow one another, each with a deadline that moves: here that takes one
    timer, set again when it goes off too early, where `asyncio.timeout` takes one a read.
    """

    def __init__(self, limits: _Deadlines) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._sleeper: asyncio.Task[Any] | None = None
        self._rang = False

    async def guard(self, awaited: Awaitable[bytes]) -> bytes:
        """Await it.

        Raises:
            TimeoutError: The deadline came first.
        """
        self._set(self._limits.at)
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
        at = self._limits.at
        if at is not None and self._loop.time() < at:
            self._set(at)
        elif self._sleeper is not None and at is not None:
            self._rang = True
            self._sleeper.cancel()


class _Reading:
    """Reads a body into its decoder."""

    def __init__(
        self,
        chunks: AsyncGenerator[bytes, None],
        body: Body,
        decoder: Decoder,
        attempt: _Attempt,
        capture: Capture | None,
    ) -> None:
        self._chunks = chunks
        self._body = body
        self._decoder = decoder
        self._attempt = attempt
        self._capture = capture
        self._clock = asyncio.get_running_loop().time
        self._alarm = _Alarm(attempt.limits)
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


def duration(seconds: float) -> str:
    """A number of seconds for people."""
    if seconds < 120:
        return f"{max(1, math.ceil(seconds))} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{math.ceil(minutes / 60)} h"
