"""The conversation behind the screen: what it needs is opened, turns run, their events told.

Everything that may block is done in threads; what is told is told in the thread of the screen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from chatterm.errors import ChattermError, ConfigError, StoreError
from chatterm.talking import moving
from chatterm.talking.asked import Asked, Chosen, prompt_of
from chatterm.talking.guiding import Guiding
from chatterm.talking.options import AppOptions
from chatterm.talking.resources import NONE_KEPT, open_store, open_tools
from chatterm.talking.titling import Titling, first_title
from chatterm.talking.under_way import UnderWay, unexpected

if TYPE_CHECKING:
    from chatterm.agent.questions import Question, Reply
    from chatterm.agent.queue import Queued, When
    from chatterm.agent.tooling import Tooling
    from chatterm.config import Config
    from chatterm.config.schema import Mode
    from chatterm.events import Event
    from chatterm.providers.base import Provider
    from chatterm.session import Prompt, Session
    from chatterm.steps import Turn, UserInput
    from chatterm.store import RecordedTurn, Store
    from chatterm.talking.under_way import Run

log = logging.getLogger(__name__)


class Listener(Protocol):
    """Who is told what happens."""

    def on_session_event(self, event: Event) -> None:
        """An event of the conversation; it is recorded."""

    def on_trouble(self, error: ChattermError) -> None:
        """Something can't be done; the conversation goes on."""

    def on_unsent(self, message: UserInput) -> None:
        """A message wasn't sent, and is nowhere kept."""

    def on_dropped(self, commands: tuple[str, ...]) -> None:
        """Commands hold no more, as their conversation was left before it recorded them."""

    def on_change(self) -> None:
        """What the status row tells has changed."""

    async def ask(self, question: Question) -> Reply:
        """Ask the user about a call."""
        ...


class Talk:
    """A conversation, and all that it needs.

    Args:
        options: What was asked for.
        config: The configuration.
        listener: Is told what happens.

    Attributes:
        store: Where conversations are kept; None where that can't be used.
        tooling: The tools, once they are opened.
        title: What the conversation is called.
        mode: The permission mode.
        guiding: What the model is told beside messages.
        under_way: The turn under way.
        begun: There is a conversation to talk in: before that none can be sent a message.
        moving: Held while another conversation, or another branch, is gone to.
    """

    def __init__(self, options: AppOptions, config: Config, listener: Listener) -> None:
        self._options = options
        self.config = config
        self._listener = listener
        self.store: Store | None = None
        self._session: Session | None = None
        self._asked = Asked(lambda: self.config)
        self.guiding = Guiding(lambda: self.config, options.instructions)
        self._titling = Titling(self._asked, self._retitled)
        self._used: list[Chosen] = []  # by the turn under way
        self.tooling: Tooling | None = None
        self.title = ""
        self.mode: Mode = cast("Mode", options.mode or config.permissions.mode)
        if self.mode == "yolo" and options.mode != "yolo":
            self.mode = "confirm"  # it needs the flag, or to be typed
        self._effort = config.generation.effort
        self.under_way = UnderWay(self)
        self._opening: asyncio.Task[None] | None = None
        self.begun = asyncio.Event()
        self.moving = asyncio.Lock()
        self._came_to_end = True

    @property
    def session(self) -> Session:
        """The conversation."""
        if self._session is None:
            self._session = moving.begun(self.store)
        return self._session

    @property
    def directory(self) -> Path:
        """Where commands run now."""
        return self.tooling.bench.directory if self.tooling is not None else Path.cwd()

    @property
    def opened(self) -> bool:
        """Whether it is known who is asked, or that nobody is."""
        return self._opening is not None and self._opening.done()

    @property
    def waiting(self) -> tuple[Queued, ...]:
        """The messages that wait."""
        return () if self._session is None else tuple(self._session.queue)

    # --- opening ---

    async def open(self) -> list[RecordedTurn]:
        """Open the store, the conversation and its model; the last turns, to be shown.

        Raises:
            ChattermError: What was asked for on the command line can't be had.
        """
        self.store, problem = await asyncio.to_thread(open_store, self.config)
        if problem is not None:
            self._listener.on_trouble(problem)
        recorded: list[RecordedTurn] = []
        if self.store is not None:
            for warning in self.store.warnings:
                self._listener.on_trouble(StoreError(warning))
            recorded = await self._begin(self.store)
            self._titling.open(self.store, self.config)
        self._opening = asyncio.create_task(self._open_rest(recorded))
        self.begun.set()
        return recorded

    async def _begin(self, store: Store) -> list[RecordedTurn]:
        """Begin a conversation, or go on with the one that was asked for; its last turns."""
        self._session = None
        found = await asyncio.to_thread(moving.asked_for, store, self._options)
        if found is None:
            return []
        self._session, recorded = await asyncio.to_thread(moving.resumed, store, found)
        self.title = found.title
        return recorded

    def _retitled(self, conversation: str, title: str) -> None:
        if conversation == self.session.id:
            self.title = title
            self._listener.on_change()

    async def _open_rest(self, recorded: Sequence[RecordedTurn]) -> None:
        """The model and the tools: what the first message needs."""
        with self._told():
            if self._options.model is not None or not recorded:
                await self.choose(self._options.model)
            else:
                await moving.ask_who_answered(self, recorded)
        self._listener.on_change()
        with self._told():
            ask = self._listener.ask
            self._use(await asyncio.to_thread(open_tools, self.config, self.mode, self.store, ask))
        self._listener.on_change()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what goes wrong: the conversation can be gone on with all the same."""
        try:
            yield
        except ChattermError as error:
            self._listener.on_trouble(error)
        except Exception as error:  # the edge: nobody would hear of it
            log.exception("something can't be opened")
            self._listener.on_trouble(unexpected(error))

    def _use(self, tooling: Tooling) -> None:
        """Have these tools, in the mode that is wanted by now."""
        self.tooling = tooling
        if self.mode == "caged" and not tooling.level.caged:
            self.mode = "confirm"
            self._listener.on_trouble(_no_cage("the mode is confirm"))
        tooling.gate.posture = replace(tooling.gate.posture, mode=self.mode)

    async def ready(self) -> None:
        """Wait until what a message needs is open."""
        await self.begun.wait()
        if self._opening is not None:
            await asyncio.shield(self._opening)  # who gives up waiting doesn't stop it

    # --- who is asked ---

    @property
    def chosen(self) -> Chosen | None:
        """Who is asked; None until that is known, or where nobody can be."""
        return self._asked.chosen

    @property
    def model_name(self) -> str:
        """`provider/model`; empty where nobody can be asked."""
        return self.chosen.name if self.chosen is not None else ""

    @property
    def is_demo(self) -> bool:
        """Whether no model is asked."""
        return self.chosen is not None and self.chosen.resolved.provider.protocol == "demo"

    async def choose(self, name: str | None) -> None:
        """Ask another model from the next turn on.

        Raises:
            ChattermError: It can't be asked; who was asked before stays.
        """
        await self._asked.choose(name)
        self._listener.on_change()

    def using(self, chosen: Chosen) -> AbstractContextManager[Provider]:
        """Use a provider for something else: it isn't closed meanwhile."""
        return self._asked.using(chosen)

    @property
    def effort(self) -> str | None:
        """How hard the model is asked to think."""
        return self._effort

    @effort.setter
    def effort(self, effort: str | None) -> None:
        self._effort = cast("None", effort)
        self._listener.on_change()

    def set_mode(self, mode: Mode) -> None:
        """Judge calls in another mode from now on.

        Raises:
            ConfigError: It needs a sandbox, and none works here.
        """
        tooling = self.tooling
        if mode == "caged" and self.opened and (tooling is None or not tooling.level.caged):
            raise _no_cage("the mode stays as it was")
        self.mode = mode
        if tooling is not None:
            tooling.gate.posture = replace(tooling.gate.posture, mode=mode)
        self._listener.on_change()

    @property
    def mode_in_force(self) -> Mode:
        """The mode that calls are judged in: a project's stricter one counts before the user's."""
        return self.tooling.gate.mode if self.tooling is not None else self.mode

    # --- turns ---

    @property
    def running(self) -> bool:
        """Whether a turn is under way, or about to be."""
        return self.under_way.running

    def send(self, message: UserInput) -> None:
        """Send a message now; nothing else may be under way."""
        session = self.session

        def run(prompt: Prompt) -> AsyncGenerator[Event, None]:
            calls = self.guiding.calls(self.tooling)
            context = self.config.context
            first = replace(prompt, input=message)
            return session.run_all(first, calls=calls, context=context, following=self.prompt)

        self._start(session, run, message)

    def enqueue(self, message: UserInput, when: When) -> None:
        """Send a message when the turn under way, or its round, has ended."""
        self.session.enqueue(message, when)
        self._listener.on_change()

    def compact(self) -> None:
        """Have older turns summarised."""
        self._start(self.session, self.session.compact)

    def expand(self) -> None:
        """Undo a compaction."""
        session = self.session
        self._start(session, lambda _prompt: session.expand())

    def interrupt(self) -> None:
        """Stop the turn under way and keep what came; one that hasn't begun isn't sent."""
        self._came_to_end = False
        self.under_way.interrupt()

    async def stop(self) -> None:
        """Stop the turn under way, and wait until it has its end."""
        await self.under_way.stop()

    def _start(self, session: Session, run: Run, message: UserInput | None = None) -> None:
        self._came_to_end = True
        self.under_way.start(session, run, message)
        self._listener.on_change()

    async def be_ready(self, session: Session) -> None:
        """Wait until what a turn of a conversation needs is there.

        Raises:
            ChattermError: It can't be had.
        """
        await self.ready()
        if self.chosen is None:
            await self.choose(self._options.model)
        await asyncio.to_thread(lambda: session.turns)  # very many may have to be read
        await self.guiding.get_ready(session, self.tooling)

    def on_event(self, session: Session, event: Event) -> None:
        """Something has happened in a turn."""
        from chatterm.events import TurnFinished, TurnStarted
        from chatterm.steps import FinishReason

        if isinstance(event, TurnFinished):
            self._came_to_end = event.finish_reason is not FinishReason.INTERRUPTED
            if self._used and not self.is_demo:  # a script is no title
                self._titling.turn_ends(session, self._used[-1])
        elif isinstance(event, TurnStarted):
            self.guiding.turn_begins(event.input)
            self.title = self.title or first_title(event.input)  # as the store has it, at first
        self._listener.on_session_event(event)

    def on_failure(self, error: ChattermError) -> None:
        """A turn can't be run, or not further."""
        self._listener.on_trouble(error)

    def on_over(self, session: Session, message: UserInput | None, *, sent: bool) -> None:
        """No turn is under way any more: what was written while older ones were summarised goes."""
        used, self._used = self._used, []
        for each in used:
            self._asked.release(each)
        if message is not None and not sent:
            self._listener.on_unsent(message)
        elif message is None and session is self._session and self._came_to_end:
            waiting = session.queue.take()
            if waiting is not None:
                self.send(waiting.input)
        self._listener.on_change()

    def prompt(self) -> Prompt:
        """Who is asked now, and how."""
        chosen = self.chosen
        if chosen is None:
            raise AssertionError("only called once there is somebody to ask")
        self._asked.hold(chosen)
        self._used.append(chosen)
        prompt = prompt_of(chosen, self.config, self._effort)
        return self.guiding.guided(prompt, self.session, self.tooling)

    # --- the conversation ---

    def go_on_in(self, session: Session, title: str = "") -> None:
        """Talk in another conversation, or in the same one as it is now; no turn may run."""
        if self._session is not None:
            self._leave_queue(self._session, session)
            dropped = self.guiding.follow(self._session, session)
            if dropped:
                self._listener.on_dropped(dropped)
        self._session, self.title = session, title
        self._listener.on_change()

    def _leave_queue(self, before: Session, following: Session) -> None:
        """See to what waits: it goes on waiting in the same conversation, and is told else."""
        if following.id == before.id:
            following.queue = before.queue
            return
        if self.tooling is not None:
            self.tooling.bench.clear()
        while (waiting := before.queue.take()) is not None:
            self._listener.on_unsent(waiting.input)

    async def turns(self) -> tuple[Turn, ...]:
        """All turns on the way to the head."""
        return await asyncio.to_thread(lambda: self.session.turns)

    async def tree(self) -> list[tuple[str, str | None]]:
        """Every turn with its parent, branches included; nothing where nothing is kept."""
        if self.store is None:
            return []
        try:
            return await asyncio.to_thread(self.store.tree, self.session.id)
        except StoreError:
            return []

    async def rename(self, title: str) -> None:
        """Call the conversation something else."""
        store, id_ = self.where_kept(), self.session.id
        await asyncio.to_thread(store.set_title, id_, title, "user")
        self.title = title
        self._listener.on_change()

    def where_kept(self) -> Store:
        """The store.

        Raises:
            StoreError: There is none.
        """
        if self.store is None:
            raise StoreError(NONE_KEPT)
        return self.store

    async def close(self) -> None:
        """Stop what runs and close what was opened."""
        await self.stop()
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await self._titling.aclose()
        await self._asked.aclose()
        if self.tooling is not None:
            self.tooling.close()
        if self.store is not None:
            if self.config.store.keep_days:
                with suppress(StoreError):
                    await asyncio.to_thread(self.store.expire, self.config.store.keep_days)
            await asyncio.to_thread(self.store.close)


def _no_cage(instead: str) -> ConfigError:
    return ConfigError(
        "the mode caged needs a sandbox, and none works here",
        hint=f"`chatterm doctor` says why; {instead}",
    )
