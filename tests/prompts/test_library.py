"""The templates there are: whose, which of two, and what becomes of hostile ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chatterm.config import ConfigFileError
from chatterm.errors import UsageError
from chatterm.permissions.places import Places
from chatterm.prompts.library import Library


class Shelf:
    """A configuration and a project, each with templates."""

    def __init__(self, home: Path) -> None:
        self.work = home / "work"
        self.configuration = home / ".config" / "chatterm"
        self.mine = self.configuration / "prompts"
        self.theirs = self.work / ".chatterm" / "prompts"
        self.mine.mkdir(parents=True)
        self.theirs.mkdir(parents=True)
        self.library = Library(
            self.configuration, Places.of(self.work, home, (self.configuration,))
        )

    def text(self, name: str) -> str:
        return self.library.find(name).text

    def problem(self, name: str) -> str:
        with pytest.raises(ConfigFileError) as caught:
            self.library.find(name)
        return caught.value.message


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path.resolve() / "home")


def test_templates_are_the_users_and_the_projects(shelf: Shelf) -> None:
    (shelf.mine / "sum-up.md").write_text("Sum up.")
    (shelf.theirs / "review.md").write_text("Review.")
    found = [(entry.name, entry.project) for entry in shelf.library.entries()]
    assert found == [("review", True), ("sum-up", False)]
    assert (shelf.text("sum-up"), shelf.text("review")) == ("Sum up.", "Review.")
    assert shelf.library.find("review").project


def test_of_two_of_a_name_the_users_counts(shelf: Shelf) -> None:
    (shelf.mine / "review.md").write_text("Mine.")
    (shelf.theirs / "review.md").write_text("Theirs.")
    found = [shelf.text(name) for name in ("review", "user:review", "project:review")]
    assert found == ["Mine.", "Mine.", "Theirs."]
    assert [entry.name for entry in shelf.library.entries()] == ["review", "project:review"]


@pytest.mark.parametrize(
    "name", ["../config", "a/b", "", ".md", "x:review", "-t", "a" * 65, "a\0b"]
)
def test_what_is_no_name_is_no_path(shelf: Shelf, name: str) -> None:
    (shelf.configuration / "config.md").write_text("not a template")
    with pytest.raises(UsageError, match="there is no template"):
        shelf.library.find(name)


def test_a_name_that_is_not_there_leads_to_the_nearest(shelf: Shelf) -> None:
    (shelf.mine / "translate.md").write_text("Translate.")
    with pytest.raises(UsageError) as caught:
        shelf.library.find("trnslate")
    assert caught.value.hint == "did you mean translate?"
    with pytest.raises(UsageError) as caught:
        shelf.library.find("x")
    assert caught.value.hint == "there are translate"


def test_where_there_are_none_one_is_told_where_they_belong(shelf: Shelf) -> None:
    with pytest.raises(UsageError) as caught:
        shelf.library.find("x")
    assert caught.value.hint == f"none is in {shelf.mine} and {shelf.theirs}"
    assert Library(None, Places.of(None, None)).entries() == []


def test_a_wrong_one_stays_in_the_list_with_what_is_wrong(shelf: Shelf) -> None:
    (shelf.mine / "bad.md").write_text("+++\nmodle = 'x'\n+++\nhi")
    (shelf.mine / "two words.md").write_text("hi")
    (shelf.mine / "no template.txt").write_text("hi")
    found = {entry.name: entry.problem for entry in shelf.library.entries()}
    assert set(found) == {"bad", "two words"}
    assert "line 2: modle: is not a setting; did you mean model?" in found["bad"]
    assert "nobody can type it" in found["two words"]


def test_hostile_files_are_refused(shelf: Shelf) -> None:
    os.mkfifo(shelf.theirs / "pipe.md")
    (shelf.theirs / "zero.md").symlink_to("/dev/zero")
    (shelf.theirs / "out.md").symlink_to(shelf.configuration / "config.toml")
    (shelf.configuration / "config.toml").write_text("")
    (shelf.theirs / "latin.md").write_bytes(b"caf\xe9")
    (shelf.theirs / "binary.md").write_bytes(b"a\0b")
    (shelf.theirs / "dir.md").mkdir()
    with (shelf.theirs / "huge.md").open("wb") as file:
        file.truncate(1 << 30)
    said = {
        "pipe": "named pipe",
        "zero": "/dev holds no ordinary files",
        "out": "outside the workspace",
        "latin": "isn't UTF-8 text",
        "binary": "isn't UTF-8 text",
        "dir": "is a directory",
        "huge": "is larger than 64 KiB",
    }
    for name, words in said.items():
        assert words in shelf.problem(name)
    found = shelf.library.entries()
    assert sorted(entry.name for entry in found) == sorted(said)
    assert not any(entry.template for entry in found)


def test_a_directory_that_leads_elsewhere_is_not_followed(shelf: Shelf) -> None:
    other = shelf.work.parent / "other"
    other.mkdir()
    (other / "a.md").write_text("elsewhere")
    shelf.theirs.rmdir()
    shelf.theirs.symlink_to(other)
    assert [(each.name, each.template) for each in shelf.library.entries()] == [("prompts", None)]
    assert "outside the workspace" in shelf.problem("a")


def test_the_users_own_may_be_links(shelf: Shelf) -> None:
    dotfiles = shelf.work.parent / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "a.md").write_text("mine")
    shelf.mine.rmdir()
    shelf.mine.symlink_to(dotfiles)
    assert shelf.text("a") == "mine"
    assert [entry.name for entry in shelf.library.entries()] == ["a"]


def test_a_projects_text_hides_nothing(shelf: Shelf) -> None:
    (shelf.theirs / "a.md").write_text("a\u202eb\x1b[31mc")
    assert shelf.text("a") == "a⟨U+202E⟩bc"


def test_names_are_written_out(shelf: Shelf) -> None:
    (shelf.theirs / "a\x1b]0;x\x07.md").write_text("hi")
    (entry,) = shelf.library.entries()
    assert "\x1b" not in entry.name
