"""Deeds about the step at the cursor: copying, opening, editing, branching, undoing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chatterm.tui.deeds.deed import Deed

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat
    from chatterm.tui.pane.items import Item as PaneItem


async def menu(chat: Chat, given: str) -> None:
    """What can be done with the step."""
    from chatterm.tui.screens.menu import Item, Menu

    item = chat.chosen_item
    if item is None:
        return
    kind = getattr(item, "kind", "")
    offered = [("c", "copy", "copy")]
    if kind == "text":
        offered.append(("b", "copy a block of code", "copy_block"))
        offered.append(("w", "save a block of code", "save_block"))
    if kind == "tool":
        offered.append(("a", "copy the arguments", "copy_arguments"))
    if kind == "user":
        offered.append(("e", "edit and send anew", "edit"))
    offered += [
        ("r", "ask this turn again", "regenerate"),
        ("f", "fork: another conversation from here", "fork"),
        ("q", "quote into the prompt", "quote"),
        ("o", "open in the pager", "open"),
        ("v", "open in your editor", "open_editor"),
    ]
    if getattr(item, "fold", None) is not None:
        offered.append(("enter", "fold or unfold", "fold"))
    if getattr(item, "can_undo", False):
        offered.append(("u", "undo the edit", "undo"))
    offered.append(("x", "raw data", "raw"))
    x, _, y = given.partition(",")
    at = (int(x), int(y)) if given else _beside(chat, item)
    name = await chat.app.push_screen_wait(
        Menu(chat.palette, [Item(*each) for each in offered], at)
    )
    if name is not None:
        chat.do(name)


def _beside(chat: Chat, item: PaneItem) -> tuple[int, int]:
    """A cell of the screen beside an item."""
    view = chat.pane.view_of(item.key)
    region = view.region if view is not None else chat.pane.region
    return region.x + 4, max(region.y, chat.pane.region.y) + 1


def copy(chat: Chat, _: str) -> None:
    """Copy the step's text."""
    item = chat.chosen_item
    copied = getattr(item, "copied", None)
    if copied is not None:
        chat.copy(copied())


def copy_arguments(chat: Chat, _: str) -> None:
    """Copy a call's arguments."""
    item = chat.chosen_item
    arguments = getattr(item, "arguments", "")
    if arguments:
        values = getattr(item, "values", {})
        command = values.get("command") if isinstance(values, dict) else None
        chat.copy(command or arguments)


async def copy_block(chat: Chat, _: str) -> None:
    """Copy a block of code."""
    block = await _block(chat)
    if block is not None:
        chat.copy(block)


def copy_code(chat: Chat, given: str) -> None:
    """Copy the block of code whose label was clicked."""
    blocks = _labelled(chat)
    if given.isdigit() and int(given) < len(blocks):
        chat.copy(blocks[int(given)])


async def save_block(chat: Chat, _: str) -> None:
    """Save a block of code to a file."""
    from chatterm.tui.looking import save_text

    block = await _block(chat)
    if block is not None:
        await save_text(chat, block)


async def _block(chat: Chat) -> str | None:
    from chatterm.tui.screens.picker import Choice, Picker

    blocks = _blocks(chat)
    if not blocks:
        chat.say("there is no code in it")
        return None
    if len(blocks) == 1:
        return blocks[0][1]
    choices = [
        Choice(str(n), " ".join(text.split())[:200] or "(blank)", info or "code")
        for n, (info, text) in enumerate(blocks)
    ]
    picked = await chat.app.push_screen_wait(Picker(chat.palette, "Which block?", choices))
    return blocks[int(picked.choice.key)][1] if picked is not None else None


def _blocks(chat: Chat) -> list[tuple[str, str]]:
    from chatterm.render.code_blocks import code_blocks

    item = chat.chosen_item
    copied = getattr(item, "copied", None)
    return code_blocks(copied()) if copied is not None else []


def _labelled(chat: Chat) -> list[str]:
    return [text for info, text in _blocks(chat) if info]


def edit(chat: Chat, _: str) -> None:
    """Edit the message and send it anew, as a branch."""
    from chatterm.tui.branching import edit_turn

    item = chat.chosen_item
    if item is not None:
        edit_turn(chat, getattr(item, "turn", ""))


async def regenerate(chat: Chat, _: str) -> None:
    """Ask the turn again, as a branch."""
    from chatterm.tui.branching import ask_again

    item = chat.chosen_item
    if item is not None:
        await ask_again(chat, getattr(item, "turn", ""))


async def fork(chat: Chat, _: str) -> None:
    """Begin another conversation with the turns up to this one."""
    import asyncio

    store = chat.talk.store
    item = chat.chosen_item
    turn = getattr(item, "turn", None) or chat.talk.session.head
    if store is None or turn is None:
        chat.say("there is nothing to fork yet")
        return
    forked = await asyncio.to_thread(store.fork, chat.talk.session.id, at=turn)
    await chat.resume(forked.id)
    chat.say("this is the fork; the other conversation is as it was")


def quote(chat: Chat, _: str) -> None:
    """Quote the step in the prompt."""
    item = chat.chosen_item
    text = chat.pane.selection_text or getattr(item, "copied", lambda: "")()
    if text:
        quoted = "\n".join(f"> {line}".rstrip() for line in text.strip().split("\n"))
        chat.prompt.insert_at_cursor(f"{quoted}\n\n")
        chat.back_to_prompt()


async def open_pager(chat: Chat, _: str) -> None:
    """Open the step in full, with a search."""
    from chatterm.tui.looking import open_pager as opened

    item = chat.chosen_item
    if item is not None:
        await opened(chat, item)


async def open_editor(chat: Chat, _: str) -> None:
    """Open the step's text in your editor."""
    from chatterm.tui.editing import edited

    copied = getattr(chat.chosen_item, "copied", None)
    if copied is not None:
        await edited(chat.app, copied())


async def raw(chat: Chat, _: str) -> None:
    """Show what the log holds of the step."""
    from chatterm.tui.looking import recorded_step

    item = chat.chosen_item
    turn, step = getattr(item, "turn", ""), getattr(item, "step", "")
    found = await recorded_step(chat, turn, step)
    if found is None:
        chat.say("nothing of it is in the log yet")
        return
    await chat.show_text("raw data", json.dumps(found, ensure_ascii=False, indent=2))


async def undo(chat: Chat, _: str) -> None:
    """Take back what the call at the cursor edited, or the last call that did."""
    from chatterm.tui.undoing import undo_edit

    await undo_edit(chat)


async def branch_before(chat: Chat, _: str) -> None:
    """Show the branch before, where the message has several."""
    from chatterm.tui.branching import switch

    await switch(chat, -1)


async def branch_after(chat: Chat, _: str) -> None:
    """Show the next branch, where the message has several."""
    from chatterm.tui.branching import switch

    await switch(chat, 1)


def answer(chat: Chat, given: str) -> None:
    """Answer a question with a click."""
    chat.asking.choose(given)


def send_along(chat: Chat, _: str) -> None:
    """Put the output of your own command into the prompt, to be sent along."""
    item = chat.chosen_item
    copied = getattr(item, "copied", None)
    if copied is not None:
        chat.prompt.insert_at_cursor(chat.prompt.folded.fold(copied()) + "\n")
        chat.prompt.focus()


async def resume(chat: Chat, given: str) -> None:
    """Go on with a conversation."""
    if given:
        await chat.resume(given)
    else:
        chat.do("conversations")


_G = "The step at the cursor"
_BEFORE, _AFTER = "left_square_bracket,left", "right_square_bracket,right"
ACTING = (
    Deed("menu", "what can be done with it", _G, menu, "m", reading=True),
    Deed("copy", "copy its text", _G, copy, "c", reading=True),
    Deed("copy_block", "copy a block of code", _G, copy_block, "b", reading=True),
    Deed("save_block", "save a block of code to a file", _G, save_block, "w", reading=True),
    Deed("copy_arguments", "copy a call's arguments", _G, copy_arguments, "a", reading=True),
    Deed("copy_code", "copy that code", _G, copy_code, hidden=True),
    Deed("edit", "edit the message and send it anew", _G, edit, "e", reading=True),
    Deed("regenerate", "ask the turn again", _G, regenerate, "r", reading=True),
    Deed("fork", "another conversation from here", _G, fork, "f", reading=True),
    Deed("quote", "quote it in the prompt", _G, quote, "q", reading=True),
    Deed("open", "open it in full, with a search", _G, open_pager, "o", reading=True),
    Deed("open_editor", "open it in your editor", _G, open_editor, "v", reading=True),
    Deed("raw", "what the log holds of it", _G, raw, "x", reading=True),
    Deed("undo", "take back an edit", _G, undo, "u", reading=True),
    Deed("branch_before", "the branch before", _G, branch_before, _BEFORE, reading=True),
    Deed("branch_after", "the next branch", _G, branch_after, _AFTER, reading=True),
    Deed("send_along", "send the output along", _G, send_along, hidden=True),
    Deed("answer", "answer", _G, answer, hidden=True),
    Deed("resume", "go on with a conversation", _G, resume, takes="ID"),
)  # fmt: skip
