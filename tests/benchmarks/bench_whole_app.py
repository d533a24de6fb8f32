"""The promises again, of the real program: `python -m chatterm` with its store, gate and tools.

It has a configuration, a home and a store of its own, runs in a pseudo-terminal of 120 by 40, and
is measured from outside. It is held to what the bare app around the pane is (`bench_app.py`).
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench_app import (
    BEST_FLOOD_CPU_S,
    CLAUDE_PACED_CPU,
    CODEX_PACED_CPU,
    LIGHTEST_PEAK_MB,
    MINIMAL_FIRST_MS,
    first_frame,
    played,
    typed,
)
from bench_store import fill_one
from harness import HERE, Row
from peers import PEERS
from seats import KEYS, LAST_WORD, TOKENS, Seat, Server, serving

GREETING = "Ask something"  # what the first frame says
CONFIG = """\
model = "p/m"
titles.model = "off"
[providers.p]
protocol = "chat"
base_url = "{url}"
models = ["m"]
"""
FEW, MANY = 100, 20_000  # steps
STEPS = 10  # of a turn
LIMITS = {"a key": 1.5, "a scroll": 1.5, "a flush": 1.5, "a resize": 5.0}
WHEEL = ("\x1b[<64;40;10M", "\x1b[<65;40;10M")
WIDTHS = (100, 120)


def run(*, quick: bool) -> list[Row]:
    """The promises of SPEED.md that the whole program shows."""
    start_up = list(_start_up(3 if quick else 15))
    scale = start_up[0].baseline / MINIMAL_FIRST_MS
    return [
        *start_up,
        *_flood(1 if quick else 3),
        *_paced(3 if quick else 20, scale),
        *_streaming(8_000 if quick else 50_000, scale),
        *_idle(("after a turn",) if quick else ("an empty conversation", "after a turn"), 5),
        *_long(quick=quick),
    ]


# --- the program ---


@contextmanager
def _program(
    url: str = "http://127.0.0.1:9",
    *arguments: str,
    base: Path | None = None,
    child: tuple[str, ...] = ("-m", "chatterm"),
    env: Mapping[str, str] | None = None,
) -> Iterator[Seat]:
    """The real program, in a home of its own; `base`: where its store is already."""
    with tempfile.TemporaryDirectory(prefix="chatterm-bench-") as home:
        config, work = Path(home, "config.toml"), Path(home, "work")
        work.mkdir()
        config.write_text(CONFIG.format(url=url), "utf-8")
        around = {"HOME": home, "CHATTERM_CONFIG": str(config)}
        around |= {"CHATTERM_DATA_DIR": str(base or Path(home, "data"))}
        around |= {f"XDG_{name}_HOME": home for name in ("CONFIG", "DATA", "STATE", "CACHE")}
        around["PYTHONPATH"] = f"{HERE}:{HERE.parents[1]}"
        with Seat([sys.executable, *child, *arguments], around | (env or {}), work) as seat:
            yield seat


def _settled(seat: Seat) -> None:
    """Wait until everything is open that is opened after the first frame."""
    while True:
        before = seat.cpu()
        seat.read_for(0.5)
        if seat.cpu() - before < 0.01:
            seat.forget()
            return


def _send(seat: Seat, text: str = "hello") -> None:
    seat.type(text)
    seat.until(text)
    seat.type("\r")


# --- promises ---


def _start_up(times: int) -> Iterator[Row]:
    def whole() -> tuple[float, float]:
        began = time.perf_counter()
        with _program() as seat:
            first = seat.until(GREETING)
            seat.echo(chr(KEYS))
            return 1000 * (first - began), 1000 * (time.perf_counter() - began)

    runs = [(whole(), first_frame("bare")) for _ in range(times + 1)][1:]
    for at, what in enumerate(("the first frame", "the first key")):
        ours = statistics.median(ours[at] for ours, _ in runs)
        bare = statistics.median(bare[at] for _, bare in runs)
        yield Row(f"chatterm: {what}, against a minimal app", ours, bare, "ms", limit=1.3)


def _flood(runs: int) -> Iterator[Row]:
    # The machine's speed at the moment counts: the run whose lateness is in the middle.
    found = sorted((_flooded() for _ in range(runs)), key=lambda each: each[1] / each[0])
    scale, late, cpu, peak = found[runs // 2]
    name = f"chatterm: {TOKENS:,} tokens at once"
    quickest = min((peer for peer in PEERS if peer.late), key=lambda peer: peer.late or 0)
    title = f"{name}: late, against {quickest.name} (recorded)"
    yield Row(title, late, (quickest.late or 0) * scale, "s", 0.6)
    best = BEST_FLOOD_CPU_S * scale
    yield Row(f"{name}: CPU, against the best peer (recorded)", cpu, best, "s", 0.6)
    yield Row(f"{name}: memory, against codex (recorded)", peak, LIGHTEST_PEAK_MB, "MB", 0.5)


def _flooded() -> tuple[float, float, float, float]:
    """How much longer a minimal app takes here just now, and what a flood took."""
    scale = first_frame("bare")[0] / MINIMAL_FIRST_MS
    with serving(0) as server, _program(server.url) as seat:
        seat.until(GREETING)
        _settled(seat)
        before = seat.cpu()
        _send(seat)
        late = seat.until(LAST_WORD) - server.sent_at()
        _settled(seat)
        return scale, late, seat.cpu() - before, seat.peak_mb()


def _paced(seconds: int, scale: float) -> Iterator[Row]:
    with serving(200) as server, _program(server.url) as seat:
        seat.until(GREETING)
        _settled(seat)
        _send(seat)
        seat.read_for(1.0)
        share, echoes = typed(seat, seconds)
    name = "chatterm: 200 tokens a second"
    yield Row(f"{name}: CPU, against codex (recorded)", share, CODEX_PACED_CPU * scale, "", 0.6)
    yield Row(f"{name}: CPU, against claude (recorded)", share, CLAUDE_PACED_CPU * scale, "", 0.4)
    echo = statistics.median(echoes)
    yield Row(f"{name}: a key shown, median", echo, 25 * scale, "ms", limit=1.0)
    yield Row(f"{name}: a key shown, longest", max(echoes), 50 * scale, "ms", limit=1.0)


def _streaming(characters: int, scale: float) -> Iterator[Row]:
    theirs = played("theirs", str(characters))
    with tempfile.TemporaryDirectory() as base, serving(500, characters) as server:
        result = Path(base, "result.json")
        child = (str(HERE / "whole_child.py"),)
        env = {"CHATTERM_BENCH": str(result)}
        with _program(server.url, child=child, env=env) as seat:
            seat.until(GREETING)
            _settled(seat)
            before = seat.cpu()
            _send(seat)
            seat.until(LAST_WORD)
            seat.read_for(0.5)
            cpu = seat.cpu() - before
        ours = json.loads(result.read_text())
    name = f"chatterm: {characters:,} characters at 2,000 a second"
    # Its cost grows with the length of the text: against a short one there is less to save.
    limit = 0.2 if characters >= 50_000 else 0.3
    yield Row(f"{name}: CPU against MarkdownStream", cpu, theirs["cpu"], "s", limit)
    yield Row(f"{name}: stall p99", ours["p99_ms"], 10 * scale, "ms", limit=1.0)
    yield Row(f"{name}: longest stall", ours["longest_ms"], 60 * scale, "ms", limit=1.0)
    frames = ours["frames"] / (characters / 2000)
    yield Row(f"{name}: 25 frames a second", 25.0, frames, "fps", limit=1.0)


def _idle(when: Sequence[str], seconds: float) -> Iterator[Row]:
    """Before a turn and after one: nothing may tick."""
    with serving(0, 400) as server, _program(server.url) as seat:
        seat.until(GREETING)
        for what in when:
            if what == "after a turn":
                _send(seat)
                seat.until(LAST_WORD)
            _settled(seat)
            seat.read_for(2.0)  # what is only done when nothing else is
            before, wakes = seat.cpu(), seat.wakes()
            seat.read_for(seconds)
            used = 100 * (seat.cpu() - before) / seconds
            woken = (seat.wakes() - wakes) / seconds
            yield Row(f"chatterm: idle, {what}", used, 0.2, "%", limit=1.0)
            # Textual's own thread for the keyboard looks whether it is to end ten times a second.
            yield Row(f"chatterm: idle, {what}: wakes a second", woken, 10.0, "", limit=1.2)


# --- long conversations ---


def _long(*, quick: bool) -> Iterator[Row]:
    """What acts in a conversation cost as it grows."""
    times = 5 if quick else 20
    with tempfile.TemporaryDirectory(prefix="chatterm-bench-") as base, serving(200) as server:
        for count in (FEW, MANY):
            fill_one(Path(base, str(count)), f"{count:x}", count // STEPS)
        runs = 1 if quick else 3
        rounds = [
            [_costs(server, Path(base, str(count)), f"{count:x}", times) for count in (FEW, MANY)]
            for _ in range(runs)
        ]
    for what in rounds[0][0]:
        few, many = (
            statistics.median(each[at][what] for each in rounds) for at in range(len((FEW, MANY)))
        )
        unit = "MB" if what == "memory" else "ms"
        name = f"chatterm: {what}, {MANY:,} steps against {FEW}"
        yield Row(name, many, few, unit, LIMITS.get(what, 1.5), law=what in LIMITS)


def _costs(server: Server, store: Path, id_: str, times: int) -> dict[str, float]:
    """Of a copy of the store: a message is sent in the conversation."""
    with tempfile.TemporaryDirectory(prefix="chatterm-bench-") as copy:
        shutil.copytree(store, copy, dirs_exist_ok=True)
        return _costs_of(server, Path(copy), id_, times)


def _costs_of(server: Server, base: Path, id_: str, times: int) -> dict[str, float]:
    found: dict[str, float] = {}
    with _program(server.url, "-r", id_, base=base) as seat:
        began = time.perf_counter()
        found["opened at its end"] = 1000 * (seat.until("300 tokens") - began)
        found["the first key"] = seat.echo(chr(KEYS - 1)) + found["opened at its end"]
        _settled(seat)
        found["memory"] = seat.peak_mb()
        keys = iter(range(KEYS, KEYS + 1000))
        found["a key"] = _each(seat, times, lambda _: seat.type(chr(next(keys))))
        found["a scroll"] = _each(seat, 2 * times, lambda at: seat.type(WHEEL[at >= times]))
        found["a resize"] = _each(
            seat, max(4, times // 4), lambda at: seat.resize(WIDTHS[at % 2], 40)
        )
        seat.type("\r")
        seat.until("tok/s")  # what sending takes isn't what is measured
        seat.read_for(0.5)
        before, began = seat.cpu(), time.perf_counter()
        seat.read_for(2.0)
        took = time.perf_counter() - began
        # At this pace there are twenty frames a second.
        found["a flush"] = 1000 * (seat.cpu() - before) / took / 20
    return found


def _each(seat: Seat, times: int, act: Callable[[int], None]) -> float:
    """CPU milliseconds of an act, with what is painted after it."""
    costs = []
    for at in range(times):
        before = seat.cpu()
        act(at)
        seat.read_for(0.12)
        costs.append(1000 * (seat.cpu() - before))
    return statistics.fmean(sorted(costs)[: times - times // 10])
