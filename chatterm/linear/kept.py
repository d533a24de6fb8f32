"""Conversations that the provider's server keeps: opened here, or renamed and deleted there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatterm.linear.choosing import LISTED, go_to
from chatterm.render.sanitize import sanitize_line
from chatterm.talking.kept import LONGEST_TITLE, about, title_of, who_keeps

if TYPE_CHECKING:
    from chatterm.linear.conversation import Conversation
    from chatterm.providers.kept import KeptConversation
    from chatterm.store import Store
    from chatterm.talking.asked import Chosen


def server(here: Conversation, given: str) -> None:
    """Go on with a conversation that the server keeps, or rename or delete it there.

    Raises:
        ChattermError: It keeps none, doesn't tell, or doesn't do it.
    """
    store = here.talk.store
    if store is None:
        here.say("Conversations can't be kept here.")
        return
    word, _, rest = given.partition(" ")
    does = {"rename": _rename, "delete": _delete}.get(word)
    chosen = who_keeps(here.talk)
    found = _chosen(here, chosen, rest if does is not None else given)
    if found is None:
        return
    if does is not None:
        does(here, chosen, found)
    else:
        _open(here, chosen, found, store)


def _chosen(here: Conversation, chosen: Chosen, words: str) -> KeptConversation | None:
    """One of a numbered list of those that have all of some words."""
    from chatterm.providers.keeper import keeper_of

    async def listed() -> list[KeptConversation]:
        with here.talk.using(chosen) as provider:
            return await keeper_of(provider).conversations()

    wanted = words.casefold().split()
    found = [
        each
        for each in here.wait(listed())
        if all(word in f"{each.title} {each.id}".casefold() for word in wanted)
    ]
    if not found:
        here.say(f"There is no such conversation on {chosen.resolved.provider_name}.")
        return None
    if len(found) > LISTED:
        here.say(f"The first {LISTED} of {len(found)}; /server WORDS finds others.")
    lines = [f"{title_of(each)}, {about(each)}" for each in found[:LISTED]]
    at = here.choose([line.removesuffix(", ") for line in lines], "conversation")
    return None if at is None else found[at]


def _open(here: Conversation, chosen: Chosen, found: KeptConversation, store: Store) -> None:
    from chatterm.fetching import Fetched, fetch
    from chatterm.providers.keeper import keeper_of

    async def fetched() -> Fetched:
        with here.talk.using(chosen) as provider:
            return await fetch(store, keeper_of(provider), found)

    brought = here.wait(fetched())
    if brought.new or brought.conversation.id != here.talk.session.id:
        go_to(here, brought.conversation.id)
    here.say(brought.words)


def _rename(here: Conversation, chosen: Chosen, found: KeptConversation) -> None:
    from chatterm.providers.keeper import keeper_of

    before = sanitize_line(found.title[:LONGEST_TITLE])
    entered = here.terminal.read("title there, empty leaves it: ", before) or ""
    title = " ".join(entered.split())
    if not title:
        here.say("Its title is as it was.")
        return

    async def renamed() -> None:
        with here.talk.using(chosen) as provider:
            await keeper_of(provider).rename(found.id, title)

    here.wait(renamed())
    here.say(f"title on {chosen.resolved.provider_name}: {title}")


def _delete(here: Conversation, chosen: Chosen, found: KeptConversation) -> None:
    from chatterm.providers.keeper import keeper_of

    name = chosen.resolved.provider_name
    here.say("It is deleted there for good; what was fetched of it stays here.")
    if not here.agree(f"Delete {title_of(found)} on {name}?"):
        here.say("It stays.")
        return

    async def deleted() -> None:
        with here.talk.using(chosen) as provider:
            await keeper_of(provider).delete(found.id)

    here.wait(deleted())
    here.say(f"It is deleted on {name}.")
