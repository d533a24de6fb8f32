"""The pane, headless: what a key, a scroll, a flush, a resize and memory cost as it grows.

Conversations of 20 to 20,000 items, each figure against the same at 100 in the same run. A step's
cost is all CPU time from its beginning until its frames are painted.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from textual.pilot import Pilot

from chatterm.tui.pane.coloured_item import ColouredItem
from chatterm.tui.pane.markdown_item import MarkdownItem
from documents import coloured_lines
from harness import Row, reference_ms

sys.path.insert(0, str(Path(__file__).parents[1]))
from tui.pane_app import PaneApp, conversation

FEW = 100
COUNTS = (20, FEW, 1000, 20_000)
LIMITS = {"a key": 1.5, "a scroll": 1.5, "a flush": 1.5, "a resize": 5.0}
SIZE = (120, 40)
FRAMES_S = 0.04  # two frames: widgets that were mounted are painted in the second
SHOWN_MS = 50.0

Step = Callable[["_Bench"], Awaitable[None]]


class _Bench:
    """An app with so many items, and something that streams at its end."""

    def __init__(self, app: PaneApp, pilot: Pilot[None], live: MarkdownItem) -> None:
        self.app, self.pilot, self.live = app, pilot, live
        self.wide = False
        self.rows = -3

    async def key(self) -> None:
        """Type a letter beside the pane."""
        await self.pilot.press("a")

    async def scroll(self) -> None:
        """Scroll by three rows; a short conversation's ends turn it round."""
        pane = self.app.pane
        if not 6 <= pane.scroll_y <= pane.max_scroll_y - 6:
            self.rows = 3 if pane.scroll_y < 6 else -3
        pane.action_go(self.rows)

    async def flush(self) -> None:
        """Show some words that came."""
        self.live.feed("some more words that come in a row ")
        self.live.flush()

    async def resize(self) -> None:
        """Make the terminal wider or narrower."""
        self.wide = not self.wide
        await self.pilot.resize_terminal(100 if self.wide else 120, 40)


def run(*, quick: bool) -> list[Row]:
    """Growth laws of the pane, and coloured output shown."""
    times = 4 if quick else 20
    # In turn, so that drift hits all alike.
    rounds = [[asyncio.run(_costs(count, times)) for count in COUNTS] for _ in range(3)]
    found = [
        {what: statistics.median(each[at][what] for each in rounds) for what in LIMITS}
        for at in range(len(COUNTS))
    ]
    rows = [
        row
        for what, limit in LIMITS.items()
        for row in _growth(what, [costs[what] for costs in found], "ms", limit)
    ]
    runs = 1 if quick else 3
    memory = [statistics.median(_memory(count) for _ in range(runs)) for count in COUNTS]
    return [*rows, *_growth("memory", memory, "MB", 1.5), _coloured()]


def _growth(what: str, figures: Sequence[float], unit: str, limit: float) -> Iterator[Row]:
    """What it costs at each length against the cost at a hundred items."""
    base = figures[COUNTS.index(FEW)]
    for count, figure in zip(COUNTS, figures, strict=True):
        if count != FEW:
            yield Row(f"{what}, {count:,} items against {FEW}", figure, base, unit, limit, law=True)


async def _costs(count: int, times: int) -> dict[str, float]:
    app = PaneApp(conversation(count))
    async with app.run_test(size=SIZE) as pilot:
        live = MarkdownItem("live")
        app.pane.append(live)
        bench = _Bench(app, pilot, live)
        live.feed("first words ")
        await pilot.pause(0.1)
        found = {
            "a flush": await _mean(bench.flush, times),
            "a key": await _mean(bench.key, times),
        }
        app.pane.show_item(f"i{count // 2}")
        await pilot.pause(0.1)
        found["a scroll"] = await _mean(bench.scroll, 2 * times)
        found["a resize"] = await _mean(bench.resize, max(4, times // 4))
        return found


async def _mean(step: Callable[[], Awaitable[None]], times: int) -> float:
    """CPU milliseconds of a step, but for the dearest tenth: what is done now and then counts."""
    samples = []
    for _ in range(times + 2):
        began = time.process_time()
        await step()
        await asyncio.sleep(FRAMES_S)
        samples.append(1000 * (time.process_time() - began))
    kept = sorted(samples[2:])[: times - times // 10]
    return statistics.fmean(kept)


def _memory(count: int) -> float:
    """Peak memory of an app with so many items, in megabytes, in a process of its own."""
    code = (
        "import asyncio, sys; sys.path.insert(0, sys.argv[1]);"
        "from tui.pane_app import PaneApp, conversation\n"
        "async def main():\n"
        "    app = PaneApp(conversation(int(sys.argv[2])))\n"
        "    async with app.run_test(size=(120, 40)) as pilot:\n"
        "        await pilot.pause(0.1)\n"
        "asyncio.run(main())\n"
        # What `resource` tells of a process begins with what its parent had.
        "lines = open('/proc/self/status').read().splitlines()\n"
        "print(next(int(line.split()[1]) for line in lines if line.startswith('VmHWM')) / 1024)"
    )
    here = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", code, here, str(count)]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)


def _coloured() -> Row:
    """Twenty thousand lines of coloured output, from the text to the rows of a screen."""
    text = coloured_lines(20_000)

    def show() -> float:
        began = time.process_time()
        item = ColouredItem("output", text)
        rows = item.rows(SIZE[0])
        for row in range(rows - SIZE[1], rows):
            item.line(row, SIZE[0])
        return 1000 * (time.process_time() - began)

    took = min(show() for _ in range(5))
    name = "20,000 coloured lines shown"
    return Row(name, took, reference_ms(SHOWN_MS), "ms", limit=1.0)
