"""Telling at messages which of several branches they begin, at the cost of what has branches."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chatterm.talking.branches import Tree
from chatterm.tui.branches import Branches


class Screen:
    """The screen of a conversation of turns one after the other; counts what is asked of it."""

    def __init__(self, turns: int) -> None:
        names = [f"t{number}" for number in range(turns)]
        self.kept: list[tuple[str, str | None]] = list(zip(names, [None, *names], strict=False))
        self.talk = SimpleNamespace(store=object(), tree=self._tree)
        self.transcript = SimpleNamespace(message=self._message)
        self.pane = SimpleNamespace(at_once=self._at_once)
        self.told: dict[str, tuple[int, int]] = {}
        self.read = self.looked = 0

    @staticmethod
    def _at_once() -> AbstractContextManager[None]:
        return nullcontext()

    async def _tree(self) -> list[tuple[str, str | None]]:
        self.read += 1
        return list(self.kept)

    def _message(self, turn: str) -> Any:
        self.looked += 1
        return SimpleNamespace(
            tell_branch=lambda place, count: self.told.__setitem__(turn, (place, count))
        )


@pytest.mark.parametrize("turns", [10, 1000])
async def test_a_turn_that_begins_a_branch_is_all_that_is_looked_at(turns: int) -> None:
    screen = Screen(turns)
    branches = Branches(cast("Any", screen))
    await branches.read()
    assert (screen.read, screen.looked) == (1, 0)
    branches.begin("beside", "t3")
    branches.begin("after", "beside")
    assert screen.told == {"beside": (2, 2)}
    assert (screen.read, screen.looked) == (1, 1)


async def test_what_begins_while_the_branches_are_read_is_one_of_them() -> None:
    screen = Screen(3)
    branches = Branches(cast("Any", screen))

    async def tree() -> list[tuple[str, str | None]]:
        kept = list(screen.kept)
        branches.begin("beside", "t0")
        return kept

    screen.talk.tree = tree
    await branches.read()
    assert screen.told == {"t1": (1, 2), "beside": (2, 2)}


async def test_where_nothing_is_kept_there_is_one_branch() -> None:
    screen = Screen(0)
    screen.talk.store = None
    branches = Branches(cast("Any", screen))
    branches.begin("a", None)
    branches.begin("b", None)
    assert screen.told == {}


def test_each_turn_is_in_the_tree_once() -> None:
    tree = Tree([("a", None), ("b", "a")])
    tree.add("c", "a")
    tree.add("b", "a")
    assert tree.siblings("b") == ["b", "c"]
    assert tree.forks() == [["b", "c"]]
