"""The frame clock: what has come is shown at the next frame, and frames cost a share of the time.

No timer runs while nothing has come. The first frame comes at once, so that the first words do;
the next ones at thirty a second while much comes, at twenty while the eye can follow, or slower
where a frame takes long.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from chatterm.tui.pane.contained import flushed, works_on
from chatterm.tui.pane.items import Item

FASTEST_S = 1 / 30
CALM_S = 1 / 20
SLOWEST_S = 1 / 8
_MUCH = 45
"""Characters a frame, at the fastest, that are too many to be followed."""
_SHARE = 0.25
"""How much of the time flushing may take before frames become slower."""
_WORK_S = 0.008
"""How long a frame may go on with what takes long."""


class FrameClock:
    """Calls for frames while there is something to show.

    Attributes:
        hidden: Nobody looks: the terminal has lost the focus.
        frames: How many frames there were.
        took: Is told of each frame and when it began, where somebody measures.
        shortest: Seconds from one frame to the next, at the least.
    """

    def __init__(self) -> None:
        self._wanting: dict[str, Item] = {}
        self._due: asyncio.TimerHandle | None = None
        self._last = 0.0
        self._cost = 0.0
        self._usual = FASTEST_S
        self.shortest = FASTEST_S
        self.hidden = False
        self.frames = 0
        self.took: Callable[[str, float], None] | None = None

    def want(self, item: Item) -> None:
        """An item has something to show. To be called in the thread of the event loop."""
        self._wanting[item.key] = item
        if self._due is None:
            # A timer of the loop: a frame needn't go through the queues of messages.
            wait = self._last + self.interval - time.perf_counter()
            self._due = asyncio.get_running_loop().call_later(max(0.0, wait), self._frame)

    @property
    def busy(self) -> bool:
        """Whether a frame is due."""
        return self._due is not None

    @property
    def interval(self) -> float:
        """Seconds from the beginning of a frame to that of the next."""
        if self.hidden:
            return max(self.shortest, SLOWEST_S)
        usual = self.shortest if self._usual == FASTEST_S else self._usual
        return max(self.shortest, min(SLOWEST_S, max(usual, self._cost / _SHARE)))

    def stop(self) -> None:
        """Call for no more frames."""
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _frame(self) -> None:
        self._due = None
        began = time.perf_counter()
        passed, self._last = began - self._last, began
        items, self._wanting = list(self._wanting.values()), {}
        characters = sum(map(flushed, items))
        left = [item for item in items if works_on(item, began + _WORK_S)]
        much = characters * FASTEST_S > _MUCH * min(passed, SLOWEST_S)
        self._usual = FASTEST_S if much or left else CALM_S
        self.frames += 1
        took = time.perf_counter() - began
        if self.took is not None:
            self.took("frame", began)
        self._cost = took if took > self._cost else 0.7 * self._cost + 0.3 * took
        for item in left:
            self.want(item)
