"""The frame clock: what has come is shown at the next frame, and frames cost a share of the time.

No timer runs while nothing has come. The first frame comes at once, so that the first words do;
the next ones at thirty a second, or slower where a frame takes long.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from textual.timer import Timer

from chatterm.tui.pane.items import Item

FASTEST_S = 1 / 30
SLOWEST_S = 1 / 8
_SHARE = 0.25
"""How much of the time flushing may take before frames become slower."""
_WORK_S = 0.008
"""How long a frame may go on with what takes long."""


class FrameClock:
    """Calls for frames while there is something to show.

    Args:
        later: Calls something after so many seconds.
        flush: Flushes items, working on until a time; the items that have more to do.
    """

    def __init__(
        self,
        later: Callable[[float, Callable[[], None]], Timer],
        flush: Callable[[Sequence[Item], float], list[Item]],
    ) -> None:
        self._later = later
        self._flush = flush
        self._wanting: dict[str, Item] = {}
        self._timer: Timer | None = None
        self._last = 0.0
        self._cost = 0.0
        self.frames = 0

    def want(self, item: Item) -> None:
        """An item has something to show."""
        self._wanting[item.key] = item
        if self._timer is None:
            waited = time.perf_counter() - self._last
            self._timer = self._later(max(0.001, self.interval - waited), self._frame)

    @property
    def busy(self) -> bool:
        """Whether a frame is due."""
        return self._timer is not None

    @property
    def interval(self) -> float:
        """Seconds from frame to frame."""
        return min(SLOWEST_S, max(FASTEST_S, self._cost / _SHARE))

    def _frame(self) -> None:
        self._timer = None
        began = time.perf_counter()
        items, self._wanting = list(self._wanting.values()), {}
        left = self._flush(items, began + _WORK_S)
        self.frames += 1
        self._last = time.perf_counter()
        took = self._last - began
        self._cost = took if took > self._cost else 0.7 * self._cost + 0.3 * took
        for item in left:
            self.want(item)
