"""The real program, and beside it a heartbeat that notes how late its event loop is during a turn.

    python whole_child.py [ARGUMENT…]      as `python -m chatterm`

What was measured goes to the file that CHATTERM_BENCH names, as JSON, when a turn is on the screen.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from chatterm.__main__ import main
from chatterm.events import Event, TurnFinished, TurnStarted
from chatterm.tui.chat import Chat

_BEAT_S = 0.005


class _Watched(Chat):
    """The screen, with the heartbeat."""

    def on_session_event(self, event: Event) -> None:
        if isinstance(event, TurnStarted):
            self.run_worker(self._beat(), group="beat", exclusive=True)
            self._ended = False
        super().on_session_event(event)
        if isinstance(event, TurnFinished):
            self._ended = True

    async def _beat(self) -> None:
        late: list[float] = []
        before = self.pane.frames
        while not self._ended or self.pane.busy:
            began = time.perf_counter()
            await asyncio.sleep(_BEAT_S)
            late.append(1000 * (time.perf_counter() - began - _BEAT_S))
        late.sort()
        found = {"p99_ms": late[int(len(late) * 0.99)], "longest_ms": late[-1]}
        found["frames"] = self.pane.frames - before
        _write(found)


def _write(found: dict[str, float]) -> None:
    Path(os.environ["CHATTERM_BENCH"]).write_text(json.dumps(found))


if __name__ == "__main__":
    from chatterm.tui import app

    app.Chat = _Watched  # type: ignore[misc]
    sys.argv[0] = "chatterm"
    main()
