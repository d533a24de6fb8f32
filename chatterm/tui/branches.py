"""Which of several branches each message begins, told at the messages that are shown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from chatterm.talking.branches import Tree

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat


class Branches:
    """Knows the branches of the conversation: they are read once, and those begun here added.

    Args:
        chat: The screen.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._tree = Tree(())
        self._begun: list[tuple[str, str | None]] = []  # since it is being read
        self._reading = asyncio.Lock()

    async def read(self) -> None:
        """Find out which there are, and tell it."""
        async with self._reading:
            self._begun, self._tree = [], Tree(())  # it may be another conversation
            tree = Tree(await self._chat.talk.tree())
            for turn, parent in self._begun:
                tree.add(turn, parent)
            self._tree = tree
        self.tell()

    def tell(self) -> None:
        """Tell it at the messages that are shown; costs as many as have branches beside them."""
        with self._chat.pane.at_once():
            for siblings in self._tree.forks():
                for turn in siblings:
                    self._tell(turn)

    def begin(self, turn: str, parent: str | None) -> None:
        """A turn has begun, perhaps beside others."""
        if self._chat.talk.store is not None:  # what isn't kept can't be gone back to
            self._begun.append((turn, parent))
            self._tree.add(turn, parent)
            self._tell(turn)

    def _tell(self, turn: str) -> None:
        siblings = self._tree.siblings(turn)
        message = self._chat.transcript.message(turn) if len(siblings) > 1 else None
        if message is not None:
            message.tell_branch(siblings.index(turn) + 1, len(siblings))
