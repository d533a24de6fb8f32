"""Going to another conversation or branch: one move at a time, and no message meanwhile."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from chatterm.agent.queue import When
from chatterm.steps import UserInput
from chatterm.talking import moving
from chatterm.talking.guiding import said_of_dropped
from chatterm.talking.mention import mentions

if TYPE_CHECKING:
    from chatterm.steps import Attachment
    from chatterm.tui.chat import Chat


async def resume(chat: Chat, id_: str) -> None:
    """Go on with another conversation.

    Raises:
        ChattermError: It can't be read; or its model can't be asked any more, and another one is.
    """
    talk = chat.talk
    async with talk.moving:
        recorded = await moving.resume(talk, id_)
        await chat.show_recorded(recorded)
        await moving.ask_who_answered(talk, recorded)


async def begin_anew(chat: Chat) -> None:
    """Begin another conversation."""
    async with chat.talk.moving:
        await moving.begin_anew(chat.talk)
        await chat.show_recorded([])


def send(chat: Chat, message: UserInput, when: When = When.ROUND) -> None:
    """Send a message now, or while a turn is under way at its round's or its own end.

    While another conversation is gone to, or there is none yet, it waits for that. From the demo it
    goes where that was come from.
    """
    if chat.demo is not None and chat.demo.session == chat.talk.session.id:
        from chatterm.tui.demoing import leave_then_send

        chat.begin(leave_then_send(chat, message, when))
    elif chat.talk.moving.locked() or not chat.talk.begun.is_set():
        chat.begin(_send_then(chat, message, when))
    else:
        send_at_once(chat, message, when)


def send_at_once(chat: Chat, message: UserInput, when: When = When.ROUND) -> None:
    """Send a message into the conversation as it is, in the midst of a move or not."""
    if chat.talk.running:
        chat.talk.enqueue(message, when)
    else:
        chat.talk.send(message)


async def _send_then(chat: Chat, message: UserInput, when: When) -> None:
    await chat.talk.begun.wait()
    async with chat.talk.moving:
        send_at_once(chat, message, when)


def give_back(chat: Chat, message: UserInput) -> None:
    """A message wasn't sent: it is back in the prompt, or else among what was typed before."""
    carried = unmentioned(message)
    if chat.prompt.empty and not chat.writing_line:
        chat.prompt.put_back(message.text)
        chat.carried = carried
        chat.say("not sent: it is back in the prompt")
    else:
        chat.remember(message.text)
        chat.say("a message wasn't sent; Up brings it back")


def tell_dropped(chat: Chat, commands: tuple[str, ...]) -> None:
    """Commands of the conversation that was left hold no more: Up brings them back."""
    for command in reversed(commands):
        chat.remember(command)
    chat.say(said_of_dropped(commands))


def unmentioned(message: UserInput) -> tuple[Attachment, ...]:
    """What goes with a message and isn't named in its text: sending that again would lose it."""
    named = {PurePath(each).name for each in mentions(message.text)}
    return tuple(each for each in message.attachments if each.name not in named)
