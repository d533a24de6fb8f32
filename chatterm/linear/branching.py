"""Commands about branches: a message sent anew begins one, and each can be gone on with."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from chatterm.agent.edits import edited, not_covered
from chatterm.errors import ChattermError, UsageError
from chatterm.linear.turning import write_again
from chatterm.render import amounts
from chatterm.talking import moving
from chatterm.talking.branches import Tree, with_content
from chatterm.talking.undoing import take_back

if TYPE_CHECKING:
    from chatterm.linear.conversation import Conversation
    from chatterm.steps import Turn


def retry(here: Conversation, _: str) -> None:
    """Ask the last message again, as a branch beside the first answer."""
    turn = _last_asked(here)
    if turn is None:
        here.say("There is no message yet.")
        return
    sent, store = turn.input, here.talk.store
    attachments = here.wait(asyncio.to_thread(with_content, store, sent.attachments))
    step_back(here, turn.id)
    here.follow(lambda: here.talk.send(replace(sent, attachments=attachments)))


def edit_last(here: Conversation, _: str) -> None:
    """Have the last message edited; what is typed next goes in its place, as a branch."""
    turn = _last_asked(here)
    if turn is None:
        here.say("There is no message yet.")
        return
    here.editing = turn.id
    here.say("Your next message goes in the place of the last one; Ctrl+C leaves it as it was.")
    write_again(here, turn.input.text)


def step_back(here: Conversation, turn: str) -> None:
    """Go back to before a turn; what it and later ones changed in files is put back on request.

    Raises:
        UsageError: The turn isn't on the way to the head.
    """
    _offer_to_restore(here, turn)
    talk = here.talk

    async def back() -> None:
        async with talk.moving:
            await talk.turns()  # all of them may have to be read
            await moving.rewind(talk, talk.session.before(turn))

    try:
        here.wait(back())
    except ValueError:
        raise UsageError("that turn isn't part of this branch") from None


def branches(here: Conversation, _given: str) -> None:
    """The branches, to choose one to go on with."""
    talk = here.talk
    tree = Tree(here.wait(talk.tree()))
    path = {turn.id for turn in here.wait(talk.turns())}
    begun = [
        (each, place, siblings)
        for on_path in here.wait(talk.turns())
        if len(siblings := tree.siblings(on_path.id)) > 1
        for place, each in enumerate(siblings, start=1)
    ]
    if not begun:
        here.say("There is one branch only.")
        return
    texts = _texts(here, [each for each, _, _ in begun])
    lines = [
        f"branch {place} of {len(siblings)}{', this one' if each in path else ''}: "
        f"{texts.get(each, '')}"
        for each, place, siblings in begun
    ]
    chosen = here.choose(lines, "branch")
    if chosen is None or begun[chosen][0] in path:
        return
    target, _place, siblings = begun[chosen]
    left = next(each for each in siblings if each in path)
    _offer_to_restore(here, left)

    async def moved() -> None:
        async with talk.moving:
            await moving.go_to(talk, tree.newest_leaf(target))

    here.wait(moved())
    here.say("This is the other branch.")
    here.tell_recorded(here.talk.session.recorded(2))


def fork(here: Conversation, _: str) -> None:
    """Begin another conversation with the turns up to here."""
    from chatterm.linear.choosing import go_to

    store, session = here.talk.store, here.talk.session
    if store is None or session.head is None:
        here.say("There is nothing to fork yet.")
        return
    forked = here.wait(asyncio.to_thread(store.fork, session.id, at=session.head))
    go_to(here, forked.id)
    here.say("This is the fork; the other conversation is as it was.")


def _last_asked(here: Conversation) -> Turn | None:
    turns = here.wait(here.talk.turns())
    asked = [turn for turn in turns if turn.input.text or turn.input.attachments]
    return asked[-1] if asked else None


def _texts(here: Conversation, turns: list[str]) -> dict[str, str]:
    """What the user sent in some turns, of any branch."""
    store = here.talk.store
    if store is None:
        return {}
    recorded = here.wait(asyncio.to_thread(store.turns, turns))
    return {each.id: " ".join(each.turn().input.text.split())[:100] for each in recorded}


def _offer_to_restore(here: Conversation, turn: str) -> None:
    """Offer to take back what the turns from one on changed in files."""
    turns = here.wait(here.talk.turns())
    ids = [each.id for each in turns]
    if turn not in ids:
        return
    later = turns[ids.index(turn) :]
    calls = [each for each in edited(later) if each.call.id not in here.undone]
    tooling, store = here.talk.tooling, here.talk.store
    if not calls or tooling is None:
        return
    files = sorted({edit.path for each in calls for edit in each.edits})
    for path in files:
        here.terminal.exact(f"changed: {path!a}" if not path.isprintable() else f"changed: {path}")
    commands = len(not_covered(later))
    if commands:
        ran = amounts.count(commands, "shell command")
        here.say(f"{ran} ran, too: what they changed stays.")
    if here.agree(f"Put {amounts.count(len(files), 'file')} back as before?"):
        edits = [edit for each in calls for edit in each.edits]
        try:
            here.wait(asyncio.to_thread(take_back, edits, tooling, store))
        except ChattermError as error:
            here.trouble(error)
        else:
            here.undone |= {each.call.id for each in calls}
            here.say("They are as before.")
