"""Playing a recorded answer again: a provider whose bytes come from files.

What `--capture` wrote, or the body of any stream, goes through the very pipeline that reads the
network (`HttpProvider`, with another transport): the same framing, decoder and failures, so that a
recording shows what a user saw, and a fault that was seen once can be seen again.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from chatterm.assembly import StepWriter
from chatterm.errors import ConfigError, ErrorKind, Failure
from chatterm.events import Event
from chatterm.providers.base import ModelInfo, ModelRequest, RoundEnd
from chatterm.providers.decoding import Decoder, failed, mapping, sequence, text_of
from chatterm.providers.demo import Sleep, rounds_played
from chatterm.providers.http import HttpProvider, StreamLimits
from chatterm.providers.sse import JsonFramer, Shape, SseFramer, shape_of
from chatterm.providers.transport import Reply, Transport
from chatterm.providers.wire import Endpoint, HttpRequest, WireProtocol

DecoderFor = Callable[[str], WireProtocol]

_BODY = re.compile(r"(\d+)-response\.body", re.ASCII)
_SNIFFED = 256 * 1024  # bytes of a body in which the first telling event is looked for


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded answer.

    Attributes:
        body: Its bytes.
        status: Its HTTP status.
        headers: Its headers, names in lower case.
        chunks: When each piece of the body came, in seconds, and its length in bytes.
        url: Where the request went; empty when that isn't known.
        asked: The request's body; None when that isn't known.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: tuple[tuple[float, int], ...] = ()
    url: str = ""
    asked: Any = None


class ReplayProvider:
    """Plays recorded answers: the n-th answers the n-th model call of a turn.

    A recorded attempt that failed and was followed by the same request again was a retry, and is
    played as one. After the last recording it answers with nothing, which ends the turn; the next
    turn begins again.

    Args:
        name: The user's name for the provider.
        path: A recorded body, or a directory that `--capture` wrote.
        decoder_for: The wire protocol of that name.
        protocol: The protocol's name; otherwise it is told from the recorded request's address, or
            from the first event.
        speed: As fast as it goes, or as it was recorded (where that is known).
        chunk_size: How many bytes come at once at full speed.
        sleep: Waits for some seconds.
        clock: Seconds that only go forward.

    Raises:
        ConfigError: There is nothing to play, or it can't be read.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        decoder_for: DecoderFor,
        protocol: str | None = None,
        speed: Literal["full", "recorded"] = "full",
        chunk_size: int = 16 * 1024,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._path = path
        self._recordings = load(path)
        self._decoder_for = decoder_for
        self._protocol = protocol
        self._transport = _FromFiles(speed == "recorded", chunk_size, sleep, clock)
        self._next = 0

    async def stream(
        self, request: ModelRequest, writer: StepWriter
    ) -> AsyncGenerator[Event | RoundEnd, None]:
        """Play one answer, and those after it that were retries."""
        played = rounds_played(request)
        # Retries take more than one recording a round, so the rounds alone don't tell the place.
        self._next = max(self._next, played) if played else 0
        attempts = self._attempts()
        if not attempts:
            yield RoundEnd()
            return
        try:
            protocol = self._protocol_for(attempts[-1])
        except ConfigError as error:
            yield failed(Failure(ErrorKind.STREAM_INVALID, error.message, hint=error.hint))
            return
        self._transport.queue = list(attempts)
        http = HttpProvider(
            _Recorded(protocol, attempts[0].url),
            Endpoint(self.name, ""),
            self._transport,
            stream=StreamLimits(idle_timeout_s=0, retries=len(attempts) - 1),
            sleep=self._transport.wait,
        )
        async with aclosing(http.stream(request, writer)) as events:
            async for event in events:
                if isinstance(event, RoundEnd):
                    self._next += len(attempts) - len(self._transport.queue)
                yield event

    async def models(self) -> list[ModelInfo]:
        """The recording."""
        return [ModelInfo(self._path.stem, "a recorded stream")]

    async def aclose(self) -> None:
        """There is nothing to give up."""

    def _protocol_for(self, recording: Recording) -> WireProtocol:
        name = self._protocol or protocol_of(recording)
        if name is None:
            raise ConfigError(
                f"can't tell which protocol {self._path} was recorded from",
                hint="play a whole capture directory: its requests tell",
            )
        return self._decoder_for(name)

    def _attempts(self) -> list[Recording]:
        """The recordings from here on that answered one and the same request."""
        rest = self._recordings[self._next :]
        asked = rest[0].asked if rest else None
        if asked is None:
            return rest[:1]
        same = next((n for n, each in enumerate(rest) if each.asked != asked), len(rest))
        return rest[:same]


# --- reading recordings -----------------------------------------------------------------------


def load(path: Path) -> list[Recording]:
    """The recorded answers in a file or a directory, in order.

    Raises:
        ConfigError: There are none, or one can't be read.
    """
    try:
        bodies = _bodies(path) if path.is_dir() else [path]
        recordings = [_recording(body) for body in bodies]
    except OSError as error:
        raise ConfigError(f"can't read the recording {path}: {error.strerror or error}") from error
    if not recordings:
        raise ConfigError(f"no recorded answer (such as 001-response.body) in {path}")
    return recordings


def _bodies(directory: Path) -> list[Path]:
    found = [(m, path) for path in directory.iterdir() if (m := _BODY.fullmatch(path.name))]
    return [path for _, path in sorted(found, key=lambda each: int(each[0][1]))]


def _recording(path: Path) -> Recording:
    numbered = _BODY.fullmatch(path.name)
    if numbered is None:
        return Recording(path.read_bytes())
    response = _read_json(path.with_name(f"{numbered[1]}-response.json"))
    request = _read_json(path.with_name(f"{numbered[1]}-request.json"))
    status = response.get("status")
    return Recording(
        path.read_bytes(),
        status if isinstance(status, int) else 200,
        {name.lower(): text_of(value) for name, value in mapping(response.get("headers")).items()},
        tuple(_chunks(response)),
        text_of(request.get("url")),
        request.get("body"),
    )


def _chunks(response: Mapping[str, Any]) -> Iterator[tuple[float, int]]:
    for chunk in sequence(response.get("chunks")):
        match chunk:
            case [int() | float() as at_ms, int() as size] if at_ms >= 0 and size > 0:
                yield at_ms / 1000, size


def _read_json(path: Path) -> dict[str, Any]:
    """What stands beside a body; nothing when it isn't there."""
    try:
        return mapping(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the recording {path} isn't JSON: {error}") from error


# --- which protocol ---------------------------------------------------------------------------

_PATHS = (
    (r"/api/v1/responses", "enclava"),
    (r".*/responses(/[^/]+)?", "responses"),
    (r".*/chat/completions", "chat"),
    (r".*/conversations/[^/]+/messages", "luxx"),
    (r".*/messages", "anthropic"),
    (r".*:(streamG|g)enerateContent", "gemini"),
    (r".*/api/chat", "ollama"),
    (r".*/streaming_query", "lightspeed"),
)


def protocol_of(recording: Recording) -> str | None:
    """The name of the protocol that a recording speaks; None when there is no telling."""
    url = urlsplit(recording.url)
    for pattern, protocol in _PATHS:
        if re.fullmatch(pattern, url.path):
            return protocol
    seen = False
    for name, data in _objects(recording.body):
        seen = True
        if told := _protocol_of_event(name or "", data):
            return told
    # What isn't JSON at all never reaches a decoder, so that any will do.
    return None if seen and recording.status < 300 else "chat"


def _objects(body: bytes) -> Iterator[tuple[str | None, dict[str, Any]]]:
    start = body[:_SNIFFED]
    framer = JsonFramer() if shape_of(start) is Shape.JSON else SseFramer()
    for name, text in [*framer.feed(start), *framer.finish()]:
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            continue
        for each in data if isinstance(data, list) else [data]:
            if isinstance(each, dict):
                yield name, each


def _protocol_of_event(name: str, data: dict[str, Any]) -> str | None:
    kind = text_of(data.get("type"))
    if kind.startswith("response."):
        return "responses"
    if name.startswith("response."):
        return "enclava"
    if "choices" in data or text_of(data.get("object")).startswith("chat.completion"):
        return "chat"
    if kind.startswith(("message_", "content_block_")):
        return "anthropic"
    if data.keys() & {"candidates", "promptFeedback", "usageMetadata"}:
        return "gemini"
    if "done" in data and data.keys() & {"message", "response"}:
        return "ollama"
    if "process_step" in (name, kind):
        return "luxx"
    if data.keys() >= {"event", "data"}:
        return "lightspeed"
    if kind == "error":
        return "anthropic"
    return "chat" if "error" in data else None


# --- in place of the network ------------------------------------------------------------------


class _Recorded:
    """A wire protocol that asks nothing: the answer is there already."""

    def __init__(self, protocol: WireProtocol, url: str) -> None:
        self._protocol = protocol
        self._url = url

    def encode(self, request: ModelRequest, endpoint: Endpoint) -> HttpRequest:
        return HttpRequest("POST", self._url)

    def decoder(self, request: ModelRequest, endpoint: Endpoint, writer: StepWriter) -> Decoder:
        return self._protocol.decoder(request, endpoint, writer)

    def models_request(self, endpoint: Endpoint) -> HttpRequest:
        return self._protocol.models_request(endpoint)

    def read_models(self, data: Any) -> list[ModelInfo]:
        return self._protocol.read_models(data)


@dataclass
class _FromFiles(Transport):
    """Answers with one recording after the other. `queue` is what is still to be played."""

    as_recorded: bool
    chunk_size: int
    sleep: Sleep
    clock: Callable[[], float]
    queue: list[Recording] = field(default_factory=list)

    @asynccontextmanager
    async def open(
        self, request: HttpRequest, *, connect_timeout_s: float = 10.0
    ) -> AsyncIterator[Reply]:
        recording = self.queue.pop(0)
        yield _FileReply(recording, self._pieces(recording))

    async def wait(self, seconds: float) -> None:
        """Sleep, if it is played as it was recorded."""
        await self.sleep(seconds if self.as_recorded else 0)

    async def _pieces(self, recording: Recording) -> AsyncGenerator[bytes, None]:
        # By the clock, since reading takes time of its own: what is overdue comes at once.
        began, at = self.clock(), 0
        for moment, size in recording.chunks if self.as_recorded else ():
            await self.sleep(max(0.0, began + moment - self.clock()))
            if piece := recording.body[at : at + size]:
                yield piece
            at += size
        for start in range(at, len(recording.body), self.chunk_size):
            await self.sleep(0)
            yield recording.body[start : start + self.chunk_size]


class _FileReply(Reply):
    """A recorded answer, as `HttpProvider` reads one."""

    def __init__(self, recording: Recording, pieces: AsyncGenerator[bytes, None]) -> None:
        self.status = recording.status
        self.headers = recording.headers
        self._pieces = pieces

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces. It was recorded after any decompression."""
        return self._pieces
