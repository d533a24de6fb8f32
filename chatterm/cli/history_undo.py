"""`chatterm history undo`: what tools changed in files is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chatterm.agent.edits import Edited, edited, not_covered, since
from chatterm.cli.opening import open_store
from chatterm.cli.saying import say
from chatterm.config import own_places, workspace
from chatterm.errors import StoreError, UsageError
from chatterm.permissions.opening import home
from chatterm.permissions.places import Places
from chatterm.render.console import print_line
from chatterm.render.sanitize import sanitize_line
from chatterm.steps import FileEdit, Turn
from chatterm.store import Store
from chatterm.talking.undoing import Edits, states_of
from chatterm.tools.undoing import plan, undo


def list_edits(conversation: str) -> None:
    """Print what tools changed in a conversation, and whether it can be undone.

    Raises:
        StoreError: There is no such conversation, or it can't be read.
    """
    with open_store() as store:
        turns = _turns(store, conversation)
    found = edited(turns)
    rows = [(each, edit) for each in found for edit in each.edits]
    states = states_of([[edit] for _, edit in rows])
    for (each, edit), state in zip(rows, states, strict=True):
        path = sanitize_line(edit.path)
        say(f"{each.call.id}  {each.call.name}  {path}  {_told(edit, state)}")
    if not found:
        say("no tool changed a file in this conversation")
    _tell_not_covered(turns)
    if found:
        print_line(f"`chatterm history undo {conversation} STEP` takes one back")


def undo_edits(conversation: str, step: str, *, and_later: bool) -> None:
    """Take back what one call changed, or that one and all after it.

    Args:
        conversation: Its id, or a unique prefix.
        step: The id of the call's step, or of its result's; a unique prefix of the turn's will do.
        and_later: Whether the edits after it are taken back as well.

    Raises:
        StoreError: There is no such conversation, or it can't be read.
        UsageError: That step changed no file.
        UndoError: The edits can't be undone; nothing has changed.
    """
    with open_store() as store:
        found = store.find(conversation)
        turns = _turns(store, conversation)
        every = edited(turns)
        states = states_of([each.edits for each in every])
        undone = [
            each.call.id for each, state in zip(every, states, strict=True) if state is Edits.UNDONE
        ]
        asked = _chosen(every, step, and_later=and_later)
        chosen = [each for each in asked if each.call.id not in undone]
        if not chosen:
            print_line("it is undone already")
            return
        places = _places(found.directory)
        edits = [edit for each in chosen for edit in each.edits]
        done = undo(plan(edits, lambda digest: _kept(store, digest), places), places)
    for path in done:
        state = "as it was before" if path.exists() else "removed: it wasn't there before"
        say(f"{sanitize_line(str(path))}  {state}")
    if and_later:
        _tell_not_covered(since(turns, asked[0].call.id))


def _turns(store: Store, conversation: str) -> list[Turn]:
    return [each.turn() for each in store.turns(store.path(store.find(conversation).id))]


def _chosen(found: Sequence[Edited], step: str, *, and_later: bool) -> Sequence[Edited]:
    fitting = [n for n, each in enumerate(found) if _fits(each, step)]
    if len(fitting) != 1:
        many = "more than one step is" if fitting else "no step that changed a file is"
        raise UsageError(
            f"{many} {step[:60]!a}", hint="`chatterm history undo ID` lists those that did"
        )
    start = fitting[0]
    return found[start:] if and_later else found[start : start + 1]


def _fits(each: Edited, step: str) -> bool:
    ids = {each.call.id, each.result.id}
    if step in ids:
        return True
    turn, _, number = step.rpartition(".")
    return bool(turn) and any(
        known.startswith(turn) and known.rpartition(".")[2] == number for known in ids
    )


def _kept(store: Store, digest: str) -> bytes | None:
    try:
        return store.blob(digest)
    except StoreError:
        return None


def _places(directory: str | None) -> Places:
    top = Path(directory) if directory else None
    return Places.of(workspace(top) if top and top.is_dir() else None, home(), own_places())


def _told(edit: FileEdit, state: Edits) -> str:
    match state:
        case Edits.THERE:
            return "can be undone"
        case Edits.UNDONE:
            return "undone"
    try:
        Path(edit.path).lstat()
    except FileNotFoundError:
        return "gone since"
    except OSError as error:
        return f"can't be read: {error.strerror or error}"
    return "changed since"


def _tell_not_covered(turns: Sequence[Turn]) -> None:
    """Say which commands ran, since what they changed can't be undone."""
    commands = not_covered(turns)
    if not commands:
        return
    print_line("not covered, as commands may have changed anything:")
    for call in commands:
        command = (call.input or {}).get("command", call.arguments)
        print_line(f"  {sanitize_line(str(command))}")
