"""Telling what has become of edits, at the cost of the files that have changed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, cast

import pytest

import chatterm.talking.undoing
import chatterm.tools.replacing
from chatterm.events import Event, StepFinished, TurnFinished, TurnStarted
from chatterm.steps import (
    FileEdit,
    FinishReason,
    Status,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
    Usage,
    UserInput,
)
from chatterm.talking.undoing import Edits
from chatterm.tui.pane.items import Item
from chatterm.tui.steps.call import CallItem
from chatterm.tui.steps.looks import Looks
from chatterm.tui.transcript import Transcript
from chatterm.tui.undoing import _look, look_at_edits

AT = "2026-01-01T00:00:00Z"


class Pane:
    """The items, as far as a transcript needs them."""

    def __init__(self) -> None:
        self.items: list[Item] = []

    def append(self, item: Item) -> None:
        self.items.append(item)

    def replace(self, items: list[Item]) -> None:
        self.items = list(items)

    def prepend(self, items: list[Item]) -> None:
        self.items = [*items, *self.items]

    def cut(self, key: str) -> None:
        del self.items[self.index_of(key) :]

    def index_of(self, key: str) -> int:
        return [item.key for item in self.items].index(key)

    @staticmethod
    def at_once() -> AbstractContextManager[None]:
        return nullcontext()


class Chat:
    """The screen, whose files lie in a directory; counts what is looked at."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pane = Pane()
        self.transcript = Transcript(cast("Any", self.pane), Looks())
        self.undone: set[str] = set()
        self.directory = directory
        self.read: list[bytes] = []
        self.told: list[str] = []
        self._begun: list[Coroutine[Any, Any, None]] = []
        digest_of, tell_edits = chatterm.tools.replacing.digest_of, CallItem.tell_edits

        def counted(data: bytes) -> str:
            self.read.append(data)
            return digest_of(data)

        def told(item: CallItem, edits: Edits) -> None:
            self.told.append(item.key)
            tell_edits(item, edits)

        monkeypatch.setattr(chatterm.tools.replacing, "digest_of", counted)
        monkeypatch.setattr(CallItem, "tell_edits", told)
        # What was written a moment ago counts as settled.
        monkeypatch.setattr(chatterm.talking.undoing, "_SETTLED_NS", -(10**12))

    def begin(self, deed: Coroutine[Any, Any, None]) -> None:
        self._begun.append(deed)

    async def look(self, *, everywhere: bool = False) -> None:
        """Look at the edits, and forget what that took before."""
        self.read.clear()
        self.told.clear()
        look_at_edits(cast("Any", self), everywhere=everywhere)
        while self._begun:
            await self._begun.pop(0)

    def edit(self, turn: str, name: str, before: str | None, after: str) -> tuple[Event, ...]:
        """A turn that writes a file."""
        path = self.directory / name
        path.write_text(after)
        edit = FileEdit(str(path), None if before is None else _digest(before), _digest(after))
        call = ToolCallStep(
            id=f"{turn}.0", index=0, round=0, status=Status.DONE, call_id="c", name="write_file"
        )
        result = ToolResultStep(
            id=f"{turn}.1", index=1, round=0, status=Status.DONE, call_id="c", edits=(edit,)
        )
        return (
            TurnStarted("c", turn, None, UserInput("write"), None, "m/m", {}, AT),
            StepFinished(call),
            StepFinished(result),
            TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP, None, Usage(), (), None),
        )

    def happen(self, events: tuple[Event, ...]) -> None:
        for event in events:
            self.transcript.event(event)

    @property
    def states(self) -> list[Edits]:
        return [item.edits for item in self.pane.items if isinstance(item, CallItem)]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def chat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chat:
    return Chat(tmp_path, monkeypatch)


@pytest.mark.parametrize("turns", [10, 200])
async def test_an_edit_costs_the_calls_of_its_file(chat: Chat, turns: int) -> None:
    recorded = [(f"t{n}", chat.edit(f"t{n}", f"{n}.txt", None, "one")) for n in range(turns)]
    chat.transcript.show(recorded)
    await chat.look()
    assert (len(chat.read), len(chat.told)) == (turns, turns)
    chat.happen(chat.edit("new", "3.txt", "one", "two"))
    await chat.look()
    assert chat.read == [b"two"]
    assert chat.told == ["t3/t3.0", "new/new.0"]
    assert chat.states[3] is Edits.CHANGED
    assert chat.states[-1] is Edits.THERE


async def test_a_turns_end_costs_the_files_that_have_changed(chat: Chat) -> None:
    chat.transcript.show([(f"t{n}", chat.edit(f"t{n}", f"{n}.txt", None, "1")) for n in range(50)])
    await chat.look()
    await chat.look(everywhere=True)
    assert (chat.read, chat.told) == ([], [])
    (chat.directory / "7.txt").write_text("by hand")
    (chat.directory / "8.txt").unlink()
    await chat.look(everywhere=True)
    assert (chat.read, chat.told) == ([b"by hand"], ["t7/t7.0", "t8/t8.0"])
    assert chat.states[7:9] == [Edits.CHANGED, Edits.UNDONE]


async def test_earlier_edits_come_before_those_that_are_shown(chat: Chat) -> None:
    earlier = [("a", chat.edit("a", "n.txt", None, "one"))]
    chat.transcript.show([("b", chat.edit("b", "n.txt", "one", "two"))])
    await chat.look()
    chat.transcript.prepend(chat.transcript.made(earlier))
    await chat.look()
    assert chat.states == [Edits.CHANGED, Edits.THERE]


async def test_what_is_cut_away_counts_no_more(chat: Chat) -> None:
    for turn, before, after in (("a", None, "one"), ("b", "one", "two")):
        chat.happen(chat.edit(turn, "n.txt", before, after))
    await chat.look()
    assert chat.states == [Edits.CHANGED, Edits.THERE]
    chat.transcript.cut("b")
    (chat.directory / "n.txt").write_text("one")
    await chat.look()
    assert chat.states == [Edits.THERE]
    assert chat.told == ["a/a.0"]


async def test_another_conversation_may_be_shown_before_it_is_known(chat: Chat) -> None:
    chat.happen(chat.edit("a", "n.txt", None, "one"))
    looking = asyncio.create_task(_look(cast("Any", chat), everywhere=True))
    await asyncio.sleep(0)  # the files are looked at, in a thread
    chat.transcript.show([("b", chat.edit("b", "m.txt", None, "two"))])
    await looking
    await chat.look()
    assert chat.told == ["b/b.0"]
