"""What `--debug` shows and writes: frames, stalls, events."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from chatterm.tui.pane.markdown_item import MarkdownItem
from chatterm.tui.profiling import Gauge, Profile
from tui.pane_app import PaneApp


async def test_stalls_are_noted() -> None:
    profile = Profile()
    watching = asyncio.create_task(profile.watch())
    await asyncio.sleep(0.03)
    time.sleep(0.06)  # noqa: ASYNC251 - the stall
    await asyncio.sleep(0.03)
    watching.cancel()
    stalls = [
        each for each in json.loads(profile.trace())["traceEvents"] if each["name"] == "stall"
    ]
    assert stalls
    assert max(each["dur"] for each in stalls) > 20_000


async def test_the_gauge_tells_of_frames_and_events(tmp_path: Path) -> None:
    profile = Profile()

    class Measured(PaneApp):
        def on_mount(self) -> None:
            super().on_mount()
            self.pane.measure(profile.took)
            self.mount(Gauge(profile))

    app = Measured()
    async with app.run_test(size=(80, 20)) as pilot:
        item = MarkdownItem("live")
        app.pane.append(item)
        for _ in range(5):
            item.feed("some words ")
            profile.event()
            await pilot.pause(0.06)
        assert "ev/s" in profile.summary(5)
        assert not profile.summary(5).startswith("0 fps")
    profile.write(tmp_path / "logs" / "trace.json")
    names = {
        each["name"]
        for each in json.loads((tmp_path / "logs" / "trace.json").read_text())["traceEvents"]
    }
    assert {"frame", "event"} <= names
