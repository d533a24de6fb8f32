"""What the model of a conversation is told beside its messages, and which tools its turns have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from chatterm.errors import ConfigError

if TYPE_CHECKING:
    from chatterm.agent.calls import CallRunner
    from chatterm.agent.tooling import Tooling
    from chatterm.config import Config
    from chatterm.prompts.instructions import Found, Instructions
    from chatterm.prompts.standing import Guidance, Standing
    from chatterm.session import Prompt, Session
    from chatterm.steps import UserInput


def said_of_dropped(commands: tuple[str, ...]) -> str:
    """What to say of commands that were given in a conversation that was left, for people."""
    names = " and ".join(each.partition(" ")[0] for each in commands)
    holds, it = ("holds", "it") if len(commands) == 1 else ("hold", "them")
    return f"{names}, given in the conversation before, {holds} no more; Up brings {it} back"


class Guiding:
    """Keeps a conversation's own system prompt, and whether it has instructions.

    Args:
        config: Tells the configuration.
        wanted: Whether the command line wants instructions; None where it doesn't say.
    """

    def __init__(self, config: Callable[[], Config], wanted: bool | None) -> None:
        self._config = config
        self._wanted = wanted
        self._instructions: Instructions | None = None
        self._found: Found | None = None
        self._session: Session | None = None
        self._known: Standing | None = None
        self._said: dict[str, str] = {}  # what was set since the last turn: how it is typed
        self._limited: list[tuple[UserInput, frozenset[str]]] = []
        self._only: frozenset[str] | None = None

    async def get_ready(self, session: Session, tooling: Tooling | None) -> None:
        """Read what has changed since the last turn, before one begins.

        Raises:
            StoreError: What the conversation recorded can't be read.
        """
        await asyncio.to_thread(self._read, session, tooling)

    def _read(self, session: Session, tooling: Tooling | None) -> None:
        self.standing(session)
        with suppress(OSError, ConfigError):  # the directory is gone: one can talk all the same
            if self._instructions is None:
                from chatterm.prompts.opening import open_instructions

                places = tooling.ground.places if tooling is not None else None
                self._instructions = open_instructions(self._config(), places)
            self._found = self._instructions.look()

    def standing(self, session: Session) -> Standing:
        """What holds in a conversation: what its turns recorded, and what was said since.

        Raises:
            StoreError: It can't be read.
        """
        from chatterm.prompts.standing import Standing

        if self._known is None or session is not self._session:
            self._known = Standing.of(session.last_settings)
            if self._wanted is not None:
                self._known = replace(self._known, instructions=self._wanted)
            self._session = session
            self._said.clear()
        return self._known

    def set_system(self, session: Session, system: str | None) -> None:
        """Have a system prompt of the conversation's own, none at all (""), or the usual one."""
        self._known = replace(self.standing(session), system=system)
        self._said["system"] = "default" if system is None else system or "none"

    def set_instructions(self, session: Session, *, on: bool) -> None:
        """Send instructions in the conversation, or none."""
        self._known = replace(self.standing(session), instructions=on)
        self._said["instructions"] = "on" if on else "off"

    def unsent(self, session: Session) -> tuple[str, ...]:
        """The commands that set what no turn of a conversation has recorded yet."""
        if session is not self._session:
            return ()
        return tuple(f"/{name} {given}" for name, given in self._said.items())

    def follow(self, before: Session, following: Session) -> tuple[str, ...]:
        """Another session is talked in; the commands that hold no more, as nothing recorded them.

        In the same conversation, of which another branch is gone to, they go on holding.

        Raises:
            StoreError: What the conversation recorded can't be read.
        """
        dropped = self.unsent(before)
        if not dropped or following.id != before.id:
            return dropped
        said, held = dict(self._said), self.standing(before)
        kept = {name: getattr(held, name) for name in said}
        self._known = replace(self.standing(following), **kept)
        self._said = said
        return ()

    def has_instructions(self, session: Session) -> bool:
        """Whether instructions are sent in the conversation."""
        wanted = self.standing(session).instructions
        return self._config().instructions.enabled if wanted is None else wanted

    @property
    def found(self) -> Found | None:
        """The instructions as they were read last."""
        return self._found

    def guidance(self, session: Session, tooling: Tooling | None) -> Guidance:
        """What the next turn is sent beside its message."""
        from chatterm.prompts.standing import Standing, guidance

        told = Standing.of(session.last_settings).told
        return guidance(
            replace(self.standing(session), told=told),
            configured=self._config().generation.system,
            found=self._found if self.has_instructions(session) else None,
            place=tooling.system if tooling is not None else None,
        )

    def guided(self, prompt: Prompt, session: Session, tooling: Tooling | None) -> Prompt:
        """How somebody is asked, with the system text."""
        made = self.guidance(session, tooling)
        return replace(prompt, system=made.system, noted=made.noted, notices=made.notices)

    # --- the tools of a turn ---

    def limit(self, message: UserInput, tools: frozenset[str]) -> None:
        """Have only these tools in the turn that a message begins, now or later."""
        self._limited.append((message, tools))

    def turn_begins(self, message: UserInput) -> None:
        """A turn has the tools that were said for its message, else all; what holds it records."""
        self._said.clear()
        self._only = next((tools for each, tools in self._limited if each is message), None)
        self._limited = [pair for pair in self._limited if pair[0] is not message]

    def calls(self, tooling: Tooling | None) -> CallRunner | None:
        """Who answers the calls of turns."""
        if tooling is None:
            return None
        from chatterm.agent.narrowing import Narrowed

        return Narrowed(tooling.toolbox, lambda: self._only)
