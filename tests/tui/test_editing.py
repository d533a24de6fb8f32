"""The user's own editor on a text: which one, on what file, and what becomes of the text."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from textual.app import App

from chatterm.errors import ChattermError
from chatterm.talking.editor import editor
from chatterm.tui import editing
from chatterm.tui.editing import edited
from tui.lending_app import app, program


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, ["vi"]),
        ({"EDITOR": "nano"}, ["nano"]),
        ({"EDITOR": "nano", "VISUAL": "code --wait"}, ["code", "--wait"]),
        ({"EDITOR": "nano", "VISUAL": " "}, ["nano"]),
        ({"EDITOR": "'/my tools/ed' -p \"a b\""}, ["/my tools/ed", "-p", "a b"]),
    ],
)
def test_the_editor_is_the_users(environ: dict[str, str], words: list[str]) -> None:
    assert editor(environ) == words


def test_an_editor_whose_quotes_are_open_is_told() -> None:
    with pytest.raises(ChattermError, match=r"\$VISUAL can't be read"):
        editor({"VISUAL": "'vi"})


class Editor:
    """Stands in for the program with the terminal."""

    def __init__(self, after: bytes | None = None, status: int = 0) -> None:
        self.after, self.status = after, status
        self.path = Path()
        self.modes: tuple[int, int] = (0, 0)
        self.before = b""

    async def __call__(self, _app: object, argv: list[str], **_: object) -> int:
        self.path = Path(argv[-1])
        self.before = self.path.read_bytes()
        self.modes = tuple(stat.S_IMODE(p.stat().st_mode) for p in (self.path.parent, self.path))
        if self.after is not None:
            self.path.unlink()  # as editors do that write another file and rename it
            self.path.write_bytes(self.after)
        return self.status


@pytest.fixture
def said() -> list[str]:
    return []


async def edit(
    monkeypatch: pytest.MonkeyPatch, fake: Editor, text: str, said: list[str]
) -> str | None:
    monkeypatch.setattr(editing, "lend", fake)
    return await edited(App(), text, say=said.append, environ={})


async def test_the_file_is_private_and_removed(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    fake = Editor(b"neu")
    assert await edit(monkeypatch, fake, "grün", said) == "neu"
    assert fake.before == "grün".encode()
    assert fake.modes == (0o700, 0o600)
    assert fake.path.suffix == ".md"
    assert not fake.path.parent.exists()
    assert said == []


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("a", b"a", None),
        ("a", b"a\n", "a"),
        ("a\n", b"a\nb\n", "a\nb\n"),
        ("a", b"b\n\n", "b\n"),
        ("a", b"", ""),
        ("a", b"\xef\xbb\xbfb\r\nc\r\n", "b\nc"),
        ("a", b"b\xff", "b\ufffd"),
        ("half \ud83d", None, None),
    ],
)
async def test_the_text_that_comes_back(
    monkeypatch: pytest.MonkeyPatch, said: list[str], before: str, after: bytes, text: str | None
) -> None:
    assert await edit(monkeypatch, Editor(after), before, said) == text
    assert said == []


@pytest.mark.parametrize(("status", "how"), [(1, "with 1"), (-15, "by signal 15")])
async def test_an_editor_that_fails_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, said: list[str], status: int, how: str
) -> None:
    assert await edit(monkeypatch, Editor(b"new", status), "old", said) is None
    assert said == [f"vi ended {how}; the text is as it was"]


async def test_a_terminal_that_cannot_be_given_away_is_told(said: list[str]) -> None:
    tested = App[None]()
    async with tested.run_test():
        assert await edited(tested, "old", say=said.append) is None
    assert said == ["this terminal can't be given to another program"]


def test_an_editor_on_a_terminal(tmp_path: Path) -> None:
    program(tmp_path, "edit", 'cat "$2"; printf "word? "; read -r word; echo "$1 $word" >>"$2"')
    body = """
    from chatterm.tui.editing import edited
    text = await edited(self, "first\\n")
    self.say(f"{text!r} END")
    """
    with app(tmp_path, body, {"EDITOR": f"'{tmp_path}/edit' 'an argument'"}) as terminal:
        terminal.read_until("word? ")
        terminal.type("typed\r")
        terminal.read_until("'first\\nan argument typed\\n' END")
        terminal.type("q")
        assert terminal.wait() == 0
