"""Deeds about what the model is told beforehand: the system prompt, instructions, templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatterm.tui.deeds.deed import Deed

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat


async def set_system(chat: Chat, given: str) -> None:
    """The conversation's system prompt; alone it shows what the model is told."""
    from chatterm.talking import beforehand

    if given == "edit":
        from chatterm.tui.editing import edited

        before = await beforehand.system_prompt(chat.talk)
        text = await edited(chat.app, before, say=chat.say)
        if text is None:
            return
        given = text.strip() or "none"
    if given:
        chat.say(await beforehand.set_system(chat.talk, given))
    else:
        text = await beforehand.all_told(chat.talk)
        await chat.show_text("What the model is told", text, prose=True)


async def instructions(chat: Chat, given: str) -> None:
    """Instructions from files: shown, or switched on or off for this conversation."""
    from chatterm.talking import beforehand

    if given:
        chat.say(await beforehand.set_instructions(chat.talk, given))
    else:
        text = await beforehand.all_instructions(chat.talk)
        await chat.show_text("Instructions", text, prose=True)


async def prompts(chat: Chat, _: str) -> None:
    """Choose one of your prompts, or of this project's."""
    from chatterm.render.lines import Span
    from chatterm.talking.templates import NONE
    from chatterm.tui.screens.picker import Choice, Picker

    await chat.templates.read()
    found = chat.templates.listed()
    if not found:
        chat.say(NONE)
        return
    choices = [
        Choice(str(number), (Span(f"/{name}  "), Span(about, ("muted",))))
        for number, (_entry, name, about) in enumerate(found)
    ]
    picked = await chat.app.push_screen_wait(Picker(chat.palette, "Prompts", choices))
    if picked is None:
        return
    entry, name, about = found[int(picked.choice.key)]
    if entry.template is None:
        chat.say(about)
    else:
        chat.prompt.put_back(f"/{name} ")
        chat.prompt.focus()


_G = "What the model is told"
GUIDING = (
    Deed("system", "the system prompt of this conversation", _G, set_system, takes="TEXT"),
    Deed("instructions", "AGENTS.md and its like: see, on, off", _G, instructions, takes="on|off"),
    Deed("prompts", "your prompts and this project's", _G, prompts),
)
