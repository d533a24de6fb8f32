"""The small screens: a menu, an entry, a yes or no, help."""

from __future__ import annotations

import pytest
from textual.widgets import Static

from chatterm.render.lines import Span, line_cells, line_text
from chatterm.tui.pane.palette import DARK
from chatterm.tui.screens.entry import Confirm, Entry
from chatterm.tui.screens.field import Field
from chatterm.tui.screens.help import Help, filtered, layout
from chatterm.tui.screens.menu import Item, Menu
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

ITEMS = [Item("c", "copy", "copy"), Item("e", "edit", "edit"), Item("f", "fork here", "fork")]
GROUPS = [
    ("Reading", [("j k", "a row"), ("g G", "the ends")]),
    ("Writing", [("Enter", "send what is written"), ("Ctrl+J", "a new line")]),
    ("Asking", [("y", "allow once"), ("n", "don't allow it")]),
]


class Clock:
    """Tells the time that it is set to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


# --- what is below a panel ---


async def test_nothing_of_what_is_below_shows_beside_a_panel() -> None:
    app = ScreensApp()
    async with app.run_test(size=(120, 40)) as pilot:
        app.query_one("Static", Static).update("\n".join(["#" * 120] * 40))
        await app.open(Entry(DARK, "name it"), pilot)
        panel = app.screen.query_one("#panel").region
        assert panel.x > 0
        assert panel.right < 120
        for y, row in enumerate(rows(app)):
            assert ("#" in row) is not (panel.y - 1 <= y <= panel.bottom)


async def test_what_a_menu_stands_at_shows_beside_it() -> None:
    app = ScreensApp()
    async with app.run_test(size=(120, 40)) as pilot:
        app.query_one("Static", Static).update("\n".join(["#" * 120] * 40))
        await app.open(Menu(DARK, ITEMS, (10, 5)), pilot)
        assert all(row.startswith("#") for row in rows(app))


# --- the menu ---


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["e"], "edit"),
        (["enter"], "copy"),
        (["down", "down", "enter"], "fork"),
        (["up", "enter"], "fork"),
        (["escape"], None),
    ],
)
async def test_a_menu_is_answered_by_letters_and_by_arrows(
    keys: list[str], answer: str | None
) -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Menu(DARK, ITEMS, (10, 5)), pilot)
        await pilot.press(*keys)
        await wait_until(pilot, lambda: app.answers == [answer])


@pytest.mark.parametrize("at", [(0, 0), (39, 0), (0, 14), (39, 14), (20, 7)])
async def test_a_menu_is_whole_on_the_screen_wherever_it_is_opened(at: tuple[int, int]) -> None:
    app = ScreensApp()
    async with app.run_test(size=(40, 15)) as pilot:
        await app.open(Menu(DARK, ITEMS, at), pilot)
        for text in ("c  copy", "f  fork here", "Esc close"):
            assert shows(app, text)
        top, bottom = row_of(app, "copy")[1], row_of(app, "Esc close")[1]
        assert top == at[1] + 1 or bottom == at[1] - 1  # the cell itself stays in sight


async def test_a_menu_is_clicked_and_a_click_beside_it_closes_it() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Menu(DARK, ITEMS, (10, 5)), pilot)
        await pilot.click(offset=row_of(app, "fork here"))
        await wait_until(pilot, lambda: app.answers == ["fork"])
        await app.open(Menu(DARK, ITEMS, (10, 5)), pilot)
        await pilot.click(offset=(70, 2))
        await wait_until(pilot, lambda: app.answers == ["fork", None])


async def test_a_menu_shows_the_letters_that_the_user_has_mapped() -> None:
    app = ScreensApp({"menu.fork": "x"})
    async with app.run_test() as pilot:
        await app.open(Menu(DARK, ITEMS, (10, 5)), pilot)
        assert shows(app, "x  fork here")
        await pilot.press("f", "x")
        await wait_until(pilot, lambda: app.answers == ["fork"])


@each_size
async def test_a_menu_of_hostile_words(size: tuple[int, int]) -> None:
    app = ScreensApp()
    async with app.run_test(size=size) as pilot:
        await app.open(Menu(DARK, [("a", HOSTILE, "a")], (5, 5), title=HOSTILE), pilot)
        assert is_clean(app)
        assert shows(app, f"a  {HARMLESS[:22]}")


# --- the entry ---


async def test_an_entry_answers_the_line() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Entry(DARK, "Rename", "old"), pilot)
        await pilot.press("e", "r", "enter")
        await wait_until(pilot, lambda: app.answers == ["older"])


async def test_an_entry_given_up_answers_nothing() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Entry(DARK, "Rename", "old"), pilot)
        await pilot.press("x", "escape")
        await wait_until(pilot, lambda: app.answers == [None])


async def test_an_entry_says_what_is_wrong_until_something_is_changed() -> None:
    def check(text: str) -> str | None:
        return None if text else "a title needs\x1b[31m a word [/]"

    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Entry(DARK, "Rename", validate=check), pilot)
        await pilot.press("enter")
        await wait_until(pilot, lambda: shows(app, "a title needs a word [/]"))
        assert app.answers == []
        await pilot.press("x")
        await wait_until(pilot, lambda: not shows(app, "a title needs"))
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.answers == ["x"])


@each_size
async def test_an_entry_of_hostile_words(size: tuple[int, int]) -> None:
    app = ScreensApp()
    async with app.run_test(size=size) as pilot:
        await app.open(Entry(DARK, HOSTILE, HOSTILE, placeholder=HOSTILE), pilot)
        assert is_clean(app)
        assert app.screen.query_one(Field).value == HARMLESS
        assert shows(app, "Enter accept   Esc cancel")


# --- the yes or no ---


@pytest.mark.parametrize(
    ("key", "answer"), [("y", True), ("n", False), ("enter", False), ("escape", False)]
)
async def test_only_a_yes_is_a_yes(key: str, answer: bool) -> None:
    clock, app = Clock(), ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Confirm(DARK, "Delete it?", clock=clock), pilot)
        clock.now += 0.31
        await pilot.press("x", "space", key)
        await wait_until(pilot, lambda: app.answers == [answer])


async def test_keys_that_were_typed_for_something_else_are_no_answer() -> None:
    clock, app = Clock(), ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Confirm(DARK, "Delete it?", clock=clock), pilot)
        await pilot.press("y", "enter", "n", "escape")
        clock.now += 0.29
        await pilot.press("y")
        assert app.answers == []
        clock.now += 0.02
        await pilot.press("y")
        await wait_until(pilot, lambda: app.answers == [True])


@each_size
async def test_a_question_is_read_whole_and_not_obeyed(size: tuple[int, int]) -> None:
    question = f"Delete the conversation “{HOSTILE}” and all that was said in it?"
    detail = [(Span("It can't be undone."),)]
    app = ScreensApp()
    async with app.run_test(size=size) as pilot:
        await app.open(Confirm(DARK, question, detail=detail, yes="delete", no="keep"), pilot)
        assert is_clean(app)
        words = " ".join(" ".join(rows(app)).split())
        assert f"“{HARMLESS}” and all that was said in it?" in words
        assert shows(app, "It can't be undone.")
        assert shows(app, "y delete   n keep")


# --- help ---


@each_size
async def test_help_shows_groups_of_keys(size: tuple[int, int]) -> None:
    app = ScreensApp()
    async with app.run_test(size=size) as pilot:
        await app.open(Help(DARK, GROUPS), pilot)
        await wait_until(pilot, lambda: shows(app, "Reading"))
        assert shows(app, "j k     a row")
        beside = row_of(app, "Reading")[1] == (
            row_of(app, "Writing")[1] if shows(app, "Writing") else -1
        )
        assert beside == (size[0] > 80)
        await pilot.press("end")
        await wait_until(pilot, lambda: shows(app, "don't allow it"))
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.answers == [None])


async def test_help_is_filtered_by_typing() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Help(DARK, GROUPS), pilot)
        await pilot.press(*"allow once")
        await wait_until(pilot, lambda: not shows(app, "Writing"))
        assert shows(app, "Asking")
        assert not shows(app, "don't")
        await pilot.press("z")
        await wait_until(pilot, lambda: shows(app, "nothing found"))


async def test_help_of_hostile_words() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Help(DARK, [(HOSTILE, [(HOSTILE, HOSTILE)])], title=HOSTILE), pilot)
        await wait_until(pilot, lambda: shows(app, HARMLESS[:30]))
        assert is_clean(app)


def test_help_is_found_by_keys_texts_and_groups() -> None:
    assert filtered(GROUPS, "") == GROUPS
    assert filtered(GROUPS, "ctrl+j") == [("Writing", [("Ctrl+J", "a new line")])]
    assert filtered(GROUPS, "asking ONCE") == [("Asking", [("y", "allow once")])]


@pytest.mark.parametrize("width", [30, 40, 80, 120, 300])
def test_help_never_is_wider_than_there_is_room_and_says_everything(width: int) -> None:
    laid = layout(GROUPS, width)
    assert all(line_cells(line) <= width for line in laid)
    words = " ".join(line_text(line) for line in laid).split()
    for name, entries in GROUPS:
        for text in (name, *(each for entry in entries for each in entry)):
            assert set(text.split()) <= set(words)


def test_keys_are_whole_where_there_is_room_for_them() -> None:
    keys = "Ctrl+J, Shift+Enter, \\ Enter"
    (_, row) = layout([("Writing", [(keys, "a new line")])], 75)
    assert line_text(row) == f"{keys}  a new line"
    (_, row) = layout([("Writing", [(keys, "a new line")])], 40)
    assert line_text(row).startswith("Ctrl+J, Shift+Ent…  a new")


def test_long_texts_go_on_under_themselves() -> None:
    laid = layout([("Group", [("k", "word " * 20)])], 40)
    assert [line_text(line)[:4] for line in laid[1:]] == ["k  w", "   w", "   w"]
