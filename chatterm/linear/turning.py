"""Commands about the message and the turn: sending, the queue, writing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.steps import UserInput
from chatterm.talking.editor import editor as editor_of
from chatterm.talking.editor import text_of

if TYPE_CHECKING:
    from chatterm.linear.conversation import Conversation

_FOUND = 20
_ITS_OWN = "the model's own"


def go_on(here: Conversation, _: str) -> None:
    """Have the model go on where it was stopped."""
    here.send(UserInput("Go on."))


def compact(here: Conversation, _: str) -> None:
    """Have older turns summarised, so that the conversation fits its model."""
    before = here.talk.session.head
    here.follow(here.talk.compact)
    if here.talk.session.head == before:
        here.say("There is nothing to summarise.")


def expand(here: Conversation, _: str) -> None:
    """Undo a summary: everything is sent again."""
    before = here.talk.session.head
    here.follow(here.talk.expand)
    if here.talk.session.head == before:
        here.say("Nothing is summarised.")


def effort(here: Conversation, given: str) -> None:
    """How hard the model thinks."""
    from chatterm.config import EFFORTS

    talk = here.talk
    if not given:
        here.say(f"effort: {talk.effort or _ITS_OWN}")
        here.say(f"There are {', '.join(EFFORTS)}, and default.")
    elif given in {*EFFORTS, "default"}:
        here.stage.do(setattr, talk, "effort", None if given == "default" else given)
        here.say(f"effort: {talk.effort or _ITS_OWN}")
    else:
        here.say(f"There is no effort {given[:20]!a}; there are {', '.join(EFFORTS)}.")


# --- the queue ---


def queue(here: Conversation, given: str) -> None:
    """Keep a message for the turn's end; now that none is under way, send it."""
    if given:
        here.say_to_model(given)


def waiting(here: Conversation, _: str) -> None:
    """The messages that wait."""
    texts = [each.input.text for each in here.talk.waiting]
    for number, text in enumerate(texts, start=1):
        here.say(f"{number}: {text}")
    if not texts:
        here.say("Nothing waits.")


def send_waiting(here: Conversation, _: str) -> None:
    """Send what waits; the others follow."""
    found = here.talk.waiting
    if not found:
        here.say("Nothing waits.")
        return
    taken = here.stage.do(here.talk.session.queue.remove, found[0].id)
    here.follow(lambda: here.talk.send(taken.input))


def edit_queued(here: Conversation, _: str) -> None:
    """Take a waiting message back."""
    found = here.talk.waiting
    if not found:
        here.say("Nothing waits.")
        return
    here.stage.do(here.talk.session.queue.remove, found[-1].id)
    write_again(here, found[-1].input.text)


def raise_queued(here: Conversation, _: str) -> None:
    """Have the last waiting message sent first."""
    found = here.talk.waiting
    if not found:
        here.say("Nothing waits.")
        return
    here.stage.do(here.talk.session.queue.move, found[-1].id, 0)
    here.say(f"first: {found[-1].input.text}")


def drop_queued(here: Conversation, _: str) -> None:
    """Remove a waiting message; Up brings it back."""
    found = here.talk.waiting
    if not found:
        here.say("Nothing waits.")
        return
    text = here.stage.do(here.talk.session.queue.remove, found[-1].id).input.text
    here.keep_prompt(text)
    here.say(f"removed: {text}")


# --- writing ---


def write_again(here: Conversation, text: str) -> None:
    """Have a text written anew: in the next line where it fits one, else in the editor."""
    if here.terminal.can_fill(text):
        here.filled = text
        return
    here.terminal.say("The text as it is:")
    here.say(text)
    here.say("Type the new one, or /editor writes it in your editor.")
    here.draft = text


def editor(here: Conversation, _: str) -> None:
    """Write the message in the user's own editor, and send it after a yes."""
    text = edited(here, here.draft)
    here.draft = ""
    if text is None or not text.strip():
        here.say("Nothing was written.")
        return
    here.say(f"you: {text}")
    if here.agree("Send it?"):
        here.obey(text)
    else:
        here.draft = text
        here.say("Not sent; /editor goes on with it.")


def edited(here: Conversation, text: str) -> str | None:
    """A text as it is after the user's editor had it; None where that failed.

    Raises:
        ChattermError: The editor's name can't be read.
    """
    directory = Path(tempfile.mkdtemp(prefix="chatterm-"))  # nobody else can look into it
    try:
        path = directory / "message.md"
        path.touch(mode=0o600)
        path.write_bytes(text.encode("utf-8", "replace"))
        argv = [*editor_of(os.environ), str(path)]
        try:
            status = subprocess.run(argv, check=False).returncode
        except OSError as error:
            here.say(f"error: {argv[0]} can't be started: {error.strerror or error}")
            return None
        if status != 0:
            here.say(f"{Path(argv[0]).name} ended with {status}; the text is as it was.")
            return None
        return text_of(path.read_bytes(), ended=text.endswith("\n"))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def search_history(here: Conversation, given: str) -> None:
    """Search the prompts that were sent."""
    texts = here.past.search(given)[:_FOUND]
    if not texts:
        here.say("No earlier prompt has that.")
        return
    chosen = here.choose([" ".join(text.split()) for text in texts], "prompt")
    if chosen is not None:
        write_again(here, texts[chosen])
