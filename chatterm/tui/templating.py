"""`/name` for templates: which there are, and a message made of one and sent."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from chatterm.errors import ChattermError, ConfigError, UsageError
from chatterm.render.sanitize import sanitize_line
from chatterm.tui.deeds.every import BY_NAME

if TYPE_CHECKING:
    from chatterm.agent.queue import When
    from chatterm.prompts.library import Entry, Library
    from chatterm.prompts.template import Template
    from chatterm.tui.chat import Chat

ANY = "prompt:"
"""Before a name: a template is meant, and no command of that name."""

_NAMED = re.compile(r"/(?P<name>(?:(?:prompt|user|project):)*[A-Za-z0-9][\w-]*)(?:\s+|$)")


class Templates:
    """The templates there are, as they were read last.

    Args:
        chat: The screen.

    Attributes:
        entries: All of them, the wrong ones too.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._library: Library | None = None
        self.entries: list[Entry] = []

    async def library(self) -> Library:
        """What finds them.

        Raises:
            ConfigError: The current directory is gone.
        """
        if self._library is None:
            from chatterm.prompts.opening import open_library

            await self._chat.talk.ready()
            tooling = self._chat.talk.tooling
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

    def offered(self) -> dict[str, str]:
        """Those that can be used, by what is typed for them after the slash, and what they do."""
        return {
            typed_name(entry): _about(entry) for entry in self.entries if entry.template is not None
        }


def typed_name(entry: Entry) -> str:
    """What is typed for a template: a command of the same name goes first."""
    return f"{ANY}{entry.name}" if entry.name in BY_NAME else entry.name


def _about(entry: Entry) -> str:
    template = entry.template
    text = template.head.description if template is not None else ""
    whose = "this project's prompt" if entry.project else "your prompt"
    return sanitize_line(f"{text} ({whose})" if text else whose)


def wrong(entry: Entry) -> str:
    """What is wrong with a template, or in its way; empty where nothing is."""
    if entry.problem:
        return sanitize_line(entry.problem)
    if entry.name in BY_NAME:
        return f"/{entry.name} is a command: /{ANY}{entry.name} is the prompt"
    return ""


def is_named(text: str) -> bool:
    """Whether a text may be meant to be given to a template."""
    return _NAMED.match(text) is not None


async def use(chat: Chat, text: str, typed: str, when: When) -> None:
    """Send what a template makes of a text; what names none is a message, or is told.

    Args:
        chat: The screen.
        text: The text, from its slash on.
        typed: The same without what was pasted.
        when: When it is sent, while a turn is under way.
    """
    from chatterm.tui.sending import send_made

    found = _NAMED.match(text)
    name = found["name"].removeprefix(ANY) if found is not None else ""
    given = text[found.end() :] if found is not None else ""
    library = await chat.templates.library()
    try:
        template = await asyncio.to_thread(library.find, name)
    except UsageError as error:
        if name.replace("-", "").replace(":", "").isalpha():
            hint = error.hint if error.hint.startswith("did you mean") else "/ alone lists them"
            chat.say(f"there is no command /{name[:40]}; {hint}")
        else:
            await send_made(chat, text, typed, when)
        return
    except ChattermError as error:
        _give_back(chat, text, error)
        return
    try:
        from chatterm.prompts.template import Words

        message = template.filled(Words.typed(given))
        if not message:
            raise UsageError(f"{template.name} is a system prompt: say something after its name")
        tools = await _settle(chat, template)
    except ChattermError as error:
        _give_back(chat, text, error)
        return
    found = _NAMED.match(typed)
    await send_made(chat, message, typed[found.end() :] if found else "", when, tools)


def _give_back(chat: Chat, text: str, error: ChattermError) -> None:
    chat.on_trouble(error)
    if chat.prompt.empty and not chat.writing_line:
        chat.prompt.put_back(text)


async def _settle(chat: Chat, template: Template) -> frozenset[str] | None:
    """Have what a template asks for beside its text; the tools of its turn, where it says."""
    head, talk = template.head, chat.talk
    told = []
    if head.model is not None:
        await talk.choose(head.model)
        told.append(f"{chat.model_name} is asked")
    if head.effort is not None:
        talk.effort = head.effort
        told.append(f"effort {head.effort}")
    if head.system is not None:
        await talk.guiding.get_ready(talk.session, talk.tooling)
        if talk.guiding.standing(talk.session).system is None:
            talk.guiding.set_system(talk.session, head.system)
            told.append("its system prompt is this conversation's")
    if told:
        chat.say(f"{template.name}, from now on: {', '.join(told)}")
    return None if head.tools is None else frozenset(head.tools)
