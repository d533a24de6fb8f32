"""The pane: items at their rows, steady where one reads, at the end while one is there."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from textual.geometry import Region
from textual.pilot import Pilot

from chatterm.render.lines import Line, Span, line_text
from chatterm.tui.pane.coloured_item import ColouredItem
from chatterm.tui.pane.conversation_pane import ConversationPane
from chatterm.tui.pane.frames import SLOWEST_S
from chatterm.tui.pane.items import Item, LinesItem
from chatterm.tui.pane.markdown_item import MarkdownItem
from chatterm.tui.pane.stacked import StackedItem
from chatterm.tui.pane.step_view import StepView
from tui.pane_app import PaneApp, conversation


def lines(count: int, text: str = "row") -> list[tuple[Span, ...]]:
    return [(Span(f"{text} {number}"),) for number in range(count)]


async def settle(pilot: Pilot[None]) -> None:
    """Let what is under way come to its end."""
    await pilot.pause()
    while pilot.app.pane.busy:  # type: ignore[attr-defined]
        await pilot.pause(0.01)
    await pilot.pause()


def screen(app: PaneApp) -> list[str]:
    """What the pane shows, row by row."""
    pane = app.pane
    region = pane.scrollable_content_region
    rows = [""] * region.height
    for view in pane.query(StepView):
        for y in range(view.size.height):
            row = view.region.y - region.y + y
            if 0 <= row < region.height:
                rows[row] = view.render_line(y).text.rstrip()
    return rows


@pytest.fixture
def size() -> tuple[int, int]:
    return (60, 23)  # twenty rows of conversation over a prompt of three


async def test_it_opens_at_the_end(size: tuple[int, int]) -> None:
    app = PaneApp(conversation(200))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert app.pane.following
        assert screen(app)[-1].strip() == "• b"
        assert app.pane.scroll_y == app.pane.max_scroll_y


async def test_the_first_layout_has_the_items(size: tuple[int, int]) -> None:
    mounted: list[bool] = []

    class Told(PaneApp):
        def on_mount(self) -> None:
            super().on_mount()
            mounted.append(self.pane.view_of("i3") is not None)

    async with Told(conversation(4)).run_test(size=size):
        assert mounted == [True]


@pytest.mark.parametrize("count", [200, 20_000])
async def test_few_widgets_live_however_many_items_there_are(
    size: tuple[int, int], count: int
) -> None:
    app = PaneApp(conversation(count))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert len(app.pane.query(StepView)) < 60
        app.pane.show_item(f"i{count // 2}")
        await settle(pilot)
        assert len(app.pane.query(StepView)) < 60
        assert screen(app)[1] == f" > question {count // 2}"


async def test_the_end_is_followed_while_it_is_seen(size: tuple[int, int]) -> None:
    app = PaneApp(conversation(20))
    async with app.run_test(size=size) as pilot:
        live = MarkdownItem("live")
        app.pane.append(live)
        for number in range(24):
            live.feed(f"line {number}\n\n")
            await settle(pilot)
            assert screen(app)[-1].strip() == f"line {number}"


async def test_what_is_read_stays_while_more_arrives(size: tuple[int, int]) -> None:
    app = PaneApp(conversation(60))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        app.pane.focus()
        await pilot.press("pageup", "pageup")
        await settle(pilot)
        assert not app.pane.following
        before = screen(app)
        live = MarkdownItem("live")
        app.pane.append(live)
        for number in range(30):
            live.feed(f"line {number}\n\n")
        await settle(pilot)
        assert screen(app) == before
        await pilot.press("end")
        await settle(pilot)
        assert app.pane.following
        assert screen(app)[-1].strip() == "line 29"


async def test_it_says_when_there_is_more_below(size: tuple[int, int]) -> None:
    class Listening(PaneApp):
        def __init__(self) -> None:
            super().__init__(conversation(60))
            self.heard: list[tuple[bool, bool]] = []

        def on_conversation_pane_moved(self, event: ConversationPane.Moved) -> None:
            self.heard.append((event.following, event.below))

    app = Listening()
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        app.pane.focus()
        await pilot.press("pageup")
        await settle(pilot)
        app.pane.append(LinesItem("new", lines(3)))
        await settle(pilot)
        app.pane.follow()
        await settle(pilot)
        assert app.heard == [(False, False), (False, True), (True, False)]


async def test_scrolling_shows_every_row_once_in_order(size: tuple[int, int]) -> None:
    items: list[Item] = [LinesItem(f"i{n}", lines(1 + n % 5, f"item {n} row")) for n in range(14)]
    expected = [
        text
        for n in range(14)
        for text in ["", *(f"   item {n} row {row}" for row in range(1 + n % 5))]
    ]
    app = PaneApp(items)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        app.pane.focus()
        await pilot.press("home")
        await settle(pilot)
        seen = screen(app)
        while len(seen) < len(expected):
            await pilot.press("down")
            await settle(pilot)
            seen.append(screen(app)[-1])
        assert seen == expected


async def test_heights_above_are_corrected_without_moving_what_is_read(
    size: tuple[int, int],
) -> None:
    """Long texts take more rows than estimated, or fewer: seen only while scrolling up to them."""
    chance = random.Random(1)
    items: list[Item] = [
        MarkdownItem(f"i{n}", f"# {n}\n\n" + "word " * chance.randrange(400), done=True)
        for n in range(60)
    ]
    app = PaneApp(items)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        app.pane.focus()
        before = screen(app)
        for _ in range(30):
            await pilot.press("up")
            await settle(pilot)
            now = screen(app)
            assert now[1:] == before[:-1]  # by one row, whatever was measured above
            before = now


@pytest.mark.parametrize("width", [40, 90, 30])
async def test_what_is_read_stays_at_another_width(size: tuple[int, int], width: int) -> None:
    items: list[Item] = [
        MarkdownItem(f"i{n}", f"## Head {n}\n\n" + "some words " * 60, done=True) for n in range(40)
    ]
    app = PaneApp(items)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        app.pane.show_item("i20")
        await settle(pilot)
        assert screen(app)[1].strip() == "Head 20"
        await pilot.resize_terminal(width, 23)
        await settle(pilot)
        assert screen(app)[1].strip() == "Head 20"
        assert not app.pane.following


async def test_the_end_stays_the_end_at_another_width(size: tuple[int, int]) -> None:
    app = PaneApp(conversation(80))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for width in (30, 100, 45):
            await pilot.resize_terminal(width, 23)
            await settle(pilot)
            assert screen(app)[-1].strip() == "• b"


async def test_at_another_width_a_text_is_wrapped_once(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for each of its rows, at the old width and the new one in turn."""
    made: list[int] = []
    make = MarkdownItem._make

    def counted(self: MarkdownItem, width: int) -> None:
        made.append(width)
        make(self, width)

    text = "a paragraph of some words, and then some more of them\n\n" * 60
    items = [StackedItem(f"i{n}", [MarkdownItem(f"i{n}/text", text, done=True)]) for n in range(3)]
    app = PaneApp(items)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        monkeypatch.setattr(MarkdownItem, "_make", counted)
        for width in (30, 100, 45):
            made.clear()
            await pilot.resize_terminal(width, 23)
            await settle(pilot)
            assert set(made) == {app.pane.text_width}
            assert len(made) <= len(items)


def rendered(item: Item) -> bool:
    """Whether an item of one text has its rows."""
    assert isinstance(item, StackedItem)
    (text,) = item.parts
    assert isinstance(text, MarkdownItem)
    return text._shown is not None


@pytest.mark.parametrize("words", [40, 2000])
async def test_what_is_scrolled_away_from_is_light_again(size: tuple[int, int], words: int) -> None:
    """Rows take twenty times what their text takes: a conversation costs what is on the screen."""
    chance = random.Random(3)
    texts = [f"# {n}\n\n" + "word " * chance.randrange(20, words) for n in range(60)]
    items = [
        StackedItem(f"i{n}", [MarkdownItem(f"i{n}/t", text, done=True, gap=0)])
        for n, text in enumerate(texts)
    ]
    app = PaneApp(items)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        end = screen(app)
        for n in range(49, -1, -1):
            app.pane.show_item(f"i{n}")
            await settle(pilot)
            assert screen(app)[1].strip() == str(n)
        near = [n for n, item in enumerate(items) if rendered(item)]
        assert near == list(range(len(near)))
        assert len(near) < 20
        app.pane.follow()
        await settle(pilot)
        assert screen(app) == end
        assert not any(map(rendered, items[:30]))


async def test_an_item_above_folds_without_moving_what_is_read(size: tuple[int, int]) -> None:
    items = [LinesItem(f"i{n}", lines(6, f"item {n} row")) for n in range(30)]
    app = PaneApp(items)
    async with app.run_test(size=size) as pilot:
        app.pane.show_item("i20")
        await settle(pilot)
        before = screen(app)
        items[19].show(lines(1, "folded"))
        await settle(pilot)
        assert screen(app) == before
        items[3].show(lines(1, "folded"))
        await settle(pilot)
        assert screen(app) == before


async def test_streamed_looks_as_rendered_at_once(size: tuple[int, int]) -> None:
    text = "# Title\n\nSome *words* here\n\n```python\nx = 1\n```\n\n" * 5
    live, whole = MarkdownItem("live"), MarkdownItem("whole", text, done=True)
    app = PaneApp([live])
    async with app.run_test(size=size) as pilot:
        for start in range(0, len(text), 3):
            live.feed(text[start : start + 3])
            if start % 30 == 0:
                await pilot.pause()
        live.finish()
        await settle(pilot)
        shown = [line_text(live.line(row, 56)) for row in range(live.rows(56))]
    assert shown == [line_text(whole.line(row, 56)) for row in range(whole.rows(56))]


async def test_a_link_is_one_once_its_definition_has_come(size: tuple[int, int]) -> None:
    text = "See [the manual][m] first.\n\n- a\n\n[m]: https://example.org/manual\n"
    live, whole = MarkdownItem("live"), MarkdownItem("whole", text, done=True)
    app = PaneApp([live])
    async with app.run_test(size=size) as pilot:
        for start in range(0, len(text), 5):
            live.feed(text[start : start + 5])
            await pilot.pause()
        assert "[the manual][m]" in line_text(live.line(0, 56))
        live.finish()
        await settle(pilot)
        assert "(https://example.org/manual)" in line_text(live.line(0, 56))
        rows = range(live.rows(56))
        assert [live.line(n, 56) for n in rows] == [
            whole.line(n, 56) for n in range(whole.rows(56))
        ]


@pytest.mark.parametrize("size_of_text", [1, 2000])
async def test_what_is_looked_through_before_its_frame_is_shown_all_the_same(
    size: tuple[int, int], size_of_text: int
) -> None:
    text = "some words " * size_of_text
    live = MarkdownItem("live", text)
    app = PaneApp([live])
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for word in ("alpha", "beta", "gamma"):
            live.feed(f"{word} ")
            assert live.holds(word)
            if word == "gamma":
                live.finish()
                assert word in live.plain(56)
            await settle(pilot)
        shown = " ".join(line_text(live.line(row, 56)) for row in range(live.rows(56)))
    assert shown.split() == f"{text}alpha beta gamma".split()


def test_what_comes_while_a_long_text_is_rendered_anew_is_shown() -> None:
    item = MarkdownItem("live", "word " * 2000)
    item.rows(56)
    for number in range(30):
        item.feed(f"new{number} ")
        item.flush()
        item.work(0.0)  # a piece at a time
    item.finish()
    item.flush()
    while item.work(float("inf")):
        pass
    shown = " ".join(line_text(item.line(row, 56)) for row in range(item.rows(56)))
    assert shown.split() == item.source.split()


def test_each_row_of_a_long_text_that_changes_is_told() -> None:
    item = MarkdownItem("live", f"```py\n{'word ' * 1500}")
    painted: dict[int, Line] = {}

    def changed(_item: Item, first: int) -> None:
        for row in [row for row in painted if row >= first]:
            del painted[row]

    item.changed = changed
    item.finish()
    more = True
    while more:
        for row in range(item.rows(40)):
            painted.setdefault(row, item.line(row, 40))
        more = item.work(0.0)
    rows = range(item.rows(40))
    assert [painted.get(row, item.line(row, 40)) for row in rows] == [
        item.line(row, 40) for row in rows
    ]


def test_copying_does_not_settle_what_links_lead_to() -> None:
    item = MarkdownItem("live", "See [the manual][m] first, [a]: b.\n\n")
    item.rows(56)
    assert "[the manual][m]" in item.plain(56)
    item.feed("[m]: https://example.org/manual\n")
    item.finish()
    item.flush()
    assert "(https://example.org/manual)" in line_text(item.line(0, 56))


def test_a_link_is_one_when_the_text_ends_while_it_is_rendered() -> None:
    text = f"See [the manual][m] first.\n\n{'word ' * 3000}"
    item = MarkdownItem("live", text)
    item.rows(56)
    item.feed("\n\n[m]: https://example.org/manual\n")
    item.finish()
    item.flush()
    while item.work(float("inf")):
        pass
    assert "(https://example.org/manual)" in line_text(item.line(0, 56))


async def test_output_that_was_measured_before_its_frame_is_painted(
    size: tuple[int, int],
) -> None:
    item = ColouredItem("out", "one\n")
    app = PaneApp([item])
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        item.feed("two")
        await settle(pilot)
        item.feed(" and three")
        assert item.rows(56) == 2  # as when another item grows
        await settle(pilot)
        (view,) = app.pane.query(StepView)
        painted = view.render_lines(Region(0, 0, *view.size))
    assert [strip.text.strip() for strip in painted] == ["one", "two and three"]


async def test_frames_are_fewer_while_nobody_looks(size: tuple[int, int]) -> None:
    app = PaneApp()
    async with app.run_test(size=size) as pilot:
        app.app_focus = False
        await settle(pilot)
        assert app.pane._clock.interval == SLOWEST_S
        app.app_focus = True
        await settle(pilot)
        assert app.pane._clock.interval < SLOWEST_S


async def test_a_long_text_is_wrapped_anew_in_slices(size: tuple[int, int]) -> None:
    text = "some words that go on\n\n" * 2000
    item = MarkdownItem("long", text, done=True)
    app = PaneApp([item])
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert item.rows(56) == 3999
        await pilot.resize_terminal(20, 23)
        await settle(pilot)
        whole = MarkdownItem("whole", text, done=True)
        while whole.work(float("inf")) or whole.rows(16) < 5000:
            pass
        assert item.rows(16) == whole.rows(16)


async def test_output_keeps_its_colours_and_shows_what_is_asked_for(size: tuple[int, int]) -> None:
    output = "".join(f"\x1b[3{n % 8}mline {n}\x1b[0m\x1b]0;title\x07\n" for n in range(20_000))
    app = PaneApp([ColouredItem("out", output)])
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert screen(app)[-1] == "   line 19999"
        (view,) = app.pane.query(StepView)
        last = view.render_line(view.size.height - 1)
        segments = [segment for segment in last if "line" in segment.text]
        assert segments[0].style is not None
        assert segments[0].style.color is not None
        assert segments[0].style.color.number == 7


async def test_nothing_moves_when_nothing_comes(size: tuple[int, int]) -> None:
    app = PaneApp(conversation(30))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        frames = app.pane.frames
        await pilot.pause(0.2)
        assert app.pane.frames == frames
        assert not app.pane.busy


async def test_other_items_can_be_shown(size: tuple[int, int]) -> None:
    app = PaneApp(conversation(30))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        app.pane.replace([LinesItem("only", lines(2, "other"))])
        await settle(pilot)
        assert [row for row in screen(app) if row] == ["   other 0", "   other 1"]


async def test_scrolling_by_a_few_rows_mounts_something_once_in_a_while(
    size: tuple[int, int],
) -> None:
    app = PaneApp(conversation(200))
    async with app.run_test(size=size) as pilot:
        app.pane.show_item("i100")
        await settle(pilot)
        mounted: list[int] = []
        for number in range(12):
            before = set(app.pane.query(StepView))
            app.pane.action_go(-3)
            await settle(pilot)
            if set(app.pane.query(StepView)) != before:
                mounted.append(number)
        assert len(mounted) <= 4
        rows = screen(app)
        assert all(row or below for row, below in pairwise(rows))
