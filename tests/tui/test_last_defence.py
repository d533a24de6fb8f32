"""The last thing between a widget and the terminal: nothing that isn't seen gets through."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from chatterm.tui.app import _LastDefence
from hostile import FORBIDDEN


def test_what_is_not_seen_does_not_get_through_and_the_cells_stay() -> None:
    segments = [Segment(f"a{character}b") for character in FORBIDDEN]
    clean = _LastDefence().apply(segments, Color(0, 0, 0))
    assert set("".join(each.text for each in clean)).isdisjoint(FORBIDDEN)
    for before, after in zip(segments, clean, strict=True):
        assert cell_len(after.text) >= cell_len(before.text)
