"""Deeds about the message and the turn: sending, stopping, the queue, leaving."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from chatterm.errors import UsageError
from chatterm.tui.deeds.deed import Deed

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat

_TWICE_S = 0.7
_ARMED_S = 2.0


def escape(chat: Chat, _: str) -> None:
    """Leave whatever is closest; with nothing to leave, stop the turn."""
    if chat.writing_line:
        chat.end_line(None)
    elif chat.suggestions.shown:
        chat.suggestions.hide()
    elif chat.pane.has_focus or chat.pane.cursor is not None or chat.pane.marks.words:
        chat.back_to_prompt()
    elif chat.pane.selection_text:
        chat.pane.clear_selection()
    elif chat.editing is not None:
        from chatterm.tui.branching import edit_turn

        edit_turn(chat, None)
    elif chat.prompt.leave_mode() or chat.asking.escape():
        pass
    elif chat.talk.running:
        if not chat.asking.escape():
            chat.talk.interrupt()
    elif chat.own_running:
        chat.own_running[-1].set()
    elif time.monotonic() - chat.escaped_at < _TWICE_S:
        edit_last(chat, "")
    else:
        chat.escaped_at = time.monotonic()


def interrupt(chat: Chat, _: str) -> None:
    """Copy what is selected, else stop the turn, else clear the prompt, else get ready to quit."""
    selected = chat.pane.selection_text or chat.prompt.selected_text
    if selected:
        chat.copy(selected)
        chat.pane.clear_selection()
        chat.prompt.move_cursor(chat.prompt.cursor_location)  # the next one is for something else
    elif chat.writing_line:
        chat.end_line(None)
    elif chat.talk.running:
        chat.talk.interrupt()
    elif chat.own_running:
        chat.own_running[-1].set()
    elif not chat.prompt.empty:
        chat.remember(chat.prompt.take())
        chat.say("cleared; Up brings it back")
    elif time.monotonic() - chat.armed_at < _ARMED_S:
        chat.leave()
    else:
        chat.arm("Ctrl+C again quits", _ARMED_S)


def leave_if_empty(chat: Chat, _: str) -> None:
    """Quit with an empty prompt; else delete the character under the cursor."""
    if chat.prompt.empty and not chat.writing_line:
        chat.leave()
    else:
        chat.field.action_delete_right()


def leave(chat: Chat, _: str) -> None:
    """Quit; nothing is lost."""
    chat.leave()


def suspend(chat: Chat, _: str) -> None:
    """Stop the process, and give the terminal back to the shell until `fg`."""
    from chatterm.tui.terminal import can_stop

    if can_stop():
        chat.app.action_suspend_process()
    else:
        chat.say("there is no shell here to go back to")


def edit_last(chat: Chat, _: str) -> None:
    """Edit the last message and send it anew, as a branch."""
    from chatterm.tui.branching import edit_turn

    for item in reversed(chat.pane.items):
        if getattr(item, "kind", "") == "user":
            edit_turn(chat, getattr(item, "turn", ""))
            return
    chat.say("there is no message yet")


async def retry(chat: Chat, _: str) -> None:
    """Ask the last message again."""
    from chatterm.tui.branching import ask_again

    turns = await chat.talk.turns()
    asked = [turn for turn in turns if turn.input.text or turn.input.attachments]
    if asked:
        await ask_again(chat, asked[-1].id)


def go_on(chat: Chat, _: str) -> None:
    """Have the model go on where it was stopped."""
    from chatterm.steps import UserInput

    chat.send_message(UserInput("Go on."))


async def edit_queued(chat: Chat, given: str) -> None:
    """Take a waiting message back into the prompt."""
    from chatterm.tui.moving import unmentioned

    queue = chat.talk.session.queue
    waiting = list(queue)
    if not waiting:
        chat.say("nothing waits")
        return
    try:
        taken = queue.remove(given or waiting[-1].id)
    except UsageError as error:
        chat.say(error.message)
        return
    if not chat.prompt.empty:
        chat.remember(chat.prompt.message)
    chat.prompt.put_back(taken.input.text)
    chat.carried = unmentioned(taken.input)
    chat.on_change()
    chat.prompt.focus()


def drop_queued(chat: Chat, given: str) -> None:
    """Remove a waiting message; Up brings it back."""
    queue = chat.talk.session.queue
    waiting = list(queue)
    if waiting:
        try:
            chat.remember(queue.remove(given or waiting[-1].id).input.text)
        except UsageError as error:
            chat.say(error.message)
    chat.on_change()


def raise_queued(chat: Chat, given: str) -> None:
    """Have a waiting message sent first, at the next round's end."""
    from chatterm.agent.queue import When

    queue = chat.talk.session.queue
    waiting = list(queue)
    if waiting:
        try:
            chosen = given or waiting[-1].id
            queue.move(chosen, 0)
            queue.edit(chosen, when=When.ROUND)
        except UsageError as error:
            chat.say(error.message)
    chat.on_change()


async def send_waiting(chat: Chat, given: str) -> None:
    """Send what waits, now that no turn is under way; the others follow."""
    queue = chat.talk.session.queue
    waiting = list(queue)
    if not waiting:
        chat.say("nothing waits")
    elif not chat.talk.running:
        try:
            chat.send_message(queue.remove(given or waiting[0].id).input)
        except UsageError as error:
            chat.say(error.message)
    chat.on_change()


async def external_editor(chat: Chat, _: str) -> None:
    """Write the message in your own editor ($VISUAL or $EDITOR)."""
    from chatterm.tui.editing import edited

    text = await edited(chat.app, chat.field.text)
    if text is not None:
        chat.field.put_back(text)


async def search_history(chat: Chat, _: str) -> None:
    """Search the prompts that were sent."""
    from chatterm.tui.screens.picker import Choice, Picker

    past = chat.prompt.past
    if past is None:
        return
    texts: list[str] = []

    async def source(query: str) -> list[Choice]:
        texts[:] = past.search(query)[:500]
        return [Choice(str(n), " ".join(text.split()), "") for n, text in enumerate(texts)]

    picked = await chat.app.push_screen_wait(
        Picker(chat.palette, "Earlier prompts", source, placeholder="words of a prompt")
    )
    if picked is not None:
        chat.prompt.put_back(texts[int(picked.choice.key)])


async def compact(chat: Chat, _: str) -> None:
    """Have older turns summarised, so that the conversation fits its model."""
    if chat.talk.running:
        chat.say("a turn is under way")
    else:
        chat.talk.compact()


async def expand(chat: Chat, _: str) -> None:
    """Undo a summary: everything is sent again."""
    if chat.talk.running:
        chat.say("a turn is under way")
    else:
        chat.talk.expand()


async def demo(chat: Chat, _: str) -> None:
    """Play the demo: what an answer can hold, without a model."""
    from chatterm.tui.demoing import play

    await play(chat)


def queue_text(chat: Chat, given: str) -> None:
    """Keep a message for the turn's end: what is typed behind its name goes as Alt+Enter does."""
    from chatterm.agent.queue import When
    from chatterm.tui.sending import send_text

    send_text(chat, given, given, When.TURN)


def set_effort(chat: Chat, given: str) -> None:
    """How hard the model thinks."""
    from chatterm.config import EFFORTS

    if given in EFFORTS:
        chat.talk.effort = given
        chat.say(f"effort: {given}")
    elif given in {"", "default"}:
        chat.talk.effort = None
        chat.say("effort: the model's own")
    else:
        chat.say(f"there is no effort {given[:20]!a}; there are {', '.join(EFFORTS)}")


_G = "Message and turn"
TALKING = (
    Deed("escape", "leave, or stop the turn; twice edits the last message", _G, escape, "escape"),
    Deed("interrupt", "copy, stop the turn, clear, or quit", _G, interrupt, "ctrl+c"),
    Deed("end_of_input", "quit, when empty", _G, leave_if_empty, "ctrl+d", hidden=True),
    Deed("quit", "quit; nothing is lost", _G, leave),
    Deed("suspend", "back to the shell; fg returns", _G, suspend, "ctrl+z"),
    Deed("edit_last", "edit the last message and send it anew", _G, edit_last),
    Deed("retry", "ask the last message again", _G, retry),
    Deed("go_on", "have the model go on", _G, go_on),
    Deed("queue", "keep a message for the turn's end", _G, queue_text, takes="MESSAGE"),
    Deed("edit_queued", "take the last waiting message back", _G, edit_queued, "alt+up"),
    Deed("raise_queued", "send the last waiting message first", _G, raise_queued),
    Deed("drop_queued", "remove the last waiting message", _G, drop_queued),
    Deed("send_waiting", "send what waits", _G, send_waiting),
    Deed("editor", "write the message in your editor", _G, external_editor, "ctrl+g"),
    Deed("search_history", "search earlier prompts", _G, search_history, "ctrl+r"),
    Deed("compact", "summarise older turns", _G, compact),
    Deed("expand", "undo a summary", _G, expand),
    Deed("effort", "how hard the model thinks", _G, set_effort, takes="LEVEL"),
    Deed("demo", "play the demo", _G, demo),
)
