"""The conversation behind the screen: what it needs is opened, turns run, their events told.

Everything that may block is done in threads; what is told is told in the thread of the screen.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from chatterm.errors import ChattermError, ConfigError, StoreError
from chatterm.tui.options import AppOptions

if TYPE_CHECKING:
    from chatterm.agent.questions import Question, Reply
    from chatterm.agent.queue import Queued, When
    from chatterm.agent.titles import Titler
    from chatterm.agent.tooling import Tooling
    from chatterm.config import Config, ResolvedModel
    from chatterm.config.schema import Mode
    from chatterm.events import Event
    from chatterm.providers.base import Provider
    from chatterm.session import Prompt, Session
    from chatterm.steps import Turn, UserInput
    from chatterm.store import Conversation, RecordedTurn, Store

log = logging.getLogger(__name__)

FIRST_TURNS = 40
"""How many turns of a long conversation are shown at once; the others follow."""


class Listener(Protocol):
    """Who is told what happens."""

    def on_session_event(self, event: Event) -> None:
        """An event of the conversation; it is recorded."""

    def on_trouble(self, error: ChattermError) -> None:
        """Something can't be done; the conversation goes on."""

    def on_change(self) -> None:
        """What the status row tells has changed."""

    async def ask(self, question: Question) -> Reply:
        """Ask the user about a call."""
        ...


@dataclass(slots=True)
class Chosen:
    """Who is asked.

    Attributes:
        resolved: The model, as it was named.
        provider: The provider, ready to be asked.
    """

    resolved: ResolvedModel
    provider: Provider

    @property
    def name(self) -> str:
        """`provider/model`."""
        return f"{self.resolved.provider_name}/{self.resolved.model}"


class Talk:
    """A conversation, and all that it needs.

    Args:
        options: What was asked for.
        config: The configuration.
        listener: Is told what happens.

    Attributes:
        store: Where conversations are kept; None where that can't be used.
        chosen: Who is asked; None until that is known, or where nobody can be.
        tooling: The tools, once they are opened.
        title: What the conversation is called.
        mode: The permission mode.
        is_demo: No model is asked: the demo plays.
    """

    def __init__(self, options: AppOptions, config: Config, listener: Listener) -> None:
        self._options = options
        self.config = config
        self._listener = listener
        self.store: Store | None = None
        self._session: Session | None = None
        self.chosen: Chosen | None = None
        self.tooling: Tooling | None = None
        self.title = ""
        self.mode: Mode = cast("Mode", options.mode or config.permissions.mode)
        if self.mode == "yolo" and options.mode != "yolo":
            self.mode = "confirm"  # it needs the flag, or to be typed
        self._effort = config.generation.effort
        self._titler: Titler | None = None
        self._task: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None

    @property
    def session(self) -> Session:
        """The conversation."""
        if self._session is None:
            self._session = self._begun()
        return self._session

    def _begun(self) -> Session:
        from chatterm.session import Session

        return Session(self.store, origin="app", directory=str(Path.cwd()))

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
        opened, problem = await asyncio.to_thread(self._open_store)
        self.store = opened
        if problem is not None:
            self._listener.on_trouble(problem)
        recorded: list[RecordedTurn] = []
        if opened is not None:
            for warning in opened.warnings:
                self._listener.on_trouble(StoreError(warning))
            recorded = await asyncio.to_thread(self._begin, opened)
            self._make_titler(opened)
        self._opening = asyncio.create_task(self._open_rest(recorded))
        return recorded

    def _open_store(self) -> tuple[Store | None, ChattermError | None]:
        from chatterm.config import data_dir
        from chatterm.store import Store

        stream = self.config.stream
        try:
            opened = Store.open(
                data_dir(),
                persist_interval_ms=stream.persist_interval_ms,
                persist_min_chars=stream.persist_min_chars,
            )
        except StoreError as error:
            hint = f"{error.hint}; this conversation isn't kept".removeprefix("; ")
            return None, StoreError(error.message, hint=hint)
        return opened, None

    def _begin(self, store: Store) -> list[RecordedTurn]:
        """The session of a new conversation, or of the one to go on with."""
        options = self._options
        here = str(Path.cwd())
        found: Conversation | None = None
        if options.resume is not None:
            found = store.find(options.resume)
        elif options.go_on:
            found = store.newest(directory=here, origin="app")
            if found is None:
                raise ConfigError(
                    f"no conversation was begun in {here}",
                    hint="`chatterm -r` shows all conversations to choose from",
                )
        if found is None:
            self._session = None
            return []
        return self._resumed(store, found)

    def _resumed(self, store: Store, found: Conversation) -> list[RecordedTurn]:
        from chatterm.session import Session

        self._session = Session.resume(store, found)
        self.title = found.title
        return self.session.recorded(FIRST_TURNS)

    def _make_titler(self, store: Store) -> None:
        from chatterm.agent.titles import Titler

        self._titler = Titler(store, self.config, self._retitled)

    def _retitled(self, conversation: str, title: str) -> None:
        if conversation == self.session.id:
            self.title = title
            self._listener.on_change()

    async def _open_rest(self, recorded: Sequence[RecordedTurn]) -> None:
        """The model and the tools: what the first message needs."""
        last = recorded[-1].turn().model if recorded else None
        name = self._options.model or last
        try:
            await self.choose(name)
        except ChattermError as error:
            self._listener.on_trouble(error)
            if name == last and last is not None:
                with suppress(ChattermError):
                    await self.choose(None)
        self._listener.on_change()
        try:
            self.tooling = await asyncio.to_thread(self._open_tooling)
            self.mode = self.tooling.gate.posture.mode
        except ChattermError as error:
            self._listener.on_trouble(error)
        self._listener.on_change()

    def _open_tooling(self) -> Tooling:
        from chatterm.agent.tooling import Wanted, open_tooling
        from chatterm.permissions.sandbox.probing import choose

        wanted = self.config.tools.shell.sandbox
        found = choose(wanted)
        if not found.works:
            raise ConfigError(
                f"the sandbox {wanted} doesn't work here: {found.reason}", hint=found.remedy
            )
        if self.mode == "caged" and not found.level.caged:
            self.mode = "confirm"
        return open_tooling(
            Wanted(self.config.tools.enabled, self.mode, found.level, wanted != "auto"),
            self.config,
            self.store,
            self._listener.ask,
        )

    async def ready(self) -> None:
        """Wait until what a message needs is open."""
        if self._opening is not None:
            await self._opening

    # --- who is asked ---

    @property
    def is_demo(self) -> bool:
        """Whether no model is asked."""
        return self.chosen is not None and self.chosen.resolved.provider.protocol == "demo"

    async def choose(self, name: str | None) -> None:
        """Ask another model from the next turn on.

        Raises:
            ChattermError: It can't be asked; who was asked before stays.
        """
        chosen = await asyncio.to_thread(self._chosen, name)
        before, self.chosen = self.chosen, chosen
        if before is not None and not self.running:
            await before.provider.aclose()
        self._listener.on_change()

    def _chosen(self, name: str | None) -> Chosen:
        from chatterm.config import resolve_model
        from chatterm.providers.registry import IMPLEMENTED, open_provider

        try:
            resolved = resolve_model(name, self.config, os.environ, IMPLEMENTED)
        except ConfigError:
            if name is not None or self.config.model is not None:
                raise
            resolved = resolve_model("demo", self.config, os.environ, IMPLEMENTED)
        return Chosen(resolved, open_provider(resolved, self.config))

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
        if mode == "caged" and (tooling is None or not tooling.level.caged):
            raise ConfigError(
                "the mode caged needs a sandbox, and none works here",
                hint="`chatterm doctor` says why; the mode stays as it was",
            )
        self.mode = mode
        if tooling is not None:
            tooling.gate.posture = replace(tooling.gate.posture, mode=mode)
        self._listener.on_change()

    # --- turns ---

    @property
    def running(self) -> bool:
        """Whether a turn is under way, or about to be."""
        return self._task is not None and not self._task.done()

    def send(self, message: UserInput) -> None:
        """Send a message now; nothing else may be under way."""
        self._start(lambda prompt: self._run(replace(prompt, input=message)))

    def enqueue(self, message: UserInput, when: When) -> None:
        """Send a message when the turn under way, or its round, has ended."""
        self.session.enqueue(message, when)
        self._listener.on_change()

    def compact(self) -> None:
        """Have older turns summarised."""
        self._start(self.session.compact)

    def expand(self) -> None:
        """Undo a compaction."""
        self._start(lambda _prompt: self.session.expand())

    def interrupt(self) -> None:
        """Stop the turn under way and keep what came."""
        self.session.interrupt()

    async def stop(self) -> None:
        """Stop the turn under way, and wait until it has its end."""
        if self._task is not None:
            self.session.interrupt()
            with suppress(asyncio.CancelledError, Exception):
                await asyncio.wait_for(asyncio.shield(self._task), 5)

    def _start(self, run: Callable[[Prompt], AsyncGenerator[Event, None]]) -> None:
        if self.running:
            raise ValueError("a turn is under way")
        self._task = asyncio.create_task(self._follow(run))
        self._listener.on_change()

    async def _follow(self, run: Callable[[Prompt], AsyncGenerator[Event, None]]) -> None:
        from chatterm.events import TurnFinished

        await self.ready()
        try:
            if self.chosen is None:
                await self.choose(self._options.model)
            async with aclosing(run(self._prompt())) as events:
                async for event in events:
                    if isinstance(event, TurnFinished):
                        self._finished()
                    self._listener.on_session_event(event)
        except ChattermError as error:
            self._listener.on_trouble(error)
        except Exception as error:  # at the edge: the conversation stays usable
            log.exception("an unexpected error in a turn")
            self._listener.on_trouble(_unexpected(error))
        finally:
            self._task = None
            self._listener.on_change()

    def _run(self, prompt: Prompt) -> AsyncGenerator[Event, None]:
        calls = self.tooling.toolbox if self.tooling is not None else None
        return self.session.run_all(prompt, calls=calls, context=self.config.context)

    def _prompt(self) -> Prompt:
        if self.chosen is None:
            raise AssertionError("only called once there is somebody to ask")
        from chatterm.providers.base import Settings
        from chatterm.session import Prompt
        from chatterm.steps import UserInput

        generation = self.config.generation
        about = self.tooling.system if self.tooling is not None else None
        return Prompt(
            input=UserInput(""),
            provider=self.chosen.provider,
            model=self.chosen.resolved.model,
            system="\n\n".join(filter(None, (generation.system, about))) or None,
            settings=Settings(
                temperature=generation.temperature,
                max_output_tokens=generation.max_output_tokens,
                effort=self._effort,
                thinking=None if generation.thinking else False,
            ),
            max_rounds=self.config.limits.max_rounds,
            max_cost_usd=self.config.limits.max_cost_usd,
        )

    def _finished(self) -> None:
        asyncio.get_running_loop().call_soon(self._after_turn)

    def _after_turn(self) -> None:
        turns = self.session.turns
        if len(turns) == 1 and self._titler and self.chosen and not self.is_demo:
            self._titler.begin(self.session.id, self.chosen.provider, turns[0])

    # --- other conversations, other branches ---

    async def resume(self, id_: str) -> list[RecordedTurn]:
        """Go on with another conversation; its last turns.

        Raises:
            StoreError: There is none, or it can't be read.
        """
        store = self._kept()
        await self.stop()
        found = await asyncio.to_thread(store.find, id_)
        recorded = await asyncio.to_thread(self._resumed, store, found)
        if recorded:
            with suppress(ChattermError):
                await self.choose(recorded[-1].turn().model)
        self._listener.on_change()
        return recorded

    async def begin_anew(self) -> None:
        """Begin another conversation."""
        await self.stop()
        self._session = None
        self.title = ""
        self._listener.on_change()

    async def earlier(self, most: int, before: str) -> list[RecordedTurn]:
        """The turns before one of them, oldest first."""
        return await asyncio.to_thread(lambda: self.session.recorded(most, before=before))

    async def rewind(self, turn: str | None) -> None:
        """Have the next message follow a turn, or begin the conversation anew."""
        await self.stop()
        await asyncio.to_thread(self.session.rewind, turn)

    async def turns(self) -> tuple[Turn, ...]:
        """All turns on the way to the head."""
        return await asyncio.to_thread(lambda: self.session.turns)

    async def tree(self) -> list[tuple[str, str | None]]:
        """Every turn with its parent, branches included; nothing where nothing is kept."""
        if self.store is None or self.session.head is None:
            return []
        store, id_ = self.store, self.session.id
        try:
            return await asyncio.to_thread(store.tree, id_)
        except StoreError:
            return []

    async def go_to(self, turn: str) -> list[RecordedTurn]:
        """Go on after another turn, of any branch; the last turns up to it."""
        store = self._kept()
        await self.stop()
        id_ = self.session.id
        await asyncio.to_thread(store.set_head, id_, turn)
        found = await asyncio.to_thread(store.find, id_)
        recorded = await asyncio.to_thread(self._resumed, store, found)
        self._listener.on_change()
        return recorded

    async def rename(self, title: str) -> None:
        """Call the conversation something else."""
        store, id_ = self._kept(), self.session.id
        await asyncio.to_thread(store.set_title, id_, title, "user")
        self.title = title
        self._listener.on_change()

    def _kept(self) -> Store:
        if self.store is None:
            raise StoreError("conversations can't be kept here")
        return self.store

    async def close(self) -> None:
        """Stop what runs and close what was opened."""
        await self.stop()
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        if self._titler is not None:
            await self._titler.aclose()
        if self.chosen is not None:
            await self.chosen.provider.aclose()
        if self.tooling is not None:
            self.tooling.close()
        if self.store is not None:
            store = self.store
            if self.config.store.keep_days:
                with suppress(StoreError):
                    await asyncio.to_thread(store.expire, self.config.store.keep_days)
            await asyncio.to_thread(store.close)


def _unexpected(error: Exception) -> ChattermError:
    from chatterm.config import log_dir

    return ChattermError(
        f"an error inside chatterm: {type(error).__name__}: {error}",
        hint=f"the details are in {log_dir() / 'chatterm.log'}; the conversation can go on",
    )
