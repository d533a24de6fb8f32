"""Writing a conversation to a file from the app."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatterm.errors import OutputError, StoreError, UsageError
from chatterm.store import Store
from chatterm.talking.exporting import default_name
from chatterm.transcripts import from_jsonl
from chatterm.tui.exporting import export
from chatterm.tui.screens.entry import Confirm, Entry
from store.making import hold
from tui.screens_app import ScreensApp, shows, wait_until
from tui.stand_in import FakeChat, FakeTalk, type_line, until_shown


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "data") as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatterm.tui.screens.entry.GUARD_S", 0.0)


@pytest.fixture
async def chat(store: Store, tmp_path: Path) -> FakeChat:
    """A screen with a conversation of one turn."""
    await hold(store, "t")
    out = tmp_path / "out"
    out.mkdir()
    session = SimpleNamespace(id="c", head="t")
    return FakeChat(ScreensApp(), FakeTalk(store, session=session), out)


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("a.md", "# hello"),
        ("a.txt", "hello\nconversation: c"),
        ("a.HTML", "<!DOCTYPE html>"),
        ("a.jsonl", '"conversation"'),
    ],
)
async def test_the_name_says_the_format(chat: FakeChat, name: str, holds: str) -> None:
    async with chat.app.run_test() as pilot:
        chat.begin(export(chat, f" {name} "))
        await wait_until(pilot, lambda: chat.over)
        written = chat.directory / name
        assert holds in written.read_text()
        assert chat.said == [f"written to {written}"]


async def test_jsonl_holds_everything(chat: FakeChat, store: Store) -> None:
    async with chat.app.run_test() as pilot:
        chat.begin(export(chat, "a.jsonl"))
        await wait_until(pilot, lambda: chat.over)
        with (chat.directory / "a.jsonl").open("rb") as file:
            ((conversation, turns, _),) = from_jsonl(file)
        assert conversation == store.find("c")
        assert list(turns) == store.turns(["t"])


async def test_without_a_name_one_is_asked_for_and_the_title_offered(chat: FakeChat) -> None:
    async with chat.app.run_test() as pilot:
        chat.begin(export(chat, ""))
        await until_shown(pilot, Entry)
        assert shows(chat.app, "hello.md")
        await pilot.press("enter")
        await wait_until(pilot, lambda: chat.over)
        assert [path.name for path in chat.directory.iterdir()] == ["hello.md"]


async def test_a_name_is_asked_for_until_it_is_one(chat: FakeChat) -> None:
    async with chat.app.run_test() as pilot:
        chat.begin(export(chat, ""))
        await type_line(pilot, "notes")
        assert shows(chat.app, "the name says the format")
        await type_line(pilot, "nowhere/a.md")
        assert shows(chat.app, "there is no directory")
        await pilot.press("escape")
        await wait_until(pilot, lambda: chat.over)
        assert list(chat.directory.iterdir()) == []
        assert chat.said == []


@pytest.mark.parametrize("name", ["notes", "notes.pdf", "nowhere/a.md", "a\0.md", "d.md"])
async def test_a_given_name_that_is_none_is_an_error(chat: FakeChat, name: str) -> None:
    (chat.directory / "d.md").mkdir()
    async with chat.app.run_test() as pilot:
        chat.begin(export(chat, name))
        await wait_until(pilot, lambda: chat.over)
        (error,) = chat.troubles
        assert isinstance(error, UsageError)


@pytest.mark.parametrize(("answer", "replaced"), [("y", True), ("enter", False)])
async def test_a_file_is_replaced_only_after_a_yes(
    chat: FakeChat, answer: str, *, replaced: bool
) -> None:
    there = chat.directory / "a.md"
    there.write_text("mine")
    there.chmod(0o640)
    async with chat.app.run_test() as pilot:
        chat.begin(export(chat, "a.md"))
        await until_shown(pilot, Confirm)
        assert there.read_text() == "mine"
        await pilot.press(answer)
        await wait_until(pilot, lambda: chat.over)
        assert (there.read_text() != "mine") is replaced
        assert bool(chat.said) is replaced
        assert there.stat().st_mode & 0o777 == 0o640
        assert list(chat.directory.iterdir()) == [there]


async def test_an_export_that_fails_leaves_nothing_behind(
    chat: FakeChat, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise StoreError("it is gone")

    monkeypatch.setattr(store, "turns", broken)
    kept = chat.directory / "kept.md"
    kept.write_text("mine")
    async with chat.app.run_test() as pilot:
        chat.begin(export(chat, "a.md"))
        await wait_until(pilot, lambda: chat.over)
        chat.begin(export(chat, "kept.md"))
        await until_shown(pilot, Confirm)
        await pilot.press("y")
        await wait_until(pilot, lambda: len(chat.troubles) == 2)
    assert list(chat.directory.iterdir()) == [kept]
    assert kept.read_text() == "mine"


async def test_a_file_that_can_not_be_written_is_an_error_with_a_name(
    chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    async with chat.app.run_test() as pilot:
        chat.begin(export(chat, "a.md"))
        await wait_until(pilot, lambda: chat.over)
        (error,) = chat.troubles
        assert isinstance(error, OutputError)
        assert error.message.endswith("a.md: no space left on device")


async def test_there_has_to_be_a_conversation(tmp_path: Path, store: Store) -> None:
    chat = FakeChat(ScreensApp(), FakeTalk(store), tmp_path)
    async with chat.app.run_test() as pilot:
        chat.begin(export(chat, "a.md"))
        await wait_until(pilot, lambda: chat.over)
        assert chat.said == ["there is no conversation to write yet"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Why does it drop the last event?", "why-does-it-drop-the-last-event.md"),
        ("../../etc/passwd", "etc-passwd.md"),
        ("Größe", "größe.md"),
        ("\x1b[31m?", "31m.md"),
        ("???", "conversation.md"),
        ("x" * 200, "x" * 60 + ".md"),
    ],
)
def test_a_title_makes_the_name_of_a_file(title: str, name: str) -> None:
    assert default_name(title) == name
