"""What is loaded once the first frame is seen: in threads, so that no key waits for an import.

Threads of Python take turns, and one that has work waits for its turn: while something is loaded
the turns are short, so that a key that is typed then is on the screen as quickly as later.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatterm.tui.chat import Chat
    from chatterm.tui.early import Early

_TURN_S = 0.0003
# What opening a conversation needs, and what the first message and its answer need.
OPENING = (
    "chatterm.tui.opening",
    "chatterm.store.store",
    "chatterm.talking.past_prompts",
    "chatterm.tui.notifying",
    "chatterm.talking.drafts",
    "chatterm.agent.titles",
)
SHOWING = (
    "chatterm.tui.transcript",
    "chatterm.tui.showing",
    "chatterm.tui.figures",
    "chatterm.tui.following",
    "chatterm.tui.waiting",
    "chatterm.session",
)
SETTING_UP = ("chatterm.tui.setup.flow",)
SENDING = (
    "chatterm.tui.sending",
    "chatterm.tui.looking",
    "chatterm.agent.context",
    "chatterm.agent.narrowing",
    "chatterm.tui.asking",
    "chatterm.tui.completing",
    "chatterm.tui.templating",
    "chatterm.tui.branches",
    "chatterm.tui.moving",
    "chatterm.prompts.opening",
    "chatterm.prompts.standing",
)


async def open_all(chat: Chat, early: Early | None) -> None:
    """Load what opens everything, and open it.

    Args:
        chat: The screen.
        early: Keeps what is typed for the list that was asked for.
    """
    with short_turns():
        if early is not None and chat.options.set_up:
            await asyncio.to_thread(load, SETTING_UP)
            chat.begin(_set_up(chat, early))
        await asyncio.to_thread(load, OPENING)
        from chatterm.tui.opening import open_all

        await open_all(chat, early)


async def _set_up(chat: Chat, early: Early) -> None:
    """Go through the setup, and leave with what it came to."""
    from chatterm.tui.setup.flow import set_up

    outcome = await set_up(chat, early.end())
    chat.leave(outcome.said)


def load(names: Sequence[str]) -> None:
    """Load modules, in a thread."""
    for name in names:
        import_module(name)


def load_parser() -> None:
    """Load what the first text in Markdown needs, in a thread."""
    from chatterm.render import markdown

    markdown.render("`a`", 40)


def load_markdown() -> None:
    """Load what the first answer needs, blocks of code included, in a thread."""
    from chatterm.render.markdown_code import load_lexers

    load_parser()
    load_lexers()


@contextmanager
def short_turns() -> Iterator[None]:
    """Have threads take short turns."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
