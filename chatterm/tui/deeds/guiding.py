"""Deeds about what the model is told beforehand: the system prompt, instructions, templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatterm.tui.deeds.deed import Deed

if TYPE_CHECKING:
    from chatterm.prompts.standing import Guidance
    from chatterm.tui.chat import Chat


async def set_system(chat: Chat, given: str) -> None:
    """The conversation's system prompt; alone it shows what the model is told."""
    talk = chat.talk
    await talk.ready()
    await talk.guiding.get_ready(talk.session, talk.tooling)
    session, guiding = talk.session, talk.guiding
    if given == "edit":
        from chatterm.tui.editing import edited

        own = guiding.standing(session).system
        before = talk.config.generation.system if own is None else own
        text = await edited(chat.app, before or "", say=chat.say)
        if text is None:
            return
        given = text.strip() or "none"
    if not given:
        text = whole(guiding.guidance(session, talk.tooling))
        await chat.show_text("What the model is told", text, prose=True)
    elif given == "default":
        guiding.set_system(session, None)
        chat.say("the system prompt is the configured one again, from the next turn on")
    elif given == "none":
        guiding.set_system(session, "")
        chat.say("no system prompt in this conversation, from the next turn on")
    else:
        guiding.set_system(session, given)
        chat.say("the system prompt of this conversation is set, from the next turn on")


def whole(guidance: Guidance) -> str:
    """The system text, each part under where it comes from."""
    parts = [f"── {source} ──\n\n{text}" for source, text in guidance.parts]
    ways = "/system TEXT, edit, default or none changes this conversation's system prompt."
    return "\n\n".join([*parts, ways] if parts else ["Nothing.", ways])


async def instructions(chat: Chat, given: str) -> None:
    """Instructions from files: shown, or switched on or off for this conversation."""
    talk = chat.talk
    await talk.ready()
    await talk.guiding.get_ready(talk.session, talk.tooling)
    session, guiding = talk.session, talk.guiding
    if given in {"on", "off"}:
        guiding.set_instructions(session, on=given == "on")
        chat.say(f"instructions are {given} in this conversation, from the next turn on")
    elif given:
        chat.say(f"/instructions takes on or off, not {given[:20]!a}")
    else:
        found = guiding.found
        state = "on" if guiding.has_instructions(session) else "off"
        other = "off" if state == "on" else "on"
        words = found.words() if found is not None else ""
        said = [f"{state} in this conversation; /instructions {other} changes that", words]
        if found is not None and found.system is not None:
            said.append(f"── {found.system.name} ──\n\n{found.system.text}")
        said.append((found.block() if found is not None else None) or "")
        text = "\n\n".join(filter(None, said)) if words else f"{said[0]}\n\nThere are none here."
        await chat.show_text("Instructions", text, prose=True)


async def prompts(chat: Chat, _: str) -> None:
    """Choose one of your prompts, or of this project's."""
    from chatterm.render.lines import Span
    from chatterm.tui.screens.picker import Choice, Picker
    from chatterm.tui.templating import typed_name, wrong

    await chat.templates.read()
    ordered = sorted(chat.templates.entries, key=lambda entry: entry.template is None)
    entries = {str(number): entry for number, entry in enumerate(ordered)}
    if not entries:
        chat.say("there are no prompts: Markdown files in prompts/ beside the configuration")
        return
    offered = chat.templates.offered()
    choices = [
        Choice(
            key,
            (
                Span(f"/{typed_name(entry)}  "),
                Span(wrong(entry) or offered.get(typed_name(entry), ""), ("muted",)),
            ),
        )
        for key, entry in entries.items()
    ]
    picked = await chat.app.push_screen_wait(Picker(chat.palette, "Prompts", choices))
    if picked is None:
        return
    entry = entries[picked.choice.key]
    if entry.template is None:
        chat.say(wrong(entry))
    else:
        chat.prompt.put_back(f"/{typed_name(entry)} ")
        chat.prompt.focus()


_G = "What the model is told"
GUIDING = (
    Deed("system", "the system prompt of this conversation", _G, set_system, takes="TEXT"),
    Deed("instructions", "AGENTS.md and its like: see, on, off", _G, instructions, takes="on|off"),
    Deed("prompts", "your prompts and this project's", _G, prompts),
)
