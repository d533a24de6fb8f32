"""What the model is told beforehand: the system prompt, instructions, and messages of templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatterm.errors import ChattermError
from chatterm.linear.turning import edited
from chatterm.talking import beforehand
from chatterm.talking.templates import NONE, Made, NoSuchCommandError, is_named

if TYPE_CHECKING:
    from chatterm.linear.conversation import Conversation

_HEADING = "from {}:"


def system(here: Conversation, given: str) -> None:
    """The conversation's system prompt; alone it tells what the model is told."""
    talk = here.talk
    if given == "edit":
        text = edited(here, here.wait(beforehand.system_prompt(talk)))
        if text is None:
            return
        given = text.strip() or "none"
    if given:
        here.say(here.wait(beforehand.set_system(talk, given)))
    else:
        here.say(here.wait(beforehand.all_told(talk, _HEADING)))


def instructions(here: Conversation, given: str) -> None:
    """Instructions from files: told, or switched on or off for this conversation."""
    talk = here.talk
    if given:
        here.say(here.wait(beforehand.set_instructions(talk, given)))
    else:
        here.say(here.wait(beforehand.all_instructions(talk, _HEADING)))


def prompts(here: Conversation, _: str) -> None:
    """Choose one of your prompts, or of this project's: it stands in the next line."""
    here.wait(here.templates.read())
    found = here.templates.listed()
    if not found:
        here.say(NONE)
        return
    lines = [f"/{name}{f', {about}' if about else ''}" for _, name, about in found]
    chosen = here.choose(lines, "prompt")
    if chosen is None:
        return
    entry, name, about = found[chosen]
    if entry.template is None:
        here.say(about)
    else:
        here.say(f"/{name} takes {entry.template.takes}")
        here.fill(f"/{name} ")


def offered(here: Conversation) -> dict[str, str]:
    """The templates that can be used now, by what is typed for them, and what they do."""
    here.wait(here.templates.read())
    return here.templates.offered()


def made(here: Conversation, text: str, typed: str) -> Made | None:
    """The message that a text stands for; None where its template can't make one, which is told.

    Args:
        here: The conversation.
        text: The text.
        typed: What of it was typed, and may mention files.
    """
    if not is_named(text.strip()):
        return Made(text, typed)
    try:
        found = here.wait(here.templates.made(text.strip(), typed.strip()))
    except NoSuchCommandError as error:
        here.say(error.message)
        return None
    except ChattermError as error:
        here.trouble(error)
        here.fill(text)
        return None
    if found.told:
        here.say(found.told)
    return found
