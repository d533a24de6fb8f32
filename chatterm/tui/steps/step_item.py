"""What the items of all steps have in common: their step, whether they are open, their mark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from chatterm.render.lines import Line, Span
from chatterm.tui.pane.items import Item
from chatterm.tui.pane.stacked import HeadItem, StackedItem
from chatterm.tui.steps.looks import Looks

INDENT = 2


class StepItem(StackedItem):
    """A step: a head of one row, and what is shown under it.

    There may be very many: until its rows are asked for, because it comes near what is seen, it is
    what it was made of and nothing else.

    Attributes:
        kind: What it is, for a cursor that goes by kind.
        turn: The turn it belongs to.
        step: The step's id; empty for what is no step.
        unfolded: Whether all of it is shown.
        running: Whether it still moves, so that time has to be told anew.
    """

    kind: ClassVar[str] = "step"

    __slots__ = ("_built", "_head", "looks", "running", "step", "turn", "unfolded")

    def __init__(self, key: str, turn: str, looks: Looks, *, step: str = "", gap: int = 0) -> None:
        self._built = False
        self._head: HeadItem | None = None
        super().__init__(key, gap=gap, indent=INDENT)
        self.turn = turn
        self.step = step
        self.looks = looks
        self.unfolded = False
        self.running = False

    @property
    def head(self) -> HeadItem:
        """Its first row."""
        if self._head is None:
            self._head = HeadItem(f"{self.key}/head")
        return self._head

    @property
    def parts(self) -> tuple[Item, ...]:
        """The head and what is shown under it; made when they are first asked for."""
        if not self._built:
            self._built = True
            self.build()
        return self._parts

    def estimate(self, width: int) -> int:
        """What the parts estimate; before there are any, what is likely."""
        return super().estimate(width) if self._built else self.likely_rows(width)

    def forget(self) -> None:
        """Be what it is made of and nothing else again, once it moves no more."""
        if self._built and not self.running:
            self._built, self._parts = False, ()
            self._head = self._wanting_parts = None

    def likely_rows(self, width: int) -> int:
        """About how many rows it will take; costs nothing."""
        return 1

    def fold(self, *, unfolded: bool) -> None:
        """Show all of it, or only what tells it apart."""
        if unfolded != self.unfolded:
            self.unfolded = unfolded
            self.rebuild()

    def rebuild(self) -> None:
        """Show the step as it now is, once anything of it is shown."""
        if self._built:
            self.build()
        else:
            self.tell(0)

    def build(self) -> None:
        """Make the head and the body of the step as it now is."""

    def tick(self, frame: int) -> None:
        """Time has passed: what runs moves on.

        Args:
            frame: A number that grows with every tick.
        """

    def copied(self) -> str:
        """What copying the step gives."""
        return ""

    def body(self, parts: Sequence[Item]) -> None:
        """Stand these under the head."""
        self.stack((self.head, *parts))

    def folding_sign(self, *, is_open: bool = False) -> Span:
        """The sign that says whether it is unfolded, or open because something goes on in it."""
        signs = self.looks.signs
        opened = self.unfolded or is_open
        return Span(f"{signs.unfolded if opened else signs.folded} ", ("muted",))

    def spin(self, frame: int, role: str) -> Span:
        """The mark of what runs."""
        signs = self.looks.signs
        if self.looks.still:
            return Span(signs.still, (role,))
        return Span(signs.running[frame % len(signs.running)], (role,))


def muted(text: str) -> Line:
    """A line in the colour of what matters less."""
    return (Span(text, ("muted",)),)


def join(parts: Sequence[str], dot: str = "·") -> str:
    """Parts of a line that stand beside each other."""
    return f" {dot} ".join(filter(None, parts))
