"""Commands that take something out of the conversation: copies, files; and edits taken back."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from chatterm.agent.edits import edited
from chatterm.errors import OutputError, UsageError
from chatterm.oneshot.answer import answer_text
from chatterm.render import amounts
from chatterm.render.code_blocks import code_blocks
from chatterm.talking.clipboard import give, tool
from chatterm.talking.exporting import default_name, placed, write, wrong_name
from chatterm.talking.undoing import Edits, states_of, take_back

if TYPE_CHECKING:
    from chatterm.linear.conversation import Conversation


def copy(here: Conversation, _: str) -> None:
    """Copy the last answer."""
    text = _last_answer(here)
    if text:
        _copy(here, text)
    else:
        here.say("There is no answer yet.")


def copy_block(here: Conversation, _: str) -> None:
    """Copy a block of code of the last answer."""
    block = _block(here)
    if block is not None:
        _copy(here, block)


def save_block(here: Conversation, given: str) -> None:
    """Save a block of code of the last answer to a file.

    Raises:
        OutputError: It can't be written.
    """
    block = _block(here)
    if block is None:
        return
    name = given or (here.terminal.read("file, empty goes back: ") or "").strip()
    if not name:
        return
    path = _at(here, name)
    if path.exists() and not here.agree(f"Replace {path.name}, which is there already?"):
        return
    try:
        path.write_text(f"{block}\n", "utf-8")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise OutputError(f"can't write {path}: {why}") from error
    here.tell(f"written to {path}")


def export(here: Conversation, given: str) -> None:
    """Write the conversation to a file; what is there is replaced only after a yes.

    Raises:
        UsageError: No file can be written under that name.
        OutputError: It can't be written.
        StoreError: The conversation can't be read.
    """
    talk = here.talk
    store, session = talk.store, talk.session
    if store is None or session.head is None:
        here.say("There is no conversation to write yet.")
        return
    found = here.wait(asyncio.to_thread(store.find, session.id))
    name = given
    if not name:
        here.say("The name says the format: .md, .txt, .html or .jsonl.")
        proposed = default_name(found.title)
        name = here.terminal.read(f"file, for example {proposed}: ") or ""
    name = name.strip()
    if not name:
        return
    if (wrong := wrong_name(name, talk.directory)) is not None:
        raise UsageError(wrong)
    path = placed(name, talk.directory)
    there = path.exists()
    if there and not here.agree(f"Replace {path.name}, which is there already?"):
        return

    def written() -> int:
        return write(store, found, path, replaced=there)

    missing = here.wait(asyncio.to_thread(written))
    also = f"; {missing} of its attachments aren't kept any more" if missing else ""
    here.tell(f"written to {path}{also}")


def undo(here: Conversation, _: str) -> None:
    """Take back what the last call edited that can be.

    Raises:
        UndoError: A file has changed since; nothing was undone.
    """
    tooling, store = here.talk.tooling, here.talk.store
    calls = edited(here.wait(here.talk.turns()))
    taken_back = [each.call.id in here.undone for each in calls]
    edits = [each.edits for each in calls]
    states = here.wait(asyncio.to_thread(states_of, edits, taken_back))
    there = [call for call, state in zip(calls, states, strict=True) if state is Edits.THERE]
    if not there or tooling is None:
        here.say("There is no edit to undo.")
        return
    last = there[-1]
    paths = here.wait(asyncio.to_thread(take_back, last.edits, tooling, store))
    here.undone.add(last.call.id)
    here.say(f"undone: {', '.join(path.name for path in paths)}")


def _last_answer(here: Conversation) -> str:
    for turn in reversed(here.wait(here.talk.turns())):
        text = answer_text(turn.steps)
        if text:
            return text
    return ""


def _block(here: Conversation) -> str | None:
    blocks = code_blocks(_last_answer(here))
    if not blocks:
        here.say("There is no code in the last answer.")
        return None
    if len(blocks) == 1:
        return blocks[0][1]
    lines = [
        f"{info or 'code'}, {amounts.count(text.count(chr(10)) + 1, 'line')}: "
        f"{' '.join(text.split())[:80] or 'blank'}"
        for info, text in blocks
    ]
    chosen = here.choose(lines, "block")
    return None if chosen is None else blocks[chosen][1]


def _copy(here: Conversation, text: str) -> None:
    from chatterm.tools.capture import plain

    argv = tool(os.environ)
    if argv is None:
        here.say("There is no clipboard to be had here; /save-block and /export write files.")
        return
    give(argv, plain(text).encode("utf-8", "replace"))
    here.say(f"copied, {amounts.count(text.count(chr(10)) + 1, 'line')}")


def _at(here: Conversation, name: str) -> Path:
    try:
        return here.talk.directory / Path(name).expanduser()
    except RuntimeError:
        raise UsageError("the ~ stands for no home directory") from None
