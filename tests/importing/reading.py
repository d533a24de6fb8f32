"""Ways to look at what was imported."""

from __future__ import annotations

from pathlib import Path

from chatterm.events import StepFinished, TurnFinished, TurnStarted
from chatterm.importing import Imported, recognise
from chatterm.steps import Step
from chatterm.store.model import RecordedTurn


def read(path: Path) -> tuple[list[Imported], list[str]]:
    """Everything in a file, and what was left out."""
    importer = recognise(path)
    return list(importer), importer.warnings


def started(turn: RecordedTurn) -> TurnStarted:
    event = turn.events[0]
    assert isinstance(event, TurnStarted)
    assert (event.turn, event.parent, event.conversation) == (
        turn.id,
        turn.parent,
        turn.conversation,
    )
    return event


def finished(turn: RecordedTurn) -> TurnFinished:
    event = turn.events[-1]
    assert isinstance(event, TurnFinished)
    return event


def steps(turn: RecordedTurn) -> list[Step]:
    found = [event.step for event in turn.events if isinstance(event, StepFinished)]
    assert [step.index for step in found] == list(range(len(found)))
    assert [step.id for step in found] == [f"{turn.id}.{step.index}" for step in found]
    return found


def path_to_head(imported: Imported) -> list[RecordedTurn]:
    """The turns from the first to the conversation's head."""
    known = {turn.id: turn for turn in imported.turns}
    path = []
    at = imported.conversation.head
    while at is not None:
        path.append(known[at])
        at = known[at].parent
    return path[::-1]


def is_well_formed(imported: Imported) -> None:
    """Check what the store relies on."""
    seen: set[str] = set()
    for turn in imported.turns:
        assert turn.parent is None or turn.parent in seen
        assert turn.id not in seen
        assert turn.conversation == imported.conversation.id
        seen.add(turn.id)
        started(turn)
        finished(turn)
        steps(turn)
    assert imported.conversation.head in seen
    assert imported.conversation.origin == "import"
    kept = {each.sha256 for turn in imported.turns for each in started(turn).input.attachments}
    assert kept == set(imported.blobs)
