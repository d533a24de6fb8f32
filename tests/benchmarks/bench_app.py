"""What a user feels, in a real pseudo-terminal of 120 by 40.

Streaming against Textual's own MarkdownStream, and against its Markdown without; documents that
break renderers; start-up against a minimal Textual app; a flood and a paced answer from a loopback
server, keys beside it, idling and memory. Peers (`peers.py`) stand with what was recorded of them,
scaled by the minimal app's first frame.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from documents import pathological
from harness import HERE, Row
from peers import PEERS
from seats import KEYS, TOKENS, Seat, serving

CHILD = HERE / "app_child.py"
HARDEST = {"deeply nested quotes"}  # tried where there is little time
# Recorded on the reference machine: a minimal app, and the best of the peers.
MINIMAL_FIRST_MS = 207.0
BEST_FLOOD_CPU_S = 1.6
CODEX_PACED_CPU, CLAUDE_PACED_CPU = 0.226, 0.34  # of a core, at 200 tokens a second
LIGHTEST_PEAK_MB = 251.0


def run(*, quick: bool) -> list[Row]:
    """The promises that a screen shows."""
    start_up = _start_up(3 if quick else 15)
    # How much longer a minimal app takes here than where the peers were recorded.
    scale = start_up[0].baseline / MINIMAL_FIRST_MS
    return [
        *start_up,
        *_streaming(8_000 if quick else 50_000, scale),
        *_plain(2_000 if quick else 8_000),
        *_hard(scale, quick=quick),
        *_flood(scale),
        *_paced(4 if quick else 20, scale),
        _idle(3 if quick else 10),
    ]


def _streaming(characters: int, scale: float) -> Iterator[Row]:
    theirs = played("theirs", str(characters))
    ours = played("ours", str(characters))
    name = f"{characters:,} characters at 2,000 a second"
    # Its cost grows with the length of the text: against a short one there is less to save.
    limit = 0.2 if characters >= 50_000 else 0.3
    yield Row(f"{name}: CPU against MarkdownStream", ours["cpu"], theirs["cpu"], "s", limit)
    # It makes three times as many frames: what each writes is Textual's own doing.
    written, baseline = ours["written"] / 1000, theirs["written"] / 1000
    yield Row(f"{name}: written, against MarkdownStream", written, baseline, "kB", limit=6.0)
    yield Row(f"{name}: stall p99", ours["p99_ms"], 10 * scale, "ms", limit=1.0)
    yield Row(f"{name}: longest stall", ours["longest_ms"], 60 * scale, "ms", limit=1.0)
    seconds = characters / 2000
    yield Row(f"{name}: 25 frames a second", 25.0, ours["frames"] / seconds, "fps", limit=1.0)


def _plain(characters: int) -> Iterator[Row]:
    """Textual's Markdown without its stream: `append`, and on a short text `update`."""
    # As above: the shorter the text, the less there is to save.
    append = 0.35 if characters >= 8_000 else 0.6
    for mode, length, limit in (("append", characters, append), ("update", 2_000, 0.4)):
        theirs, ours = played(mode, str(length)), played("ours", str(length))
        name = f"{length:,} characters at 2,000 a second: CPU against Markdown.{mode}"
        if theirs.get("gave_up"):
            name += " (gave up)"
        yield Row(name, ours["cpu"], theirs["cpu"], "s", limit)


def _hard(scale: float, *, quick: bool) -> Iterator[Row]:
    """What breaks renderers, on the screen: how long nothing else can happen."""
    for number, (name, text) in enumerate(pathological()):
        if not quick:
            found = played("hard", str(number))
        elif name in HARDEST:
            found = played("hard", str(number), str(len(text) // 3))
        else:
            continue
        title = f"{name}, 20,000 characters a second: longest stall"
        yield Row(title, found["longest_ms"], 100 * scale, "ms", limit=1.0)


def _start_up(times: int) -> list[Row]:
    runs = [(first_frame("pane"), first_frame("bare")) for _ in range(times + 1)][1:]
    rows = []
    for at, what in enumerate(("the first frame", "the first key")):
        ours = statistics.median(ours[at] for ours, _ in runs)
        bare = statistics.median(bare[at] for _, bare in runs)
        rows.append(Row(f"{what}, against a minimal app", ours, bare, "ms", limit=1.3))
    return rows


def _flood(scale: float) -> Iterator[Row]:
    with serving(0) as server:
        found = played("http", server.url)
    name = f"{TOKENS:,} tokens at once"
    quickest = min(peer.late for peer in PEERS if peer.late)
    for peer in PEERS:
        if peer.late is not None:
            title, limit = f"{name}: late, against {peer.name} (recorded)", 1.0
            if peer.late == quickest:
                limit = 0.6
            yield Row(title, found["late_s"], peer.late * scale, "s", limit)
    cpu = BEST_FLOOD_CPU_S * scale
    yield Row(f"{name}: CPU, against the best peer (recorded)", found["cpu"], cpu, "s", 0.6)
    peak = found["peak_mb"]
    yield Row(f"{name}: memory, against codex (recorded)", peak, LIGHTEST_PEAK_MB, "MB", 0.5)


def _paced(seconds: int, scale: float) -> Iterator[Row]:
    with serving(200) as server, _app("http", server.url) as (seat, _):
        seat.until("READY")
        seat.read_for(1.0)
        share, echoes = typed(seat, seconds)
    name = "200 tokens a second"
    yield Row(f"{name}: CPU, against codex (recorded)", share, CODEX_PACED_CPU * scale, "", 0.6)
    yield Row(f"{name}: CPU, against claude (recorded)", share, CLAUDE_PACED_CPU * scale, "", 0.4)
    echo = statistics.median(echoes)
    yield Row(f"{name}: a key shown, median", echo, 25 * scale, "ms", limit=1.0)
    yield Row(f"{name}: a key shown, longest", max(echoes), 50 * scale, "ms", limit=1.0)


def typed(seat: Seat, seconds: float) -> tuple[float, list[float]]:
    """The share of a core while somebody types beside what happens, and how late keys are."""
    before, began = seat.cpu(), time.perf_counter()
    echoes = []
    while time.perf_counter() - began < seconds:
        echoes.append(seat.echo(chr(KEYS + len(echoes))))
        seat.read_for(0.4)
    return (seat.cpu() - before) / (time.perf_counter() - began), echoes


def _idle(seconds: int) -> Row:
    with _app("pane") as (seat, _):
        seat.until("READY")
        seat.read_for(1.5)
        before = seat.cpu()
        seat.read_for(seconds)
        used = 100 * (seat.cpu() - before) / seconds
    return Row("idle", used, 0.2, "%", limit=1.0)


def first_frame(mode: str) -> tuple[float, float]:
    """Milliseconds to the first frame, and to the echo of a key that is typed then."""
    began = time.perf_counter()
    with _app(mode) as (seat, _):
        first = seat.until("READY")
        seat.echo(chr(KEYS))
        return 1000 * (first - began), 1000 * (time.perf_counter() - began)


@cache
def played(mode: str, *arguments: str) -> dict[str, Any]:
    """What an app of `app_child.py` measured; once in a run."""
    with _app(mode, *arguments) as (seat, result):
        seat.wait(seconds=300)
        return dict(json.loads(result.read_text())) | {"written": seat.written}


@contextmanager
def _app(*arguments: str) -> Iterator[tuple[Seat, Path]]:
    with tempfile.TemporaryDirectory() as base:
        result = Path(base) / "result.json"
        env = {"CHATTERM_BENCH": str(result), "PYTHONPATH": str(HERE)}
        with Seat([sys.executable, str(CHILD), *arguments], env) as seat:
            yield seat, result
