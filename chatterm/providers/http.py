"""A provider that is reached over HTTP, whatever wire protocol it speaks.

What every protocol needs is here once: limits on silence and on time, retries while nothing was
shown, bodies that aren't what they should be, and the rule that no key ever stands in a message.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chatterm.address import place_of
from chatterm.assembly import StepWriter
from chatterm.errors import ErrorKind, Failure, ProviderError
from chatterm.events import Event
from chatterm.providers.base import ModelInfo, ModelRequest, RoundEnd
from chatterm.providers.body import Body
from chatterm.providers.decoding import Decoder, failed, stream_cut
from chatterm.providers.error_words import page_words, request_id_of, shortened
from chatterm.providers.failures import error_in, failure_of_error, failure_of_response
from chatterm.providers.model_lists import described, listed
from chatterm.providers.pacing import Deadlines, Pace
from chatterm.providers.reading import Attempt, Capture, Reading
from chatterm.providers.refused_settings import RefusedSettings
from chatterm.providers.resuming import PickUp
from chatterm.providers.retrying import duration, retry_after, until
from chatterm.providers.sse import Shape, shape_of
from chatterm.providers.transport import Reply, Transport
from chatterm.providers.wire import (
    Endpoint,
    HttpRequest,
    Interrupts,
    KeepsConversations,
    OpensFirst,
    Recovers,
    WireProtocol,
)
from chatterm.redaction import Redactor, password_in, secrets_in

if TYPE_CHECKING:
    from chatterm.providers.keeper import Keeper

log = logging.getLogger("chatterm.providers")

ERROR_BODY_LIMIT = 64 * 1024
ERROR_BODY_TIMEOUT_S = 5.0
MODELS_LIMIT = 16 * 1024 * 1024
MODELS_TIMEOUT_S = 30.0
_LISTING = "list its models"
RETRY_AFTER_LIMIT_S = 60.0
INTERRUPT_WAIT_S = 0.5  # for the server to take an interrupt, before the connection is closed
INTERRUPT_TIMEOUT_S = 2.0


Told = Callable[[type[BaseException] | None, object, object], Awaitable[None]]


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


class HttpProvider:
    """A `Provider` over HTTP.

    Args:
        protocol: How to ask and how to read the answer.
        endpoint: Where the provider is.
        transport: The way to it; closed by `aclose`.
        stream: The limits of a round.
        redactor: Takes the secrets out of what is told; by default those of the endpoint.
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
        redactor: Redactor | None = None,
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
        self._redact = redactor or Redactor(secrets_of(endpoint))
        self._refused = RefusedSettings()
        self._interrupts: set[asyncio.Task[None]] = set()

    async def stream(
        self, request: ModelRequest, writer: StepWriter
    ) -> AsyncGenerator[Event | RoundEnd, None]:
        """Ask the model once; see `Provider.stream`."""
        for event in writer.take():
            yield event
        deadlines = Deadlines(self._limits.idle_timeout_s, self._limits.total_timeout_s)
        number, recovered = 0, False
        while True:
            attempt = Attempt(deadlines)
            async with aclosing(self._attempt(request, attempt, writer)) as events:
                async for event in events:
                    yield event
            words = self._without_refused(request, attempt)
            if not words and not recovered:
                words = self._recovery(request, attempt)
                recovered = bool(words)
            if words:
                writer.notice("recovered", words)
                for event in writer.take():
                    yield event
                continue
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
            number += 1
        end = attempt.end
        if end.failure is not None:
            end = replace(end, failure=self._clean(end.failure, attempt.headers))
        yield end

    async def models(self) -> list[ModelInfo]:
        """What the provider offers; see `Provider.models`."""

        async def fetch(request: HttpRequest) -> Any:
            return await self._fetch(request, _LISTING)

        try:
            async with asyncio.timeout(MODELS_TIMEOUT_S):
                found = await listed(self._protocol, self._endpoint, fetch)
        except ProviderError as error:
            raise ProviderError(self._clean(error.failure)) from None
        except TimeoutError:
            text = f"{self.name} didn't {_LISTING} within {MODELS_TIMEOUT_S:g} s"
            raise ProviderError(Failure(ErrorKind.TIMEOUT, text, retryable=True)) from None
        return await described(found, self._protocol, self._endpoint, fetch)

    def get_ready(self) -> None:
        """Load what the first request needs; may be run in any thread."""
        self._transport.get_ready(self._endpoint.base_url)

    async def aclose(self) -> None:
        """Give up connections."""
        if self._interrupts:
            await asyncio.wait(self._interrupts, timeout=INTERRUPT_TIMEOUT_S)
        await self._transport.aclose()

    @property
    def keeper(self) -> Keeper | None:
        """What asks for the conversations that the server keeps; None where it keeps none."""
        from chatterm.providers.keeper import Keeper

        protocol = self._protocol
        if not isinstance(protocol, KeepsConversations):
            return None
        return Keeper(protocol, protocol, self._endpoint, self._ask)

    async def _ask(self, request: HttpRequest, doing: str) -> Any:
        # `doing`: what doesn't happen where it fails, as in "didn't list its conversations".
        try:
            async with asyncio.timeout(MODELS_TIMEOUT_S):
                return await self._fetch(request, doing)
        except ProviderError as error:
            raise ProviderError(self._clean(error.failure)) from None
        except TimeoutError:
            text = f"{self.name} didn't {doing} within {MODELS_TIMEOUT_S:g} s"
            raise ProviderError(Failure(ErrorKind.TIMEOUT, text, retryable=True)) from None

    async def _fetch(self, request: HttpRequest, doing: str) -> Any:
        timeout = self._limits.connect_timeout_s
        async with self._transport.open(request, connect_timeout_s=timeout) as reply:
            body = await reply.read(MODELS_LIMIT, MODELS_TIMEOUT_S)
        if request.method == "DELETE" and 200 <= reply.status < 300 and not body.strip():
            return None
        return self._told_data(reply, body, doing)

    def _told_data(self, reply: Reply, body: bytes, doing: str) -> Any:
        request_id = request_id_of(reply.headers)
        if reply.status >= 300:
            raise ProviderError(
                failure_of_response(
                    reply.status, reply.headers, self._plain(body), provider=self.name
                )
            )
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            words = page_words(self._plain(body).decode())
            what = words if shape_of(body) == Shape.PAGE else "its answer isn't JSON"
            text = f"{self.name} didn't {doing}: {what}"
            failure = Failure(
                ErrorKind.STREAM_INVALID, text, reply.status, request_id, hint="check base_url"
            )
            raise ProviderError(failure) from None
        error = error_in(data)
        if error is not None:
            raise ProviderError(
                failure_of_error(
                    self._redact.value(error),
                    status=reply.status,
                    request_id=request_id,
                    provider=self.name,
                )
            )
        return data

    # --- one attempt --------------------------------------------------------------------------

    async def _attempt(
        self, request: ModelRequest, attempt: Attempt, writer: StepWriter
    ) -> AsyncGenerator[Event, None]:
        # Yields the events; how it ended stands in `attempt` afterwards.
        decoder: Decoder | None = None
        try:
            await self._open_first(request, attempt)
            encoded = self._protocol.encode(request, self._endpoint)
            attempt.sent = message = self._refused.without(request.model, encoded)
            decoder = self._protocol.decoder(request, self._endpoint, writer)
            async with AsyncExitStack() as stack:
                told = self._interrupting(decoder)
                stack.push_async_exit(told)  # for the time between two connections
                reading = self._answer(message, decoder, attempt, writer, told)
                events = await stack.enter_async_context(aclosing(reading))
                async for event in events:
                    attempt.shown = True
                    yield event
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

    async def _answer(
        self,
        message: HttpRequest,
        decoder: Decoder,
        attempt: Attempt,
        writer: StepWriter,
        told: Told,
    ) -> AsyncGenerator[Event, None]:
        # Yields the events of the answer; where it breaks off and the server goes on, of the rest.
        pick_up = PickUp(self._protocol, decoder, self._endpoint, self._limits.retries)
        while True:
            broke: Failure | None = None
            brought = False
            try:
                async with AsyncExitStack() as stack:
                    reading = await self._open(message, decoder, attempt, stack)
                    stack.push_async_exit(told)
                    pace = Pace()
                    while await reading.step(pace):
                        for event in writer.take():
                            brought = True
                            yield event
                        if attempt.shown and pace.pause and not decoder.ended:
                            await asyncio.sleep(pace.pause)
            except ProviderError as error:
                broke = error.failure
            if broke is None and (decoder.ended or decoder.answered):
                return
            in_time = attempt.limits.leave(0)
            rest = pick_up.rest(broke, brought=brought) if in_time else None
            if rest is None:
                if broke is not None:
                    raise ProviderError(broke)
                return
            attempt.end = failed(broke or stream_cut(text_shown=False))
            wait = self._pause(attempt, pick_up.failures, pick_up.most)
            if wait is None and attempt.end.failure is not None:
                raise ProviderError(attempt.end.failure)
            if pick_up.words:
                reason = self._clean(broke).message if broke else "the connection ended early"
                writer.notice("resumed", f"{shortened(reason, 300)}; {pick_up.words}")
            for event in writer.take():
                yield event
            await self._sleep(max(wait or 0.0, pick_up.wait_s))
            message, attempt.final = rest, False

    async def _open_first(self, request: ModelRequest, attempt: Attempt) -> None:
        # Asks what the protocol needs to know before it can ask the model.
        protocol = self._protocol
        if not isinstance(protocol, OpensFirst):
            return
        message = protocol.opening(request, self._endpoint)
        if message is None:
            return
        attempt.limits.begin()
        timeout = self._limits.connect_timeout_s
        try:
            async with (
                asyncio.timeout_at(attempt.limits.at),
                self._transport.open(message, connect_timeout_s=timeout) as reply,
            ):
                said = await reply.read(ERROR_BODY_LIMIT, MODELS_TIMEOUT_S)
        except TimeoutError:
            attempt.final = True
            raise ProviderError(attempt.limits.reason(place_of(message.url))) from None
        attempt.headers, attempt.body = reply.headers, self._plain(said)
        try:
            data = json.loads(said)
        except (ValueError, RecursionError):
            data = None
        if reply.status >= 300:
            raise ProviderError(
                failure_of_response(reply.status, reply.headers, attempt.body, provider=self.name)
            )
        if error_in(data) is not None:
            error = self._redact.value(data)
            raise ProviderError(failure_of_error(error, provider=self.name))
        protocol.opened(request, self._endpoint, data)

    def _interrupting(self, decoder: Decoder) -> Told:
        # Called before the connection is closed: once it is, the server may not know the id.
        # An answer is interrupted once, though.
        done = False

        async def told(kind: type[BaseException] | None, *_: object) -> None:
            nonlocal done
            protocol = self._protocol
            cut_short = kind is not None and not issubclass(kind, Exception)
            if done or not cut_short or not isinstance(protocol, Interrupts):
                return
            message = protocol.interruption(decoder, self._endpoint)
            if message is not None:
                done = True
                task = asyncio.create_task(self._interrupt(message))
                self._interrupts.add(task)
                task.add_done_callback(self._interrupts.discard)
                await asyncio.wait({task}, timeout=INTERRUPT_WAIT_S)

        return told

    async def _interrupt(self, message: HttpRequest) -> None:
        timeout = self._limits.connect_timeout_s
        try:
            async with (
                asyncio.timeout(INTERRUPT_TIMEOUT_S),
                self._transport.open(message, connect_timeout_s=timeout) as reply,
            ):
                await reply.read(ERROR_BODY_LIMIT, INTERRUPT_TIMEOUT_S)
                log.debug("%s: interrupted, status %d", self.name, reply.status)
        except (ProviderError, TimeoutError):
            log.info("%s: the interrupt didn't reach the server", self.name)

    async def _open(
        self, message: HttpRequest, decoder: Decoder, attempt: Attempt, stack: AsyncExitStack
    ) -> Reading:
        # Sends the request; the connection is open for as long as the stack is.
        capture = self._capture
        if capture is not None:
            capture.request(message)
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
            capture.response(reply.status, reply.headers)
        if reply.status >= 300:
            said = await reply.read(ERROR_BODY_LIMIT, ERROR_BODY_TIMEOUT_S)
            if capture is not None:
                capture.chunk(said)
            attempt.body = self._plain(said)
            raise ProviderError(
                failure_of_response(reply.status, reply.headers, attempt.body, provider=self.name)
            )
        chunks = await stack.enter_async_context(aclosing(reply.chunks()))
        body = Body(decoder, self.name, reply.status, self._redact)
        reading = Reading(chunks, body, decoder, attempt, capture)
        stack.callback(reading.stop)
        return reading

    # --- afterwards ---------------------------------------------------------------------------

    def _without_refused(self, request: ModelRequest, attempt: Attempt) -> str:
        # What is said of a setting that the model refused, so that it is left out from now on.
        failure = attempt.end.failure
        if failure is None or attempt.shown:
            return ""
        failure = self._clean(failure, attempt.headers)
        return self._refused.learn(request.model, attempt.sent, failure)

    def _recovery(self, request: ModelRequest, attempt: Attempt) -> str:
        # What was given up so that the request can be sent once more; empty when nothing was.
        failure, protocol = attempt.end.failure, self._protocol
        if failure is None or attempt.shown or not isinstance(protocol, Recovers):
            return ""
        return protocol.recover(request, self._endpoint, failure)

    def _wait_before_retry(self, attempt: Attempt, number: int) -> float | None:
        # Seconds until the next attempt, or None when there is to be none.
        failure = attempt.end.failure
        if failure is None or not failure.retryable or attempt.shown or attempt.final:
            return None
        return self._pause(attempt, number, self._limits.retries)

    def _pause(self, attempt: Attempt, number: int, most: int) -> float | None:
        # Seconds until the next of so many attempts; None when it would be too many, or too late.
        failure = attempt.end.failure
        asked = retry_after(attempt.headers, attempt.body, self._now())
        if failure is not None and asked is not None and asked > RETRY_AFTER_LIMIT_S:
            moment = until(self._now(), asked)
            text = f"{failure.message}; it asks to wait {duration(asked)}, until {moment}"
            hint = "ask again then, or choose another model"
            attempt.end = replace(attempt.end, failure=replace(failure, message=text, hint=hint))
            return None
        if number >= most:
            return None
        wait = min(8.0, 0.5 * 2**number * random.uniform(1.0, 1.5))  # noqa: S311 - only jitter
        wait = max(wait, asked or 0.0)
        return wait if attempt.limits.leave(wait) else None

    def _plain(self, body: bytes) -> bytes:
        """As much of a body as was read, without secrets: before anything of it is shortened."""
        return self._redact.partial(body.decode("utf-8", "replace")).encode()

    def _clean(self, failure: Failure, headers: Mapping[str, str] | None = None) -> Failure:
        """A failure without secrets, and with the request's id, which a stream doesn't tell."""
        request_id = failure.request_id or request_id_of(headers or {})
        request_id = request_id and self._redact(request_id)
        return replace(failure, message=self._redact(failure.message), request_id=request_id)


def secrets_of(endpoint: Endpoint) -> Iterator[str]:
    """What must not be shown of what requests to an endpoint carry."""
    yield endpoint.key or ""
    yield password_in(endpoint.base_url)
    yield from secrets_in(endpoint.headers)
    yield from secrets_in(endpoint.body)
