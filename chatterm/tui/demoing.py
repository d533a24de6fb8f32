"""The demo in a conversation of its own: after it the model from before is asked again.

What is sent from there goes where one came from: into the conversation that was open, or into a new
one. A model is never shown what the demo has said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatterm.agent.queue import When
from chatterm.steps import UserInput
from chatterm.talking import moving
from chatterm.tui.moving import send_at_once

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat

WORDS = "Show me what you can do."


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that is shown.

    Attributes:
        session: The id of its conversation.
        home: The id of the conversation that was open before; None where nothing was said in it.
        model: Who was asked before; empty where nobody could be.
    """

    session: str
    home: str | None
    model: str


async def play(chat: Chat) -> None:
    """Play the demo to its end, or until it is stopped.

    Raises:
        ChattermError: Who was asked before can't be asked any more.
    """
    await see_out(chat, await begin(chat))


async def begin(chat: Chat, script: str = "demo") -> Demo:
    """Begin to play a demo.

    Args:
        chat: The screen.
        script: Which of its scripts, as a model's name.

    Raises:
        ChattermError: It can't be played, or the one before not be left.
    """
    talk = chat.talk
    await talk.ready()
    if chat.demo is not None and chat.demo.session == talk.session.id:
        await leave(chat)
    home = talk.session.id if talk.session.head is not None else None
    async with talk.moving:
        model = talk.model_name
        await moving.begin_anew(talk, "demo")
        await chat.show_recorded([])
        await talk.choose(script)
        chat.demo = demo = Demo(talk.session.id, home, model)
        send_at_once(chat, UserInput(WORDS))
    return demo


async def see_out(chat: Chat, demo: Demo) -> None:
    """Wait for the end of a demo, and ask who was asked before it.

    Raises:
        ChattermError: That can't be done any more.
    """
    talk = chat.talk
    if talk.session.id == demo.session:
        await talk.under_way.over(talk.session)
    if talk.is_demo and demo.model:
        await talk.choose(demo.model)
    if talk.session.id == demo.session and not talk.is_demo:
        into = "your conversation" if demo.home else "a new conversation"
        chat.say(f"that was the demo; what you send goes to {demo.model}, in {into}")


async def leave(chat: Chat) -> None:
    """Go back to where one came from, if the demo is what is shown.

    Raises:
        ChattermError: That can't be read any more, or its model not be asked.
    """
    demo, chat.demo = chat.demo, None
    talk = chat.talk
    if demo is None or talk.session.id != demo.session:
        return
    await talk.stop()
    if talk.is_demo and demo.model:
        await talk.choose(demo.model)
    if demo.home is None:
        await chat.begin_anew()
    else:
        await chat.resume(demo.home)


async def leave_then_send(chat: Chat, message: UserInput, when: When) -> None:
    """Go back to where one came from, and send a message there."""
    try:
        await leave(chat)
    finally:
        chat.send_message(message, when)
