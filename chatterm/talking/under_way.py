"""The turn under way: begun once all it needs is there, followed to its end, stopped on request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from chatterm.errors import ChattermError

if TYPE_CHECKING:
    from chatterm.events import Event
    from chatterm.session import Prompt, Session
    from chatterm.steps import UserInput

    Run = Callable[[Prompt], AsyncGenerator[Event, None]]

log = logging.getLogger(__name__)

_STOP_S = 5.0
"""How long a turn that is stopped may take to come to its end."""


class Keeper(Protocol):
    """Who has turns run."""

    async def be_ready(self, session: Session) -> None:
        """Wait until what a turn needs is there.

        Raises:
            ChattermError: It can't be had.
        """

    def prompt(self) -> Prompt:
        """Who is asked now, and how."""
        ...

    def on_event(self, session: Session, event: Event) -> None:
        """Something has happened in a turn; it is recorded."""

    def on_failure(self, error: ChattermError) -> None:
        """A turn can't be run, or not further."""

    def on_over(self, session: Session, message: UserInput | None, *, sent: bool) -> None:
        """No turn is under way any more.

        Args:
            session: Whose it was.
            message: The message that should have begun it.
            sent: It did.
        """


class UnderWay:
    """Follows one turn after the other.

    Args:
        keeper: Who has them run.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._given_up = asyncio.Event()
        self._told = False

    @property
    def running(self) -> bool:
        """Whether a turn is under way, or about to be."""
        return self._task is not None

    def start(self, session: Session, run: Run, message: UserInput | None = None) -> None:
        """Begin a turn.

        Args:
            session: Whose it is.
            run: Runs it.
            message: What the user sent; None for a turn without words of the user.

        Raises:
            ValueError: One is under way.
        """
        if self.running:
            raise ValueError("a turn is under way")
        self._session = session
        self._given_up.clear()
        self._task = asyncio.create_task(self._follow(session, run, message))

    def interrupt(self) -> None:
        """Stop the turn and keep what came; one that hasn't begun isn't begun any more."""
        if self._session is None or not self.running:
            return
        if self._session.running:
            self._session.interrupt()
        else:
            self._given_up.set()

    async def stop(self) -> None:
        """Stop the turn, and wait until it has its end; one that has none soon is given up."""
        task = self._task
        if task is None:
            return
        self.interrupt()
        _, stuck = await asyncio.wait({task}, timeout=_STOP_S)
        for each in stuck:
            each.cancel()
        if stuck:
            await asyncio.wait(stuck, timeout=_STOP_S)

    async def over(self, session: Session) -> None:
        """Wait until no turn of a conversation is under way any more, nor one that followed it."""
        while self._task is not None and self._session is session:
            await asyncio.wait({self._task})

    async def _follow(self, session: Session, run: Run, message: UserInput | None) -> None:
        from chatterm.events import TurnStarted

        sent = False
        try:
            if await self._can_begin(session):
                async with aclosing(run(self._keeper.prompt())) as events:
                    async for event in events:
                        if isinstance(event, TurnStarted) and event.input is message:
                            sent = True
                        if self._given_up.is_set() and session.running:  # just as it began
                            self._given_up.clear()
                            session.interrupt()
                        self._show(session, event)
        except ChattermError as error:
            # A turn whose beginning couldn't be recorded is no part of the conversation.
            sent = sent and any(turn.input is message for turn in session.turns)
            self._keeper.on_failure(error)
        except Exception as error:  # at the edge: the conversation stays usable
            log.exception("an unexpected error in a turn")
            self._keeper.on_failure(unexpected(error))
        finally:
            self._task = self._session = None
            self._keeper.on_over(session, message, sent=sent)

    async def _can_begin(self, session: Session) -> bool:
        """Wait until what a turn needs is there; whether it is wanted still."""
        given_up = asyncio.create_task(self._given_up.wait())
        ready = asyncio.create_task(self._keeper.be_ready(session))
        try:
            await asyncio.wait({given_up, ready}, return_when=asyncio.FIRST_COMPLETED)
            if not self._given_up.is_set():
                await ready
        finally:
            given_up.cancel()
            ready.cancel()
        return not self._given_up.is_set()

    def _show(self, session: Session, event: Event) -> None:
        """Tell of an event; the turn goes on, whatever is wrong with how it is shown."""
        try:
            self._keeper.on_event(session, event)
        except Exception as error:
            log.exception("an event can't be shown")
            if not self._told:  # once: it may be so with each of them
                self._told = True
                self._keeper.on_failure(unexpected(error))


def unexpected(error: Exception) -> ChattermError:
    """An error that nobody expected, as it is told."""
    from chatterm.config import log_dir

    return ChattermError(
        f"an error inside chatterm: {type(error).__name__}: {error}",
        hint=f"the details are in {log_dir() / 'chatterm.log'}; the conversation can go on",
    )
