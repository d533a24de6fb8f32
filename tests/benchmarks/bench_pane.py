"""The pane, headless: what a key, a scroll, a flush, a resize and memory cost as it grows.

Each figure at 20,000 items against the same at 100, taken in one run.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from chatterm.tui.pane.items import ColouredItem, MarkdownItem
from documents import coloured_lines
from harness import Row, reference_ms

sys.path.insert(0, str(Path(__file__).parents[1]))
from tui.pane_app import PaneApp, conversation

FEW, MANY = 100, 20_000
SIZE = (120, 40)
SHOWN_MS = 50.0

Step = Callable[["_Bench"], Awaitable[None]]


class _Bench:
    """An app with so many items, and something that streams at its end."""

    def __init__(self, app: PaneApp, pilot: Pilot[None], live: MarkdownItem) -> None:
        self.app, self.pilot, self.live = app, pilot, live
        self.wide = False

    async def key(self) -> None:
        """Type a letter beside the pane."""
        await self.pilot.press("a")

    async def scroll(self) -> None:
        """Scroll by three rows, in the middle."""
        self.app.pane.action_go(-3)
        await self.pilot.pause()

    async def flush(self) -> None:
        """Show some words that came."""
        self.live.feed("some more words that come in a row ")
        self.live.flush()
        await self.pilot.pause()

    async def resize(self) -> None:
        """Make the terminal wider or narrower."""
        self.wide = not self.wide
        await self.pilot.resize_terminal(100 if self.wide else 120, 40)
        await self.pilot.pause()


def run(*, quick: bool) -> list[Row]:
    """Growth laws of the pane, and coloured output shown."""
    times = 8 if quick else 40
    few, many = asyncio.run(_costs(FEW, times)), asyncio.run(_costs(MANY, times))
    name = f"{MANY:,} items against {FEW}"
    rows = [
        Row(f"{what}, {name}", many[what], few[what], "ms", limit=limit, law=True)
        for what, limit in (("a key", 1.5), ("a scroll", 1.5), ("a flush", 1.5), ("a resize", 5.0))
    ]
    memory = [statistics.median(_memory(count) for _ in range(3)) for count in (MANY, FEW)]
    rows.append(Row(f"memory, {name}", *memory, "MB", limit=1.5, law=True))
    rows.append(_coloured())
    return rows


async def _costs(count: int, times: int) -> dict[str, float]:
    app = PaneApp(conversation(count))
    async with app.run_test(size=SIZE) as pilot:
        live = MarkdownItem("live")
        app.pane.append(live)
        bench = _Bench(app, pilot, live)
        live.feed("first words ")
        await pilot.pause(0.1)
        found = {
            "a flush": await _median(bench.flush, times),
            "a key": await _median(bench.key, times),
        }
        app.pane.show_item(f"i{count // 2}")
        await pilot.pause(0.1)
        found["a scroll"] = await _median(bench.scroll, times)
        found["a resize"] = await _median(bench.resize, max(6, times // 4))
        return found


async def _median(step: Callable[[], Awaitable[None]], times: int) -> float:
    """CPU milliseconds of a step."""
    samples = []
    for _ in range(times + 3):
        began = time.process_time()
        await step()
        samples.append(1000 * (time.process_time() - began))
    return statistics.median(samples[3:])


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
        began = time.perf_counter()
        item = ColouredItem("output", text)
        rows = item.rows(SIZE[0])
        for row in range(rows - SIZE[1], rows):
            item.line(row, SIZE[0])
        return 1000 * (time.perf_counter() - began)

    took = min(show() for _ in range(5))
    name = "20,000 coloured lines shown"
    return Row(name, took, reference_ms(SHOWN_MS), "ms", limit=1.0)
