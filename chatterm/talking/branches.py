"""The branches of a conversation, and what a message needs to be sent into one again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chatterm.steps import Attachment
    from chatterm.store import Store


class Tree:
    """The turns of a conversation, all branches.

    Args:
        turns: Each turn with its parent, the older ones first.
    """

    def __init__(self, turns: Iterable[tuple[str, str | None]]) -> None:
        self._parents: dict[str, str | None] = {}
        self._children: dict[str | None, list[str]] = {}
        for turn, parent in turns:
            self.add(turn, parent)

    def add(self, turn: str, parent: str | None) -> None:
        """There is a turn after another one, the newest of those; or the first of a branch."""
        if turn not in self._parents:
            self._parents[turn] = parent
            self._children.setdefault(parent, []).append(turn)

    def forks(self) -> list[list[str]]:
        """The turns that follow the same one, for each that several follow."""
        return [turns for turns in self._children.values() if len(turns) > 1]

    def siblings(self, turn: str) -> list[str]:
        """The turns that follow the same one, itself included; none for an unknown one."""
        return self._children[self._parents[turn]] if turn in self._parents else []

    def newest_leaf(self, turn: str) -> str:
        """The end of the newest branch that a turn is on the way to."""
        while children := self._children.get(turn):
            turn = children[-1]
        return turn


def with_content(store: Store | None, attachments: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """Attachments with their content, which the log names only. Blocks.

    Raises:
        StoreError: It isn't kept any more.
    """
    return tuple(
        each if each.data is not None or store is None else _filled(store, each)
        for each in attachments
    )


def _filled(store: Store, attachment: Attachment) -> Attachment:
    return replace(attachment, data=store.blob(attachment.sha256))
