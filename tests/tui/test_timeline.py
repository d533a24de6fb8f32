"""The timeline: what a turn's events tell of its time, and how that is drawn and walked."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from textual.app import App

from chatterm.events import (
    Event,
    PermissionAnswered,
    PermissionAsked,
    StepDelta,
    StepFinished,
    StepStarted,
    TurnFinished,
    TurnStarted,
    UsageReported,
)
from chatterm.render.lines import Span, line_cells, line_text
from chatterm.steps import (
    FinishReason,
    NoticeStep,
    Outcome,
    RefusalStep,
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
from chatterm.store.model import fold
from chatterm.tui.pane.palette import DARK, NO_COLOUR
from chatterm.tui.timeline import (
    Bar,
    Spans,
    TimelineScreen,
    TimelineView,
    spans_of,
    timeline_lines,
)
from chatterm.tui.timeline.axis import seconds, ticks

MARK = "❯ "
AT_100 = """\
            0 s                 5                   10                  15             tokens      $
  thinking    ████████████████████▎ 5.0 s                                                 840  0.006
  read_file                       ───░░▏ 0.03 s                                             –      –
❯ shell                              ──░░░░░░░░░░░░░████████▏ 2.0 s ✗                       –      –
  text                                                 5.9 s ███████████████████████▉     612  0.005
  total     18 s                                                                        ~1452  0.011
"""
END = TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP)


def at(moment: float) -> str:
    return f"2026-01-02T10:{int(moment // 60):02}:{moment % 60:06.3f}Z"


def begun() -> TurnStarted:
    return TurnStarted("c", "t", None, UserInput("why?"), None, "p/m", {}, at(0))


def step(cls: type[Step], index: int, start: float, took: float | None, **values: object) -> Step:
    values = {"round": 0, "status": Status.DONE if took is not None else Status.OPEN, **values}
    duration = None if took is None else round(took * 1000)
    return cls(id=f"t.{index}", index=index, started_at=at(start), duration_ms=duration, **values)


def done(cls: type[Step], index: int, start: float, took: float, **values: object) -> StepFinished:
    return StepFinished(step(cls, index, start, took, **values))


def turn() -> list[Event]:
    """A turn that thinks, reads, asks for a shell command which fails, and answers."""
    return [
        begun(),
        done(ThinkingStep, 0, 0.5, 5, text="x" * 3300),
        done(ToolCallStep, 1, 5.5, 0.7, call_id="a", name="read_file", arguments="{}"),
        done(ToolCallStep, 2, 6.2, 0.7, call_id="b", name="shell", arguments="{}"),
        UsageReported(Usage(100, 900, 840, cost_usd=0.006)),
        done(ToolResultStep, 3, 6.9, 0.03, call_id="a", name="read_file"),
        PermissionAsked("t.2", "b", "shell"),
        PermissionAnswered("t.2", "allow"),
        done(ToolResultStep, 4, 9.9, 2.0, call_id="b", name="shell", ok=False),
        done(TextStep, 5, 12.1, 5.9, round=1, text="x" * 2500),
        UsageReported(Usage(900, 1512, 840, cost_usd=0.011)),
        END,
    ]


def chart(bars: Iterable[Bar], width: int, **options: object) -> list[str]:
    return [line_text(line).rstrip() for _, line in timeline_lines(list(bars), width, **options)]


# --- bars -------------------------------------------------------------------------------------


def test_a_step_lasts_from_its_opening_to_its_finish():
    bar = spans_of(turn())[0]
    assert (bar.step, bar.kind, bar.name) == ("t.0", "thinking", "thinking")
    assert (bar.start, bar.duration) == (0.5, 5.0)


def test_a_call_and_its_result_are_one_bar_from_the_calls_finish_to_the_results():
    bars = spans_of(turn())
    assert [bar.name for bar in bars] == ["thinking", "read_file", "shell", "text"]
    shell = bars[2]
    assert shell.start == pytest.approx(6.9)
    assert shell.duration == pytest.approx(5.0)
    assert shell.writing == pytest.approx(0.7)


def test_the_wait_for_permission_is_told_apart_from_the_run():
    shell = spans_of(turn())[2]
    assert shell.waited == pytest.approx(3.0)


def test_folded_and_live_events_give_the_same_bars():
    live = turn()
    live[1:2] = [
        StepStarted(step(ThinkingStep, 0, 0.5, None)),
        StepDelta("t.0", "x" * 3300),
        done(ThinkingStep, 0, 0.5, 5, text="x" * 3300),
    ]
    assert spans_of(live) == spans_of(turn()) == spans_of(fold(live))


def test_tokens_are_known_where_one_step_alone_can_have_written_them():
    bars = spans_of(turn())
    assert [(bar.tokens, bar.estimated) for bar in bars] == [
        (840, False),
        (None, False),
        (None, False),
        (612, False),
    ]


def test_tokens_are_estimated_by_the_characters_where_nobody_tells():
    events = [begun(), done(ThinkingStep, 0, 0, 1, text="x" * 10), done(TextStep, 1, 1, 1)]
    assert [(bar.tokens, bar.estimated) for bar in spans_of(events)] == [(3, True), (0, True)]


def test_tokens_of_several_texts_are_estimated():
    events = [begun(), *(done(TextStep, n, n, 1, text="x" * 400) for n in range(2))]
    events.append(UsageReported(Usage(10, 500, 0)))
    assert [(bar.tokens, bar.estimated) for bar in spans_of(events)] == [(100, True), (100, True)]


def test_hidden_reasoning_is_not_in_the_text():
    events = [begun(), done(TextStep, 0, 0, 1, text="yes"), UsageReported(Usage(10, 500, 450))]
    assert spans_of(events)[0].tokens == 50


def test_an_open_step_is_estimated_by_what_has_come():
    events = [begun(), StepStarted(step(TextStep, 0, 1, None)), StepDelta("t.0", "x" * 40)]
    (bar,) = spans_of(events)
    assert (bar.start, bar.duration, bar.tokens, bar.estimated) == (1.0, None, 10, True)


def test_the_cost_of_a_round_is_shared_by_tokens():
    events = [
        begun(),
        done(ThinkingStep, 0, 0, 1, text="x" * 1200),
        done(TextStep, 1, 1, 1, text="x" * 400),
        TurnFinished(TurnStatus.COMPLETED, FinishReason.STOP, usage=Usage(cost_usd=0.4)),
    ]
    assert [bar.cost for bar in spans_of(events)] == pytest.approx([0.3, 0.1])


def test_a_round_of_calls_alone_bears_its_cost():
    call = done(ToolCallStep, 0, 0, 1, call_id="a", name="shell", arguments="{}")
    bars = spans_of([begun(), call, UsageReported(Usage(10, 30, None, cost_usd=0.2))])
    assert (bars[0].cost, bars[0].tokens) == (0.2, 30)


def test_no_cost_is_told_where_the_provider_tells_none():
    events = [begun(), done(TextStep, 0, 0, 1, text="x"), UsageReported(Usage(1, 2))]
    assert spans_of(events)[0].cost is None


def test_a_call_that_is_being_written_has_not_begun_to_run():
    (bar,) = spans_of([begun(), StepStarted(step(ToolCallStep, 0, 1, None, name="shell"))])
    assert (bar.start, bar.duration, bar.writing) == (1.0, None, None)


def test_a_call_waits_while_the_user_is_asked_and_then_runs():
    call = done(ToolCallStep, 0, 1, 1, call_id="a", name="shell")
    spans = Spans()
    for event in [begun(), call, PermissionAsked("t.0", "a", "shell")]:
        spans.feed(event)
    assert spans.bars()[0].waited is None
    spans.feed(PermissionAnswered("t.0", "allow"), at=5.0)
    (bar,) = spans.bars()
    assert (bar.start, bar.duration, bar.waited) == (2.0, None, 3.0)


def test_a_denied_call_waited_and_never_ran():
    denied = {"call_id": "a", "ok": False, "outcome": Outcome.DENIED}
    call = done(ToolCallStep, 0, 1, 1, call_id="a", name="shell")
    (bar,) = spans_of([begun(), call, done(ToolResultStep, 1, 6, 0, **denied), END])
    assert (bar.duration, bar.waited, bar.failed) == (4.0, 4.0, True)


def test_a_result_that_was_made_up_after_a_crash_tells_no_time():
    lost = {"call_id": "a", "ok": False, "outcome": Outcome.UNKNOWN}
    call = done(ToolCallStep, 0, 1, 1, call_id="a", name="shell")
    (bar,) = spans_of([begun(), call, done(ToolResultStep, 1, 3000, 0, **lost), END])
    assert (bar.duration, bar.cut) == (0.0, True)


def test_what_the_server_runs_lasts_as_long_as_its_step():
    call = done(ToolCallStep, 0, 1, 4, call_id="a", name="web_search", hosted=True)
    (bar,) = spans_of([begun(), call, END])
    assert (bar.start, bar.duration, bar.writing) == (1.0, 4.0, 0.0)


def test_a_result_without_its_call_has_a_row_of_its_own():
    (bar,) = spans_of([begun(), done(ToolResultStep, 0, 1, 2, call_id="gone", name="shell")])
    assert (bar.kind, bar.name, bar.duration) == ("tool_result", "shell", 2.0)


def test_an_import_that_knows_no_times_has_no_bars_to_draw():
    text = TextStep(id="t.0", index=0, round=0, status=Status.DONE, started_at="", text="hello")
    events: list[Event] = [StepFinished(text), END]
    (bar,) = spans_of(events)
    assert (bar.start, bar.duration) == (None, 0.0)
    assert "hello" not in "".join(chart([bar], 60))


def test_a_step_that_seems_to_begin_before_its_turn_begins_with_it():
    began = TurnStarted("c", "t", None, UserInput(""), None, "p/m", {}, at(9))
    assert spans_of([began, done(TextStep, 0, 8, 1)])[0].start == 0.0


def test_refusals_and_notices_are_rows():
    bars = spans_of(
        [begun(), done(RefusalStep, 0, 0, 1), done(NoticeStep, 1, 1, 0, reason="retry")]
    )
    assert [(bar.name, bar.failed) for bar in bars] == [("refusal", True), ("retry", False)]


# --- the chart --------------------------------------------------------------------------------


def test_the_chart_at_60_columns():
    assert chart(spans_of(turn()), 60) == [
        "            0 s      5        10       15      tokens      $",
        "  thinking  █████████▏ 5.0 s                      840  0.006",
        "  read_file           ─░▏ 0.03 s                    –      –",
        "  shell                ─░░░░░░███▋ 2.0 s ✗          –      –",
        "  text                      5.9 s ██████████▉     612  0.005",
        "  total     18 s                                ~1452  0.011",
    ]


def test_the_chart_at_100_columns():
    assert chart(spans_of(turn()), 100, cursor="t.2") == AT_100.splitlines()


def test_the_chart_in_ascii():
    lines = chart(spans_of(turn()), 60, cursor="t.2", ascii=True)
    assert all(line.isascii() for line in lines)
    assert lines == [
        "            0 s      5        10       15      tokens      $",
        "  thinking  ######### 5.0 s                       840  0.006",
        "  read_file           -.# 0.03 s                    -      -",
        "> shell                -......#### 2.0 s x          -      -",
        "  text                      5.9 s ###########     612  0.005",
        "  total     18 s                                ~1452  0.011",
    ]


def test_the_chart_at_24_columns_has_no_room_for_numbers():
    assert chart(spans_of(turn()), 24) == [
        "           0 s       15",
        "  thinking ███▋ 5.0 s",
        "  read_fi…    ─▏ 0.03 s",
        "  shell        ░░░█▌",
        "  text       5.9 s ████▎",
        "  total    18 s",
    ]


@pytest.mark.parametrize("width", [*range(24, 130), 200, 300])
def test_every_line_fills_the_width(width: int):
    for bars in (spans_of(turn()), [Bar("a", "text", "日本語のとても長い名前の道具", 1.0, 2.0)]):
        for _, line in timeline_lines(bars, width):
            assert line_cells(line) == width


@pytest.mark.parametrize("width", range(24))
def test_a_narrower_chart_is_cut(width: int):
    assert all(line_cells(line) <= width for _, line in timeline_lines(spans_of(turn()), width))


def test_a_bar_is_precise_to_the_eighth_of_a_cell():
    cells = 46 - len("  total ") - len("  tokens")
    bars = [Bar("a", "text", "text", 0.0, 8.0)]
    bars += [Bar(str(n), "notice", "x", 0.0, 8 * n / (8 * cells)) for n in range(1, 9)]
    drawn = [line.split()[1] for line in chart(bars, 46)[2:10]]
    assert drawn == ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]


def test_what_took_no_time_is_still_seen():
    bars = [Bar("a", "text", "text", 0.0, 9.0), Bar("b", "notice", "notice", 4.0, 0.0)]
    assert "▏ 0.00 s" in chart(bars, 60)[2]


def test_the_parts_of_a_call_differ_by_shape_and_style():
    line = timeline_lines(spans_of(turn()), 100)[3][1]
    shapes = {span.text.strip()[:1]: span.style for span in line if span.text.strip()}
    assert shapes["─"] == ("error",)
    assert shapes["░"] == ("muted",)
    assert shapes["█"] == ("error",)


def test_a_call_that_never_ran_has_no_solid_part():
    denied = Bar("b", "tool_call", "shell", 2.0, 4.0, waited=4.0, failed=True)
    quick = Bar("c", "tool_call", "shell", 2.0, 4.0, waited=4.0)
    lines = chart([Bar("a", "text", "text", 0.0, 9.0), denied, quick], 60)
    assert "░ 4.0 s ✗" in lines[2]
    assert "░▏" in lines[3]


def test_kinds_have_roles():
    roles = [line[1].style for _, line in timeline_lines(spans_of(turn()), 80)[1:5]]
    assert roles == [("thinking",), ("tool",), ("error",), ("accent",)]


def test_rows_carry_the_ids_of_their_steps():
    ids = [step for step, _ in timeline_lines(spans_of(turn()), 80)]
    assert ids == [None, "t.0", "t.1", "t.2", "t.5", None]


def test_the_cursors_row_is_marked():
    line = timeline_lines(spans_of(turn()), 80, cursor="t.5")[4][1]
    assert line[0] == Span(MARK, ("accent",))
    assert line[1].style == ("accent", "strong")


def test_what_goes_on_lasts_until_now():
    bars = [Bar("a", "thinking", "thinking", 0.0, 5.0), Bar("b", "text", "text", 5.0, None)]
    assert "██ 5.0 s" not in chart(bars, 60)[2]
    assert chart(bars, 60, now=10.0)[2].count("█") == chart(bars, 60, now=10.0)[1].count("█")
    assert chart(bars, 60, now=10.0)[-1].split()[:3] == ["total", "10", "s"]


def test_the_dollars_have_no_column_where_nobody_tells_them():
    assert chart([Bar("a", "text", "text", 0.0, 1.0)], 100)[0].endswith("tokens")


def test_estimates_are_marked_and_so_is_their_sum():
    bars = [
        Bar("a", "thinking", "thinking", 0.0, 1.0, tokens=3),
        Bar("b", "text", "text", 1.0, 1.0, tokens=250, estimated=True),
    ]
    assert [line.split()[-1] for line in chart(bars, 60)] == ["tokens", "3", "~250", "~253"]


def test_a_tools_name_is_sanitised():
    name = "sh\x1b]0;x\x07\u202eell\n"
    assert "sh⟨U+202E⟩ell↵" in chart([Bar("a", "tool_call", name, 0.0, 1.0)], 100)[1]


def test_no_steps_are_told():
    assert chart([], 60) == ["  no steps yet"]


@pytest.mark.parametrize(
    ("span", "width", "labels"),
    [
        (0.0, 40, ["0 s"]),
        (0.35, 40, ["0 s", "0.1", "0.2", "0.3"]),
        (18.0, 40, ["0 s", "5", "10", "15"]),
        (100.0, 40, ["0 s", "30", "60", "90"]),
        (200.0, 40, ["0:00", "1:00", "2:00", "3:00"]),
        (10_000.0, 40, ["0h00", "1h00", "2h00"]),
        (18.0, 8, ["0 s"]),
    ],
)
def test_ticks_are_sensible(span: float, width: int, labels: list[str]):
    assert [label for _, label in ticks(span, width)] == labels


@pytest.mark.parametrize(
    "span", [10.0**power * times for power in range(-4, 8) for times in (1, 3)]
)
@pytest.mark.parametrize("width", [1, 13, 60, 280])
def test_ticks_stand_apart_and_within(span: float, width: int):
    free = 0
    for cell, label in ticks(span, width):
        assert cell >= free
        free = cell + len(label) + 1
        assert free <= width + 1 or not label
    assert len(ticks(span, width)) <= width / 5 + 1


@pytest.mark.parametrize(
    ("took", "told"),
    [(0, "0.00 s"), (0.04, "0.04 s"), (4.21, "4.2 s"), (38, "38 s"), (125, "2:05"), (7500, "2h05")],
)
def test_times_are_short(took: float, told: str):
    assert seconds(took) == told


# --- on the screen ----------------------------------------------------------------------------


class ViewApp(App[None]):
    def __init__(self, bars: Iterable[Bar]) -> None:
        super().__init__()
        self.view = TimelineView()
        self.bars = list(bars)
        self.chosen: list[str] = []

    def compose(self):
        yield self.view

    def on_mount(self) -> None:
        self.view.show(self.bars)
        self.view.focus()

    def on_timeline_view_chosen(self, message: TimelineView.Chosen) -> None:
        self.chosen.append(message.step_id)


def seen(view: TimelineView) -> list[str]:
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


def many(count: int) -> list[Bar]:
    return [Bar(f"s{n}", "tool_call", f"tool{n}", float(n), 1.0) for n in range(count)]


async def test_the_view_shows_the_chart():
    app = ViewApp(spans_of(turn()))
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        assert seen(app.view) == [*chart(app.bars, 60, cursor="t.0"), *[""] * 4]


async def test_the_cursor_moves_and_enter_chooses():
    app = ViewApp(spans_of(turn()))
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("down", "down", "up", "enter")
        assert app.chosen == ["t.1"]
        await pilot.press("end", "down", "enter", "home", "up", "enter")
        assert app.chosen == ["t.1", "t.5", "t.0"]


async def test_a_click_chooses():
    app = ViewApp(spans_of(turn()))
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.click(TimelineView, offset=(20, 3))
        await pilot.click(TimelineView, offset=(20, 0))
        await pilot.click(TimelineView, offset=(20, 5))
        await pilot.click(TimelineView, offset=(20, 8))
        assert app.chosen == ["t.2"]
        assert app.view.cursor == "t.2"


async def test_a_chart_that_is_too_high_scrolls_between_header_and_total():
    app = ViewApp(many(30))
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press(*["down"] * 12)
        rows = seen(app.view)
        assert rows[0].strip().startswith("0 s")
        assert [row.split()[0] for row in rows[1:8]] == [f"tool{n}" for n in range(5, 12)]
        assert rows[8].startswith(MARK + "tool12")
        assert rows[9].strip().startswith("total")
        await pilot.press("end")
        assert seen(app.view)[8].startswith(MARK + "tool29")
        await pilot.press("pageup", "pageup")
        assert seen(app.view)[1].startswith(MARK + "tool13")
        await pilot.click(TimelineView, offset=(4, 2))
        assert app.chosen == ["s14"]


async def test_the_cursor_stays_on_its_step_while_steps_come():
    app = ViewApp(many(3))
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("down")
        app.view.show(many(5))
        assert app.view.cursor == "s1"
        app.view.show([])
        assert app.view.cursor is None
        await pilot.press("down", "enter")
        assert app.chosen == []


async def test_another_palette_takes_effect_at_once():
    app = ViewApp(spans_of(turn()))
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        assert app.view.palette is DARK
        before = app.view.render_line(2)
        app.view.palette = NO_COLOUR
        assert app.view.render_line(2) != before


@pytest.mark.parametrize("size", [(24, 3), (24, 1), (300, 50)])
async def test_it_lives_in_any_room(size: tuple[int, int]):
    app = ViewApp(many(30))
    async with app.run_test(size=size) as pilot:
        await pilot.press("down", "pagedown", "end", "home")
        assert app.view.cursor == "s0"


@pytest.mark.parametrize(
    ("keys", "given"), [(("down", "enter"), "t.1"), (("escape",), None), (("q",), None)]
)
async def test_the_screen_gives_the_chosen_step(keys: tuple[str, ...], given: str | None):
    app: App[None] = App()
    answers: list[str | None] = []
    async with app.run_test(size=(60, 10)) as pilot:
        screen = TimelineScreen(spans_of(turn()))
        await app.push_screen(screen, answers.append)
        await pilot.pause()
        assert seen(screen.view)[1].startswith(MARK + "thinking")
        await pilot.press(*keys)
        await pilot.pause()
        assert answers == [given]
