"""The picker: finding by typing, moving, picking, acting, looking at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from textual.events import Key, MouseScrollDown
from textual.pilot import Pilot

from chatterm.errors import StoreError
from chatterm.render.lines import Line, Span
from chatterm.tui.pane.palette import DARK, NO_COLOUR, Palette
from chatterm.tui.screens.choices import ChoiceRows, Filter
from chatterm.tui.screens.entry import Entry
from chatterm.tui.screens.field import Field
from chatterm.tui.screens.picker import Action, Choice, Picked, Picker, Prose
from tui.screens_app import (
    HARMLESS,
    HOSTILE,
    ScreensApp,
    each_size,
    is_clean,
    row_of,
    rows,
    shows,
    wait_until,
)

FRUIT = [Choice(name, name) for name in ("apple", "banana", "cherry", "damson", "elder")]


def cursor(app: ScreensApp) -> str | None:
    """The key of the choice under the cursor."""
    choice = app.screen.query_one(ChoiceRows).choice
    return choice.key if choice else None


async def pick(pilot: Pilot[None], picker: Picker, *keys: str) -> Picked | None:
    """Open a picker, press keys, and see what it answers."""
    app = pilot.app
    assert isinstance(app, ScreensApp)
    await app.open(picker, pilot)
    await pilot.press(*keys)
    await wait_until(pilot, lambda: bool(app.answers))
    answer: Picked | None = app.answers[-1]
    return answer


@each_size
async def test_it_shows_title_choices_and_hints(size: tuple[int, int]) -> None:
    app = ScreensApp()
    async with app.run_test(size=size) as pilot:
        await app.open(Picker(DARK, "Choose a fruit", FRUIT), pilot)
        for text in ("Choose a fruit", "type to filter", "banana", "Enter pick", "Esc close"):
            assert shows(app, text)


@each_size
async def test_hostile_words_are_shown_and_not_obeyed(size: tuple[int, int]) -> None:
    choices = [
        Choice("one", HOSTILE, detail="\x1b[2J[/]1", group="\x1b]2;x\x07[/]group"),
        Choice("two", (Span("styled", ("strong",)), Span(" [/]")), group="[/]group"),
    ]
    actions = [Action("ctrl+d", "\x1b[1mdelete[/]", "delete")]
    app = ScreensApp()
    async with app.run_test(size=size) as pilot:
        await app.open(Picker(DARK, HOSTILE, choices, actions=actions, nothing=HOSTILE), pilot)
        assert is_clean(app)
        assert shows(app, HARMLESS[:18])
        assert shows(app, "[/]group")
        assert shows(app, "styled [/]")
        await pilot.press("z")
        assert is_clean(app)


async def test_keys_move_and_enter_picks() -> None:
    async with ScreensApp().run_test() as pilot:
        picked = await pick(pilot, Picker(DARK, "Fruit", FRUIT), "down", "down", "up", "enter")
        assert picked == Picked(FRUIT[1])


async def test_escape_answers_nothing() -> None:
    async with ScreensApp().run_test() as pilot:
        assert await pick(pilot, Picker(DARK, "Fruit", FRUIT), "down", "escape") is None


async def test_it_begins_at_the_current_one_which_is_marked() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Fruit", FRUIT, current="cherry"), pilot)
        assert cursor(app) == "cherry"
        assert shows(app, "• cherry")


async def test_the_current_one_is_in_sight_however_far_down_it_is() -> None:
    choices = [Choice(str(n), f"choice {n}") for n in range(1000)]
    app = ScreensApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await app.open(Picker(DARK, "Numbers", choices, current="700"), pilot)
        await wait_until(pilot, lambda: shows(app, "• choice 700"))


async def test_the_ends_are_as_far_as_it_goes() -> None:
    choices = [Choice(str(n), f"choice {n}", group="All") for n in range(100)]
    app = ScreensApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await app.open(Picker(DARK, "Numbers", choices), pilot)
        await pilot.press("up")
        assert cursor(app) == "0"
        assert shows(app, "All")
        await pilot.press("end", "down")
        assert cursor(app) == "99"
        await wait_until(pilot, lambda: shows(app, "choice 99"))
        await pilot.press("pageup")
        assert 80 < int(cursor(app) or 0) < 99
        await pilot.press("home")
        assert cursor(app) == "0"
        await wait_until(pilot, lambda: shows(app, "All"))


async def test_headings_are_passed_by() -> None:
    choices = [Choice("a", "one", group="A"), Choice("b", "two", group="B")]
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Groups", choices), pilot)
        assert shows(app, "A")
        assert shows(app, "B")
        assert cursor(app) == "a"
        await pilot.press("down")
        assert cursor(app) == "b"


async def test_typing_finds_and_enter_right_after_it_picks_what_was_typed_for() -> None:
    async with ScreensApp().run_test() as pilot:
        picked = await pick(pilot, Picker(DARK, "Fruit", FRUIT), *"dms", "enter")
        assert picked == Picked(FRUIT[3])


def come_at_once(app: ScreensApp, *keys: str) -> None:
    """Hand keys over as the terminal's reader does, without waiting for any of them."""
    for key in keys:
        app.post_message(Key(key, key if len(key) == 1 else None))


@pytest.mark.parametrize(
    ("keys", "picked"),
    [
        ((*"dms", "enter"), 3),
        ((*"xxx", "backspace", "backspace", "backspace", *"elder", "enter"), 4),
        ((*"chx", "backspace", *"er", "enter"), 2),
        ((*"e", "end", "up", "enter"), 2),
        (("down", *"an", "enter"), 1),
    ],
)
async def test_keys_that_come_at_once_count_in_their_order(
    keys: tuple[str, ...], picked: int
) -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Fruit", FRUIT), pilot)
        come_at_once(app, *keys)
        await wait_until(pilot, lambda: bool(app.answers))
        assert app.answers == [Picked(FRUIT[picked])]


async def test_enter_that_comes_with_what_is_typed_waits_for_what_is_found() -> None:
    async def source(query: str) -> Sequence[Choice]:
        return [choice for choice in FRUIT if query in choice.key]

    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Fruit", source), pilot)
        await wait_until(pilot, lambda: cursor(app) == "apple")
        come_at_once(app, *"mson", "enter")
        await wait_until(pilot, lambda: bool(app.answers))
        assert app.answers == [Picked(FRUIT[3])]


async def test_an_action_that_comes_with_what_is_typed_is_for_what_is_found() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        actions = [Action("ctrl+x", "delete", "delete")]
        await app.open(Picker(DARK, "Fruit", FRUIT, actions=actions), pilot)
        come_at_once(app, *"ban", "ctrl+x")
        await wait_until(pilot, lambda: bool(app.answers))
        assert app.answers == [Picked(FRUIT[1], "delete")]


async def test_a_line_that_comes_at_once_is_answered_whole() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Entry(DARK, "A name"), pilot)
        come_at_once(app, *"fruitx", "backspace", "enter")
        await wait_until(pilot, lambda: bool(app.answers))
        assert app.answers == ["fruit"]


async def test_what_is_found_is_counted_and_deleting_brings_all_back() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Fruit", FRUIT), pilot)
        await pilot.press("e", "l")
        await wait_until(pilot, lambda: shows(app, "1 of 5") or shows(app, "2 of 5"))
        await pilot.press("backspace", "backspace")
        await wait_until(pilot, lambda: all(shows(app, str(fruit.label)) for fruit in FRUIT))


async def test_scattered_letters_count_only_where_nothing_has_the_words() -> None:
    choices = [Choice("a", "the mode"), Choice("b", "the colours", search="theme"), *FRUIT]
    assert [each.key for each in Filter(choices).find("theme")] == ["b"]
    assert [each.key for each in Filter(choices).find("thmd")] == ["a"]
    found = Filter(choices)
    for typed in ("t", "th", "thm", "thmd"):  # as it is typed
        last = found.find(typed)
    assert [each.key for each in last] == ["a"]


async def test_a_column_stays_free_beside_the_scroll_bar() -> None:
    app = ScreensApp()
    many = [Choice(str(number), f"{number}", detail="at the end") for number in range(100)]
    async with app.run_test(size=(80, 24)) as pilot:
        await app.open(Picker(DARK, "Many", many), pilot)
        rows = app.screen.query_one(ChoiceRows)
        await wait_until(pilot, lambda: rows.show_vertical_scrollbar)
        assert rows.render_line(0).text.endswith("at the end ")


async def test_words_beside_the_label_are_searched_too() -> None:
    choices = [Choice("a", "one"), Choice("b", "two", search="hidden words")]
    async with ScreensApp().run_test() as pilot:
        picked = await pick(pilot, Picker(DARK, "Search", choices), *"hidden", "enter")
        assert picked == Picked(choices[1])


async def test_nothing_found_says_so_and_enter_does_nothing() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Fruit", FRUIT, nothing="no such fruit"), pilot)
        await pilot.press("z", "z", "enter")
        assert shows(app, "no such fruit")
        assert app.answers == []


@pytest.mark.parametrize("palette", [DARK, NO_COLOUR], ids=["dark", "no colour"])
async def test_the_cursor_and_what_was_found_stand_out(palette: Palette) -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(palette, "Fruit", FRUIT, query="ban"), pilot)
        strip = app.screen.query_one(ChoiceRows).render_line(0)
        looks = {segment.text: segment.style for segment in strip}
        found, rest = looks["ban"], looks["ana"]
        assert found
        assert rest
        assert (found.underline, bool(rest.underline)) == (True, False)
        assert rest.reverse or rest.bgcolor


async def test_a_click_moves_and_another_picks() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Fruit", FRUIT), pilot)
        await pilot.click(offset=row_of(app, "cherry"))
        assert cursor(app) == "cherry"
        assert app.answers == []
        await pilot.click(offset=row_of(app, "cherry"))
        await wait_until(pilot, lambda: app.answers == [Picked(FRUIT[2])])


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    choices = [Choice(str(n), f"choice {n}") for n in range(100)]
    app = ScreensApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await app.open(Picker(DARK, "Numbers", choices), pilot)
        await pilot._post_mouse_events([MouseScrollDown], offset=row_of(app, "choice 3"))
        await wait_until(pilot, lambda: not shows(app, "choice 0"))
        assert cursor(app) == "0"


async def test_twenty_thousand_choices_are_made_only_as_far_as_they_are_seen() -> None:
    made: list[int] = []

    class Watched(ChoiceRows):
        def line(self, row: int, width: int) -> Line:
            made.append(row)
            return super().line(row, width)

    choices = [Choice(str(n), f"choice {n}", detail="old") for n in range(20_000)]
    app = ScreensApp()
    async with app.run_test(size=(80, 30)) as pilot:
        picker = Picker(DARK, "Many", choices)
        picker._rows = Watched(DARK)
        await app.open(picker, pilot)
        assert max(made) < 30
        await pilot.press(*"19999")
        await wait_until(pilot, lambda: shows(app, "1 of 20,000"))
        assert cursor(app) == "19999"
        assert len(app.screen.query("*")) < 20


async def test_a_choice_and_what_to_do_with_it() -> None:
    actions = [Action("ctrl+d", "delete", "delete"), Action("ctrl+e", "export", "export")]
    async with ScreensApp().run_test() as pilot:
        picker = Picker(DARK, "Fruit", FRUIT, actions=actions)
        assert await pick(pilot, picker, "down", "ctrl+e") == Picked(FRUIT[1], "export")


async def test_keys_can_be_mapped_and_the_hints_follow() -> None:
    actions = [Action("ctrl+d", "delete", "delete")]
    app = ScreensApp({"picker.delete": "f8", "picker.down": "ctrl+j", "picker.pick": "f2"})
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Fruit", FRUIT, actions=actions), pilot)
        await wait_until(pilot, lambda: shows(app, "f8 delete"))
        assert shows(app, "f2 pick   Esc close")
        await pilot.press("ctrl+j", "ctrl+d")
        assert app.answers == []
        await pilot.press("f8")
        await wait_until(pilot, lambda: app.answers == [Picked(FRUIT[1], "delete")])


async def test_a_hint_can_be_clicked() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Fruit", FRUIT), pilot)
        await pilot.click(offset=row_of(app, "Esc close"))
        await wait_until(pilot, lambda: app.answers == [None])


async def test_an_action_in_place_leaves_the_cursor_where_it_was() -> None:
    left = list(FRUIT)

    async def delete(choice: Choice) -> Sequence[Choice]:
        left.remove(choice)
        return list(left)

    app = ScreensApp()
    async with app.run_test() as pilot:
        actions = [Action("ctrl+d", "delete", "delete", delete)]
        await app.open(Picker(DARK, "Fruit", FRUIT, actions=actions), pilot)
        await pilot.press("down", "down", "ctrl+d")
        await wait_until(pilot, lambda: not shows(app, "cherry"))
        assert cursor(app) == "damson"
        assert app.answers == []


async def test_an_action_in_place_may_ask_first() -> None:
    async def rename(choice: Choice) -> Sequence[Choice]:
        name = await app.push_screen_wait(Entry(DARK, "Rename", str(choice.label)))
        return [Choice(each.key, name or "") if each == choice else each for each in FRUIT]

    app = ScreensApp()
    async with app.run_test() as pilot:
        actions = [Action("ctrl+r", "rename", "rename", rename)]
        await app.open(Picker(DARK, "Fruit", FRUIT, actions=actions), pilot)
        await pilot.press("down", "ctrl+r")
        await wait_until(pilot, lambda: isinstance(app.screen, Entry))
        await pilot.press("!", "enter")
        await wait_until(pilot, lambda: shows(app, "banana!"))
        assert cursor(app) == "banana"


@each_size
async def test_an_action_that_fails_says_why(size: tuple[int, int]) -> None:
    async def delete(choice: Choice) -> None:
        raise StoreError("the store is locked by another program")

    app = ScreensApp()
    async with app.run_test(size=size) as pilot:
        actions = [Action("ctrl+d", "delete", "delete", delete)]
        await app.open(Picker(DARK, "Fruit", FRUIT, actions=actions), pilot)
        await pilot.press("ctrl+d")
        await wait_until(pilot, lambda: shows(app, "the store is locked by another"))


async def test_those_who_follow_the_cursor_are_told_at_once() -> None:
    seen: list[str] = []
    app = ScreensApp()
    async with app.run_test() as pilot:
        picker = Picker(
            DARK, "Fruit", FRUIT, current="cherry", highlighted=lambda c: seen.append(c.key)
        )
        await app.open(picker, pilot)
        await pilot.press("down", "up")
        await wait_until(pilot, lambda: seen == ["cherry", "damson", "cherry"])


async def test_other_looks_can_be_shown_at_once() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        picker = Picker(DARK, "Fruit", FRUIT)
        await app.open(picker, pilot)
        picker.palette = Palette({"selection": "on #112233"})
        await pilot.pause()
        (segment, *_) = app.screen.query_one(ChoiceRows).render_line(0)
        assert segment.style
        assert segment.style.bgcolor
        assert segment.style.bgcolor.name == "#112233"


# --- previews ---


@each_size
async def test_a_preview_stands_beside_the_list_or_below_it(size: tuple[int, int]) -> None:
    async def preview(choice: Choice) -> list[Line]:
        return [(Span(f"about {choice.key}: {HARMLESS}"),)]

    app = ScreensApp()
    async with app.run_test(size=size) as pilot:
        await app.open(Picker(DARK, "Fruit", FRUIT, preview=preview), pilot)
        await wait_until(pilot, lambda: shows(app, "about apple"))
        x, y = row_of(app, "about apple")
        below, beside = row_of(app, "  apple")[1] < y, x > size[0] // 3
        assert (below, beside) == ((True, False) if size[0] < 100 else (False, True))
        await pilot.press("down")
        await wait_until(pilot, lambda: shows(app, "about banana"))


async def test_prose_in_a_preview_is_rendered_in_the_width_there_is() -> None:
    text = "Filled\nto the **width** of the preview."

    async def preview(_: Choice) -> list[Line | Prose]:
        return [(Span("Before"),), Prose(text)]

    app = ScreensApp()
    async with app.run_test(size=(120, 30)) as pilot:
        await app.open(Picker(DARK, "Fruit", FRUIT, preview=preview), pilot)
        await wait_until(pilot, lambda: shows(app, "Filled to the width of the preview."))
        assert row_of(app, "Before")[1] + 1 == row_of(app, "Filled to")[1]


async def test_a_preview_is_given_up_when_the_cursor_goes_on() -> None:
    asked: list[str] = []
    given_up: list[str] = []

    async def preview(choice: Choice) -> list[Line]:
        asked.append(choice.key)
        if choice.key != "damson":
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                given_up.append(choice.key)
                raise
        return [(Span("ready"),)]

    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Fruit", FRUIT, preview=preview), pilot)
        await wait_until(pilot, lambda: asked == ["apple"])
        await pilot.press("down", "down", "down")
        await wait_until(pilot, lambda: shows(app, "ready"))
        assert given_up[0] == "apple"
        assert set(asked) - set(given_up) == {"damson"}


async def test_a_preview_that_fails_says_why() -> None:
    async def preview(choice: Choice) -> list[Line]:
        raise OSError("it can't be read \x1b[31m[/]")

    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Fruit", FRUIT, preview=preview), pilot)
        await wait_until(pilot, lambda: shows(app, "it can't be read [/]"))
        assert is_clean(app)


# --- sources ---


class Source:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, asyncio.Future[Sequence[Choice]]] = {}

    async def __call__(self, query: str) -> Sequence[Choice]:
        self.asked.append(query)
        future = asyncio.get_running_loop().create_future()
        self.answers[query] = future
        return await asyncio.shield(future)


async def test_a_source_is_asked_for_what_was_typed_once_it_rests() -> None:
    source, app = Source(), ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Search", source), pilot)
        await wait_until(pilot, lambda: source.asked == [""])
        assert shows(app, "searching")
        source.answers[""].set_result(FRUIT)
        await wait_until(pilot, lambda: shows(app, "banana"))
        await pilot.press(*"abc")
        await wait_until(pilot, lambda: "abc" in source.asked)
        source.answers["abc"].set_result([Choice("x", "what was found")])
        await wait_until(pilot, lambda: shows(app, "what was found"))
        assert not shows(app, "searching")


async def test_an_answer_for_what_was_typed_earlier_is_dropped() -> None:
    source, app = Source(), ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Search", source), pilot)
        await wait_until(pilot, lambda: source.asked == [""])
        await pilot.press("a")
        await wait_until(pilot, lambda: "a" in source.asked)
        source.answers[""].set_result([Choice("old", "stale")])
        source.answers["a"].set_result([Choice("new", "fresh")])
        await wait_until(pilot, lambda: shows(app, "fresh"))
        assert not shows(app, "stale")


async def test_enter_before_the_answer_picks_from_the_answer() -> None:
    source, app = Source(), ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Search", source), pilot)
        await wait_until(pilot, lambda: source.asked == [""])
        source.answers[""].set_result(FRUIT)
        await wait_until(pilot, lambda: shows(app, "apple"))
        await pilot.press("x", "enter")
        await wait_until(pilot, lambda: "x" in source.asked)
        assert app.answers == []
        new = Choice("new", "fresh")
        source.answers["x"].set_result([new])
        await wait_until(pilot, lambda: app.answers == [Picked(new)])


async def test_typing_on_takes_an_enter_back() -> None:
    source, app = Source(), ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Search", source), pilot)
        await pilot.press("x", "enter", "y")
        await wait_until(pilot, lambda: "xy" in source.asked)
        source.answers["xy"].set_result(FRUIT)
        await wait_until(pilot, lambda: shows(app, "apple"))
        assert app.answers == []


async def test_a_source_that_fails_says_why() -> None:
    async def source(query: str) -> Sequence[Choice]:
        raise StoreError("the index is damaged")

    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Search", source), pilot)
        await wait_until(pilot, lambda: shows(app, "the index is damaged"))


async def test_what_is_pasted_is_sanitised() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Fruit", FRUIT), pilot)
        field = app.screen.query_one(Field)
        field.insert_text_at_cursor("\x1b[31mban\u202e\x07")
        assert field.value == "ban⟨U+202E⟩"
        await pilot.pause()
        assert is_clean(app)


async def test_it_follows_the_size_of_the_screen() -> None:
    choices = [Choice(str(n), f"choice {n}") for n in range(100)]
    app = ScreensApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await app.open(Picker(DARK, "Numbers", choices), pilot)
        await pilot.press(*["down"] * 20)
        await pilot.resize_terminal(40, 15)
        await wait_until(pilot, lambda: shows(app, "choice 20"))
        await pilot.resize_terminal(300, 80)
        await wait_until(pilot, lambda: len(rows(app)) == 80)
        assert shows(app, "choice 20")


async def test_what_is_blocked_says_why_and_is_not_picked() -> None:
    choices = [Choice("a", "apple", blocked="it is \x1b[2Jrotten"), Choice("b", "banana")]
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Picker(DARK, "Fruit", choices), pilot)
        await pilot.press("enter")
        assert shows(app, "it is rotten")
        assert is_clean(app)
        assert app.answers == []
        await pilot.press("down", "enter")
        assert app.answers == [Picked(choices[1])]


async def test_other_choices_leave_the_cursor_where_it_is() -> None:
    many = [Choice(str(n), f"number {n}", group=f"group {n // 10}") for n in range(100)]
    app = ScreensApp()
    async with app.run_test() as pilot:
        picker = Picker(DARK, "Number", many[50:], current="70")
        await app.open(picker, pilot)
        before = row_of(app, "number 70")
        picker.renew(many, "asking on")
        await pilot.pause()
        assert cursor(app) == "70"
        assert row_of(app, "number 70") == before
        assert shows(app, "100, asking on")
        picker.renew(many[:70])
        await pilot.pause()
        assert cursor(app) is not None
        assert not shows(app, "asking on")


async def test_other_choices_are_found_by_what_is_typed_already() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        picker = Picker(DARK, "Fruit", FRUIT)
        await app.open(picker, pilot)
        await pilot.press(*"che")
        picker.renew([*FRUIT, Choice("cherimoya", "cherimoya")])
        await pilot.pause()
        assert shows(app, "cherimoya")
        assert shows(app, "2 of 6")
        assert cursor(app) == "cherry"


async def test_choices_may_come_before_the_picker_is_shown() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        picker = Picker(DARK, "Fruit", FRUIT[:1])
        picker.renew(FRUIT, "asking on")
        await app.open(picker, pilot)
        assert shows(app, "elder")
        assert shows(app, "5, asking on")
