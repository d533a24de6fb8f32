"""A layout whose placements somebody else tells, and what gives the whole its height."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.geometry import Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget


class AtRows(Layout):
    """Puts each widget where it is told.

    Args:
        placements: Tells it, of the children and the size of what they are in.
    """

    name = "at-rows"

    def __init__(
        self, placements: Callable[[Sequence[Widget], Size], Iterable[WidgetPlacement]]
    ) -> None:
        self._placements = placements

    def arrange(
        self,
        parent: Widget,
        children: list[Widget],
        size: Size,
        greedy: bool = True,  # noqa: FBT002 - textual's own signature
    ) -> ArrangeResult:
        """Place the widgets."""
        parent.pre_layout(self)
        return list(self._placements(children, size))


class End(Widget):
    """Stands at the last row, so that the pane is as high as all items together."""

    DEFAULT_CSS = "End { width: 1; height: 1; }"
    BLANK = True
