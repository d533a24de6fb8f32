"""What the model of a conversation is told beforehand, shown and changed as commands say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatterm.prompts.standing import Guidance
    from chatterm.session import Session
    from chatterm.talking.guiding import Guiding
    from chatterm.talking.talk import Talk


HEADING = "── {} ──"


async def all_told(talk: Talk, heading: str = HEADING) -> str:
    """All that the model is told, and how to change it.

    Args:
        talk: The conversation.
        heading: How it is said where a part comes from.

    Raises:
        StoreError: What the conversation recorded can't be read.
    """
    session, guiding = await _ready(talk)
    return _whole(guiding.guidance(session, talk.tooling), heading)


def _whole(guidance: Guidance, heading: str) -> str:
    parts = [f"{heading.format(source)}\n\n{text}" for source, text in guidance.parts]
    ways = "/system TEXT, edit, default or none changes this conversation's system prompt."
    return "\n\n".join([*parts, ways] if parts else ["Nothing.", ways])


async def system_prompt(talk: Talk) -> str:
    """The system prompt that holds, to be edited.

    Raises:
        StoreError: What the conversation recorded can't be read.
    """
    session, guiding = await _ready(talk)
    own = guiding.standing(session).system
    return (talk.config.generation.system if own is None else own) or ""


async def set_system(talk: Talk, given: str) -> str:
    """Give the conversation a system prompt, the usual one (`default`), or `none`; what was done.

    Raises:
        StoreError: What the conversation recorded can't be read.
    """
    session, guiding = await _ready(talk)
    if given == "default":
        guiding.set_system(session, None)
        return "the system prompt is the configured one again, from the next turn on"
    if given == "none":
        guiding.set_system(session, "")
        return "no system prompt in this conversation, from the next turn on"
    guiding.set_system(session, given)
    return "the system prompt of this conversation is set, from the next turn on"


async def all_instructions(talk: Talk, heading: str = HEADING) -> str:
    """The instructions there are, and whether they are sent.

    Args:
        talk: The conversation.
        heading: How it is said where a part comes from.

    Raises:
        StoreError: What the conversation recorded can't be read.
    """
    session, guiding = await _ready(talk)
    found = guiding.found
    on, off = ("on", "off") if guiding.has_instructions(session) else ("off", "on")
    state = f"{on} in this conversation; /instructions {off} changes that"
    words = found.words() if found is not None else ""
    if found is None or not words:
        return f"{state}\n\nThere are none here."
    said = [state, words]
    if found.system is not None:
        said.append(f"{heading.format(found.system.name)}\n\n{found.system.text}")
    said.append(found.block() or "")
    return "\n\n".join(filter(None, said))


async def set_instructions(talk: Talk, given: str) -> str:
    """Switch instructions `on` or `off` for the conversation; what was done.

    Raises:
        StoreError: What the conversation recorded can't be read.
    """
    if given not in {"on", "off"}:
        return f"/instructions takes on or off, not {given[:20]!a}"
    session, guiding = await _ready(talk)
    guiding.set_instructions(session, on=given == "on")
    return f"instructions are {given} in this conversation, from the next turn on"


async def _ready(talk: Talk) -> tuple[Session, Guiding]:
    await talk.ready()
    await talk.guiding.get_ready(talk.session, talk.tooling)
    return talk.session, talk.guiding
