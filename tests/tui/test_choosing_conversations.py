"""Choosing a conversation: found, looked at, gone on with, forked, renamed, deleted, exported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatterm.errors import StoreError
from chatterm.render.amounts import when
from chatterm.store import Store
from chatterm.tui.choosing_conversations import pick
from chatterm.tui.screens.entry import Confirm
from chatterm.tui.screens.picker import Picker
from store.making import Making, finished, record, started, whole_turn
from tui.screens_app import HOSTILE, ScreensApp, is_clean, rows, shows, wait_until
from tui.stand_in import (
    FakeChat,
    FakeTalk,
    keys,
    type_line,
    until_found,
    until_shown,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatterm.tui.screens.entry.GUARD_S", 0.0)


async def hold(
    store: Store, id_: str, question: str, answer: str = "so it is", *, directory: str | None = None
) -> None:
    """Record a conversation of one turn; its title is the question."""
    turn = f"{id_}-1"
    events = [
        started(turn, text=question, conversation=id_),
        *Making(turn).answer(answer),
        finished(),
    ]
    await record(store, events, directory=directory or str(Path.cwd()))


def chat_on(store: Store, open_one: str = "open") -> FakeChat:
    session = SimpleNamespace(id=open_one, head=None)
    return FakeChat(ScreensApp(), FakeTalk(store, session=session))


async def test_those_of_this_directory_come_first_and_the_newest_of_them(store: Store) -> None:
    await hold(store, "a", "first here")
    await hold(store, "b", "elsewhere", directory="/other")
    await hold(store, "c", "second here")
    chat = chat_on(store, "a")
    async with chat.app.run_test(size=(100, 30)) as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, lambda found: found == ["c", "a", "b"])
        detail = when(store.find("a").updated_at)
        for text in ("Here", "Elsewhere", "• first here", detail):
            assert shows(chat.app, text)


async def test_titles_are_found_before_what_was_said(store: Store) -> None:
    await hold(store, "a", "about parsers")
    await hold(store, "b", "something else", "the parser drops it")
    await hold(store, "c", "no such thing", "nothing of it")
    await hold(store, "d", "parsing", "the parser, elsewhere", directory="/other")
    chat = chat_on(store)
    async with chat.app.run_test(size=(120, 40)) as pilot:
        chat.begin(pick(chat))
        await until_shown(pilot, Picker)
        await pilot.press(*"PARSE")
        await until_found(pilot, lambda found: found == ["a", "b", "d"])
        await pilot.pause(1)  # what is found for the last letter puts the cursor on the first
        await pilot.press("down")
        await wait_until(pilot, lambda: shows(chat.app, "text: the parser drops it"))


async def test_enter_goes_on_with_it(store: Store) -> None:
    await hold(store, "a", "one")
    await hold(store, "b", "two")
    chat = chat_on(store, "a")
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, bool)
        await pilot.press(*"two", "enter")
        await wait_until(pilot, lambda: chat.over)
        assert chat.resumed == ["b"]


async def test_the_open_one_just_goes_on(store: Store) -> None:
    await hold(store, "a", "one")
    chat = chat_on(store, "a")
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, bool)
        await pilot.press("enter")
        await wait_until(pilot, lambda: chat.over)
        assert chat.resumed == []


async def test_a_conversation_is_previewed_by_its_last_turns(store: Store) -> None:
    parent = None
    for number in range(6):
        events = whole_turn(f"t{number}", parent, conversation="c", text=f"question {number}")
        await record(store, events)
        parent = f"t{number}"
    chat = chat_on(store)
    async with chat.app.run_test(size=(120, 40)) as pilot:
        chat.begin(pick(chat))
        await wait_until(pilot, lambda: shows(chat.app, "\u203a question 5"))
        seen = "\n".join(rows(chat.app))
        for text in ("6 turns", "p/m", "… 2 earlier turns", "● look", "it is there"):
            assert text in seen
        assert "\u203a question 1" not in seen
        assert "\u203a question 2" in seen
        assert "I should look" not in seen


async def test_hostile_words_are_shown_and_not_obeyed(store: Store) -> None:
    events = [
        started("t", text=HOSTILE, conversation="c", model=f"p/{HOSTILE}"),
        *Making("t").answer(HOSTILE),
        finished(),
    ]
    await record(store, events, directory=HOSTILE)
    chat = chat_on(store)
    async with chat.app.run_test(size=(120, 40)) as pilot:
        chat.begin(pick(chat))
        await wait_until(pilot, lambda: shows(chat.app, "\u203a a red"))
        assert is_clean(chat.app)
        await pilot.press(*"evil ")
        await wait_until(pilot, lambda: shows(chat.app, "text: a red"))
        assert is_clean(chat.app)
        await pilot.press("ctrl+d")
        await until_shown(pilot, Confirm)
        assert is_clean(chat.app)


async def test_a_fork_is_gone_on_with(store: Store) -> None:
    await hold(store, "a", "one")
    chat = chat_on(store)
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, bool)
        await pilot.press("ctrl+f")
        await wait_until(pilot, lambda: chat.over)
        (forked,) = chat.resumed
        assert forked != "a"
        assert store.path(forked) == store.path("a")
        assert "this is the fork" in chat.said[0]


async def test_a_title_is_changed_while_the_list_stays(store: Store) -> None:
    await hold(store, "a", "one")
    await hold(store, "open", "two")
    chat = chat_on(store)
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, bool)
        await pilot.press(*"one", "ctrl+r")
        await type_line(pilot, "  Number   one ")
        await wait_until(pilot, lambda: shows(chat.app, "Number one"))
        assert store.find("a").title == "Number one"
        assert store.find("a").title_from == "user"
        assert chat.talk.title == ""
        await pilot.press(*["backspace"] * 3, *"two", "ctrl+r")
        await type_line(pilot, "Number two")
        await wait_until(pilot, lambda: chat.talk.title == "Number two")


async def test_a_conversation_is_deleted_only_after_a_yes(store: Store) -> None:
    await hold(store, "a", "one")
    await hold(store, "b", "two")
    chat = chat_on(store)
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, lambda found: found == ["b", "a"])
        for answer in ("enter", "y"):
            await pilot.press("ctrl+d")
            await until_shown(pilot, Confirm)
            assert shows(chat.app, "Delete “two”?")
            assert len(store.list()) == 2
            await pilot.press(answer)
            await until_shown(pilot, Picker)
        await until_found(pilot, lambda found: found == ["a"])
        assert [row.conversation.id for row in store.list()] == ["a"]


async def test_the_open_one_is_not_deleted(store: Store) -> None:
    await hold(store, "a", "one")
    chat = chat_on(store, "a")
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, bool)
        await pilot.press("ctrl+d")
        await wait_until(pilot, lambda: shows(chat.app, "this is the open conversation"))
        assert len(store.list()) == 1


async def test_a_conversation_is_exported_from_the_list(store: Store, tmp_path: Path) -> None:
    await hold(store, "a", "one")
    chat = chat_on(store)
    chat.directory = tmp_path
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await until_found(pilot, bool)
        await pilot.press("ctrl+e")
        await type_line(pilot, "out.txt")
        await wait_until(pilot, lambda: bool(chat.said))
        assert "so it is" in (tmp_path / "out.txt").read_text()
        await until_shown(pilot, Picker)


async def test_an_unreadable_store_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(store, "list", broken)
    chat = chat_on(store)
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await wait_until(pilot, lambda: shows(chat.app, "the disk is gone"))
        assert keys(pilot) == []


async def test_without_a_store_there_is_nothing_to_choose() -> None:
    chat = FakeChat(ScreensApp(), FakeTalk())
    async with chat.app.run_test() as pilot:
        chat.begin(pick(chat))
        await wait_until(pilot, lambda: chat.over)
        assert chat.said == ["conversations can't be kept here"]


@pytest.mark.parametrize(
    ("timestamp", "said"),
    [
        ("2026-03-02T09:30:00.000Z", "09:30"),
        ("2026-03-01T23:30:00.000Z", "2026-03-01"),
        ("some day\x1b[2J", "some day"),
    ],
)
def test_today_is_told_by_its_time_and_other_days_by_their_date(timestamp: str, said: str) -> None:
    assert when(timestamp, datetime(2026, 3, 2, 12, tzinfo=UTC)) == said
