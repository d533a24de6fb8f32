"""A small HTTP/1.1 server on 127.0.0.1 that misbehaves as it is told.

It runs in threads of its own, so that it serves asyncio tests, plain tests and child processes
alike:

    with FaultServer() as server:
        server.script(Answer(sse('{"a":1}', "[DONE]")), Answer(status=503))
        ...                                     # talk to server.url
        assert server.requests[0].json["model"] == "m"

Requests are answered from the script, in order; the last answer goes on answering. An answer may
also be a function from the `Received` request to an `Answer`, to answer by path.

A body is bytes, or a list of bytes and of things to do in between:

    Answer([b"data: a\\n\\n", Pause(0.1), b"data: b\\n\\n"])     in two pieces
    Answer(split(body, 7))                                     in pieces of 7 bytes
    Answer(drip(body, 0.01))                                   byte by byte, slowly
    Answer([body[:100], Stall()])                              and then nothing, the line stays open
    Answer([body[:100], Cut()])                                truncated: closed before its end
    Answer([body[:100], Reset()])                              the same with a TCP reset

`framing` is how the body's end is told: `chunked`, `length` or `eof` (by closing the connection).
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

FOREVER = 3600.0


@dataclass(frozen=True)
class Pause:
    """Send nothing for some seconds."""

    seconds: float


@dataclass(frozen=True)
class Stall:
    """Send nothing any more, until the client closes or the server is stopped."""


@dataclass(frozen=True)
class Cut:
    """Close the connection at once, whatever is still due."""


@dataclass(frozen=True)
class Reset:
    """Close the connection with a TCP reset."""


Action = bytes | Pause | Stall | Cut | Reset


@dataclass(frozen=True)
class Answer:
    """What one request is answered with.

    Attributes:
        body: The body, whole or as pieces and actions.
        status: The HTTP status.
        headers: Headers; without a Content-Type it is `text/event-stream`.
        framing: `chunked`, `length` or `eof`.
        before: Actions before the status line.
        raw: `body` is all that is sent, status line included.
    """

    body: bytes | Sequence[Action] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    framing: str = "chunked"
    before: Sequence[Action] = ()
    raw: bool = False

    @property
    def actions(self) -> list[Action]:
        """The body as a list of actions."""
        return [self.body] if isinstance(self.body, bytes) else list(self.body)


@dataclass
class Received:
    """A request as it came.

    Attributes:
        method: GET or POST.
        path: The path with its query.
        headers: The headers, names in lower case.
        body: The body.
        connection: Which connection it came on, counted from 0.
        left: Set when the client closed the connection before the answer's end.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    left: threading.Event = field(default_factory=threading.Event)

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class _GoneError(Exception):
    """The client closed the connection, or the server is stopped."""


class FaultServer:
    """The server; a context manager. See the module's docstring.

    Args:
        tls: Speak TLS with this context (such a server can't tell that a client left).

    Attributes:
        requests: What was received, in order.
        connections: How many connections were made.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.requests: list[Received] = []
        self.connections = 0
        self._script: list[Answer | Callable[[Received], Answer]] = [Answer(status=404)]
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._stopping = False
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """The server's address, without a final slash."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    def script(self, *answers: Answer | Callable[[Received], Answer]) -> None:
        """Answer the next requests with these; the last one goes on answering."""
        with self._lock:
            self._script = list(answers)

    def script_posts(self, *answers: Answer) -> None:
        """Answer the next POSTs with these; the last one goes on, and there is nothing to GET.

        An app may ask for the list of models at any time.
        """
        left = list(answers)

        def give(received: Received) -> Answer:
            if received.method != "POST":
                return Answer(status=404)
            return left.pop(0) if len(left) > 1 else left[0]

        self.script(give)

    def wait_for_requests(self, count: int, seconds: float = 5.0) -> None:
        """Wait until that many requests were received.

        Raises:
            TimeoutError: They weren't.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.requests) >= count, seconds):
                raise TimeoutError(f"{len(self.requests)} of {count} requests")

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Close everything and wait for the threads."""
        self._stopping = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            threads = list(self._threads)
        for thread in threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        with self._lock:
            self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(connection)
                number, self.connections = self.connections, self.connections + 1
            self._start(self._serve, connection, number)

    def _serve(self, plain: socket.socket, number: int) -> None:
        try:
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
        except OSError:
            plain.close()
            return
        with plain, connection, suppress(OSError, _GoneError), connection.makefile("rb") as reader:
            for received in _requests(reader, number):
                with self._arrived:
                    self.requests.append(received)
                    self._arrived.notify_all()
                    answer = self._script.pop(0) if len(self._script) > 1 else self._script[0]
                if not isinstance(answer, Answer):
                    answer = answer(received)
                try:
                    keep = self._answer(connection, answer)
                except (OSError, _GoneError):
                    received.left.set()
                    raise
                if not keep:
                    break
        with self._lock:
            self._open.discard(plain)

    def _answer(self, connection: socket.socket, answer: Answer) -> bool:
        # Whether the connection may carry another request.
        for action in answer.before:
            if not self._do(connection, action):
                return False
        actions = answer.actions
        if not answer.raw:
            connection.sendall(_head(answer))
        chunked = answer.framing == "chunked" and not answer.raw
        for action in actions:
            framed = _chunk(action) if isinstance(action, bytes) and chunked else action
            if not self._do(connection, framed):
                return False
        if chunked:
            connection.sendall(b"0\r\n\r\n")
        return not answer.raw and answer.framing != "eof"

    def _do(self, connection: socket.socket, action: Action) -> bool:
        # Whether to go on.
        match action:
            case bytes():
                connection.sendall(action)
            case Pause(seconds):
                self._wait(connection, seconds)
            case Stall():
                self._wait(connection, FOREVER)
            case Cut():
                connection.shutdown(socket.SHUT_RDWR)
                return False
            case Reset():
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                socket.close(connection.detach())  # at once: makefile() would hold it open
                return False
        return True

    def _wait(self, connection: socket.socket, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            readable, _, _ = select.select([connection], [], [], left)
            # Clients here don't send ahead: what can be read now is the end of the connection.
            if readable and not connection.recv(1, socket.MSG_PEEK):
                raise _GoneError
            if readable:
                time.sleep(0.01)


def sse(*data: str, event: str | None = None) -> bytes:
    """An event stream with these data texts."""
    name = f"event: {event}\n" if event else ""
    return "".join(f"{name}data: {text}\n\n" for text in data).encode()


def split(body: bytes, size: int) -> list[Action]:
    """The body in pieces of a size, each sent on its own."""
    return [body[start : start + size] for start in range(0, len(body), size)]


def drip(body: bytes, seconds: float, size: int = 1) -> list[Action]:
    """The body in pieces, with a pause after each."""
    return [part for piece in split(body, size) for part in (piece, Pause(seconds))]


def unused_port() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _requests(reader: Any, connection: int) -> Iterator[Received]:
    while line := reader.readline():
        method, path, version = [*line.decode("latin-1").split(" ", 2), "", ""][:3]
        if not version.startswith("HTTP/"):
            return  # not HTTP: a TLS handshake, for one
        headers: dict[str, str] = {}
        while (header := reader.readline().decode("latin-1").strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        body = reader.read(int(headers.get("content-length", "0")))
        yield Received(method, path, headers, body, connection)


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""


def _head(answer: Answer) -> bytes:
    headers = {"Content-Type": "text/event-stream"} | answer.headers
    if answer.framing == "chunked":
        headers["Transfer-Encoding"] = "chunked"
    elif answer.framing == "length":
        size = sum(len(action) for action in answer.actions if isinstance(action, bytes))
        headers = {"Content-Length": str(size)} | headers
    else:
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {answer.status} Status", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
