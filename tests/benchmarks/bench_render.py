"""The Markdown engine without a screen: how its cost grows, and its longest flush.

Text comes in pieces of four characters and is flushed as a screen would at 30 frames a second. The
longest flush is compared with what it may take, in CPU milliseconds of the reference machine:
nothing in it waits.
"""

from __future__ import annotations

import gc
import time

from chatterm.render.markdown import MarkdownStream
from documents import answer, pathological
from harness import Row, in_turn, reference_ms

WIDTH = 100
PIECE = 4
A_SECOND = 8000  # characters, where a flood of them is tried
FRAMES = 30
LONGEST_MS = 100.0


def run(*, quick: bool) -> list[Row]:
    """Growth over a long answer; the longest flush of documents that break renderers."""
    length = 60_000 if quick else 200_000
    rows = [_growth(length), _against_rich(5_000 if quick else 20_000)]
    lengths = (1_000, 10_000, 50_000) if quick else (1_000, 10_000, 50_000, 200_000)
    rows += [_whole(length, 1 if quick else 3) for length in lengths]
    allowed = reference_ms(LONGEST_MS)
    for name, whole in pathological():
        text = whole[: len(whole) // 3] if quick else whole  # what is quadratic shows here, too
        stall = min(_longest_flush(text) for _ in range(1 if quick else 2))
        rows.append(Row(f"{name}: longest flush", stall, allowed, "ms", limit=1.0))
    return rows


def _growth(length: int) -> Row:
    """A character of the last tenth against one of the first, each text alike."""
    text = answer(length // 10)
    stream = MarkdownStream(WIDTH)
    costs: list[float] = []
    for _ in range(10):
        began = time.process_time()
        _stream(stream, text + "\n\n", 2000)
        costs.append(time.process_time() - began)
    scale = 1e6 / len(text)
    name = f"the last tenth of {length:,} characters"
    return Row(name, min(costs[-3:]) * scale, min(costs[:3]) * scale, "µs", limit=1.3, law=True)


def _against_rich(length: int) -> Row:
    """Streaming a whole answer against rich's Markdown rendering it twenty times: 20 frames."""
    from io import StringIO

    from rich.console import Console
    from rich.markdown import Markdown

    text = answer(length)

    def ours() -> float:
        began = time.process_time()
        _stream(MarkdownStream(WIDTH), text, 2000)
        return time.process_time() - began

    def rich() -> float:
        console = Console(file=StringIO(), width=WIDTH, force_terminal=True)
        began = time.process_time()
        for frame in range(1, 21):
            console.print(Markdown(text[: len(text) * frame // 20]))
        return time.process_time() - began

    mine, baseline = in_turn([ours, rich], 3)
    return Row("an answer as it streams, against 20 renderings by rich", mine, baseline, "s", 0.5)


def _whole(length: int, runs: int) -> Row:
    """Streaming an answer, a frame a thirtieth of a second, against rich rendering it once."""
    from io import StringIO

    from rich.console import Console
    from rich.markdown import Markdown

    text = answer(length)

    def ours() -> float:
        began = time.process_time()
        stream = MarkdownStream(WIDTH)
        _stream(stream, text, 2000)
        stream.finish()
        return 1000 * (time.process_time() - began)

    def rich() -> float:
        console = Console(file=StringIO(), width=WIDTH, force_terminal=True)
        began = time.process_time()
        console.print(Markdown(text))
        return 1000 * (time.process_time() - began)

    mine, baseline = in_turn([ours, rich], runs)
    return Row(
        f"{length:,} characters as they stream, against rich once", mine, baseline, "ms", 2.5
    )


def _stream(stream: MarkdownStream, text: str, a_second: int) -> float:
    """Stream a text and flush it in frames; the seconds of the longest flush."""
    step = max(PIECE, a_second // FRAMES // PIECE * PIECE)
    longest = 0.0
    for start in range(0, len(text), step):
        for at in range(start, min(start + step, len(text)), PIECE):
            stream.feed(text[at : at + PIECE])
        began = time.process_time()
        stream.flush()
        longest = max(longest, time.process_time() - began)
    return longest


def _longest_flush(text: str) -> float:
    stream = MarkdownStream(WIDTH)
    gc.collect()
    gc.disable()
    try:
        longest = _stream(stream, text, A_SECOND)
        began = time.process_time()
        stream.finish()
        return 1000 * max(longest, time.process_time() - began)
    finally:
        gc.enable()
