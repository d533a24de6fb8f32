"""Coming and going: what is said first, what is opened, and what is left when one leaves."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.errors import ChattermError
from chatterm.render import amounts
from chatterm.render.sanitize import sanitize, sanitize_line
from chatterm.steps import UserInput
from chatterm.talking.drafts import Draft
from chatterm.talking.offering import NO_MODEL, NOTHING, instead_of_model, offers

if TYPE_CHECKING:
    from chatterm.linear.conversation import Conversation


def begin(here: Conversation) -> None:
    """Open everything, and do what the command line asked for.

    Raises:
        ChattermError: What was asked for can't be had.
        KeyboardInterrupt: It was given up.
    """
    options, talk = here.options, here.talk
    here.remember_prompts()
    recorded = here.wait(talk.open())
    here.wait(talk.ready())
    here.stage.make_calls()
    tell_state(here)
    if recorded:
        here.say(f"Going on with: {talk.title or 'untitled'}")
        here.tell_recorded(recorded)
    _bring_back(here)
    _offer_models(here)
    if not recorded and not options.pick:
        _offer_conversations(here)
    here.say("/help lists the commands, /quit leaves.")
    if options.pick:
        from chatterm.linear.choosing import resume

        here.attempt(lambda: resume(here, ""))
    if options.prompt or options.attachments:
        if options.prompt:
            here.terminal.exact(f"you: {sanitize(options.prompt)}")
        for each in options.attachments:
            here.say(f"attached: {each.name}, {amounts.size(each.size)}")
        here.send(UserInput(options.prompt, options.attachments))


def tell_state(here: Conversation) -> None:
    """Tell who is asked, what may happen unasked, and where."""
    talk = here.talk
    name = talk.model_name or "none"
    instead = instead_of_model(talk.chosen, here.options.model or talk.config.model)
    here.say(f"model: {name}{f', which is {instead}' if instead else ''}")
    cage = ""
    if talk.tooling is not None and talk.mode != "caged":
        cage = ", commands caged" if talk.tooling.level.caged else ", commands not caged"
    here.say(f"mode: {talk.mode}{cage}")
    here.tell(f"directory: {talk.directory}")


def leave(here: Conversation) -> None:
    """Stop what runs, keep what isn't sent, and tell how to come back."""
    from chatterm.linear.told import Ended

    typed = here.terminal.draft if here.signals.ended_by is not None else ""
    with suppress(ChattermError, KeyboardInterrupt, Ended):
        here.wait(here.talk.stop(), stop=lambda: None)
    with suppress(KeyboardInterrupt, Ended):
        here.stage.make_calls()
    _keep(here, typed)
    here.drafts.close()
    session = here.talk.session
    if session.head is not None:
        title = sanitize_line(here.talk.title).strip() or "this conversation"
        plain = "--plain " if here.options.plain else ""
        here.say(f"{title}: chatterm {plain}-r {session.id[:6]}")
    with suppress(ChattermError, KeyboardInterrupt, Ended):
        here.wait(here.talk.close(), stop=lambda: None)
    here.stage.close()


def _keep(here: Conversation, typed: str) -> None:
    """Keep what was typed and what waits, as the app does, for either of them."""
    session = here.talk.session
    queue = tuple(message.input.text for message in session.queue)
    commands = here.talk.guiding.unsent(session)
    if typed.strip() or queue or commands:
        conversation = session.id if session.head else None
        draft = Draft(typed, queue=queue, conversation=conversation, commands=commands)
        here.drafts.save(str(Path.cwd()), draft)


def _bring_back(here: Conversation) -> None:
    """What was typed or waited when this directory's last session ended."""
    drafts, directory = here.drafts, str(Path.cwd())
    draft = drafts.load(directory)
    if draft is None:
        return
    session = here.talk.session
    for command in reversed(draft.commands):
        here.keep_prompt(command)
        here.say(f"not used the last time: {command}")
    if draft.commands:
        here.say(draft.said_of_commands)
    if draft.text:
        here.keep_prompt(draft.text)
        here.say(f"not sent the last time: {draft.text}")
    here.fill(draft.first)
    if draft.queue and draft.conversation == session.id:
        for text in draft.queue:
            here.stage.do(session.enqueue, text)
        here.say("Messages still wait: they go after the next turn; /send-waiting sends them now.")
    elif draft.queue:
        for text in draft.queue:
            here.keep_prompt(text)
        here.say("Messages that waited in another conversation weren't sent; Up brings them back.")
    drafts.clear(directory)


def _offer_models(here: Conversation) -> None:
    """Without a model, say so, and offer those of servers on this machine."""
    talk = here.talk
    if instead_of_model(talk.chosen, here.options.model or talk.config.model) != NOTHING:
        return
    here.say(NO_MODEL.format("run `chatterm config init`"))
    from chatterm.linear.models import FOUND
    from chatterm.providers import finding

    FOUND[:] = here.wait(finding.find_servers(finding.PORTS))
    for text, deed in offers(FOUND, talk.config.providers):
        name = deed.removeprefix("model:")
        here.say(f"on this machine: {text}{f'; /model {name} asks it' if name else ''}")


def _offer_conversations(here: Conversation) -> None:
    from chatterm.store import Filter

    store = here.talk.store
    if store is None:
        return
    mine = Filter(directory=str(Path.cwd()))
    with suppress(ChattermError):
        rows = here.wait(asyncio.to_thread(lambda: store.list(mine, limit=100)))
        if rows:
            some = amounts.count(len(rows), "conversation")
            here.say(f"{some} of this directory: /resume lists them.")
