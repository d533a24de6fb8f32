"""Looking closer: the timeline of a turn, a step in full, what the log holds, saving."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from textual.app import App, ComposeResult

from chatterm.errors import StoreError
from chatterm.events import Event, StepFinished, StepStarted, TurnFinished, TurnStarted
from chatterm.steps import (
    FinishReason,
    Status,
    Step,
    TextStep,
    ThinkingStep,
    ToolCallStep,
    ToolResultStep,
    TurnStatus,
    Usage,
    UserInput,
)
from chatterm.store import RecordedTurn
from chatterm.tui.looking import (
    LiveTimeline,
    LiveTurn,
    StepPager,
    open_pager,
    recorded_step,
    save_text,
    show_timeline,
)
from chatterm.tui.pane.palette import DARK
from chatterm.tui.pane.reading import ReadingPane
from chatterm.tui.screens.entry import Confirm, Entry
from chatterm.tui.steps.step_item import Looks
from chatterm.tui.timeline import TimelineScreen
from chatterm.tui.transcript import Transcript
from tui.screens_app import is_clean, shows, wait_until

BEGAN = "2026-01-01T00:00:00Z"
WHOLE = "\x1b[31mred\x1b[0m\n" + "".join(f"line {n}\n" for n in range(500))
SIGNATURE = "s" * 500


def turn(id_: str) -> tuple[Event, ...]:
    """A turn with thinking, a call, its result and a text."""
    times = {"started_at": BEGAN, "duration_ms": 1000, "status": Status.DONE}
    steps: list[Step] = [
        ThinkingStep(
            id=f"{id_}0",
            index=0,
            round=0,
            text="*hm*",
            opaque={"signature": SIGNATURE, "n": [1, "short"]},
            **times,
        ),
        ToolCallStep(
            id=f"{id_}1",
            index=1,
            round=0,
            call_id="c",
            name="shell",
            arguments='{"command": "make"}',
            input={"command": "make"},
            **times,
        ),
        ToolResultStep(
            id=f"{id_}2",
            index=2,
            round=0,
            call_id="c",
            name="shell",
            content="only a part",
            full_output="digest",
            **times,
        ),
        TextStep(
            id=f"{id_}3",
            index=3,
            round=1,
            text="A **bold** answer\x1b[2J\n\n```python\n\tx\n```",
            **times,
        ),
    ]
    return (
        TurnStarted("conversation", id_, None, UserInput("do it"), None, "m/m", {}, BEGAN),
        *map(StepFinished, steps),
        TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP, None, Usage(), (), None),
    )


class FakeStore:
    """The log."""

    def __init__(self, *ids: str) -> None:
        self.recorded = {id_: RecordedTurn(id_, None, "conversation", turn(id_)) for id_ in ids}
        self.blobs = {"digest": WHOLE.encode() + b"\xff"}

    def turns(self, ids: list[str]) -> list[RecordedTurn]:
        return [self.recorded[id_] for id_ in ids if id_ in self.recorded]

    def blob(self, digest: str) -> bytes:
        if digest not in self.blobs:
            raise StoreError("it isn't kept here")
        return self.blobs[digest]


class Looker(App[None]):
    """Stands in for the screen of a conversation."""

    def __init__(self, directory: Path, *turns: str) -> None:
        super().__init__()
        self.palette = DARK
        self.setting = SimpleNamespace(looks=Looks())
        self.pane = ReadingPane(DARK)
        self.transcript = Transcript(self.pane, self.setting.looks)
        self.store: FakeStore | None = FakeStore(*turns)
        self.talk = SimpleNamespace(store=self.store, session=SimpleNamespace(head=None))
        self.live_turn = LiveTurn(lambda: 1767225602.0)  # two seconds after the turn began
        self.directory = directory
        self.said: list[str] = []
        self.copied: list[str] = []
        self.results: list[Any] = []
        self._turns = turns

    @property
    def chat(self) -> Any:
        return SimpleNamespace(
            **{name: getattr(self, name) for name in _NEEDED},
            say=self.said.append,
            copy=self.copied.append,
            app=self,
        )

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.transcript.show([(id_, turn(id_)) for id_ in self._turns])

    def begin(self, what: Callable[..., Awaitable[Any]], *given: Any) -> None:
        """Look at something, as the screen does it: in a worker."""

        async def run() -> None:
            self.results.append(await what(self.chat, *given))

        self.run_worker(run())

    def item(self, step: str) -> Any:
        return next(each for each in self.pane.items if getattr(each, "step", "") == step)


_NEEDED = ("palette", "setting", "pane", "transcript", "talk", "live_turn", "directory")


@pytest.fixture
def app(tmp_path: Path) -> Looker:
    return Looker(tmp_path, "a", "b")


# --- the timeline ---


async def test_the_timeline_is_of_the_last_turn_and_the_chosen_step_gets_the_cursor(
    app: Looker,
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.begin(show_timeline)
        await wait_until(pilot, lambda: isinstance(app.screen, TimelineScreen))
        screen = cast("TimelineScreen", app.screen)
        assert screen.view.cursor == "b0"
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: bool(app.results))
        cursor = app.pane.cursor
        assert cursor is app.item("b1")
        assert app.pane.has_focus


async def test_the_timeline_is_of_the_turn_at_the_cursor(app: Looker) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.set_cursor(app.item("a3").key)
        app.begin(show_timeline)
        await wait_until(pilot, lambda: isinstance(app.screen, TimelineScreen))
        assert cast("TimelineScreen", app.screen).view.cursor == "a0"
        await pilot.press("escape")
        await wait_until(pilot, lambda: bool(app.results))
        assert app.pane.cursor is app.item("a3")


async def test_the_turn_under_way_is_followed(app: Looker) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        started = cast("TurnStarted", turn("live")[0])
        app.live_turn.event(started)
        thinking = ThinkingStep(id="t", index=0, round=0, started_at="2026-01-01T00:00:01Z")
        app.live_turn.event(StepStarted(thinking))
        assert app.live_turn.now == 2.0
        app.begin(show_timeline)
        await wait_until(pilot, lambda: isinstance(app.screen, LiveTimeline))
        screen = cast("LiveTimeline", app.screen)
        await wait_until(pilot, lambda: shows(app, "thinking"))
        app.live_turn.event(StepStarted(TextStep(id="x", index=1, round=0, started_at=BEGAN)))
        await wait_until(pilot, lambda: len(screen.view._bars) == 2)
        app.live_turn.event(turn("live")[-1])
        assert app.live_turn.now is None
        await wait_until(pilot, lambda: screen._again is None)  # nothing moves any more


async def test_without_a_turn_there_is_no_timeline(tmp_path: Path) -> None:
    app = Looker(tmp_path)
    async with app.run_test() as pilot:
        app.begin(show_timeline)
        await wait_until(pilot, lambda: bool(app.said))
        assert app.said == ["there is no turn to look at yet"]


def test_another_turn_begins_anew() -> None:
    live = LiveTurn(lambda: 0.0)
    assert (live.turn, live.running, live.bars, live.now) == ("", False, [], None)
    for event in turn("a"):
        live.event(event)
    assert (live.turn, live.running) == ("a", False)
    assert len(live.bars) == 3
    live.event(turn("b")[0])
    assert (live.turn, live.running, live.bars) == ("b", True, [])


# --- the pager ---


async def paged(app: Looker, pilot: Any, step: str) -> StepPager:
    app.begin(open_pager, app.item(step))
    await wait_until(pilot, lambda: isinstance(app.screen, StepPager))
    await pilot.pause()
    return cast("StepPager", app.screen)


async def test_a_calls_whole_output_is_read_from_the_store(app: Looker) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        pager = await paged(app, pilot, "b1")
        await wait_until(pilot, lambda: shows(app, "line 3"))
        assert shows(app, "shell  make")
        assert (
            pager._text.whole() == WHOLE.replace("\x1b[31m", "").replace("\x1b[0m", "") + "\ufffd\n"
        )
        assert pager._text.line(0)[0].style == ("fg:1",)


async def test_output_that_is_gone_is_told_and_its_part_shown(app: Looker) -> None:
    assert app.store is not None
    app.store.blobs.clear()
    async with app.run_test(size=(80, 24)) as pilot:
        pager = await paged(app, pilot, "b1")
        assert pager._text.whole() == "only a part\n"
        assert app.said == ["only a part: it isn't kept here"]


async def test_a_text_is_rendered_and_copied_where_the_screen_copies(app: Looker) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await paged(app, pilot, "b3")
        await wait_until(pilot, lambda: shows(app, "A bold answer"))
        assert shows(app, "python")
        assert is_clean(app)
        await pilot.press("c")
        await wait_until(pilot, lambda: shows(app, "copied"))
        assert app.copied[0].startswith("A bold answer\n")
        await pilot.press("q")
        await wait_until(pilot, lambda: bool(app.results))


async def test_a_message_is_shown_as_it_was_typed(app: Looker) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        app.begin(open_pager, next(i for i in app.pane.items if getattr(i, "kind", "") == "user"))
        await wait_until(pilot, lambda: shows(app, "do it"))


# --- the log ---


async def test_a_step_is_as_the_log_has_it_with_its_secrets_shortened(app: Looker) -> None:
    found = await recorded_step(app.chat, "b", "b0")
    assert found["text"] == "*hm*"
    assert found["opaque"] == {"signature": "s" * 16 + "… (500 characters)", "n": [1, "short"]}


async def test_a_call_comes_with_its_result(app: Looker) -> None:
    call, result = await recorded_step(app.chat, "b", "b1")
    assert (call["kind"], result["kind"]) == ("tool_call", "tool_result")


async def test_a_turn_is_all_its_events(app: Looker) -> None:
    found = await recorded_step(app.chat, "a", "")
    assert [each["type"] for each in found] == [
        "turn.started",
        *["step.finished"] * 4,
        "turn.finished",
    ]
    assert SIGNATURE not in str(found)


@pytest.mark.parametrize(("turn_id", "step"), [("gone", ""), ("a", "gone"), ("", "")])
async def test_what_is_not_in_the_log_is_nothing(app: Looker, turn_id: str, step: str) -> None:
    assert await recorded_step(app.chat, turn_id, step) is None


async def test_without_a_store_there_is_no_log(app: Looker) -> None:
    app.talk.store = None
    assert await recorded_step(app.chat, "a", "") is None


# --- saving ---


async def test_a_text_is_saved_where_the_user_says(app: Looker, tmp_path: Path) -> None:
    async with app.run_test() as pilot:
        app.begin(save_text, "a\n\tb\ud800")
        await wait_until(pilot, lambda: isinstance(app.screen, Entry))
        await pilot.press(*"x", ".", *"py", "enter")
        await wait_until(pilot, lambda: bool(app.results))
    assert (tmp_path / "x.py").read_bytes() == b"a\n\tb?\n"
    assert app.said == [f"saved as {tmp_path / 'x.py'}"]


@pytest.mark.parametrize(("key", "text"), [("y", "new\n"), ("n", "old")])
async def test_what_is_there_is_replaced_only_when_that_is_wanted(
    app: Looker, tmp_path: Path, key: str, text: str
) -> None:
    (tmp_path / "x").write_text("old")
    async with app.run_test() as pilot:
        app.begin(save_text, "new\n")
        await wait_until(pilot, lambda: isinstance(app.screen, Entry))
        await pilot.press("x", "enter")
        await wait_until(pilot, lambda: isinstance(app.screen, Confirm))
        cast("Confirm", app.screen)._clock = lambda: float("inf")  # the guard has passed
        await wait_until(pilot, lambda: cast("Confirm", app.screen)._since is not None)
        await pilot.press(key)
        await wait_until(pilot, lambda: bool(app.results))
    assert (tmp_path / "x").read_text() == text
    assert bool(app.said) == (key == "y")


async def test_what_cannot_be_written_is_told(
    app: Looker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    async with app.run_test() as pilot:
        app.begin(save_text, "new")
        await wait_until(pilot, lambda: isinstance(app.screen, Entry))
        monkeypatch.setattr(Path, "open", full)
        await pilot.press("x", "enter")
        await wait_until(pilot, lambda: bool(app.results))
    assert app.said == ["not saved: No space left on device"]
