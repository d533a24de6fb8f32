"""Reading streams: from the socket to finished steps, and how the cost grows.

Baseline: a loop over the same chunks that only splits the events and parses each with the same
JSON library.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterator

from chatterm.assembly import StepWriter
from chatterm.events import StepFinished
from chatterm.providers.base import ModelRequest
from chatterm.providers.http import HttpProvider
from chatterm.providers.registry import wire_protocol
from chatterm.providers.sse import SseFramer
from chatterm.providers.transport import Transport
from chatterm.providers.wire import Endpoint
from chatterm.steps import Turn, UserInput
from flood_server import body
from harness import Row, chat_server, in_turn

CHUNK = 65_536
REQUEST = ModelRequest("m", (Turn("t", UserInput("hello"), "p/m"),))


def run(*, quick: bool) -> list[Row]:
    """Throughput against the bare loop; the cost of an event, late against early."""
    tokens = 50_000 if quick else 200_000
    most = 200_000 if quick else 1_000_000
    return [_throughput(tokens), _growth("chat", most), _growth("responses", most)]


def _throughput(tokens: int) -> Row:
    chunks = _cut(body(tokens))
    with chat_server(tokens) as url:
        ours, bare = in_turn([lambda: _cpu(_from_socket, url), lambda: _cpu(_bare, chunks)], 5)
    scale = 1e6 / tokens
    return Row("socket to steps, an event", ours * scale, bare * scale, "µs", limit=3.0)


def _growth(protocol: str, most: int) -> Row:
    """The last tenth of a long stream against the first thousand events of one, in turn."""
    chunks = list(_stream(protocol, most))
    last = len(chunks) - len(chunks) // 10
    piece = max(1, len(chunks) * 1000 // most)
    decode = _Decoding(protocol)
    for chunk in chunks[:last]:
        decode.feed(chunk)
    late, early = [], []
    for start in range(last, len(chunks) - piece, piece):
        following = chunks[start : start + piece]
        late.append(_cpu(lambda: [decode.feed(chunk) for chunk in following]))  # noqa: B023
        early.append(_cpu(_decode, protocol, chunks[:piece]))
    scale = 1e6 * len(chunks) / most / piece
    name = f"{protocol}: event {most:,} against event 1,000"
    ours, baseline = statistics.median(late) * scale, statistics.median(early) * scale
    return Row(name, ours, baseline, "µs", limit=1.3, law=True)


class _Decoding:
    """A framer and a decoder, without a socket."""

    def __init__(self, protocol: str) -> None:
        self.writer = StepWriter("t")
        endpoint = Endpoint("p", "http://127.0.0.1")
        self.decoder = wire_protocol(protocol).decoder(REQUEST, endpoint, self.writer)
        self.framer = SseFramer()

    def feed(self, chunk: bytes) -> None:
        for name, data in self.framer.feed(chunk):
            self.decoder.event(name, data if data == "[DONE]" else json.loads(data))
        self.writer.take()


def _decode(protocol: str, chunks: list[bytes]) -> None:
    decoding = _Decoding(protocol)
    for chunk in chunks:
        decoding.feed(chunk)
    decoding.decoder.close()


def _stream(protocol: str, events: int) -> Iterator[bytes]:
    """A stream of so many text deltas, in chunks."""
    if protocol == "chat":
        yield from _cut(body(events))
        return
    delta = {
        "type": "response.output_text.delta",
        "item_id": "msg_1",
        "output_index": 0,
        "content_index": 0,
    }
    lines = (
        f"data: {json.dumps(delta | {'delta': f'word{n} ', 'sequence_number': n})}\n\n"
        for n in range(events)
    )
    yield from _cut("".join(lines).encode())


def _cut(data: bytes) -> list[bytes]:
    return [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]


def _bare(chunks: list[bytes]) -> None:
    rest = b""
    for chunk in chunks:
        *events, rest = (rest + chunk).split(b"\n\n")
        for event in events:
            if event != b"data: [DONE]":
                json.loads(event[6:])


def _from_socket(url: str) -> None:
    async def ask() -> int:
        endpoint = Endpoint("p", url)
        provider = HttpProvider(wire_protocol("chat"), endpoint, Transport())
        finished = 0
        async for item in provider.stream(REQUEST, StepWriter("t")):
            finished += isinstance(item, StepFinished)
        await provider.aclose()
        return finished

    assert asyncio.run(ask()) == 1


def _cpu(work: Callable[..., object], *arguments: object) -> float:
    began = time.process_time()
    work(*arguments)
    return time.process_time() - began
