"""Heights of many items: where each begins, and which one is at a row, in logarithmic time.

A Fenwick tree (P. M. Fenwick, 1994) over the heights.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator


class Heights:
    """The heights of a list of items, in rows."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._each = array("q", heights)
        self._tree = array("q", [0, *self._each])
        for place in range(1, len(self._tree)):
            above = place + (place & -place)
            if above < len(self._tree):
                self._tree[above] += self._tree[place]

    def __len__(self) -> int:
        return len(self._each)

    def __getitem__(self, index: int) -> int:
        return self._each[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self._each)

    @property
    def total(self) -> int:
        """The height of all together."""
        return self.top(len(self._each))

    def append(self, height: int) -> None:
        """Add an item at the end."""
        self._each.append(height)
        place = len(self._each)
        below, step = height, 1
        while place & step == 0:
            below += self._tree[place - step]
            step <<= 1
        self._tree.append(below)

    def set(self, index: int, height: int) -> int:
        """Change the height of an item; by how much it has changed."""
        change = height - self._each[index]
        if change:
            self._each[index] = height
            place = index + 1
            while place < len(self._tree):
                self._tree[place] += change
                place += place & -place
        return change

    def top(self, index: int) -> int:
        """The row at which an item begins: the height of all before it."""
        found = 0
        while index:
            found += self._tree[index]
            index &= index - 1
        return found

    def at(self, row: int) -> int:
        """The item at a row; the first or the last for rows before or after all.

        Raises:
            IndexError: There are no items.
        """
        if not self._each:
            raise IndexError("there are no items")
        place, left = 0, max(row, 0)
        step = 1 << (len(self._each).bit_length() - 1)
        while step:
            following = place + step
            if following < len(self._tree) and self._tree[following] <= left:
                place = following
                left -= self._tree[following]
            step >>= 1
        return min(place, len(self._each) - 1)
