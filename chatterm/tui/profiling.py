"""What `--debug` measures while the app runs: frames, stalls of the event loop, events a second.

A `Profile` keeps what happened; its `trace` is written when the app ends, in the Trace Event Format
that `chrome://tracing` and Perfetto read. The `Gauge` shows the last second in a corner.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from pathlib import Path

from textual.widgets import Static

_BEAT_S = 0.01
_STALL_S = 0.02
"""How late a beat is to be noted as a stall."""
_MOST = 200_000
"""How many happenings a trace keeps: the last ones."""
_SHOWN_S = 0.5


class Profile:
    """What happened and how long it took; times in seconds of `time.perf_counter`."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._happened: deque[tuple[str, float, float]] = deque(maxlen=_MOST)
        self._events: deque[float] = deque(maxlen=_MOST)

    def took(self, name: str, began: float) -> None:
        """Something that began then has ended now."""
        self._happened.append((name, began, time.perf_counter() - began))

    def event(self) -> None:
        """An event of the session has come."""
        self._events.append(time.perf_counter())

    async def watch(self) -> None:
        """Note stalls of the event loop, until this is cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_BEAT_S)
            late = time.perf_counter() - began - _BEAT_S
            if late > _STALL_S:
                self._happened.append(("stall", began + _BEAT_S, late))

    def summary(self, seconds: float = 1.0) -> str:
        """The last seconds in one line."""
        since = time.perf_counter() - seconds
        frames = self._since("frame", since)
        stalls = self._since("stall", since)
        events = sum(1 for at in reversed(self._events) if at > since)
        parts = [f"{len(frames) / seconds:.0f} fps"]
        if frames:
            parts.append(
                f"frame {1000 * sum(frames) / len(frames):.1f}/{1000 * max(frames):.1f} ms"
            )
        parts.append(f"stall {1000 * max(stalls, default=0):.0f} ms")
        parts.append(f"{events / seconds:.0f} ev/s")
        return " · ".join(parts)

    def trace(self) -> str:
        """Everything that was kept, as a JSON object in the Trace Event Format."""
        found = [
            {
                "name": name,
                "ph": "X",
                "ts": 1e6 * (began - self._began),
                "dur": 1e6 * took,
                "pid": 1,
                "tid": {"frame": 1, "stall": 2}.get(name, 3),
            }
            for name, began, took in self._happened
        ]
        found += [
            {"name": "event", "ph": "i", "ts": 1e6 * (at - self._began), "pid": 1, "tid": 4}
            for at in self._events
        ]
        return json.dumps({"traceEvents": found})

    def write(self, path: Path) -> None:
        """Write the trace.

        Raises:
            OSError: It can't be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.trace(), "utf-8")

    def _since(self, name: str, since: float) -> list[float]:
        found = []
        for each, began, took in reversed(self._happened):
            if began + took < since:
                break
            if each == name:
                found.append(took)
        return found


class Gauge(Static):
    """Shows a profile's last second in a corner. It lives only under `--debug`.

    Args:
        profile: The profile.
    """

    DEFAULT_CSS = """
    Gauge { dock: top; layer: gauge; width: 100%; height: 1; text-align: right; color: $warning; }
    """

    def __init__(self, profile: Profile) -> None:
        super().__init__("", markup=False)
        self._profile = profile

    def on_mount(self) -> None:
        """Begin to measure."""
        self.run_worker(self._profile.watch())
        self.set_interval(_SHOWN_S, lambda: self.update(self._profile.summary()))
