"""Templates as an interactive front end has them: what is typed for each, and what one makes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatterm.errors import ChattermError, ConfigError, UsageError
from chatterm.render.sanitize import sanitize_line

if TYPE_CHECKING:
    from chatterm.prompts.library import Entry, Library
    from chatterm.prompts.template import Template
    from chatterm.talking.talk import Talk

ANY = "prompt:"
"""Before a name: a template is meant, and no command of that name."""
NONE = "there are no prompts: Markdown files in prompts/ beside the configuration"

_NAMED = re.compile(r"/(?P<name>(?:(?:prompt|user|project):)*[A-Za-z0-9][\w-]*)(?:\s+|$)")


class NoSuchCommandError(UsageError):
    """What was typed is meant as a command, or as a template, and is neither."""


@dataclass(frozen=True, slots=True)
class Made:
    """A message that was made of what was typed.

    Attributes:
        text: The message.
        typed: What of it was typed, and may mention files.
        tools: The only tools that its turn has; None leaves them as they are.
        told: What its template has changed beside, for people; empty where nothing.
    """

    text: str
    typed: str
    tools: frozenset[str] | None = None
    told: str = ""


class Templates:
    """The templates there are, as they were read last.

    Args:
        talk: The conversation that they are for.
        commands: The names of commands: they go before templates of the same name.

    Attributes:
        entries: All of them, the wrong ones too.
    """

    def __init__(self, talk: Talk, commands: Collection[str]) -> None:
        self._talk = talk
        self._commands = commands
        self._library: Library | None = None
        self.entries: list[Entry] = []

    async def library(self) -> Library:
        """What finds them.

        Raises:
            ConfigError: The current directory is gone.
        """
        if self._library is None:
            from chatterm.prompts.opening import open_library

            await self._talk.ready()
            tooling = self._talk.tooling
            places = tooling.ground.places if tooling is not None else None
            try:
                self._library = await asyncio.to_thread(open_library, places)
            except OSError as error:
                said = f"templates can't be looked for: {error.strerror or error}"
                raise ConfigError(said) from error
        return self._library

    async def read(self) -> bool:
        """Read them all again; whether that changed anything."""
        try:
            library = await self.library()
        except ChattermError:
            return False
        entries = await asyncio.to_thread(library.entries)
        before, self.entries = self.entries, entries
        return entries != before

    def listed(self) -> list[tuple[Entry, str, str]]:
        """Each with what is typed for it and what is to be said of it; those of use first."""
        offered = self.offered()
        found = []
        for entry in sorted(self.entries, key=lambda entry: entry.template is None):
            name = self.typed_name(entry)
            found.append((entry, name, self.wrong(entry) or offered.get(name, "")))
        return found

    def offered(self) -> dict[str, str]:
        """Those that can be used, by what is typed for them after the slash, and what they do."""
        return {
            self.typed_name(entry): _about(entry)
            for entry in self.entries
            if entry.template is not None
        }

    def typed_name(self, entry: Entry) -> str:
        """What is typed for a template: a command of the same name goes first."""
        return f"{ANY}{entry.name}" if entry.name in self._commands else entry.name

    def wrong(self, entry: Entry) -> str:
        """What is wrong with a template, or in its way; empty where nothing is."""
        if entry.problem:
            return sanitize_line(entry.problem)
        if entry.name in self._commands:
            return f"/{entry.name} is a command: /{ANY}{entry.name} is the prompt"
        return ""

    async def made(self, text: str, typed: str) -> Made:
        """The message that a template makes of a text; the text where it names none.

        Args:
            text: The text, from its slash on.
            typed: The same without what was pasted.

        Raises:
            NoSuchCommandError: It looks like a command, and there is none of the name; or it
                is one, where a message was to be given.
            ChattermError: The template can't be used, or not with what it is given.
        """
        from chatterm.prompts.template import Words

        found = _NAMED.match(text)
        if found is None:
            return Made(text, typed)
        if found["name"] in self._commands:
            raise NoSuchCommandError(f"/{found['name']} is a command: only messages are queued")
        name = found["name"].removeprefix(ANY)
        library = await self.library()
        try:
            template = await asyncio.to_thread(library.find, name)
        except UsageError as error:
            if name.replace("-", "").replace(":", "").isalpha():
                raise await self._unknown(name) from error
            return Made(text, typed)
        message = template.filled(Words.typed(text[found.end() :]))
        if not message:
            raise UsageError(f"{template.name} is a system prompt: say something after its name")
        told = await _settle(self._talk, template)
        behind = _NAMED.match(typed)
        tools = template.head.tools
        return Made(
            message,
            typed[behind.end() :] if behind is not None else "",
            None if tools is None else frozenset(tools),
            told,
        )

    async def _unknown(self, name: str) -> NoSuchCommandError:
        from difflib import get_close_matches

        await self.read()
        commands = (each.replace("_", "-") for each in self._commands)
        near = get_close_matches(name, [*self.offered(), *commands], n=1)
        hint = f"did you mean /{near[0]}?" if near else "/help lists them"
        return NoSuchCommandError(f"there is no command /{name[:40]}; {hint}")


def is_named(text: str) -> bool:
    """Whether a text may be meant to be given to a template."""
    return _NAMED.match(text) is not None


def _about(entry: Entry) -> str:
    template = entry.template
    text = template.head.description if template is not None else ""
    whose = "this project's prompt" if entry.project else "your prompt"
    return sanitize_line(f"{text} ({whose})" if text else whose)


async def _settle(talk: Talk, template: Template) -> str:
    """Have what a template asks for beside its text, and say so."""
    head = template.head
    told = []
    if head.model is not None:
        await talk.choose(head.model)
        told.append(f"{sanitize_line(talk.model_name)} is asked")
    if head.effort is not None:
        talk.effort = head.effort
        told.append(f"effort {head.effort}")
    if head.system is not None:
        await talk.guiding.get_ready(talk.session, talk.tooling)
        if talk.guiding.standing(talk.session).system is None:
            talk.guiding.set_system(talk.session, head.system)
            told.append("its system prompt is this conversation's")
    return f"{template.name}, from now on: {', '.join(told)}" if told else ""
