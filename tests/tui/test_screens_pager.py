"""The pager: reading, wrapping, searching, saving and copying a long text."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from chatterm.render.lines import Span, line_cells, line_text
from chatterm.tui.pane.palette import DARK
from chatterm.tui.screens.entry import Confirm, Entry
from chatterm.tui.screens.pager import Pager
from chatterm.tui.screens.pager_rows import PagerRows
from chatterm.tui.screens.pager_text import Found, PagerText, Wrapping, fold
from chatterm.tui.screens.painting import skip
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

NUMBERS = "".join(f"line {n}\n" for n in range(20_000))


def text_rows(app: ScreensApp) -> list[str]:
    """What the pager shows of its text."""
    pager = app.screen.query_one(PagerRows)
    return [pager.render_line(y).text.rstrip() for y in range(pager.size.height)]


async def settled(pilot: Pilot[None]) -> None:
    await pilot.pause()
    await pilot.pause()


# --- the text ---


def test_a_text_is_lines_without_an_empty_one_at_its_end() -> None:
    assert len(PagerText("")) == 0
    assert len(PagerText("a\nb\n")) == 2
    assert len(PagerText("a\r\nb\rc")) == 3
    assert PagerText("a\r\nb").whole() == "a\nb\n"
    assert PagerText("").whole() == ""


def test_a_very_long_line_is_read_in_pieces_and_copied_in_one() -> None:
    line = "x" * 7990 + "\x1b[38;2;200;100;50m" + "y" * 50_000
    text = PagerText(f"first\n{line}\nlast\n")
    assert len(text) > 6
    assert [text.source_number(n) for n in (0, 1, 2, len(text) - 1)] == [0, 1, 1, 2]
    assert text.whole() == "first\n" + "x" * 7990 + "y" * 50_000 + "\nlast\n"
    assert text.line(2)[0].style == ("fg:#c86432",)  # the colour goes on


def test_rows_and_lines_find_each_other() -> None:
    text = PagerText("short\n" + "x" * 25 + "\nend\n")
    wrapping = Wrapping(text, 10)
    assert len(wrapping) == 5
    assert [wrapping.at(row) for row in range(5)] == [(0, 0), (1, 0), (1, 1), (1, 2), (2, 0)]
    assert [wrapping.row(line) for line in range(3)] == [0, 1, 4]


def test_lines_are_counted_as_they_are_cut() -> None:
    text = PagerText([(Span("ab" * 12, ("code",)),), (), (Span("日本語" * 4),)])
    assert text.counts(10) == [3, 1, 3]


def test_finding_minds_case_only_where_a_capital_is_looked_for() -> None:
    text = PagerText("Error\nerror\nERROR\n")
    assert len(Found(text, "error")) == 3
    assert len(Found(text, "Error")) == 1
    assert len(Found(text, ".")) == 0


def test_finding_does_not_see_colours_nor_reach_over_lines() -> None:
    text = PagerText("ab\x1b[31mcd\x1b[0m\nef\n")
    found = Found(text, "bc")
    found.seek(0)
    assert found.place == (0, 1)
    assert len(Found(text, "de")) == 0
    assert list(found.columns(0)) == [(1, 3, True)]
    assert list(found.columns(1)) == []


def test_after_the_last_comes_the_first() -> None:
    found = Found(PagerText("a\nx\na\n"), "a")
    found.seek(1)
    assert found.place == (2, 0)
    found.step(1)
    assert found.place == (0, 0)
    found.step(-1)
    assert found.place == (2, 0)


@pytest.mark.parametrize(("count", "left"), [(0, "日本語"), (1, " 本語"), (2, "本語"), (9, "")])
def test_scrolled_to_the_side_a_wide_character_leaves_a_blank(count: int, left: str) -> None:
    line = (Span("日"), Span("本語", ("code",)))
    rest = skip(line, count)
    assert line_text(rest) == left
    assert line_cells(rest) == max(0, 6 - count)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("one two three", ["one two ", "three"]),
        ("one twos    three", ["one twos    ", "three"]),
        ("one unbreakable", ["one ", "unbreaka", "ble"]),
        ("    indented", ["    inde", "nted"]),
        ("日本語日本 abc", ["日本語日", "本 abc"]),
        ("", [""]),
    ],
)
def test_prose_ends_rows_between_words_and_loses_nothing(text: str, rows: list[str]) -> None:
    line = tuple(Span(each, ("strong",) if each in "tw" else ()) for each in text)
    folded = fold(line, 8)
    assert [line_text(row) for row in folded] == rows
    assert tuple(span for row in folded for span in row) == line
    assert PagerText(f"{text}\n", prose=True).counts(8) == [len(rows)]


# --- the screen ---


async def test_words_of_prose_are_whole_and_found_where_they_stand() -> None:
    words = "\n".join(["what a model is told before everything else " * 9] * 9)
    app = ScreensApp()
    async with app.run_test(size=(43, 15)) as pilot:
        await app.open(Pager(DARK, "Told", f"{words}\nthe needle", prose=True), pilot)
        for row in text_rows(app):
            assert set(row.split()) <= set(words.split())
        await pilot.press("slash", *"needle", "enter")
        await wait_until(pilot, lambda: shows(app, "the needle"))


@each_size
async def test_it_fills_the_screen_and_says_where_one_is(size: tuple[int, int]) -> None:
    app = ScreensApp()
    async with app.run_test(size=size) as pilot:
        await app.open(Pager(DARK, "Output", NUMBERS), pilot)
        assert shows(app, "Output")
        assert not shows(app, "underneath")
        last = int(text_rows(app)[-1].removeprefix("line "))
        assert shows(app, f"1–{last + 1} of 20,000")
        assert shows(app, "q close   / search")


@each_size
async def test_hostile_text_is_shown_and_not_obeyed(size: tuple[int, int]) -> None:
    app = ScreensApp()
    async with app.run_test(size=size) as pilot:
        await app.open(Pager(DARK, HOSTILE, HOSTILE.replace("\n", " ") + "\n\tx\x07\n"), pilot)
        assert is_clean(app)
        assert shows(app, HARMLESS[:16])
        assert any("a red ⟨U+202E⟩evil [/]" in row for row in text_rows(app))


async def test_only_what_is_seen_is_looked_at() -> None:
    asked: set[int] = set()

    class Watched(PagerText):
        def line(self, number: int) -> tuple[Span, ...]:
            asked.add(number)
            return super().line(number)

    app = ScreensApp()
    async with app.run_test(size=(80, 24)) as pilot:
        pager = Pager(DARK, "Output", "")
        coloured = "".join(f"\x1b[3{n % 8}mline {n}\x1b[0m\n" for n in range(20_000))
        pager._text = pager._rows.text = Watched(coloured)
        await app.open(pager, pilot)
        assert text_rows(app)[0] == "line 0"
        assert len(asked) < 60
        await pilot.press("end")
        await settled(pilot)
        assert text_rows(app)[-1] == "line 19999"
        assert len(asked) < 120


async def test_keys_scroll() -> None:
    app = ScreensApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.open(Pager(DARK, "Output", NUMBERS), pilot)
        height = len(text_rows(app))
        at = 0
        for key, by in [
            ("down", 1),
            ("j", 1),
            ("space", height - 1),
            ("d", round(height / 2)),
            ("up", -1),
            ("pageup", 1 - height),
        ]:
            await pilot.press(key)
            await settled(pilot)
            at += by
            assert text_rows(app)[0] == f"line {at}", key
        await pilot.press("G")
        await settled(pilot)
        assert text_rows(app)[-1] == "line 19999"
        await pilot.press("g")
        await settled(pilot)
        assert text_rows(app)[0] == "line 0"


async def test_wrapping_stays_at_the_line_and_can_be_turned_off() -> None:
    long = "".join(f"{n} {'word ' * 40}end{n}\n" for n in range(100))
    app = ScreensApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await app.open(Pager(DARK, "Output", long), pilot)
        assert not text_rows(app)[1].startswith("1 ")
        await pilot.press("w")
        await settled(pilot)
        assert text_rows(app)[1].startswith("1 word")
        await pilot.press(*["down"] * 5, "w")
        await settled(pilot)
        assert text_rows(app)[0].startswith("5 word")


async def test_unwrapped_it_scrolls_to_the_sides_as_far_as_there_is_text() -> None:
    app = ScreensApp()
    async with app.run_test(size=(60, 20)) as pilot:
        pager = Pager(DARK, "Output", "abcdefghij" * 10 + "\nshort\n", wrapped=False)
        await app.open(pager, pilot)
        assert text_rows(app)[0].endswith("…")
        await pilot.press("right")
        assert text_rows(app)[0].startswith("ijab")
        await pilot.press(*["right"] * 50)
        assert text_rows(app)[0].endswith("hij")
        assert len(text_rows(app)[0]) == app.screen.query_one(PagerRows)._room
        await pilot.press(*["left"] * 50)
        assert text_rows(app)[0].startswith("abcd")


async def test_lines_are_numbered_once_however_they_wrap() -> None:
    app = ScreensApp()
    async with app.run_test(size=(40, 15)) as pilot:
        await app.open(Pager(DARK, "Output", "a\n" + "b" * 50 + "\nc\n"), pilot)
        await pilot.press("#")
        await settled(pilot)
        shown = text_rows(app)
        assert [row.split()[0][:1] for row in shown if row] == ["1", "2", "b", "3"]
        assert shown[0] == "1  a"


async def test_it_wraps_anew_at_another_width_and_stays_at_the_line() -> None:
    long = "".join(f"{n} {'word ' * 40}\n" for n in range(100))
    app = ScreensApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await app.open(Pager(DARK, "Output", long), pilot)
        await pilot.press("space")
        await settled(pilot)
        first = app.screen.query_one(PagerRows).top_line
        await pilot.resize_terminal(40, 15)
        await wait_until(pilot, lambda: text_rows(app)[0].startswith(f"{first} word"))


async def test_searching_goes_to_what_is_typed_while_it_is_typed() -> None:
    app = ScreensApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.open(Pager(DARK, "Output", NUMBERS), pilot)
        await pilot.press("/", *"line 1234")
        await wait_until(pilot, lambda: shows(app, "1 of 11"))
        assert "line 1234" in text_rows(app)
        await pilot.press("enter", "n")
        await wait_until(pilot, lambda: shows(app, "2 of 11"))
        assert "line 12340" in text_rows(app)
        await pilot.press("N", "N")
        await wait_until(pilot, lambda: shows(app, "11 of 11"))
        assert shows(app, "n next")


async def test_what_is_found_is_marked_also_where_a_line_wraps() -> None:
    app = ScreensApp()
    async with app.run_test(size=(40, 15)) as pilot:
        await app.open(Pager(DARK, "Output", "x" * 36 + "needle" + "y" * 20), pilot)
        await pilot.press("/", *"needle", "enter")
        await settled(pilot)
        pager = app.screen.query_one(PagerRows)
        marked = [
            segment.text
            for y in (0, 1)
            for segment in pager.render_line(y)
            if segment.style and segment.style.underline
        ]
        assert "".join(marked) == "needle"


async def test_escape_gives_a_search_up_and_goes_back() -> None:
    app = ScreensApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.open(Pager(DARK, "Output", NUMBERS), pilot)
        await pilot.press("/", *"999", "escape")
        await settled(pilot)
        assert text_rows(app)[0] == "line 0"
        assert app.answers == []
        await pilot.press("q")
        await wait_until(pilot, lambda: app.answers == [None])


@each_size
async def test_what_was_found_is_counted_or_said_to_be_nowhere(size: tuple[int, int]) -> None:
    app = ScreensApp()
    async with app.run_test(size=size) as pilot:
        await app.open(Pager(DARK, "Output", NUMBERS), pilot)
        await pilot.press("/", *"line 77", "enter")
        await wait_until(pilot, lambda: shows(app, "1 of 111"))
        await pilot.press("/", *"zebra", "enter", "n")
        await wait_until(pilot, lambda: shows(app, "nothing found"))


async def test_unwrapped_what_is_found_comes_in_sight_from_the_side() -> None:
    app = ScreensApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await app.open(Pager(DARK, "Output", "-" * 500 + "needle", wrapped=False), pilot)
        await pilot.press("/", *"needle", "enter")
        await settled(pilot)
        assert "needle" in text_rows(app)[0]


async def test_copying_hands_all_of_it_to_the_app_without_colours() -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        await app.open(Pager(DARK, "Output", "\x1b[31mred\x1b[0m\nplain"), pilot)
        await pilot.press("c")
        await wait_until(pilot, lambda: app.copied == ["red\nplain\n"])


# --- saving ---


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def save(pilot: Pilot[None], app: ScreensApp, pager: Pager, *keys: str) -> None:
    await app.open(pager, pilot)
    await pilot.press("s")
    await wait_until(pilot, lambda: isinstance(app.screen, Entry))
    await pilot.press(*keys)


async def test_it_saves_to_a_file(tmp_path: Path) -> None:
    app = ScreensApp()
    async with app.run_test() as pilot:
        pager = Pager(DARK, "Output", "a\n\x1b[1mb\n", directory=tmp_path, save_as="out")
        await save(pilot, app, pager, *".txt", "enter")
        await wait_until(pilot, lambda: shows(app, "saved as out.txt"))
        assert (tmp_path / "out.txt").read_text() == "a\nb\n"


@pytest.mark.parametrize(("key", "left"), [("n", "old"), ("enter", "old"), ("y", "new\n")])
async def test_it_replaces_a_file_only_after_a_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, left: str
) -> None:
    monkeypatch.setattr("chatterm.tui.screens.entry.GUARD_S", 0)
    (tmp_path / "out.txt").write_text("old")
    app = ScreensApp()
    async with app.run_test() as pilot:
        pager = Pager(DARK, "Output", "new", directory=tmp_path, save_as="out.txt")
        await save(pilot, app, pager, "enter")
        await wait_until(pilot, lambda: isinstance(app.screen, Confirm))
        await wait_until(pilot, lambda: shows(app, "out.txt exists"))
        await pilot.press(key)
        await wait_until(pilot, lambda: app.screen is pager)
        if key == "y":
            await wait_until(pilot, lambda: shows(app, "saved as out.txt"))
        assert (tmp_path / "out.txt").read_text() == left


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        (" ", "a file needs a name"),
        ("sub", "that is a directory"),
        ("no/such", "there is no such directory"),
        ("x" * 300, "that can't be the name of a file"),
    ],
)
async def test_a_name_that_will_not_do_is_refused(tmp_path: Path, name: str, wrong: str) -> None:
    (tmp_path / "sub").mkdir()
    app = ScreensApp()
    async with app.run_test() as pilot:
        pager = Pager(DARK, "Output", "a", directory=tmp_path, save_as=name)
        await save(pilot, app, pager, "enter")
        await wait_until(pilot, lambda: shows(app, wrong))
        assert names_in(tmp_path) == ["sub"]


async def test_the_hints_say_no_more_than_there_is_room_for() -> None:
    app = ScreensApp()
    async with app.run_test(size=(40, 15)) as pilot:
        await app.open(Pager(DARK, "Output", NUMBERS), pilot)
        _, y = row_of(app, "q close")
        assert len(rows(app)[y]) <= 40
