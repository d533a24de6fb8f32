"""A conversation of ten thousand steps: opened at its end at once, read in both directions."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from chatterm.assembly import StepWriter
from chatterm.events import TurnFinished, TurnStarted
from chatterm.session import Session
from chatterm.steps import (
    FinishReason,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
    Usage,
    UserInput,
)
from chatterm.store import Conversation, RecordedTurn, Store
from tui.app_driver import Driver, Place, place
from tui.test_app_hard import assert_exact, assert_takes_keys, resident

__all__ = ["place"]

TURNS = 2500  # of four steps each
AT = "2026-01-01T00:00:00.000Z"
ID = "c" * 32
FIRST_READ = 60
"""The most turns that may be read before the end is on the screen."""


def recorded(number: int) -> RecordedTurn:
    """A turn of four steps."""
    id_, parent = f"t{number}", f"t{number - 1}" if number else None
    started = TurnStarted(ID, id_, parent, UserInput(f"message {number}"), None, "s/x", {}, AT)
    write = StepWriter(id_)
    write.add(ThinkingStep, text=f"I think of {number}.")
    values = {"path": f"file{number}.txt"}
    call = write.open(ToolCallStep, call_id="c", name="read_file")
    write.append(call, f'{{"path": "file{number}.txt"}}')
    write.finish(call, input=values)
    content = "".join(f"{line}\\tline {line} of {number}\\n" for line in range(20))
    write.add(ToolResultStep, call_id="c", name="read_file", content=content)
    write.add(
        TextStep, text=f"## Answer {number}\\n\\nIn **words**, and `code`.\\n\\n- {number}\\n" * 2
    )
    end = TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP, "stop", Usage(100, 10))
    return RecordedTurn(id_, parent, ID, (started, *write.take(), end))


def remember(data: Path) -> None:
    """Write the conversation straight into the store."""
    turns = [recorded(number) for number in range(TURNS)]
    conversation = Conversation(
        ID, "long", "user", str(Path.cwd()), "app", turns[-1].id, created_at=AT, updated_at=AT
    )
    with Store.open(data) as store:
        store.merge(conversation, turns, {})


def read_rows(app: Driver) -> list[str]:
    """What the pane shows, without its scroll bar."""
    return [row[: app.chat.pane.text_width].rstrip() for row in app.lines()[:20]]


async def test_ten_thousand_steps(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(place.data)
    read: list[str] = []
    turns, earlier, wanted_earlier = Store.turns, Session.recorded, threading.Event()

    def counted(self: Store, turn_ids: Iterable[str]) -> list[RecordedTurn]:
        wanted = list(turn_ids)
        read.extend(wanted)
        return turns(self, wanted)

    def held_back(self: Session, most: int, *, before: str | None = None) -> list[RecordedTurn]:
        assert before is None or wanted_earlier.wait(60)
        return earlier(self, most, before=before)

    monkeypatch.setattr(Store, "turns", counted)
    monkeypatch.setattr(Session, "recorded", held_back)
    before = resident()
    async with place.app(size=(100, 30), resume=ID) as app:
        pane, transcript = app.chat.pane, app.chat.transcript
        await app.until(lambda: app.says(f"Answer {TURNS - 1}"))
        assert len(read) <= FIRST_READ
        # What is read stays where it is while the earlier turns come.
        pane.scroll_rows(-30)
        await app.pilot.pause()
        seen = read_rows(app)
        wanted_earlier.set()
        await app.until(lambda: len(transcript.turns) == TURNS)
        await app.idle()
        assert read_rows(app) == seen
        assert len(pane.items) == 5 * TURNS
        app.chat.do("first")
        await app.until(lambda: app.says("message 0") and app.says("Answer 0"))
        assert_exact(app)
        passed: list[str] = []
        for deed in ["page_down"] * 20 + ["page_up"] * 20:
            passed += re.findall(r"message \d+", app.text())
            app.chat.do(deed)
            await app.pilot.pause()
            assert_exact(app)
        there = list(dict.fromkeys(passed))
        assert there == [f"message {number}" for number in range(len(there))]
        assert len(there) > 10
        assert app.says("message 0")
        app.chat.do("find:think of 1234.")
        await app.until(lambda: app.says("1 of 1"))
        assert app.says("Answer 1234")
        app.chat.do("last")
        await app.until(lambda: app.says(f"Answer {TURNS - 1}"))
        assert len(pane.children) < 200
        app.chat.back_to_prompt()
        await assert_takes_keys(app)
        assert resident() - before < 120
