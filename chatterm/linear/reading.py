"""Commands that tell again what was said, or find it, and how much it took."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from chatterm.linear.telling import spent_in_words
from chatterm.render import amounts
from chatterm.render.sanitize import sanitize, sanitize_line
from chatterm.steps import Step, ThinkingStep, ToolResultStep, Usage
from chatterm.talking.results import said_by

if TYPE_CHECKING:
    from chatterm.linear.conversation import Conversation

_ALL = 1_000_000
_AROUND = 60  # characters before and behind what is found
_MOST_FOUND = 50
_MOST_LOG = 100  # lines
_SWITCH = {"on": True, "off": False}


def read(here: Conversation, given: str) -> None:
    """Tell the last turns again."""
    if given and given != "all" and not given.isdecimal():
        here.say("Give a number of turns, or all.")
        return
    most = _ALL if given == "all" else int(given or 1)
    recorded = here.talk.session.recorded(most)
    if not recorded:
        here.say("There is no turn yet.")
    here.tell_recorded(recorded, most)


def find(here: Conversation, given: str) -> None:
    """Tell where words stand in the conversation."""
    words = given or here.terminal.read("find: ") or ""
    if not words.strip():
        return
    wanted = words.casefold()
    found = 0
    for number, turn in enumerate(here.wait(here.talk.turns()), start=1):
        texts = [("you", turn.input.text)]
        texts += [(step.kind.replace("_", " "), _text_of(step)) for step in turn.steps]
        for who, text in texts:
            place = text.casefold().find(wanted)
            if place < 0:
                continue
            found += 1
            around = text[max(0, place - _AROUND) : place + len(words) + _AROUND]
            if found <= _MOST_FOUND:
                here.say(f"turn {number}, {who}: {' '.join(around.split())}")
    here.say(f"{amounts.count(found, 'place')} found.")


def open_(here: Conversation, _: str) -> None:
    """The last tool's result, whole."""
    steps = [
        step
        for turn in here.wait(here.talk.turns())
        for step in turn.steps
        if isinstance(step, ToolResultStep)
    ]
    if not steps:
        here.say("No tool has given a result yet.")
        return
    step, store = steps[-1], here.talk.store
    text = said_by(step)
    if step.full_output is not None and store is not None:
        data = here.wait(asyncio.to_thread(store.blob, step.full_output))
        text = data.decode("utf-8", "replace")
    here.say(f"result of {sanitize_line(step.name)}:")
    here.terminal.exact(sanitize(text).rstrip("\n"))
    here.say("end of the result")


def thinking(here: Conversation, given: str) -> None:
    """Have thinking told or not; alone, tell the last one."""
    if given in _SWITCH:
        here.tastes.thinking = _SWITCH[given]
        here.say(f"Thinking is {'told' if here.tastes.thinking else 'not told'} from now on.")
        return
    turns = here.wait(here.talk.turns())
    texts = [
        step.text for step in (turns[-1].steps if turns else ()) if isinstance(step, ThinkingStep)
    ]
    for text in texts:
        here.say(f"thinking: {text}")
    if not texts:
        here.say("The last turn has no thinking. /thinking on tells it as it comes.")


def output(here: Conversation, given: str) -> None:
    """Have told what running tools write, or not."""
    if given in _SWITCH:
        here.tastes.output = _SWITCH[given]
    told = "told" if here.tastes.output else "not told; /output on has it told"
    here.say(f"What running tools write is {told}.")


def usage(here: Conversation, _: str) -> None:
    """What the conversation took, and how full the context is."""
    from chatterm.events import TurnFinished

    total = Usage()
    recorded = here.talk.session.recorded(_ALL)
    for turn in recorded:
        for event in turn.events:
            if isinstance(event, TurnFinished):
                total += event.usage
    here.say(f"turns: {len(recorded)}")
    here.say(f"used: {spent_in_words(total) or 'nothing is known'}")
    chosen = here.talk.chosen
    if chosen is None or not recorded:
        return
    from chatterm.talking.asked import prompt_of

    talk = here.talk
    prompt = talk.guiding.guided(
        prompt_of(chosen, talk.config, talk.effort), talk.session, talk.tooling
    )
    use = here.wait(talk.session.context_use(prompt, talk.config.context))
    of = f" of {amounts.tokens(use.window)}, {use.share:.0%}" if use.window and use.share else ""
    about = "about " if use.estimated else ""
    here.say(f"context: {about}{amounts.tokens(use.tokens)} tokens{of}")


def open_log(here: Conversation, _: str) -> None:
    """Show the end of the log file."""
    from chatterm.config import log_dir

    path = log_dir() / "chatterm.log"
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        here.say(f"error: can't read {path}: {error.strerror or error}")
        return
    here.say(f"the last lines of {path}:")
    for line in lines[-_MOST_LOG:]:
        here.terminal.exact(sanitize_line(line))


def _text_of(step: Step) -> str:
    for name in ("text", "arguments", "content"):
        text = getattr(step, name, None)
        if isinstance(text, str):
            return text
    return ""
