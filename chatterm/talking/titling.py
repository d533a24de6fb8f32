"""A better title for a conversation, made in the background by who answered its first turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatterm.agent.titles import Titler
    from chatterm.config import Config
    from chatterm.session import Session
    from chatterm.steps import UserInput
    from chatterm.store import Store
    from chatterm.talking.asked import Asked, Chosen


def first_title(sent: UserInput) -> str:
    """What a conversation is called after its first message."""
    from chatterm.agent.titles import title_of

    return title_of(sent)


class Titling:
    """Has titles made.

    Args:
        asked: Keeps the provider open meanwhile.
        changed: Is told a conversation's id and its new title.
    """

    def __init__(self, asked: Asked, changed: Callable[[str, str], None]) -> None:
        self._asked = asked
        self._changed = changed
        self._titler: Titler | None = None

    def open(self, store: Store, config: Config) -> None:
        """Titles are kept there; without a store none are made."""
        from chatterm.agent.titles import Titler

        self._titler = Titler(store, config, self._changed)

    def turn_ends(self, session: Session, used: Chosen) -> None:
        """A turn is about to have ended: the first one makes a title."""
        if self._titler is not None and not session.turns:
            self._asked.hold(used)
            asyncio.get_running_loop().call_soon(self._begin, session, used)

    async def aclose(self) -> None:
        """Give up what isn't done."""
        if self._titler is not None:
            await self._titler.aclose()

    def _begin(self, session: Session, used: Chosen) -> None:
        turns = session.turns
        if self._titler is not None and len(turns) == 1:
            task = self._titler.begin(session.id, used.provider, turns[0])
            if task is not None:
                task.add_done_callback(lambda _task: self._asked.release(used))
                return
        self._asked.release(used)
