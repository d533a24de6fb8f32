"""What a user feels, in a real pseudo-terminal of 120 by 40.

Streaming against Textual's own MarkdownStream, and against its Markdown without; documents that
break renderers; start-up against a minimal Textual app; a flood and a paced answer from a loopback
server, keys beside it, idling and memory. Peers (`peers.py`) stand with what was recorded of them,
scaled by the minimal app's first frame.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
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

sys.path.insert(0, str(HERE.parent))
from terminals import Terminal

CHILD = HERE / "app_child.py"
TOKENS = 20_000
KEYS = 0x100  # letters from here on: neither an answer nor a control sequence has them
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
    theirs = _played("theirs", str(characters))
    ours = _played("ours", str(characters))
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
    played = cache(_played)
    for mode, length, limit in (("append", characters, append), ("update", 2_000, 0.4)):
        theirs, ours = _played(mode, str(length)), played("ours", str(length))
        name = f"{length:,} characters at 2,000 a second: CPU against Markdown.{mode}"
        if theirs.get("gave_up"):
            name += " (gave up)"
        yield Row(name, ours["cpu"], theirs["cpu"], "s", limit)


def _hard(scale: float, *, quick: bool) -> Iterator[Row]:
    """What breaks renderers, on the screen: how long nothing else can happen."""
    for number, (name, text) in enumerate(pathological()):
        if not quick:
            found = _played("hard", str(number))
        elif name in HARDEST:
            found = _played("hard", str(number), str(len(text) // 3))
        else:
            continue
        title = f"{name}, 20,000 characters a second: longest stall"
        yield Row(title, found["longest_ms"], 100 * scale, "ms", limit=1.0)


def _start_up(times: int) -> list[Row]:
    runs = [(_first_frame("pane"), _first_frame("bare")) for _ in range(times + 1)][1:]
    rows = []
    for at, what in enumerate(("the first frame", "the first key")):
        ours = statistics.median(ours[at] for ours, _ in runs)
        bare = statistics.median(bare[at] for _, bare in runs)
        rows.append(Row(f"{what}, against a minimal app", ours, bare, "ms", limit=1.3))
    return rows


def _flood(scale: float) -> Iterator[Row]:
    with _server(0) as url:
        found = _played("http", url)
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
    with _server(200) as url, _app("http", url) as (seat, _):
        seat.read_until("READY")
        time.sleep(1.0)
        before, began = _cpu_of(seat.pid), time.perf_counter()
        echoes = []
        while time.perf_counter() - began < seconds:
            echoes.append(_echo(seat, chr(KEYS + len(echoes))))
            seat.read_for(0.4)
        share = (_cpu_of(seat.pid) - before) / (time.perf_counter() - began)
    name = "200 tokens a second"
    yield Row(f"{name}: CPU, against codex (recorded)", share, CODEX_PACED_CPU * scale, "", 0.6)
    yield Row(f"{name}: CPU, against claude (recorded)", share, CLAUDE_PACED_CPU * scale, "", 0.4)
    echo = statistics.median(echoes)
    yield Row(f"{name}: a key shown, median", echo, 25 * scale, "ms", limit=1.0)
    yield Row(f"{name}: a key shown, longest", max(echoes), 50 * scale, "ms", limit=1.0)


def _idle(seconds: int) -> Row:
    with _app("pane") as (seat, _):
        seat.read_until("READY")
        seat.read_for(1.5)
        before = _cpu_of(seat.pid)
        seat.read_for(seconds)
        used = 100 * (_cpu_of(seat.pid) - before) / seconds
    return Row("idle", used, 0.2, "%", limit=1.0)


def _first_frame(mode: str) -> tuple[float, float]:
    """Milliseconds to the first frame, and to the echo of a key that is typed then."""
    began = time.perf_counter()
    with _app(mode) as (seat, _):
        seat.read_until("READY")
        first = time.perf_counter()
        _echo(seat, chr(KEYS))
        return 1000 * (first - began), 1000 * (time.perf_counter() - began)


def _echo(seat: Terminal, key: str) -> float:
    """Milliseconds until a key is on the screen."""
    seen = len(seat.seen)
    began = time.perf_counter()
    seat.type(key)
    while key.encode() not in seat.seen[seen:]:
        if not seat.read_for(0.001) and time.perf_counter() - began > 5:
            raise SystemExit(f"the key {key} wasn't shown")
    return 1000 * (time.perf_counter() - began)


def _played(mode: str, *arguments: str) -> dict[str, Any]:
    with _app(mode, *arguments) as (seat, result):
        seat.wait(seconds=300)
        return dict(json.loads(result.read_text())) | {"written": len(seat.seen)}


@contextmanager
def _app(*arguments: str) -> Iterator[tuple[Terminal, Path]]:
    with tempfile.TemporaryDirectory() as base:
        result = Path(base) / "result.json"
        env = os.environ | {"CHATTERM_BENCH": str(result), "TERM": "xterm-256color"}
        env |= {"COLORTERM": "truecolor", "PYTHONPATH": str(HERE)}
        command = [sys.executable, str(CHILD), *arguments]
        with Terminal(command, env, Path.cwd(), columns=120, rows=40) as seat:
            yield seat, result


@contextmanager
def _server(pace: int) -> Iterator[str]:
    command = [sys.executable, str(HERE / "paced_server.py"), str(4 * TOKENS), str(pace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def _cpu_of(pid: int) -> float:
    """CPU seconds of a process so far: of its threads, finer than the clock's ticks."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in threads) / 1e9
