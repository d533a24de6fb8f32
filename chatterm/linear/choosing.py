"""Commands that choose: a conversation, the mode; and how things stand."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from chatterm.config import MODES
from chatterm.errors import ChattermError
from chatterm.render import amounts
from chatterm.render.sanitize import sanitize_line
from chatterm.talking import moving
from chatterm.talking.finding import found_conversations
from chatterm.talking.offering import MODE_TEXTS
from chatterm.transcripts.words import title_of

if TYPE_CHECKING:
    from chatterm.config.schema import Mode
    from chatterm.linear.conversation import Conversation
    from chatterm.store import ConversationRow, RecordedTurn, Store

LISTED = 20
"""How many conversations are listed at once."""
_LONGEST_ID = 32


def status(here: Conversation, _: str) -> None:
    """Who is asked, what may happen unasked, where, and in which conversation."""
    from chatterm.linear.coming import tell_state

    tell_state(here)
    session = here.talk.session
    if session.head is not None:
        here.say(f"conversation: {session.id[:6]}, {here.talk.title or 'untitled'}")
    shown = [
        f"thinking {'on' if here.tastes.thinking else 'off'}",
        f"output {'on' if here.tastes.output else 'off'}",
    ]
    here.say(f"told: {', '.join(shown)}")


def mode(here: Conversation, given: str) -> None:
    """Choose the permission mode."""
    if not given:
        _tell_mode(here)
        chosen = here.choose([f"{name}, {MODE_TEXTS[name]}" for name in MODES], "mode")
        if chosen is None:
            return
        given = MODES[chosen]
    if given not in MODES:
        here.say(f"There is no mode {given[:20]!a}; there are {', '.join(MODES)}.")
        return
    if given == "yolo" and here.talk.mode != "yolo":
        here.say("Nothing will be asked any more, only deny rules hold.")
        typed = here.terminal.ask("type yolo to want that, Enter goes back: ")
        if (typed or "").strip() != "yolo":
            here.say(f"mode: {here.talk.mode}, as before")
            return
    here.stage.do(here.talk.set_mode, cast("Mode", given))
    _tell_mode(here)


def _tell_mode(here: Conversation) -> None:
    here.say(f"mode: {here.talk.mode}")
    if (counts := here.talk.mode_in_force) != here.talk.mode:
        here.say(f"The project's configuration asks for {counts}, which is stricter and counts.")


def trust(here: Conversation, _: str) -> None:
    """Trust this directory: its own configuration and instructions count in full."""
    tooling = here.talk.tooling
    if tooling is None or tooling.ground.workspace is None:
        here.say("There is no workspace here to trust.")
        return
    workspace = tooling.ground.workspace
    if here.agree(f"Trust {workspace}?"):
        here.wait(asyncio.to_thread(tooling.ground.memory.trust, workspace))
        tooling.gate.posture = replace(tooling.gate.posture, trusted=True)
        here.say("It is trusted.")


def new(here: Conversation, _: str) -> None:
    """Begin another conversation."""

    async def anew() -> None:
        async with here.talk.moving:
            await moving.begin_anew(here.talk)

    here.wait(anew())
    here.stage.make_calls()
    here.editing = None
    here.say("This is a new conversation.")


def rename(here: Conversation, given: str) -> None:
    """Give the conversation another title."""
    talk = here.talk
    if talk.session.head is None:
        here.say("There is no conversation yet.")
        return
    title = given or here.terminal.read("title, empty leaves it: ", sanitize_line(talk.title)) or ""
    title = " ".join(title.split())
    if title:
        here.wait(talk.rename(title))
        here.say(f"title: {title}")


def resume(here: Conversation, given: str) -> None:
    """Go on with a conversation: the one of an id, or one of a numbered list.

    Raises:
        ChattermError: It can't be read.
    """
    store = here.talk.store
    if store is None:
        here.say("Conversations can't be kept here.")
        return
    if given and len(given) <= _LONGEST_ID and all(c in "0123456789abcdef" for c in given):
        try:
            here.wait(asyncio.to_thread(store.find, given))
        except ChattermError:
            pass  # words that look like an id
        else:
            go_to(here, given)
            return
    chosen = _chosen(here, store, given)
    if chosen is not None:
        go_to(here, chosen)


def go_to(here: Conversation, id_: str) -> None:
    """Go on with a conversation, and tell its last turns."""
    talk = here.talk

    async def moved() -> list[RecordedTurn]:
        async with talk.moving:
            return await moving.resume(talk, id_)

    recorded = here.wait(moved())
    here.stage.make_calls()
    here.editing = None
    here.say(f"Going on with: {talk.title or 'untitled'}")
    here.tell_recorded(recorded)
    here.wait(moving.ask_who_answered(talk, recorded))


def _chosen(here: Conversation, store: Store, words: str) -> str | None:
    """A conversation out of a list, by its number."""
    directory = str(Path.cwd())
    rows, hits = here.wait(asyncio.to_thread(found_conversations, store, directory, words))
    if not rows:
        here.say("There is no such conversation." if words else "There is no conversation yet.")
        return None
    lines = []
    for row in rows[:LISTED]:
        hit = hits.get(row.conversation.id)
        said = f"; found: {' '.join(hit.snippet.split())}" if words and hit is not None else ""
        lines.append(f"{_about(row, directory)}{said}")
    if len(rows) > LISTED:
        here.say(f"The first {LISTED} of {len(rows)}; /resume WORDS finds others.")
    at = here.choose(lines, "conversation")
    return None if at is None else rows[at].conversation.id


def _about(row: ConversationRow, directory: str) -> str:
    conversation = row.conversation
    parts = [title_of(conversation), amounts.when(conversation.updated_at)]
    parts.append(amounts.count(row.turns, "turn"))
    if conversation.directory != directory:
        parts.append(f"in {conversation.directory}")
    return f"{conversation.id[:6]}, {', '.join(parts)}"
