"""The heights of items: sums and places, as a plain list gives them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatterm.tui.pane.heights import Heights

ROWS = st.integers(0, 50)


@given(
    rows=st.lists(ROWS, min_size=1, max_size=70), changes=st.lists(st.tuples(st.integers(0), ROWS))
)
def test_it_agrees_with_a_list(rows: list[int], changes: list[tuple[int, int]]) -> None:
    heights = Heights(rows)
    for index, height in changes:
        place = index % len(rows)
        assert heights.set(place, height) == height - rows[place]
        rows[place] = height
    heights.append(7)
    rows.append(7)
    assert len(heights) == len(rows)
    assert [heights[n] for n in range(len(rows))] == rows
    assert heights.total == sum(rows)
    assert [heights.top(n) for n in range(len(rows))] == [sum(rows[:n]) for n in range(len(rows))]
    owner = [index for index, height in enumerate(rows) for _ in range(height)]
    assert [heights.at(row) for row in range(len(owner))] == owner
    assert heights.at(-5) == heights.at(0)
    assert heights.at(sum(rows) + 5) == len(rows) - 1


def test_nothing_is_at_no_place() -> None:
    with pytest.raises(IndexError):
        Heights().at(0)
