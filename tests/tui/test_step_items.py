"""Steps as items: what nobody has seen is what it was made of, and looks the same once it is."""

from __future__ import annotations

import pytest

from chatterm.steps import Status, Step, TextStep, ThinkingStep, ToolCallStep, ToolResultStep
from chatterm.tui.pane.stacked import StackedItem
from chatterm.tui.steps.call import CallItem
from chatterm.tui.steps.looks import Looks
from chatterm.tui.steps.signs import UNICODE
from chatterm.tui.steps.text import TextItem
from chatterm.tui.steps.thinking import ThinkingItem

LOOKS = Looks(UNICODE, False, True, lambda: 0.0)
COMMON = {"index": 0, "round": 0, "status": Status.DONE, "started_at": "", "duration_ms": 10}
THOUGHT = ThinkingStep(id="t", **COMMON, text="so it goes")
SAID = TextStep(id="s", **COMMON, text="# Head\n\nwords")
CALL = ToolCallStep(id="c", **COMMON, call_id="1", name="shell", arguments='{"command":"ls"}')
RESULT = ToolResultStep(id="r", **COMMON, call_id="1", name="shell", content="a\nb\nc\n")


def made(step: Step) -> StackedItem:
    match step:
        case ThinkingStep():
            return ThinkingItem(step.id, "turn", LOOKS, step)
        case TextStep():
            item = TextItem(step.id, "turn", LOOKS, step)
            item.update(step)
            return item
        case ToolCallStep():
            call = CallItem(step.id, "turn", LOOKS, step)
            call.finish(RESULT)
            return call
    raise AssertionError(step)


@pytest.mark.parametrize("step", [THOUGHT, SAID, CALL], ids=lambda step: step.kind)
def test_a_height_is_estimated_without_making_anything(step: Step) -> None:
    item = made(step)
    assert item.estimate(80) >= 1
    assert item._parts == ()
    assert item.rows(80) >= 1
    assert item._parts


@pytest.mark.parametrize("step", [THOUGHT, CALL], ids=lambda step: step.kind)
def test_what_happens_before_it_is_seen_is_seen(step: Step) -> None:
    seen, unseen = made(step), made(step)
    seen.rows(80)
    for item in (seen, unseen):
        item.fold(unfolded=True)  # type: ignore[attr-defined]
    rows = [[item.line(row, 80) for row in range(item.rows(80))] for item in (seen, unseen)]
    assert rows[0] == rows[1]
    assert seen.mark == unseen.mark


def test_thinking_that_comes_before_it_is_seen_is_seen() -> None:
    began = ThinkingStep(id="t", index=0, round=0, status=Status.OPEN, started_at="", text="so ")
    item = ThinkingItem("t", "turn", LOOKS, began)
    item.feed("it goes")
    assert not item.running
    assert "so it goes" in item.plain(80)
    assert item.running
    assert item.copied() == "so it goes"
